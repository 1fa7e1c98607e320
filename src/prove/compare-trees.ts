/**
 * Which paths of two OEM partitions are not the same.
 */
import type { FilesystemReader, OemEntry } from '../engine/engine.js'
import { throwIfCancelled } from '../errors.js'
import type { ChangedPath, ProvedEntry } from './proof.js'

/** A whole tree, by path, with the digest of each file's content. */
export type ProvedTree = ReadonlyMap<string, ProvedEntry>

export async function readTree(reader: FilesystemReader, signal: AbortSignal): Promise<ProvedTree> {
  const tree = new Map<string, ProvedEntry>()
  for (const { path, ...entry } of await reader.list()) {
    throwIfCancelled(signal)
    tree.set(path, entry.kind === 'file' ? { ...entry, sha256: await reader.sha256(path) } : entry)
  }
  return tree
}

/** In the order of their paths. */
export function changedPaths(before: ProvedTree, after: ProvedTree): readonly ChangedPath[] {
  const changes: ChangedPath[] = []
  for (const path of [...new Set([...before.keys(), ...after.keys()])].sort()) {
    const old = before.get(path)
    const now = after.get(path)
    if (old === undefined && now !== undefined) changes.push({ path, change: 'added', after: now })
    else if (old !== undefined && now === undefined) changes.push({ path, change: 'removed', before: old })
    else if (old !== undefined && now !== undefined && !isSame(old, now))
      changes.push({ path, change: 'changed', before: old, after: now })
  }
  return changes
}

function isSame(a: ProvedEntry, b: ProvedEntry): boolean {
  const facts: readonly (keyof (ProvedEntry & OemEntry))[] = [
    'kind',
    'mode',
    'uid',
    'gid',
    'sizeBytes',
    'target',
    'sha256',
  ]
  return facts.every((fact) => fact === 'path' || a[fact] === b[fact])
}
