/**
 * The pipeline, top to bottom, one call a stage. Each stage takes what only the stage before can make:
 *
 *   path → OpenedImage → VerifiedImage → DecodedImage → VirtualDisk → LocatedOem → Plan → edited OEM → published file
 *
 * `bake` and `unbake` go all the way here; `editions.ts` goes the second half of it several times, from one decoded image;
 * `look.ts` turns round at the OEM partition. Nothing here knows an offset.
 */
import { basename } from 'node:path'
import { examineBooted } from './booted/booted.js'
import { clockFor } from './clock.js'
import type { DecodedImage, ImageNotes, ImageOutput } from './codec/codec.js'
import { decodeImage } from './codec/open.js'
import { describeImage } from './describe-image.js'
import { assertOnlyOemChanged } from './disk/assert-only-oem.js'
import { openOem } from './disk/open-oem.js'
import { prepareEngine, withMountedOem } from './engine/mount.js'
import { throwIfCancelled } from './errors.js'
import { codecOptions, type OpenOem, preferringMismatch, sizeLimit } from './look-into.js'
import { type Planned, planBack, planContent, reportFindings } from './make-plan.js'
import { CUSTOM_EDITION, resolveContent } from './oem/content.js'
import { assertTreeAsPlanned } from './oem/plan/assert-tree.js'
import type { Plan } from './oem/plan/plan.js'
import { readPreviousDigests } from './oem/previous-digests.js'
import { editionLabel, nameBeforehand, readRelease, releaseNotes, toldRelease } from './oem/release/read-release.js'
import type { ImageRelease } from './oem/release/release.js'
import { type PhaseTimes, timePhases } from './phase-times.js'
import type { RunContext } from './progress.js'
import { type DescribedJob, type EditionDescription, prepareDescription } from './publish/describe-edition.js'
import { inputsOf } from './publish/inputs.js'
import { openOutputDirectory } from './publish/output-directory.js'
import { publish } from './publish/publish.js'
import { wantedSideFiles } from './publish/side-files.js'
import { chooseTarget, saysCompressed, type Target, targetDirectory, UNBAKED } from './publish/target.js'
import type { BakeReport } from './report.js'
import type { BakeRequest, UnbakeRequest } from './request.js'
import { assertOriginalApart } from './source/original-apart.js'
import { type OpenedImage, openImage } from './source/source.js'
import type { SpareThread } from './spare-thread.js'
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

/** Opens the image, makes one edition of it, and closes it again. */
async function produce(
  job: DescribedJob,
  times: PhaseTimes,
  planOf: (open: OpenOem) => Promise<Planned>,
): Promise<BakeReport> {
  const { request } = job
  const { context } = times
  await using opened = await openImage(request.image)
  await using spareThread = prepareEngine(request.engine ?? 'auto')
  await using _made = await openOutputDirectory(request)
  const edition = await prepareEdition(job, opened, context)
  const { directory } = edition.target ?? { directory: await targetDirectory(opened, request) }
  await using besideTarget = await openWorkspace(directory)
  await using elsewhere = request.tmpDir === undefined ? undefined : await openWorkspace(request.tmpDir)
  const scratch = (elsewhere ?? besideTarget).directory

  const image = await verifyOrigin(opened, request, context)
  const finished = besideTarget.path('finished')
  const { tell } = edition.describing
  const purpose = { kind: 'bake', target: finished, recompress: request.recompress, tell } as const
  await using decoded = await decodeImage(image, purpose, codecOptions(request), context)
  const input = { opened, image, decoded, notes: decoded.notes }
  return await preferringMismatch(image, decoded, async () => {
    const work = { finished, output: decoded, scratch, spareThread, times, planOf }
    const { notes, report } = await makeEdition(input, edition, work)
    await decoded.remember(notes)
    return report
  })
}

/** An edition that has been asked for, as far as it is known before the image is read. */
export interface PreparedEdition {
  readonly job: DescribedJob
  /** Undefined where only the image tells: its release, or its history. */
  readonly target: Target | undefined
  readonly describing: EditionDescription
}

/** @throws what can be told of names, keys and clocks before any work */
export async function prepareEdition(
  job: DescribedJob,
  opened: OpenedImage,
  context: RunContext,
): Promise<PreparedEdition> {
  const { content, request, verb } = job
  const name = verb === 'bake' ? await nameBeforehand(content.edition, request, opened.path) : undefined
  const isNamed = name !== undefined || request.output !== undefined
  const inputs = inputsOf(content, request)
  const target = isNamed ? await chooseTarget(opened, request, name ?? content.edition, { inputs }) : undefined
  const describing = await prepareDescription(job, wantedSideFiles(request, target?.path ?? ''), context)
  return { job, target, describing }
}

/** An image that is open, and what is known of it. */
export interface BakeInput {
  readonly opened: OpenedImage
  readonly image: VerifiedImage
  readonly decoded: DecodedImage
  /** Of this run or an earlier one. */
  readonly notes: ImageNotes
  /** Where it has been looked for in this run. */
  readonly release?: ImageRelease
}

/** What an edition is made with. */
export interface EditionWork {
  /** Where the image is written; its directory is the edition's own until it is published. */
  readonly finished: string
  /** Writes there. */
  readonly output: ImageOutput
  /** A directory for all else that is temporary. */
  readonly scratch: string
  readonly spareThread: SpareThread | undefined
  readonly times: PhaseTimes
  readonly planOf: (open: OpenOem) => Promise<Planned>
}

/**
 * From a decoded image to a published edition.
 *
 * @returns with what is worth knowing of the image in a later run
 */
export async function makeEdition(
  { decoded, image, notes: known, opened, release: knownRelease }: BakeInput,
  { describing, job: { content, request, verb }, target: named }: PreparedEdition,
  { finished, output, planOf, scratch, spareThread, times }: EditionWork,
): Promise<{ readonly report: BakeReport; readonly notes: ImageNotes }> {
  const { context } = times
  if (named !== undefined) reportMisnamed(named, decoded.codec, context)
  const { located, notes } = await openOem({ device: decoded.device, notes: known }, sizeLimit(request))
  const told = knownRelease ?? (await toldRelease(request.release, image.path, known))
  const wantsUsr = knownRelease === undefined && told.kind === 'unknown'

  const engineContext = { ...context, workDirectory: scratch, spareThread }
  context.report({ kind: 'phase', phase: 'read-oem' })
  const baked = await withMountedOem(
    located,
    request.engine ?? 'auto',
    wantsUsr,
    engineContext,
    async ({ engine, oem, withUsr }) => {
      const release = wantsUsr ? await readRelease(told, withUsr) : told
      const booted = await examineBooted(located, release, known)
      const open = { oem, located, release, booted: booted.report, workDirectory: scratch }
      const { plan, state, booted: report } = await planOf({ ...open, expectEdit: () => decoded.expectEdit() })
      reportFindings(plan, context)
      const previous = describing.tell.inputDigest ? await readPreviousDigests(oem, state, plan.changes) : new Map()
      context.report({ kind: 'phase', phase: 'edit', detail: engine })
      await oem.apply(plan.edits, clockFor(request.sourceDateEpoch, context.env, located.oem.filesystem))
      await assertTreeAsPlanned(oem, plan)
      return { previous, booted: { ...booted, report }, seen: { engine, release, plan } }
    },
  )
  await assertOnlyOemChanged(located)
  const { plan, release } = baked.seen
  const name = request.label === true ? editionLabel(content.edition, release, image.path) : content.edition
  const options = { inputs: inputsOf(content, request), instead: verb === 'unbake' ? editionsOf(plan) : [] }
  const target = named ?? (await chooseTarget(opened, request, name, options))

  const edited = await located.disk.edited()
  context.report({ kind: 'phase', phase: 'encode' })
  const encoder = await output.encode(edited)
  context.report({ kind: 'phase', phase: 'check' })
  const digests = await output.check(edited)
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
  return {
    notes: { ...releaseNotes(seen.release, known), ...notes, ...baked.booted.notes },
    report: { ...seen, output: { path: target.path, ...digests, encoder, files: target.sideFiles, removed } },
  }
}

/** An output is compressed as its input is, whatever it is called; programs go by the name. */
function reportMisnamed({ path }: Target, { kind }: DecodedImage['codec'], context: RunContext): void {
  const isCompressed = kind === 'bzip2'
  if (saysCompressed(path) !== !isCompressed) return
  context.report({
    kind: 'warning',
    code: 'OUTPUT_NAME',
    message: isCompressed
      ? `${basename(path)} does not say that it is compressed: the image is, with bzip2, and so is what is made of it`
      : `${basename(path)} says that it is compressed: the image is not, and so neither is what is made of it`,
    hint: isCompressed ? 'let its name end in .bz2' : 'leave .bz2 out of its name',
  })
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

/** What an output of earlier bakes may be called after: `image.rackspace.img` is no name for what is rackspace's no more. */
function editionsOf({ history: { before } }: Plan): readonly string[] {
  const template = before?.kind === 'oem-bake' ? before.template?.name : undefined
  return template === undefined ? [CUSTOM_EDITION] : [CUSTOM_EDITION, template]
}
