/**
 * The OEM partition as it was before oem-bake, from the partition as it is and the history on it: what we wrote is taken
 * out, what was there before is put back.
 *
 * Content of what was there before comes from the original image, if that is at hand, or from the partition itself, where
 * a bake wrote the same bytes. What somebody else put there since belongs to the tree as well: it is not ours to forget.
 */
import type { OemEntry } from '../../engine/engine.js'
import type { OemState } from '../describe.js'
import type { LoadedFile } from '../host-files.js'
import { comparePaths, isWithin, parentsOf } from '../oem-path.js'
import { digestIn } from './digest-in.js'
import { type DisplacedEntry, HISTORY_PATH, type History, type WrittenFile } from './history.js'

/** What an original image gives back. */
export interface OriginalOem {
  readonly entries: readonly OemEntry[]
  /** By path; of all files that may have to be brought back. */
  readonly files: ReadonlyMap<string, LoadedFile>
}

/** What became of the files that a bake wrote. */
export interface OwnFiles {
  readonly intact: readonly WrittenFile[]
  /** Changed since, by somebody else: other bytes, mode, owner or kind. */
  readonly edited: readonly WrittenFile[]
  readonly missing: readonly WrittenFile[]
}

/** The partition before oem-bake. */
export interface Before {
  readonly state: OemState
  /** What stood there before, and has to be made again: it is not on the partition, or it is something else there. */
  readonly absent: ReadonlyMap<string, DisplacedEntry>
  /** Content of files among them. What is not here is gone. */
  readonly files: ReadonlyMap<string, LoadedFile>
}

export function ownFiles(state: OemState, { written }: History): OwnFiles {
  const entries = new Map(state.entries.map((entry) => [entry.path, entry]))
  const statusOf = (file: WrittenFile): keyof OwnFiles => {
    const entry = entries.get(file.path)
    if (entry === undefined) return 'missing'
    return isAsWritten(entry, file) && digestIn(state, file.path) === file.sha256 ? 'intact' : 'edited'
  }
  const all = written.map((file) => ({ file, status: statusOf(file) }))
  const those = (wanted: keyof OwnFiles) => all.filter(({ status }) => status === wanted).map(({ file }) => file)
  return { intact: those('intact'), edited: those('edited'), missing: those('missing') }
}

/** As far as the listing tells. */
export function isAsWritten(entry: OemEntry, { mode, sizeBytes }: Pick<WrittenFile, 'mode' | 'sizeBytes'>): boolean {
  return (
    entry.kind === 'file' && entry.mode === mode && entry.sizeBytes === sizeBytes && entry.uid === 0 && entry.gid === 0
  )
}

export function beforeUs(state: OemState, history: History, own: OwnFiles, original?: OriginalOem): Before {
  const tree = new Map(state.entries.map((entry) => [entry.path, entry]))
  tree.delete(HISTORY_PATH)
  for (const { path } of own.intact) tree.delete(path)
  for (const path of [...history.directories].reverse()) {
    const isNeeded = [...tree.keys()].some((other) => other !== path && isWithin(other, path))
    if (!isNeeded && tree.get(path)?.kind === 'directory') tree.delete(path)
  }
  const absent = new Map<string, DisplacedEntry>()
  const files = new Map<string, LoadedFile>()
  const contents = new Map(state.contents)
  const digests = new Map(state.digests)
  for (const { path } of own.intact) {
    contents.delete(path)
    digests.delete(path)
  }
  const writtenSince = new Map(own.intact.map((file) => [file.path, file]))
  for (const entry of history.displaced) {
    // Where somebody put something of his own since, that is what is there.
    if (tree.has(entry.path) || !hasDirectory(tree, entry.path)) continue
    tree.set(entry.path, asEntry(entry))
    if (entry.kind === 'file') digests.set(entry.path, entry.sha256)
    const ours = writtenSince.get(entry.path)
    const bytes = ours !== undefined && isSameFile(entry, ours) ? state.contents.get(entry.path) : undefined
    if (ours === undefined || !isSameFile(entry, ours)) absent.set(entry.path, entry)
    else if (bytes !== undefined) contents.set(entry.path, bytes)
    const file = original?.files.get(entry.path)
    if (file === undefined) continue
    files.set(entry.path, file)
    if (file.content.kind === 'bytes') contents.set(entry.path, Buffer.from(file.content.bytes))
  }
  const entries = [...tree.values()].sort((left, right) => comparePaths(left.path, right.path))
  const { vendorSet } = history.original
  return {
    state: { ...state, entries, contents, digests, vendorSet: { name: vendorSet } },
    absent,
    files,
  }
}

/** A file that a bake wrote as it had been already. */
export function isSameFile(entry: DisplacedEntry, { mode, sha256, sizeBytes }: WrittenFile): boolean {
  return (
    entry.kind === 'file' &&
    entry.sha256 === sha256 &&
    entry.sizeBytes === sizeBytes &&
    entry.mode === mode &&
    entry.uid === 0 &&
    entry.gid === 0
  )
}

/** A tree stays a tree, whatever happened to the partition since. */
function hasDirectory(tree: ReadonlyMap<string, OemEntry>, path: string): boolean {
  return parentsOf(path).every((parent) => tree.get(parent)?.kind === 'directory')
}

export function asEntry(entry: DisplacedEntry): OemEntry {
  const { path, kind, mode, uid, gid } = entry
  const common = { path, kind, mode, uid, gid }
  if (entry.kind === 'file') return { ...common, sizeBytes: entry.sizeBytes }
  if (entry.kind === 'symlink') return { ...common, sizeBytes: 0, target: entry.target }
  return { ...common, sizeBytes: 0 }
}
