/**
 * Digests of what a plan takes away or replaces, read before it does: afterwards nobody can tell what was there.
 *
 * Small files have been read for the plan already; of the others an engine takes the digest where it is.
 */
import type { FilesystemReader } from '../engine/engine.js'
import type { OemState } from './describe.js'
import { digestIn } from './history/digest-in.js'
import type { PlannedChange } from './plan/tree-edits.js'

/** SHA-256 by path, lower-case hex. */
export type PreviousDigests = ReadonlyMap<string, string>

export async function readPreviousDigests(
  oem: FilesystemReader,
  state: OemState,
  changes: readonly PlannedChange[],
): Promise<PreviousDigests> {
  const touched = new Set(
    changes.filter(({ action }) => action === 'replace' || action === 'remove').map(({ path }) => path),
  )
  const digests = new Map<string, string>()
  for (const { kind, path } of state.entries) {
    if (kind !== 'file' || !touched.has(path)) continue
    digests.set(path, digestIn(state, path) ?? (await oem.sha256(path)))
  }
  return digests
}
