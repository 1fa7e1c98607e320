/**
 * The pipeline, top to bottom, one call a stage. Each stage takes what only the stage before can make:
 *
 *   path → OpenedImage → VerifiedImage → DecodedImage → VirtualDisk → LocatedOem → Plan → edited OEM → published file
 *
 * `bake` and `unbake` go all the way; `plan`, `inspect` and `explain` turn round at the OEM partition. Nothing here knows an
 * offset.
 */
import { tmpdir } from 'node:os'
import { basename } from 'node:path'
import { assertNeverBooted, type BootedReport, examineBooted } from './booted/booted.js'
import { clockFor } from './clock.js'
import type { Bzip2Options } from './codec/bzip2/bzip2.js'
import type { DecodedImage } from './codec/codec.js'
import { decodeImage } from './codec/open.js'
import { assertOnlyOemChanged } from './disk/assert-only-oem.js'
import { GPT_SIZE_ANCHOR } from './disk/gpt/size-anchor.js'
import type { LocatedOem } from './disk/locate-oem.js'
import { openOem } from './disk/open-oem.js'
import type { EngineName, FilesystemEditor } from './engine/engine.js'
import { prepareEngine, withMountedOem } from './engine/mount.js'
import { throwIfCancelled } from './errors.js'
import { CUSTOM_EDITION, type OemContent, resolveContent } from './oem/content.js'
import { explainBoot } from './oem/explain/explain.js'
import { treeOfState } from './oem/explain/tree.js'
import { bakedBy } from './oem/history/baked-by.js'
import type { OriginalOem } from './oem/history/before.js'
import { assertTreeAsPlanned } from './oem/plan/assert-tree.js'
import { describeOem, type OemState, type Plan, planBake } from './oem/plan/plan.js'
import { readPreviousDigests } from './oem/previous-digests.js'
import { readOemState, withDisplacedDigests } from './oem/read-state.js'
import { editionLabel, readRelease, releaseNotes, toldRelease } from './oem/release/read-release.js'
import { type ImageRelease, releaseArgument } from './oem/release/release.js'
import { type PhaseTimes, timePhases } from './phase-times.js'
import type { RunContext } from './progress.js'
import { type DescribedJob, prepareDescription } from './publish/describe-edition.js'
import { publish } from './publish/publish.js'
import { wantedSideFiles } from './publish/side-files.js'
import { chooseTarget, type Target, targetDirectory, UNBAKED } from './publish/target.js'
import type { ComparedOriginal, OriginalQuestion } from './read-original.js'
import {
  type BakeReport,
  describeImage,
  type ExplainReport,
  type ImageReport,
  type InspectReport,
  type PlanReport,
} from './report.js'
import {
  asksForContent,
  type BakeRequest,
  type ExplainRequest,
  type ImageRequest,
  type PlanRequest,
  type UnbakeRequest,
} from './request.js'
import { DEFAULT_SIZE_LIMIT_BYTES } from './size-limit.js'
import { assertOriginalApart } from './source/original-apart.js'
import { openImage } from './source/source.js'
import { openWorkspace } from './temp.js'
import { type VerifiedImage, verifyOrigin } from './trust/verify.js'

/**
 * Bakes an edition of an image and publishes it.
 *
 * @throws OemBakeError of any class; nothing is published then, and nothing temporary stays
 */
export async function bake(request: BakeRequest, context: RunContext): Promise<BakeReport> {
  const times = timePhases(context)
  const content = await resolveContent(request, context.env)
  await assertOriginalApart(request.image, request.original)
  return produce({ verb: 'bake', request, content }, times, (open) =>
    planContent(content, request, open, times.context),
  )
}

/**
 * Takes all bakes back: the OEM partition becomes what it was on the original image. Publishes the result.
 *
 * @throws OemBakeError of any class; nothing is published then, and nothing temporary stays
 */
export async function unbake(request: UnbakeRequest, context: RunContext): Promise<BakeReport> {
  const times = timePhases(context)
  const content = { ...(await resolveContent({ existing: request.existing ?? 'auto' }, context.env)), edition: UNBAKED }
  await assertOriginalApart(request.image, request.original)
  return produce({ verb: 'unbake', request, content }, times, (open) => planBack(request, open, times.context))
}

/** Says exactly what `unbake` would change, and changes nothing. */
export async function planOfUnbake(request: UnbakeRequest, context: RunContext): Promise<PlanReport> {
  await assertOriginalApart(request.image, request.original)
  const { found, ...seen } = await lookInto(request, context, (open) => planBack(request, open, context))
  reportFindings(found.plan, context)
  return { ...seen, plan: found.plan }
}

/** A plan, and the partition that it is for. */
interface Planned {
  readonly plan: Plan
  readonly state: OemState
  /** As it goes on record. */
  readonly booted: BootedReport
}

/** Opens the image, does what is planned for its OEM partition, and publishes the result. */
async function produce(
  job: DescribedJob,
  times: PhaseTimes,
  planOf: (open: OpenOem) => Promise<Planned>,
): Promise<BakeReport> {
  const { request } = job
  const { context } = times
  await using opened = await openImage(request.image)
  await using spareThread = prepareEngine(request.engine ?? 'auto')
  const { edition } = job.content
  const name = request.label === true ? await editionLabel(edition, request.release, opened.path) : edition
  // What an unbake is called after without a name of its own, the history on the image tells.
  const isNamed = job.verb === 'bake' || request.output !== undefined
  const named = isNamed ? await chooseTarget(opened, request, name) : undefined
  const describing = await prepareDescription(job, wantedSideFiles(request, named?.path ?? ''), context)
  await using besideTarget = await openWorkspace(named?.directory ?? (await targetDirectory(opened, request)))
  await using elsewhere = request.tmpDir === undefined ? undefined : await openWorkspace(request.tmpDir)
  const scratch = elsewhere ?? besideTarget

  const image = await verifyOrigin(opened, request, context)
  const finished = besideTarget.path('finished')
  const { tell } = describing
  const purpose = { kind: 'bake', target: finished, recompress: request.recompress, tell } as const
  await using decoded = await decodeImage(image, purpose, codecOptions(request), context)
  return await preferringMismatch(image, decoded, async () => {
    const { located, notes } = await openOem(decoded, sizeLimit(request))
    const told = await toldRelease(request.release, image.path, decoded.notes)

    const engineContext = { ...context, workDirectory: scratch.directory, spareThread }
    context.report({ kind: 'phase', phase: 'read-oem' })
    const baked = await withMountedOem(
      located,
      request.engine ?? 'auto',
      told.kind === 'unknown',
      engineContext,
      async ({ engine, oem, withUsr }) => {
        const release = await readRelease(told, withUsr)
        const booted = await examineBooted(located, release, decoded.notes)
        const open = { oem, located, release, booted: booted.report, workDirectory: scratch.directory }
        const { plan, state, booted: report } = await planOf({ ...open, expectEdit: () => decoded.expectEdit() })
        reportFindings(plan, context)
        const previous = tell.inputDigest ? await readPreviousDigests(oem, state, plan.changes) : new Map()
        context.report({ kind: 'phase', phase: 'edit', detail: engine })
        await oem.apply(plan.edits, clockFor(request.sourceDateEpoch, context.env, located.oem.filesystem))
        await assertTreeAsPlanned(oem, plan)
        return { previous, booted: { ...booted, report }, seen: { engine, release, plan } }
      },
    )
    await assertOnlyOemChanged(located)
    const target = named ?? (await chooseTarget(opened, request, name, editionsOf(baked.seen.plan)))

    const edited = await located.disk.edited()
    context.report({ kind: 'phase', phase: 'encode' })
    const encoder = await decoded.encode(edited)
    context.report({ kind: 'phase', phase: 'check' })
    const digests = await decoded.check(edited)
    await opened.assertUnchanged()
    // Whatever reads the image comes before the output gets its name: nothing can fail any more after that.
    const seen = { ...baked.seen, image: await describeImage(image, decoded, located, baked.booted.report) }
    const input = await decoded.settled()
    const { previous } = baked
    const sideFiles = await describing.write(finished, target, { seen, input, digests, encoder, previous, times })
    throwIfCancelled(context.signal)
    context.report({ kind: 'phase', phase: 'publish' })
    const { removed } = await publish({ image: finished, sideFiles }, target)
    reportRemoved(removed, target, context)
    await decoded.remember({ ...releaseNotes(seen.release, decoded.notes), ...notes, ...baked.booted.notes })
    return { ...seen, output: { path: target.path, ...digests, encoder, files: target.sideFiles, removed } }
  })
}

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

/** What a plan is made from: the OEM partition, mounted. */
interface OpenOem {
  readonly oem: FilesystemEditor
  readonly located: LocatedOem
  readonly release: ImageRelease
  readonly booted: BootedReport
  /** Of this run; removed with it. */
  readonly workDirectory: string
  /** The plan will most likely be done. */
  expectEdit?(): void
}

async function planContent(
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

async function planBack(request: UnbakeRequest, open: OpenOem, context: RunContext): Promise<Planned> {
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

interface Seen<T> {
  readonly image: ImageReport
  readonly engine: EngineName
  readonly release: ImageRelease
  readonly found: T
}

async function lookInto<T>(
  request: ImageRequest,
  context: RunContext,
  look: (open: OpenOem) => Promise<T>,
): Promise<Seen<T>> {
  await using opened = await openImage(request.image)
  await using spareThread = prepareEngine(request.engine ?? 'auto')
  await using scratch = await openWorkspace(request.tmpDir ?? tmpdir())
  const image = await verifyOrigin(opened, request, context)
  await using decoded = await decodeImage(image, { kind: 'look' }, codecOptions(request), context)
  // Awaited here: what is opened above closes as soon as this function returns.
  return await preferringMismatch(image, decoded, async () => {
    const { located, notes } = await openOem(decoded, sizeLimit(request))
    const told = await toldRelease(request.release, image.path, decoded.notes)
    const engineContext = { ...context, workDirectory: scratch.directory, spareThread }
    context.report({ kind: 'phase', phase: 'read-oem' })
    const { booted, ...seen } = await withMountedOem(
      located,
      request.engine ?? 'auto',
      told.kind === 'unknown',
      engineContext,
      async ({ engine, oem, withUsr }) => {
        const release = await readRelease(told, withUsr)
        const booted = await examineBooted(located, release, decoded.notes)
        const open = { oem, located, release, booted: booted.report, workDirectory: scratch.directory }
        return { engine, release, booted, found: await look(open) }
      },
    )
    await decoded.settled()
    await decoded.remember({ ...releaseNotes(seen.release, decoded.notes), ...notes, ...booted.notes })
    return { ...seen, image: await describeImage(image, decoded, located, booted.report) }
  })
}

function sizeLimit(request: ImageRequest): number {
  return request.maxSizeBytes ?? DEFAULT_SIZE_LIMIT_BYTES
}

function codecOptions(request: ImageRequest): Bzip2Options {
  return { anchor: GPT_SIZE_ANCHOR, limitBytes: sizeLimit(request), useCache: request.cache ?? true }
}

/** Whatever goes wrong with an image that is not the one that was published, that it is not is the reason. */
async function preferringMismatch<T>(
  { origin }: VerifiedImage,
  decoded: DecodedImage,
  use: () => Promise<T>,
): Promise<T> {
  try {
    return await use()
  } catch (error) {
    if (origin.binds) await decoded.settled()
    throw error
  }
}

/** An old signature beside a new image would be a lie; that it is gone is not to be missed. */
function reportRemoved(removed: readonly string[], target: Target, context: RunContext): void {
  if (removed.length === 0) return
  const names = removed.map((path) => basename(path)).join(', ')
  context.report({
    kind: 'note',
    message: `removed ${names}: about the image that ${basename(target.path)} took the place of`,
  })
}

function reportFindings(planned: { readonly findings: PlanReport['plan']['findings'] }, context: RunContext): void {
  for (const finding of planned.findings) {
    if (finding.severity === 'note') context.report({ kind: 'note', message: finding.message })
    else
      context.report({
        kind: 'warning',
        code: finding.rule,
        message: finding.message,
        ...(finding.hint === undefined ? {} : { hint: finding.hint }),
      })
  }
}

/** What an output of earlier bakes may be called after: `image.rackspace.img` is no name for what is rackspace's no more. */
function editionsOf({ history: { before } }: Plan): readonly string[] {
  const template = before?.kind === 'oem-bake' ? before.template?.name : undefined
  return template === undefined ? [CUSTOM_EDITION] : [CUSTOM_EDITION, template]
}
