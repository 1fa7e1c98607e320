/**
 * From decisions to the tree as it is to be: what is written, what stays, what is brought back from the original image, and
 * what of that is gone for good.
 */
import type { OemEntry } from '../../engine/engine.js'
import type { ContentFile } from '../content-file.js'
import type { OemState } from '../describe.js'
import type { Before } from '../history/before.js'
import type { DisplacedEntry } from '../history/history.js'
import { comparePaths, isWithin, parentsOf } from '../oem-path.js'
import type { ExistingDecision } from './existing-files.js'
import type { ExpectedEntry, WantedEntry } from './tree-edits.js'

const NEW_DIRECTORY_MODE = 0o755
const FROM_ORIGINAL = 'the original image'

export interface Arrangement {
  /** By path. */
  readonly wanted: ReadonlyMap<string, WantedEntry>
  /** Would be brought back, if an original image were at hand; sorted by path. */
  readonly gone: readonly string[]
}

/**
 * @param from the tree that the decision is about
 * @param before where some of that tree has to be made again
 */
export function arrange(
  written: ReadonlyMap<string, ContentFile>,
  from: OemState,
  decision: ExistingDecision,
  before: Pick<Before, 'absent' | 'files'>,
): Arrangement {
  const wanted = new Map<string, WantedEntry>()
  const gone: string[] = []
  for (const entry of from.entries) {
    if (written.has(entry.path) && entry.kind === 'file') continue
    if (decision.removed.has(entry.path)) continue
    const origin = decision.kept.get(entry.path)
    const displaced = before.absent.get(entry.path)
    const made = displaced === undefined ? { entry, make: undefined, origin } : bringBack(entry, displaced, before)
    if (made === undefined) gone.push(entry.path)
    else wanted.set(entry.path, made)
  }
  for (const path of emptied(wanted, before.absent, gone)) wanted.delete(path)
  for (const file of written.values()) {
    for (const path of parentsOf(file.path)) if (!wanted.has(path)) wanted.set(path, newDirectory(path))
    const { path, mode, sizeBytes, sha256, origin } = file
    const entry: ExpectedEntry = { path, kind: 'file', mode, uid: 0, gid: 0, sizeBytes, sha256 }
    wanted.set(path, { entry, make: { kind: 'file', file }, origin })
  }
  return { wanted, gone: gone.sort(comparePaths) }
}

/** Undefined where nobody has its content. */
function bringBack(
  entry: OemEntry,
  displaced: DisplacedEntry,
  { files }: Pick<Before, 'files'>,
): WantedEntry | undefined {
  switch (displaced.kind) {
    case 'directory':
      return { entry, make: { kind: 'directory' }, origin: FROM_ORIGINAL }
    case 'symlink':
      return { entry, make: { kind: 'symlink', target: displaced.target }, origin: FROM_ORIGINAL }
    case 'file': {
      const file = files.get(entry.path)
      if (file === undefined) return undefined
      return { entry: { ...entry, sha256: file.sha256 }, make: { kind: 'file', file }, origin: FROM_ORIGINAL }
    }
    // A device or a socket: no release has one there, and no engine makes one.
    case 'other':
      return undefined
  }
}

/** Directories that would be made again for nothing but files that are gone. */
function emptied(
  wanted: ReadonlyMap<string, WantedEntry>,
  absent: ReadonlyMap<string, DisplacedEntry>,
  gone: readonly string[],
): readonly string[] {
  if (gone.length === 0) return []
  const parents = new Set(gone.flatMap(parentsOf))
  const paths = [...wanted].filter(([, { entry }]) => entry.kind !== 'directory').map(([path]) => path)
  return [...parents].filter((path) => absent.has(path) && !paths.some((other) => isWithin(other, path)))
}

function newDirectory(path: string): WantedEntry {
  return {
    entry: { path, kind: 'directory', mode: NEW_DIRECTORY_MODE, uid: 0, gid: 0, sizeBytes: 0 },
    make: { kind: 'directory' },
    origin: undefined,
  }
}
