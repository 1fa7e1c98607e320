/**
 * From an open OEM partition to the plan for it: of a bake, or of taking bakes back. The original image is opened here, where
 * the history on the partition asks for it.
 */
import { assertNeverBooted, type BootedReport } from './booted/booted.js'
import { lookInto, type OpenOem } from './look-into.js'
import type { OemContent } from './oem/content.js'
import type { OriginalOem } from './oem/history/before.js'
import { type OemState, type Plan, planBake } from './oem/plan/plan.js'
import { readOemState, withDisplacedDigests } from './oem/read-state.js'
import { releaseArgument } from './oem/release/release.js'
import type { RunContext } from './progress.js'
import type { ComparedOriginal, OriginalQuestion } from './read-original.js'
import type { PlanReport } from './report.js'
import type { ImageRequest, PlanRequest, UnbakeRequest } from './request.js'

/** A plan, and the partition that it is for. */
export interface Planned {
  readonly plan: Plan
  readonly state: OemState
  /** As it goes on record. */
  readonly booted: BootedReport
}

export async function planContent(
  content: OemContent,
  request: PlanRequest,
  open: OpenOem,
  context: RunContext,
): Promise<Planned> {
  const { oem, located, release } = open
  const booted = assertNeverBooted(open.booted, request.allowBooted ?? false, context)
  const read = await readOemState(oem, located.oem.filesystem, content)
  open.expectEdit?.()
  const original = await originalFor(request, read, open, context)
  const state = await withDisplacedDigests(oem, read, content, release, original)
  return { plan: planBake(content, state, release, original), state, booted }
}

export async function planBack(request: UnbakeRequest, open: OpenOem, context: RunContext): Promise<Planned> {
  const { planUnbake, assertBaked } = await import('./oem/plan/plan-unbake.js')
  const read = await readOemState(open.oem, open.located.oem.filesystem)
  const history = assertBaked(read)
  open.expectEdit?.()
  const { original, state } = await lookAtOriginal(request, context, { baked: open, state: read, history, whole: true })
  // A booted image may have its files back: nothing new is promised to the machines that run from it.
  return { plan: planUnbake(state, open.release, original, request.existing ?? 'auto'), state, booted: open.booted }
}

/** What `--original` gives back; undefined where nobody baked before, or no original is given. */
async function originalFor(
  request: PlanRequest,
  state: OemState,
  open: OpenOem,
  context: RunContext,
): Promise<OriginalOem | undefined> {
  const { original: image } = request
  if (image === undefined || state.history?.kind !== 'history') return undefined
  const question = { baked: open, state, history: state.history.history, whole: false }
  return (await lookAtOriginal({ ...request, original: image }, context, question)).original
}

/** Opens the original as every image is opened: its digests are checked, nothing of it is written. */
async function lookAtOriginal(
  request: ImageRequest & { readonly original: string },
  context: RunContext,
  question: OriginalQuestion,
): Promise<ComparedOriginal> {
  const { readOriginalOem } = await import('./read-original.js')
  const { release } = question.baked
  // A signature or digest file that the request names is the baked image's.
  const { digests, signature, ...same } = request
  const look = {
    ...same,
    image: request.original,
    ...(release.kind === 'known' ? { release: releaseArgument(release) } : {}),
  }
  const { found } = await lookInto(look, context, ({ oem, located }) => readOriginalOem(oem, located, question))
  return found
}

/** A plan's findings, as they are met on the way. */
export function reportFindings(
  planned: { readonly findings: PlanReport['plan']['findings'] },
  context: RunContext,
): void {
  for (const finding of planned.findings) {
    if (finding.severity === 'note') context.report({ kind: 'note', message: finding.message })
    else
      context.report({
        kind: 'warning',
        code: finding.rule,
        message: finding.message,
        ...(finding.hint === undefined ? {} : { hint: finding.hint }),
        ...(finding.place === undefined ? {} : { place: finding.place }),
      })
  }
}
