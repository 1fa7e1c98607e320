/**
 * The plan: from content, the partition as it is, and the image's release to the exact list of edits, checked.
 *
 * Pure: nothing is read or written here. The same plan is shown by `oem-bake plan`, done by an engine, and compared with
 * the tree afterwards.
 */
import type { OemEdit, OemEntry } from '../../engine/engine.js'
import type { OemContent } from '../content.js'
import { type ContentFile, contentFile, hasRole } from '../content-file.js'
import { describeOem, findVendorSet, type OemState, textOf } from '../describe.js'
import { explainBoot } from '../explain/explain.js'
import type { BootExplanation } from '../explain/explanation.js'
import { treeAfter } from '../explain/tree.js'
import type { Finding } from '../finding.js'
import { formatGrubCfg, parseGrubCfg, withOemId } from '../grub/grub-cfg.js'
import { type BakedBy, bakedBy, newerHistory } from '../history/baked-by.js'
import { beforeUs, isAsWritten, type OriginalOem, ownFiles } from '../history/before.js'
import { digestIn } from '../history/digest-in.js'
import { HISTORY_MODE, HISTORY_PATH, type History } from '../history/history.js'
import { type HistoryFacts, historyFile, leavesNoTrace, nextHistory } from '../history/next-history.js'
import { loadedBytes } from '../host-files.js'
import { judge } from '../judge.js'
import { isOwnHistory, isWithin } from '../oem-path.js'
import { GRUB_CFG_PATH } from '../release/eras.js'
import type { ImageRelease } from '../release/release.js'
import { isInAnyScope, releaseToRenderFor } from '../release/release-scope.js'
import { arrange } from './arrange.js'
import { checkHistory } from './check-history.js'
import { checkPlan } from './check-plan.js'
import { assertWritable, decideExisting, type ExistingDecision } from './existing-files.js'
import { type PlannedSpace, planSpace } from './plan-space.js'
import { type ExpectedEntry, editsBetween, type PlannedChange, type WantedEntry } from './tree-edits.js'

export { describeOem, type OemDescription, type OemState } from '../describe.js'
export type { ExpectedEntry, PlannedChange }

/** Bigger files are no configs; the planner does without their content. */
export const WORTH_READING_BYTES = 1 << 20
/** Units and scripts are small; what is bigger below bin/ is a program. */
const SCRIPT_BYTES = 64 << 10
const UNIT_OR_SCRIPT = /^\/(?:bin|units)\/|\.(?:service|path|mount|timer|target|sh)$/

export interface Plan {
  /** In an order in which each can be done: removals, directories, files. */
  readonly edits: readonly OemEdit[]
  /** Every path of the tree after the bake, and every removed one; sorted by path. */
  readonly changes: readonly PlannedChange[]
  /** The whole tree after the bake, what belongs to the filesystem itself included; sorted by path. */
  readonly expected: readonly ExpectedEntry[]
  /** What grub.cfg will set. */
  readonly oemId: string | undefined
  /** Warnings and notes. */
  readonly findings: readonly Finding[]
  /** What was found by rules that the request ignores. */
  readonly ignored: readonly Finding[]
  readonly space: PlannedSpace
  /** What a machine will do with it. */
  readonly boot: BootExplanation
  readonly history: PlannedHistory
}

export interface PlannedHistory {
  /** What an earlier bake left; undefined where nobody baked. */
  readonly before: BakedBy | undefined
  /** What this one will leave; undefined where the tree will be as before the first. */
  readonly after: History | undefined
}

/**
 * Small files that the planner needs: those that tell whose partition it is, those that may be identical to what will be
 * written, and the units and scripts that tell what happens at boot.
 */
export function pathsWorthReading(entries: readonly OemEntry[], content?: OemContent): readonly string[] {
  const wanted = new Set(content?.files.map((file) => file.path))
  return entries
    .filter(
      (entry) =>
        entry.kind === 'file' &&
        entry.sizeBytes <= WORTH_READING_BYTES &&
        (hasRole(entry.path) ||
          wanted.has(entry.path) ||
          (entry.sizeBytes <= SCRIPT_BYTES && UNIT_OR_SCRIPT.test(entry.path))),
    )
    .map((entry) => entry.path)
}

/**
 * @param original what the image before oem-bake gives back
 * @throws UsageError with everything that is wrong | RefusedError with what can't be done; before anything is
 */
export function planBake(content: OemContent, state: OemState, release: ImageRelease, original?: OriginalOem): Plan {
  const decided = decideBake(content, state, release, original)
  const { decision, files, from, newIdentity, written } = decided
  const history = nextHistory(decided)
  const hasHistory = !leavesNoTrace(history)
  const wanted = hasHistory ? new Map([...decided.wanted, [HISTORY_PATH, historyEntry(history)]]) : decided.wanted
  const tree = editsBetween(state, wanted, whyRemoved(decided))

  const grub = written.get(GRUB_CFG_PATH)
  const keptGrub = wanted.has(GRUB_CFG_PATH) ? textOf(from, GRUB_CFG_PATH) : undefined
  const oemId = grub?.role.kind === 'grub-cfg' ? grub.role.grub.oemId : keptGrub && parseGrubCfg(keptGrub).oemId
  const { space, findings: spaceFindings } = planSpace({ space: state.space, ...tree.space })
  const found = checkPlan({
    content,
    state: from,
    release,
    files,
    decision,
    expected: tree.expected.filter(({ path }) => path !== HISTORY_PATH),
    oemId,
    newIdentity,
    space,
    removed: new Set(tree.changes.filter(({ action }) => action === 'remove').map(({ path }) => path)),
  })
  return {
    edits: tree.edits,
    changes: tree.changes,
    expected: tree.expected,
    oemId,
    space,
    boot: explainBoot(treeAfter(state, tree.edits, tree.expected), release),
    history: { before: bakedBy(state), after: hasHistory ? history : undefined },
    ...judge([...checkHistory(decided, tree.changes), ...found, ...spaceFindings], content.strictness),
  }
}

function historyEntry(history: History): WantedEntry {
  const file = historyFile(history)
  const { sizeBytes, sha256 } = file
  return {
    entry: { path: HISTORY_PATH, kind: 'file', mode: HISTORY_MODE, uid: 0, gid: 0, sizeBytes, sha256 },
    make: { kind: 'file', file },
    origin: 'history of what was baked',
  }
}

/** What is decided of a bake, before it is known what the history has to say of it. */
export interface Decided extends HistoryFacts {
  /** The tree that was decided about: the partition as it is, or as it was before oem-bake. */
  readonly from: OemState
  readonly files: readonly ContentFile[]
  readonly decision: ExistingDecision
  readonly newIdentity: boolean
  /** What would be brought back, if somebody had it. */
  readonly gone: readonly string[]
}

/**
 * A template makes an edition: it starts from the tree before oem-bake, as `--existing replace` does. Without one, a bake
 * adds to what is there.
 */
export function decideBake(
  content: OemContent,
  state: OemState,
  release: ImageRelease,
  original?: OriginalOem,
): Decided {
  const past = pastOf(state)
  const startsOver = past !== undefined && (content.template !== undefined || content.existing === 'replace')
  const before = startsOver ? beforeUs(state, past.history, past.own, original) : NOTHING_ABSENT
  const from = 'state' in before ? before.state : withoutHistory(state)
  const target = releaseToRenderFor(release)
  const { files, derived } = withGrubCfg(
    content.files.filter((file) => isInAnyScope(target, file.scopes)),
    content,
    from,
    startsOver ? derivedText(state, past) : undefined,
  )
  const written = new Map(files.map((file) => [file.path, file]))
  const newIdentity = content.template !== undefined || givesOtherId(written, describeOem(from).oemId)
  const decision = decideExisting({
    state: from,
    policy: content.existing,
    vendorSet: findVendorSet(from),
    newIdentity,
    written: new Set(written.keys()),
    remove: content.remove,
    own: new Set(startsOver ? [] : past?.history.written.map(({ path }) => path)),
    absent: new Set(before.absent.keys()),
    edited: editedToBeAsked(state, past, startsOver, written),
  })
  assertWritable(written, from, decision.removed)
  const { wanted, gone } = arrange(written, from, decision, before)
  const kept = new Map([...decision.kept].filter(([path]) => wanted.has(path)))
  return {
    ...{ content, state, release, past, startsOver, from, files, written, derived, newIdentity, wanted, gone },
    decision: { removed: decision.removed, kept },
  }
}

const NOTHING_ABSENT = { absent: new Map<string, never>(), files: new Map<string, never>() }

/** @throws ERR_HISTORY_NEWER */
function pastOf(state: OemState): HistoryFacts['past'] {
  const found = state.history
  if (found === undefined || found.kind === 'damaged') return undefined
  if (found.kind === 'newer') throw newerHistory(found.version)
  return { history: found.history, own: ownFiles(state, found.history) }
}

function withoutHistory(state: OemState): OemState {
  return { ...state, entries: state.entries.filter(({ path }) => !isOwnHistory(path)) }
}

/** Changed since a bake wrote them, and nobody would get the change back: gone, or written over with something else. */
function editedToBeAsked(
  state: OemState,
  past: HistoryFacts['past'],
  startsOver: boolean,
  written: ReadonlyMap<string, ContentFile>,
): ReadonlySet<string> {
  const entries = new Map(state.entries.map((entry) => [entry.path, entry]))
  const asked = (past?.own.edited ?? []).filter(({ path }) => {
    const file = written.get(path)
    if (file === undefined) return startsOver
    const entry = entries.get(path)
    return entry === undefined || !isAsWritten(entry, file) || digestIn(state, path) !== file.sha256
  })
  return new Set(asked.map(({ path }) => path))
}

/** The text of a grub.cfg that a bake made from the vendor's: as good as that one, if only the id is changed again. */
function derivedText(state: OemState, past: HistoryFacts['past']): string | undefined {
  const isDerived = past?.own.intact.some(({ path, isDerived }) => path === GRUB_CFG_PATH && isDerived)
  return isDerived === true ? textOf(state, GRUB_CFG_PATH) : undefined
}

function whyRemoved({ decision, past, wanted }: Decided): ReadonlyMap<string, string> {
  const ours = [...(past?.history.written.map(({ path }) => path) ?? []), ...(past?.history.directories ?? [])]
  return new Map([
    ...ours.filter((path) => !wanted.has(path)).map((path) => [path, 'an earlier bake'] as const),
    ...decision.removed,
  ])
}

/**
 * An OEM id without a grub.cfg to hold it: the one that is there with its id changed, else one made from nothing.
 *
 * @param derived stands for the one that was there, where that can't be read
 */
function withGrubCfg(
  files: readonly ContentFile[],
  content: OemContent,
  state: OemState,
  derived: string | undefined,
): { readonly files: readonly ContentFile[]; readonly derived: string | undefined } {
  if (content.oemId === undefined || files.some((file) => file.path === GRUB_CFG_PATH))
    return { files, derived: undefined }
  const goes = content.existing === 'replace' || content.remove.some((path) => isWithin(GRUB_CFG_PATH, path))
  const existing = goes ? undefined : (textOf(state, GRUB_CFG_PATH) ?? derived)
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
  return { files: [...files, added], derived: existing === undefined ? undefined : GRUB_CFG_PATH }
}

function givesOtherId(written: ReadonlyMap<string, ContentFile>, before: string | undefined): boolean {
  const grub = written.get(GRUB_CFG_PATH)
  return grub?.role.kind === 'grub-cfg' && grub.role.grub.oemId !== before
}
