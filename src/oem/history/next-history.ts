/**
 * The history that a bake leaves behind: of the tree before the first bake and the tree as it will be.
 *
 * What was there before is told by the last history for what was gone by then, and by the partition for the rest; so any
 * number of bakes leaves the same history as the last of them alone would have.
 */
import type { OemEntry } from '../../engine/engine.js'
import { InternalError, RefusedError } from '../../errors.js'
import { ownVersion } from '../../version.js'
import type { OemContent } from '../content.js'
import type { ContentFile } from '../content-file.js'
import { findVendorSet, type OemState } from '../describe.js'
import { type LoadedFile, loadedBytes } from '../host-files.js'
import { comparePaths, isFilesystemOwn, isOwnHistory } from '../oem-path.js'
import type { WantedEntry } from '../plan/tree-edits.js'
import { type ImageRelease, releaseArgument } from '../release/release.js'
import { isSameFile, type OwnFiles } from './before.js'
import { digestIn } from './digest-in.js'
import {
  type DisplacedEntry,
  formatHistory,
  HISTORY_LIMIT_BYTES,
  type History,
  treeDigest,
  type WrittenFile,
} from './history.js'

export interface HistoryFacts {
  readonly content: OemContent
  readonly state: OemState
  readonly release: ImageRelease
  /** The history that is there, and what became of its files. */
  readonly past: { readonly history: History; readonly own: OwnFiles } | undefined
  /** What earlier bakes wrote goes, unless it is written again. */
  readonly startsOver: boolean
  readonly written: ReadonlyMap<string, ContentFile>
  /** Path of a written file that keeps other settings of the one before. */
  readonly derived: string | undefined
  readonly wanted: ReadonlyMap<string, WantedEntry>
}

/** Files whose digests the history needs, and nobody has computed yet. */
export function digestsWanted(facts: HistoryFacts): readonly string[] {
  return displacedOf(facts).flatMap(({ path, record }) => (record === undefined ? [path] : []))
}

export function nextHistory(facts: HistoryFacts): History {
  const { content, state, past, release, startsOver, written } = facts
  const displaced = displacedOf(facts).map(({ path, record }) => {
    if (record === undefined) throw new InternalError('ERR_INTERNAL', `nobody has computed the digest of ${path}`)
    return record
  })
  const { template } = content
  const added = [...written.values()].map(
    ({ path, mode, sizeBytes, sha256 }): WrittenFile => ({
      path,
      mode,
      sizeBytes,
      sha256,
      isDerived: facts.derived === path,
    }),
  )
  return {
    version: ownVersion(),
    template:
      template !== undefined
        ? { name: template.name, sha256: template.sha256 }
        : startsOver
          ? undefined
          : past?.history.template,
    original: {
      release: past?.history.original.release ?? (release.kind === 'known' ? releaseArgument(release) : undefined),
      vendorSet: past === undefined ? findVendorSet(state)?.name : past.history.original.vendorSet,
      tree: past?.history.original.tree ?? treeDigest(state.entries),
    },
    written: [...added, ...stayingFiles(facts)].sort((left, right) => comparePaths(left.path, right.path)),
    directories: madeDirectories(facts),
    displaced,
  }
}

/** Whether the tree is what it was before the first bake: then there is nothing to remember. */
export function leavesNoTrace({ directories, displaced, written }: History): boolean {
  return (
    directories.length === 0 &&
    written.length === displaced.length &&
    written.every((file, index) => {
      const before = displaced[index]
      return before?.path === file.path && isSameFile(before, file)
    })
  )
}

/** @throws ERR_OEM_FULL for a history that nobody could read again */
export function historyFile(history: History): LoadedFile {
  const bytes = formatHistory(history)
  if (bytes.length <= HISTORY_LIMIT_BYTES) return loadedBytes(bytes)
  throw new RefusedError(
    'ERR_OEM_FULL',
    `the history of ${history.written.length} written files and ${history.displaced.length} that were there before takes ${bytes.length} bytes, and at most ${HISTORY_LIMIT_BYTES} are read again`,
    { hint: 'bake fewer files: pack them into an archive' },
  )
}

/** Ours of earlier bakes that stay, even those that somebody changed: they are told by not being as they were written. */
function stayingFiles({ past, startsOver, wanted, written }: HistoryFacts): readonly WrittenFile[] {
  if (past === undefined || startsOver) return []
  return past.history.written.filter(({ path }) => !written.has(path) && wanted.get(path)?.entry.kind === 'file')
}

/** Directories of the tree as it will be that were not there before the first bake. */
function madeDirectories({ past, state, wanted }: HistoryFacts): readonly string[] {
  const known = new Set(past?.history.directories)
  const there = new Set(state.entries.filter(({ kind }) => kind === 'directory').map(({ path }) => path))
  const original = new Set(past?.history.displaced.filter(({ kind }) => kind === 'directory').map(({ path }) => path))
  return [...wanted.values()]
    .filter(
      ({ entry: { kind, path } }) =>
        kind === 'directory' && !original.has(path) && (known.has(path) || !there.has(path)),
    )
    .map(({ entry }) => entry.path)
    .sort(comparePaths)
}

interface Displacing {
  readonly path: string
  /** Undefined where its digest is not known. */
  readonly record: DisplacedEntry | undefined
}

/**
 * What was there before the first bake, and will be gone, something else, or ours; sorted by path. A file that we write as
 * it was before is both: taking ours out must leave it there.
 */
function displacedOf(facts: HistoryFacts): readonly Displacing[] {
  const { past, state, wanted, written } = facts
  const managed = new Set([...written.keys(), ...stayingFiles(facts).map(({ path }) => path)])
  const displaced = (past?.history.displaced ?? [])
    .filter((record) => managed.has(record.path) || !isAsRecorded(wanted.get(record.path), record, state))
    .map((record) => ({ path: record.path, record }))
  const known = new Set(past?.history.displaced.map(({ path }) => path))
  const ours = new Set(past?.history.written.map(({ path }) => path))
  const made = new Set(past?.history.directories)
  const staying = state.entries.filter(({ kind, path }) => {
    const isOurs = ours.has(path) || (made.has(path) && kind === 'directory')
    if (isFilesystemOwn(path) || isOwnHistory(path) || isOurs || known.has(path)) return false
    const then = wanted.get(path)
    return managed.has(path) || then === undefined || then.make !== undefined
  })
  return [...displaced, ...staying.map((entry) => ({ path: entry.path, record: recordOf(entry, state) }))].sort(
    (left, right) => comparePaths(left.path, right.path),
  )
}

/** Whether what will be there is what was there before the first bake. */
function isAsRecorded(then: WantedEntry | undefined, record: DisplacedEntry, state: OemState): boolean {
  if (then === undefined) return false
  const { kind, mode, uid, gid, sizeBytes, target, path, sha256 } = then.entry
  if (kind !== record.kind || uid !== record.uid || gid !== record.gid) return false
  switch (record.kind) {
    case 'symlink':
      return target === record.target
    case 'file':
      return (
        mode === record.mode && sizeBytes === record.sizeBytes && (sha256 ?? digestIn(state, path)) === record.sha256
      )
    case 'directory':
    case 'other':
      return mode === record.mode
  }
}

function recordOf(entry: OemEntry, state: OemState): DisplacedEntry | undefined {
  const { path, kind, mode, uid, gid } = entry
  const common = { path, mode, uid, gid }
  switch (kind) {
    case 'file': {
      const sha256 = digestIn(state, path)
      return sha256 === undefined ? undefined : { kind, ...common, sizeBytes: entry.sizeBytes, sha256 }
    }
    case 'symlink':
      return { kind, ...common, target: entry.target ?? '' }
    case 'directory':
    case 'other':
      return { kind, ...common }
  }
}
