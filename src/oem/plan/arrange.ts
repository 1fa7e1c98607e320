/**
 * From decisions to edits: what is removed, made and written in which order, and the tree that results.
 */
import { createHash } from 'node:crypto'
import type { OemEdit, OemEntry } from '../../engine/engine.js'
import type { ContentFile } from '../content-file.js'
import type { OemState } from '../describe.js'
import { comparePaths, isFilesystemOwn, parentsOf } from '../oem-path.js'
import type { ExistingDecision } from './existing-files.js'
import type { SpaceQuestion } from './plan-space.js'

const NEW_DIRECTORY_MODE = 0o755

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

export interface Arrangement {
  readonly edits: readonly OemEdit[]
  readonly changes: readonly PlannedChange[]
  readonly expected: readonly ExpectedEntry[]
  readonly space: Omit<SpaceQuestion, 'space'>
}

/** Turns the decisions into edits, and says how the tree looks afterwards. */
export function arrange(
  written: ReadonlyMap<string, ContentFile>,
  state: OemState,
  decision: ExistingDecision,
): Arrangement {
  const existing = new Map(state.entries.map((entry) => [entry.path, entry]))
  // A regular file that is removed and written again is simply replaced.
  const removed = state.entries.filter(
    (entry) => decision.removed.has(entry.path) && !(entry.kind === 'file' && written.has(entry.path)),
  )
  const gone = new Set(removed.map((entry) => entry.path))
  const stays = (path: string): OemEntry | undefined => (gone.has(path) ? undefined : existing.get(path))

  const writes = [...written.values()].sort((left, right) => comparePaths(left.path, right.path))
  const unchanged = new Set(
    writes.filter((file) => isIdentical(file, stays(file.path), state)).map((file) => file.path),
  )
  const changing = writes.filter((file) => !unchanged.has(file.path))
  const newDirectories = [...new Set(writes.flatMap((file) => parentsOf(file.path)))]
    .filter((path) => stays(path) === undefined)
    .sort(comparePaths)

  const edits: OemEdit[] = [
    ...removed
      .filter((entry) => entry.kind !== 'directory')
      .map(({ path }) => ({ kind: 'remove-file', path }) as const),
    ...removed
      .filter((entry) => entry.kind === 'directory')
      .sort((left, right) => comparePaths(right.path, left.path))
      .map(({ path }) => ({ kind: 'remove-directory', path }) as const),
    ...newDirectories.map((path) => ({ kind: 'make-directory', path, mode: NEW_DIRECTORY_MODE }) as const),
    ...changing.map(({ path, mode, content }) => ({ kind: 'write-file', path, mode, content }) as const),
  ]

  const kept: ExpectedEntry[] = state.entries.filter((entry) => !gone.has(entry.path) && !written.has(entry.path))
  const expected: ExpectedEntry[] = [
    ...kept,
    ...newDirectories.map(
      (path): ExpectedEntry => ({ path, kind: 'directory', mode: NEW_DIRECTORY_MODE, uid: 0, gid: 0, sizeBytes: 0 }),
    ),
    ...writes.map(
      ({ path, mode, sizeBytes, sha256 }): ExpectedEntry => ({
        path,
        kind: 'file',
        mode,
        uid: 0,
        gid: 0,
        sizeBytes,
        sha256,
      }),
    ),
  ].sort((left, right) => comparePaths(left.path, right.path))

  const changes = [
    ...removed.map((entry) => change(entry, undefined, 'remove', decision.removed.get(entry.path))),
    ...expected.map((entry) => {
      const previous = stays(entry.path)
      const file = written.get(entry.path)
      const origin = file?.origin ?? decision.kept.get(entry.path)
      if (previous === undefined) return change(undefined, entry, 'add', origin)
      if (file === undefined) return change(previous, entry, 'keep', origin)
      return change(previous, entry, unchanged.has(entry.path) ? 'unchanged' : 'replace', origin)
    }),
  ]
    .filter((planned) => !isFilesystemOwn(planned.path))
    .sort((left, right) => comparePaths(left.path, right.path))

  const replaced = changing.flatMap((file) => stays(file.path) ?? [])
  return {
    edits,
    changes,
    expected,
    space: {
      writtenBytes: changing.map((file) => file.sizeBytes),
      newDirectories: newDirectories.length,
      newInodes: newDirectories.length + changing.length - replaced.length - removed.length,
      freed: [...removed, ...replaced],
    },
  }
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

/** Same bytes, mode and owner: there is nothing to write. */
function isIdentical(file: ContentFile, entry: OemEntry | undefined, state: OemState): boolean {
  if (entry?.kind !== 'file' || entry.mode !== file.mode || entry.uid !== 0 || entry.gid !== 0) return false
  if (entry.sizeBytes !== file.sizeBytes) return false
  const bytes = state.contents.get(file.path)
  return bytes !== undefined && createHash('sha256').update(bytes).digest('hex') === file.sha256
}
