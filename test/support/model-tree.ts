/**
 * OEM partitions in memory: a tree, what the planner is told of it, and what becomes of it when a plan is done. With these,
 * whole chains of bakes cost no image.
 */
import { createHash } from 'node:crypto'
import type { OemEdit, OemEntry, Owner } from '#src/engine/engine.js'
import type { OriginalOem } from '#src/oem/history/before.js'
import { HISTORY_PATH } from '#src/oem/history/history.js'
import { parseHistory } from '#src/oem/history/parse-history.js'
import { loadedBytes } from '#src/oem/host-files.js'
import type { OemState } from '#src/oem/plan/plan.js'

export type ModelNode = Owner & { readonly mode: number } & (
    | { readonly kind: 'file'; readonly bytes: Buffer }
    | { readonly kind: 'directory' }
    | { readonly kind: 'symlink'; readonly target: string }
  )

export type ModelTree = ReadonlyMap<string, ModelNode>

export function historyOf(contents: ReadonlyMap<string, Uint8Array>): Pick<OemState, 'history'> {
  const bytes = contents.get(HISTORY_PATH)
  return bytes === undefined ? {} : { history: parseHistory(bytes) }
}

/** As engines list it. */
export function entriesOf(tree: ModelTree): readonly OemEntry[] {
  return [...tree]
    .map(([path, node]): OemEntry => {
      const { kind, mode, uid, gid } = node
      const sizeBytes = node.kind === 'file' ? node.bytes.length : 0
      return { path, kind, mode, uid, gid, sizeBytes, ...(node.kind === 'symlink' ? { target: node.target } : {}) }
    })
    .sort((left, right) => (left.path < right.path ? -1 : 1))
}

/** @param read content of which files is read, beside all digests. @default all */
export function stateOf(tree: ModelTree, read: (path: string) => boolean = () => true): OemState {
  const files = [...tree].flatMap(([path, node]) => (node.kind === 'file' ? [[path, node.bytes] as const] : []))
  return {
    entries: entriesOf(tree),
    contents: new Map(files.filter(([path]) => read(path))),
    digests: new Map(files.map(([path, bytes]) => [path, createHash('sha256').update(bytes).digest('hex')])),
    space: { blockBytes: 4096, totalBytes: 128 << 20, freeBytes: 99 << 20, freeInodes: 1000 },
    filesystem: { kind: 'btrfs', label: 'OEM', uuid: '', sizeBytes: 128 << 20 },
    ...historyOf(new Map(files)),
  }
}

/** What an original image gives back: all of it. */
export function originalOf(tree: ModelTree): OriginalOem {
  const files = [...tree].flatMap(([path, node]) =>
    node.kind === 'file' ? [[path, loadedBytes(node.bytes)] as const] : [],
  )
  return { entries: entriesOf(tree), files: new Map(files) }
}

/** Does what an engine does, as strictly: nothing is made where something is, and nothing in a directory that is not there. */
export function carriedOut(tree: ModelTree, edits: readonly OemEdit[]): ModelTree {
  const after = new Map(tree)
  for (const edit of edits) {
    const { path } = edit
    const parent = path.slice(0, path.lastIndexOf('/'))
    const there = after.get(path)
    const fail = (why: string): never => {
      throw new Error(`${edit.kind} ${path}: ${why}`)
    }
    if (parent !== '' && after.get(parent)?.kind !== 'directory') fail('there is no directory above it')
    const owner = ('owner' in edit ? edit.owner : undefined) ?? { uid: 0, gid: 0 }
    switch (edit.kind) {
      case 'remove-file':
        if (there === undefined || there.kind === 'directory') fail('there is no file')
        after.delete(path)
        break
      case 'remove-directory':
        if (there?.kind !== 'directory') fail('there is no directory')
        if ([...after.keys()].some((other) => other.startsWith(`${path}/`))) fail('it is not empty')
        after.delete(path)
        break
      case 'make-directory':
        if (there !== undefined) fail('it is there')
        after.set(path, { kind: 'directory', mode: edit.mode, ...owner })
        break
      case 'make-symlink':
        if (there !== undefined) fail('it is there')
        after.set(path, { kind: 'symlink', mode: 0o777, target: edit.target, ...owner })
        break
      case 'write-file':
        if (there !== undefined && there.kind !== 'file') fail('it is there, and no file')
        if (edit.content.kind !== 'bytes') return fail('its content is not in memory')
        after.set(path, { kind: 'file', mode: edit.mode, bytes: Buffer.from(edit.content.bytes), ...owner })
    }
  }
  return new Map([...after].sort(([left], [right]) => (left < right ? -1 : 1)))
}
