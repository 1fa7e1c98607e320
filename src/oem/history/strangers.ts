/**
 * What happened to a baked OEM partition beside our bakes: told by comparing it with the original, entry by entry.
 */
import type { OemEntry } from '../../engine/engine.js'
import type { OemState } from '../describe.js'
import { isFilesystemOwn, isOwnHistory } from '../oem-path.js'
import { ownFiles } from './before.js'
import { digestIn } from './digest-in.js'
import type { History } from './history.js'

/** Files that are on both, look the same in a list, and are none of ours: only their content can tell. */
export function filesToCompare(
  state: OemState,
  original: readonly OemEntry[],
  { written }: History,
): readonly string[] {
  const ours = new Set(written.map(({ path }) => path))
  const now = new Map(state.entries.map((entry) => [entry.path, entry]))
  return original.flatMap((entry) => {
    const there = now.get(entry.path)
    if (entry.kind !== 'file' || there === undefined || ours.has(entry.path)) return []
    return isSameInList(there, entry) ? [entry.path] : []
  })
}

/**
 * Files of the original whose content is needed to make the partition as it was.
 *
 * @param sha256 of a file on the original
 */
export async function differingFiles(
  state: OemState,
  original: readonly OemEntry[],
  history: History,
  sha256: (path: string) => Promise<string>,
): Promise<readonly string[]> {
  const compared = new Set(filesToCompare(state, original, history))
  const differing: string[] = []
  for (const { kind, path } of original) {
    if (kind !== 'file' || isFilesystemOwn(path)) continue
    if (!compared.has(path) || digestIn(state, path) !== (await sha256(path))) differing.push(path)
  }
  return differing
}

/**
 * Paths of what is neither as on the original nor as a bake left it: changed, added, or taken away.
 *
 * @param differing files whose content is another than the original's
 */
export function strangersOn(
  state: OemState,
  original: readonly OemEntry[],
  history: History,
  differing: ReadonlySet<string>,
): readonly string[] {
  const then = new Map(original.map((entry) => [entry.path, entry]))
  const now = new Map(state.entries.map((entry) => [entry.path, entry]))
  const ours = new Set(history.written.map(({ path }) => path))
  const made = new Set(history.directories)
  const displaced = new Set(history.displaced.map(({ path }) => path))
  const changed = state.entries.filter((entry) => {
    const { kind, path } = entry
    if (isFilesystemOwn(path) || isOwnHistory(path) || ours.has(path)) return false
    if (kind === 'directory' && made.has(path)) return false
    const before = then.get(path)
    if (before === undefined || !isSameInList(entry, before)) return true
    return kind === 'file' && differing.has(path)
  })
  const lost = original.filter(
    ({ path }) => !isFilesystemOwn(path) && !now.has(path) && !displaced.has(path) && !ours.has(path),
  )
  return [...ownFiles(state, history).edited, ...changed, ...lost].map(({ path }) => path).sort()
}

export function isSameInList(one: OemEntry, other: OemEntry): boolean {
  return (
    one.kind === other.kind &&
    (one.kind === 'symlink' || one.mode === other.mode) &&
    one.uid === other.uid &&
    one.gid === other.gid &&
    one.sizeBytes === other.sizeBytes &&
    one.target === other.target
  )
}
