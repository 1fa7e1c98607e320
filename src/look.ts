/**
 * The verbs that turn round at the OEM partition: they say what is there, or what would become of it, and write nothing.
 */
import { lookInto } from './look-into.js'
import { planBack, planContent, reportFindings } from './make-plan.js'
import { resolveContent } from './oem/content.js'
import { explainBoot } from './oem/explain/explain.js'
import { treeOfState } from './oem/explain/tree.js'
import { bakedBy } from './oem/history/baked-by.js'
import { describeOem } from './oem/plan/plan.js'
import { readOemState } from './oem/read-state.js'
import type { RunContext } from './progress.js'
import type { ExplainReport, InspectReport, PlanReport } from './report.js'
import {
  asksForContent,
  type ExplainRequest,
  type ImageRequest,
  type PlanRequest,
  type UnbakeRequest,
} from './request.js'
import { assertOriginalApart } from './source/original-apart.js'

/** Says exactly what a bake would change, and changes nothing. */
export async function plan(request: PlanRequest, context: RunContext): Promise<PlanReport> {
  const content = await resolveContent(request, context.env)
  await assertOriginalApart(request.image, request.original)
  const { found, ...seen } = await lookInto(request, context, (open) => planContent(content, request, open, context))
  reportFindings(found.plan, context)
  return { ...seen, image: { ...seen.image, booted: found.booted }, plan: found.plan }
}

/** Says what an image is and what its OEM partition holds. */
export async function inspect(request: ImageRequest, context: RunContext): Promise<InspectReport> {
  const { found, ...seen } = await lookInto(request, context, ({ oem, located }) =>
    readOemState(oem, located.oem.filesystem),
  )
  return { ...seen, oem: describeOem(found), space: found.space, entries: found.entries }
}

/** Says what a machine will do at boot with the OEM partition as it is, or as a bake would leave it. */
export async function explain(request: ExplainRequest, context: RunContext): Promise<ExplainReport> {
  if (asksForContent(request)) {
    const planned = await plan(request, context)
    return { ...planned, boot: planned.plan.boot, bakedBy: planned.plan.history.before }
  }
  const { found, ...seen } = await lookInto(request, context, ({ oem, located }) =>
    readOemState(oem, located.oem.filesystem),
  )
  return { ...seen, boot: explainBoot(treeOfState(found), seen.release), bakedBy: bakedBy(found), plan: undefined }
}

/** Says exactly what `unbake` would change, and changes nothing. */
export async function planOfUnbake(request: UnbakeRequest, context: RunContext): Promise<PlanReport> {
  await assertOriginalApart(request.image, request.original)
  const { found, ...seen } = await lookInto(request, context, (open) => planBack(request, open, context))
  reportFindings(found.plan, context)
  return { ...seen, plan: found.plan }
}
