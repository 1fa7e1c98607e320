/**
 * The OEM partition as a machine will find it: what there is, and what the small files say.
 *
 * It comes from the image as it is (`treeOfState`), or from a plan, before anything is written (`treeAfter`).
 */
import type { OemEdit, OemEntry } from '../../engine/engine.js'
import type { OemState } from '../describe.js'

export interface BootTree {
  readonly entries: readonly Pick<OemEntry, 'path' | 'kind' | 'mode'>[]
  /** Of small files, by path; what is not here is there without being looked into. */
  readonly contents: ReadonlyMap<string, Uint8Array>
  /** What the OEM filesystem is; undefined when nobody looked. */
  readonly filesystem?: 'ext' | 'btrfs'
}

export function treeOfState({ entries, contents, filesystem }: OemState): BootTree {
  return { entries, contents, filesystem: filesystem.kind }
}

/** @param entries the tree after the edits */
export function treeAfter(state: OemState, edits: readonly OemEdit[], entries: readonly OemEntry[]): BootTree {
  const contents = new Map<string, Uint8Array>(state.contents)
  for (const edit of edits) {
    if (edit.kind === 'write-file') {
      contents.delete(edit.path)
      if (edit.content.kind === 'bytes') contents.set(edit.path, edit.content.bytes)
    } else if (edit.kind === 'remove-file') contents.delete(edit.path)
  }
  return { entries, contents, filesystem: state.filesystem.kind }
}

export function hasFile(tree: BootTree, path: string): boolean {
  return tree.entries.some((entry) => entry.path === path && entry.kind !== 'directory')
}

export function isExecutable(tree: BootTree, path: string): boolean {
  return tree.entries.some((entry) => entry.path === path && entry.kind !== 'directory' && (entry.mode & 0o111) !== 0)
}

/** A small file's text; undefined when it is not there, or was not looked into. */
export function fileText(tree: BootTree, path: string): string | undefined {
  const bytes = tree.contents.get(path)
  return bytes === undefined ? undefined : Buffer.from(bytes).toString('utf8')
}
