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
import { loadedBytes } from '../host-files.js'
import { judge } from '../judge.js'
import { isWithin } from '../oem-path.js'
import { GRUB_CFG_PATH } from '../release/eras.js'
import type { ImageRelease } from '../release/release.js'
import { isInAnyScope, releaseToRenderFor } from '../release/release-scope.js'
import { arrange, type ExpectedEntry, type PlannedChange } from './arrange.js'
import { checkPlan } from './check-plan.js'
import { assertWritable, decideExisting } from './existing-files.js'
import { type PlannedSpace, planSpace } from './plan-space.js'

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
 * @throws UsageError with everything that is wrong | RefusedError with what can't be done; before anything is
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
  const { space, findings: spaceFindings } = planSpace({ space: state.space, ...tree.space })
  const found = checkPlan({
    content,
    state,
    release,
    files,
    decision,
    expected: tree.expected,
    oemId,
    newIdentity,
    space,
  })
  return {
    edits: tree.edits,
    changes: tree.changes,
    expected: tree.expected,
    oemId,
    space,
    boot: explainBoot(treeAfter(state, tree.edits, tree.expected), release),
    ...judge([...found, ...spaceFindings], content.strictness),
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
