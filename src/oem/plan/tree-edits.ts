/**
 * From the tree as it is and the tree as it is to be: what is removed, made and written, in an order in which each can be
 * done, and what a person is told of it.
 */
import { type OemEdit, type OemEntry, type Owner, ROOT } from '../../engine/engine.js'
import type { OemState } from '../describe.js'
import { digestIn } from '../history/digest-in.js'
import type { LoadedFile } from '../host-files.js'
import { comparePaths, isFilesystemOwn } from '../oem-path.js'
import type { SpaceQuestion } from './plan-space.js'

export interface PlannedChange {
  readonly path: string
  readonly kind: OemEntry['kind']
  readonly action: 'add' | 'replace' | 'remove' | 'keep' | 'unchanged'
  /** After the bake; undefined for what is removed. */
  readonly mode: number | undefined
  readonly sizeBytes: number | undefined
  /** Before the bake; undefined for what is added. */
  readonly previousMode: number | undefined
  readonly previousSizeBytes: number | undefined
  /** Who asked for it or whose it is: `template rackspace`, `--file`, `vendor set openstack`, `always kept`. */
  readonly origin: string | undefined
}

/** One entry of the tree after the bake. */
export interface ExpectedEntry extends OemEntry {
  /** Of files that the plan knows the content of, lower-case hex. */
  readonly sha256?: string
}

/** One entry of the tree as it is to be. */
export interface WantedEntry {
  readonly entry: ExpectedEntry
  /** What to make it from, if it is not there as it is to be; undefined for what stays untouched. */
  readonly make:
    | { readonly kind: 'file'; readonly file: LoadedFile }
    | { readonly kind: 'directory' }
    | { readonly kind: 'symlink'; readonly target: string }
    | undefined
  readonly origin: string | undefined
}

export interface TreeEdits {
  readonly edits: readonly OemEdit[]
  readonly changes: readonly PlannedChange[]
  readonly expected: readonly ExpectedEntry[]
  readonly space: Omit<SpaceQuestion, 'space'>
}

/**
 * @param state the partition as it is
 * @param wanted the whole tree as it is to be, by path; what belongs to the filesystem itself may be left out
 * @param whyRemoved origin of the change, by path
 */
export function editsBetween(
  state: OemState,
  wanted: ReadonlyMap<string, WantedEntry>,
  whyRemoved: ReadonlyMap<string, string>,
): TreeEdits {
  const own = state.entries
    .filter((entry) => isFilesystemOwn(entry.path))
    .map((entry): WantedEntry => ({ entry, make: undefined, origin: undefined }))
  const all = [...own, ...[...wanted.values()].filter(({ entry }) => !isFilesystemOwn(entry.path))].sort(
    (left, right) => comparePaths(left.entry.path, right.entry.path),
  )
  const removed = state.entries.filter((entry) => {
    const then = wanted.get(entry.path)
    return !isFilesystemOwn(entry.path) && (then === undefined || !canBecome(entry, then))
  })
  const gone = new Set(removed.map((entry) => entry.path))
  const existing = new Map(state.entries.filter(({ path }) => !gone.has(path)).map((entry) => [entry.path, entry]))

  const isThere = ({ entry, make }: WantedEntry): boolean => {
    const now = existing.get(entry.path)
    if (make === undefined || now === undefined) return make === undefined
    return make.kind !== 'file' || isIdentical(entry, now, state)
  }
  const making = all.filter((each) => !isThere(each))
  const directories = making.filter(({ make }) => make?.kind === 'directory').map(({ entry }) => entry)
  const files = making.flatMap(({ entry, make }) => (make?.kind === 'file' ? [{ entry, ...make }] : []))
  const links = making.flatMap(({ entry, make }) => (make?.kind === 'symlink' ? [{ entry, ...make }] : []))
  const edits: OemEdit[] = [
    ...removed
      .filter((entry) => entry.kind !== 'directory')
      .map(({ path }) => ({ kind: 'remove-file', path }) as const),
    ...removed
      .filter((entry) => entry.kind === 'directory')
      .sort((left, right) => comparePaths(right.path, left.path))
      .map(({ path }) => ({ kind: 'remove-directory', path }) as const),
    ...directories.map(
      ({ path, mode, ...owner }) => ({ kind: 'make-directory', path, mode, ...ownedBy(owner) }) as const,
    ),
    ...files.map(
      ({ entry: { path, mode, ...owner }, file: { content } }) =>
        ({ kind: 'write-file', path, mode, content, ...ownedBy(owner) }) as const,
    ),
    ...links.map(
      ({ entry: { path, ...owner }, target }) => ({ kind: 'make-symlink', path, target, ...ownedBy(owner) }) as const,
    ),
  ]

  const makingPaths = new Set(making.map(({ entry }) => entry.path))
  const changes = [
    ...removed.map((entry) => change(entry, undefined, 'remove', whyRemoved.get(entry.path))),
    ...all.map(({ entry, make, origin }) => {
      const previous = existing.get(entry.path)
      if (previous === undefined) return change(undefined, entry, 'add', origin)
      if (makingPaths.has(entry.path)) return change(previous, entry, 'replace', origin)
      return change(previous, entry, make?.kind === 'file' ? 'unchanged' : 'keep', origin)
    }),
  ]
    .filter((planned) => !isFilesystemOwn(planned.path))
    .sort((left, right) => comparePaths(left.path, right.path))

  const replaced = files.flatMap(({ entry }) => existing.get(entry.path) ?? [])
  return {
    edits,
    changes,
    expected: all.map(({ entry }) => entry),
    space: {
      writtenBytes: files.map(({ entry }) => entry.sizeBytes),
      newDirectories: directories.length,
      newInodes: making.length - replaced.length - removed.length,
      freed: [...removed, ...replaced],
    },
  }
}

/** Whether what is there can stay, or be written anew under its name, to become what is wanted. */
function canBecome(entry: OemEntry, { entry: then, make }: WantedEntry): boolean {
  if (make === undefined) return true
  if (entry.kind !== then.kind) return false
  // The engines make links only where nothing is.
  if (make.kind === 'symlink') return entry.target === make.target && isSameOwner(entry, then)
  return true
}

/** Same bytes, mode and owner: there is nothing to write. */
function isIdentical(wanted: ExpectedEntry, entry: OemEntry, state: OemState): boolean {
  return (
    entry.kind === 'file' &&
    entry.mode === wanted.mode &&
    isSameOwner(entry, wanted) &&
    entry.sizeBytes === wanted.sizeBytes &&
    digestIn(state, entry.path) === wanted.sha256
  )
}

function isSameOwner(one: Owner, other: Owner): boolean {
  return one.uid === other.uid && one.gid === other.gid
}

/** Nothing for root, whose everything is unless it is said. */
function ownedBy({ uid, gid }: Owner): { readonly owner?: Owner } {
  return isSameOwner({ uid, gid }, ROOT) ? {} : { owner: { uid, gid } }
}

function change(
  before: OemEntry | undefined,
  after: ExpectedEntry | undefined,
  action: PlannedChange['action'],
  origin: string | undefined,
): PlannedChange {
  const { path = '', kind = 'other' } = after ?? before ?? {}
  return {
    path,
    kind,
    action,
    mode: after?.mode,
    sizeBytes: after?.sizeBytes,
    previousMode: before?.mode,
    previousSizeBytes: before?.sizeBytes,
    origin,
  }
}
