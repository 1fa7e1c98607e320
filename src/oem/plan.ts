/**
 * The plan: from content, the partition as it is, and the image's release to the exact list of edits, checked.
 *
 * Pure: nothing is read or written here. The same plan is shown by `oem-bake plan`, done by an engine, and compared with
 * the tree afterwards.
 */
import { createHash } from 'node:crypto'
import type { OemEdit, OemEntry } from '../engine/engine.js'
import type { OemContent } from './content.js'
import { type ContentFile, contentFile, hasRole } from './content-file.js'
import { describeOem, findVendorSet, type OemState, textOf } from './describe.js'
import { GRUB_CFG_PATH, OEM_RELEASE_PATH } from './eras.js'
import { assertWritable, decideExisting, type ExistingDecision } from './existing-files.js'
import { type Finding, note } from './finding.js'
import { formatGrubCfg, parseGrubCfg, withOemId } from './grub-cfg.js'
import { loadedBytes } from './host-files.js'
import { comparePaths, isFilesystemOwn, isWithin, parentsOf } from './oem-path.js'
import { looseOemReleaseId } from './oem-release.js'
import {
  checkCloudConfig,
  checkEffect,
  checkFilesystem,
  checkIdsAgree,
  checkIgnition,
  checkKept,
  checkKeptIgnition,
  checkOemId,
  checkRelease,
  checkTemplateFits,
  checkVariables,
} from './plan-checks.js'
import { type PlannedSpace, planSpace } from './plan-space.js'
import type { ImageRelease } from './release.js'
import { isInAnyScope, releaseToRenderFor } from './release-scope.js'
import { foreseeUpdates } from './updates.js'

export { describeOem, type OemDescription, type OemState } from './describe.js'

/** Bigger files are no configs; the planner does without their content. */
export const WORTH_READING_BYTES = 1 << 20
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

export interface Plan {
  /** In an order in which each can be done: removals, directories, files. */
  readonly edits: readonly OemEdit[]
  /** Every path of the tree after the bake, and every removed one; sorted by path. */
  readonly changes: readonly PlannedChange[]
  /** The whole tree after the bake, what belongs to the filesystem itself included; sorted by path. */
  readonly expected: readonly ExpectedEntry[]
  /** What grub.cfg will set. */
  readonly oemId: string | undefined
  readonly findings: readonly Finding[]
  readonly space: PlannedSpace
}

/**
 * Small files that the planner needs: those that tell whose partition it is, and those that may be identical to what
 * will be written.
 */
export function pathsWorthReading(entries: readonly OemEntry[], content?: OemContent): readonly string[] {
  const wanted = new Set(content?.files.map((file) => file.path))
  return entries
    .filter(
      (entry) =>
        entry.kind === 'file' &&
        entry.sizeBytes <= WORTH_READING_BYTES &&
        (hasRole(entry.path) || wanted.has(entry.path)),
    )
    .map((entry) => entry.path)
}

/**
 * @throws UsageError | RefusedError with what can't be done, before anything is
 */
export function planBake(content: OemContent, state: OemState, release: ImageRelease): Plan {
  const target = releaseToRenderFor(release)
  const files = withGrubCfg(
    content.files.filter((file) => isInAnyScope(target, file.scopes)),
    content,
    state,
  )
  const written = new Map(files.map((file) => [file.path, file]))
  const before = describeOem(state)
  const vendorSet = findVendorSet(state)
  const newIdentity = content.template !== undefined || givesOtherId(written, before.oemId)
  const decision = decideExisting({
    state,
    policy: content.existing,
    vendorSet,
    newIdentity,
    written: new Set(written.keys()),
    remove: content.remove,
  })
  assertWritable(written, state, decision.removed)
  const tree = arrange(written, state, decision)

  const grub = written.get(GRUB_CFG_PATH)
  const keptGrub = decision.removed.has(GRUB_CFG_PATH) ? undefined : textOf(state, GRUB_CFG_PATH)
  const oemId = grub?.role.kind === 'grub-cfg' ? grub.role.grub.oemId : keptGrub && parseGrubCfg(keptGrub).oemId
  const idOrigin = content.requestedOemId === undefined ? grub?.origin : '--oem-id'
  const pathsAfter = tree.expected.filter((entry) => entry.kind !== 'directory').map((entry) => entry.path)
  const releaseId = releaseIdAfter(written, state, decision)
  const { space, findings: spaceFindings } = planSpace({ space: state.space, ...tree.space })
  return {
    edits: tree.edits,
    changes: tree.changes,
    expected: tree.expected,
    oemId,
    space,
    findings: [
      ...checkRelease(release),
      ...checkOemId(oemId, release, grub === undefined ? undefined : idOrigin, content.oemIdUnchecked),
      ...checkTemplateFits(content.template, release),
      ...files.flatMap((file) => [
        ...checkEffect(file, release),
        ...checkIgnition(file, release, new Set(pathsAfter)),
        ...checkCloudConfig(file, release),
        ...file.findings,
      ]),
      ...content.findings,
      ...checkIdsAgree(files, releaseId),
      ...(release.kind === 'known' ? checkVariables(content.givenVariables, new Set(written.keys()), release) : []),
      ...noteRemovals(content, state, decision),
      ...checkKept(decision.kept, release, newIdentity),
      ...checkKeptIgnition(state, new Set(tree.expected.map((entry) => entry.path)), new Set(written.keys())),
      ...checkFilesystem(state.filesystem, release),
      ...(release.kind === 'known'
        ? foreseeUpdates({
            release,
            idBefore: before.oemReleaseId,
            idAfter: releaseId,
            pathsAfter,
            written: files.map((file) => ({
              path: file.path,
              fromTemplate: content.template !== undefined && file.origin.startsWith('template '),
            })),
          })
        : []),
      ...spaceFindings,
    ],
  }
}

/** An OEM id without a grub.cfg to hold it: the one that is there with its id changed, else one made from nothing. */
function withGrubCfg(files: readonly ContentFile[], content: OemContent, state: OemState): readonly ContentFile[] {
  if (content.oemId === undefined || files.some((file) => file.path === GRUB_CFG_PATH)) return files
  const goes = content.existing === 'replace' || content.remove.some((path) => isWithin(GRUB_CFG_PATH, path))
  const existing = goes ? undefined : textOf(state, GRUB_CFG_PATH)
  const entry = goes ? undefined : state.entries.find(({ path, kind }) => path === GRUB_CFG_PATH && kind === 'file')
  const text = existing === undefined ? formatGrubCfg({ oemId: content.oemId }) : withOemId(existing, content.oemId)
  const added = contentFile({
    ...loadedBytes(Buffer.from(text)),
    path: GRUB_CFG_PATH,
    mode: entry?.mode ?? 0o644,
    origin: content.requestedOemId === undefined ? `template ${content.edition}` : '--oem-id',
    source: GRUB_CFG_PATH,
    scopes: [],
  })
  return [...files, added]
}

function givesOtherId(written: ReadonlyMap<string, ContentFile>, before: string | undefined): boolean {
  const grub = written.get(GRUB_CFG_PATH)
  return grub?.role.kind === 'grub-cfg' && grub.role.grub.oemId !== before
}

interface Arrangement {
  readonly edits: readonly OemEdit[]
  readonly changes: readonly PlannedChange[]
  readonly expected: readonly ExpectedEntry[]
  readonly space: {
    readonly writtenBytes: readonly number[]
    readonly newDirectories: number
    readonly newInodes: number
    readonly freed: readonly OemEntry[]
  }
}

/** Turns the decisions into edits, and says how the tree looks afterwards. */
function arrange(written: ReadonlyMap<string, ContentFile>, state: OemState, decision: ExistingDecision): Arrangement {
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

/** ID of oem-release as it will be. */
function releaseIdAfter(
  written: ReadonlyMap<string, ContentFile>,
  state: OemState,
  decision: ExistingDecision,
): string | undefined {
  const file = written.get(OEM_RELEASE_PATH)
  if (file?.role.kind === 'oem-release') return file.role.release.id
  const kept = decision.removed.has(OEM_RELEASE_PATH) ? undefined : textOf(state, OEM_RELEASE_PATH)
  return kept === undefined ? undefined : looseOemReleaseId(kept)
}

function noteRemovals(content: OemContent, state: OemState, decision: ExistingDecision): readonly Finding[] {
  const findings: Finding[] = []
  const vendors = new Set([...decision.removed.values()].filter((reason) => reason.startsWith('vendor set ')))
  for (const vendor of vendors) {
    const count = state.entries.filter(
      (entry) => entry.kind !== 'directory' && decision.removed.get(entry.path) === vendor,
    ).length
    findings.push(
      note(
        'vendor-set-replaced',
        `the files of ${vendor} are replaced as a whole: ${count} of them ${count === 1 ? 'is' : 'are'} removed`,
      ),
    )
  }
  for (const path of content.remove) {
    if (state.entries.some((entry) => isWithin(entry.path, path))) continue
    findings.push(note('remove-absent', `there is no ${path} on the OEM partition to remove`))
  }
  return findings
}
