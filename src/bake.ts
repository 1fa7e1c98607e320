/**
 * The pipeline, top to bottom, one call a stage. Each stage takes what only the stage before can make:
 *
 *   path → OpenedImage → VerifiedImage → DecodedImage → VirtualDisk → LocatedOem → Plan → edited OEM → published file
 *
 * `bake` goes all the way; `plan`, `inspect` and `explain` turn round at the OEM partition. Nothing here knows an offset.
 */
import { tmpdir } from 'node:os'
import { basename } from 'node:path'
import { assertNeverBooted, examineBooted } from './booted/booted.js'
import { clockFor } from './clock.js'
import type { Bzip2Options } from './codec/bzip2/bzip2.js'
import type { DecodedImage } from './codec/codec.js'
import { decodeImage } from './codec/open.js'
import { assertOnlyOemChanged } from './disk/assert-only-oem.js'
import { openDisk } from './disk/disk.js'
import { GPT_SIZE_ANCHOR } from './disk/gpt/size-anchor.js'
import { locateOem } from './disk/locate-oem.js'
import type { EngineName } from './engine/engine.js'
import { prepareEngine, withMountedOem } from './engine/mount.js'
import { throwIfCancelled } from './errors.js'
import { type OemContent, resolveContent } from './oem/content.js'
import { explainBoot } from './oem/explain/explain.js'
import { treeOfState } from './oem/explain/tree.js'
import { assertTreeAsPlanned } from './oem/plan/assert-tree.js'
import { describeOem, type OemState, planBake } from './oem/plan/plan.js'
import { readPreviousDigests } from './oem/previous-digests.js'
import { readOemState } from './oem/read-state.js'
import { editionLabel, readRelease, releaseNotes, toldRelease } from './oem/release/read-release.js'
import type { ImageRelease } from './oem/release/release.js'
import { timePhases } from './phase-times.js'
import type { RunContext } from './progress.js'
import { prepareDescription } from './publish/describe-edition.js'
import { publish } from './publish/publish.js'
import { chooseTarget, type Target } from './publish/target.js'
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
} from './request.js'
import { DEFAULT_SIZE_LIMIT_BYTES } from './size-limit.js'
import { openImage } from './source/source.js'
import { openWorkspace } from './temp.js'
import { type VerifiedImage, verifyOrigin } from './trust/verify.js'

/**
 * Bakes an edition of an image and publishes it.
 *
 * @throws OemBakeError of any class; nothing is published then, and nothing temporary stays
 */
export async function bake(request: BakeRequest, untimed: RunContext): Promise<BakeReport> {
  const times = timePhases(untimed)
  const { context } = times
  const content = await resolveContent(request, context.env)
  await using opened = await openImage(request.image)
  await using spareThread = prepareEngine(request.engine ?? 'auto')
  const { edition } = content
  const name = request.label === true ? await editionLabel(edition, request.release, opened.path) : edition
  const target = await chooseTarget(opened, request, name)
  const describing = await prepareDescription(request, content, target, context)
  await using besideTarget = await openWorkspace(target.directory)
  await using elsewhere = request.tmpDir === undefined ? undefined : await openWorkspace(request.tmpDir)
  const scratch = elsewhere ?? besideTarget

  const image = await verifyOrigin(opened, request, context)
  const finished = besideTarget.path('finished')
  const { tell } = describing
  const purpose = { kind: 'bake', target: finished, recompress: request.recompress, tell } as const
  await using decoded = await decodeImage(image, purpose, codecOptions(request), context)
  return await preferringMismatch(image, decoded, async () => {
    await using disk = await openDisk(decoded, sizeLimit(request))
    const located = await locateOem(disk)
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
        const report = assertNeverBooted(booted.report, request.allowBooted ?? false, context)
        const state = await readOemState(oem, located.oem.filesystem, content)
        decoded.expectEdit()
        const plan = planBake(content, state, release)
        reportFindings(plan, context)
        const previous = tell.inputDigest ? await readPreviousDigests(oem, state, plan.changes) : new Map()
        context.report({ kind: 'phase', phase: 'edit', detail: engine })
        await oem.apply(plan.edits, clockFor(request.sourceDateEpoch, context.env, located.oem.filesystem))
        await assertTreeAsPlanned(oem, plan)
        return { previous, booted: { ...booted, report }, seen: { engine, release, plan } }
      },
    )
    await assertOnlyOemChanged(located)

    const edited = await disk.edited()
    context.report({ kind: 'phase', phase: 'encode' })
    const encoder = await decoded.encode(edited)
    context.report({ kind: 'phase', phase: 'check' })
    const digests = await decoded.check(edited)
    await opened.assertUnchanged()
    // Whatever reads the image comes before the output gets its name: nothing can fail any more after that.
    const seen = { ...baked.seen, image: await describeImage(image, decoded, located, baked.booted.report) }
    const input = await decoded.settled()
    const { previous } = baked
    const sideFiles = await describing.write(finished, { seen, input, digests, encoder, previous, times })
    throwIfCancelled(context.signal)
    context.report({ kind: 'phase', phase: 'publish' })
    const { removed } = await publish({ image: finished, sideFiles }, target)
    reportRemoved(removed, target, context)
    await decoded.remember({ ...releaseNotes(seen.release, decoded.notes), ...disk.notes, ...baked.booted.notes })
    return { ...seen, output: { path: target.path, ...digests, encoder, files: target.sideFiles, removed } }
  })
}

/** Says exactly what a bake would change, and changes nothing. */
export async function plan(request: PlanRequest, context: RunContext): Promise<PlanReport> {
  const content = await resolveContent(request, context.env)
  const { state, ...seen } = await lookAt(request, context, content)
  const booted = assertNeverBooted(seen.image.booted, request.allowBooted ?? false, context)
  const planned = planBake(content, state, seen.release)
  reportFindings(planned, context)
  return { ...seen, image: { ...seen.image, booted }, plan: planned }
}

/** Says what an image is and what its OEM partition holds. */
export async function inspect(request: ImageRequest, context: RunContext): Promise<InspectReport> {
  const { state, ...seen } = await lookAt(request, context)
  return { ...seen, oem: describeOem(state), space: state.space, entries: state.entries }
}

/** Says what a machine will do at boot with the OEM partition as it is, or as a bake would leave it. */
export async function explain(request: ExplainRequest, context: RunContext): Promise<ExplainReport> {
  const content = asksForContent(request) ? await resolveContent(request, context.env) : undefined
  const { state, ...seen } = await lookAt(request, context, content)
  if (content === undefined) return { ...seen, boot: explainBoot(treeOfState(state), seen.release), plan: undefined }
  const planned = planBake(content, state, seen.release)
  reportFindings(planned, context)
  return { ...seen, boot: planned.boot, plan: planned }
}

interface Seen {
  readonly image: ImageReport
  readonly engine: EngineName
  readonly release: ImageRelease
  readonly state: OemState
}

async function lookAt(request: ImageRequest, context: RunContext, content?: OemContent): Promise<Seen> {
  await using opened = await openImage(request.image)
  await using spareThread = prepareEngine(request.engine ?? 'auto')
  await using scratch = await openWorkspace(request.tmpDir ?? tmpdir())
  const image = await verifyOrigin(opened, request, context)
  await using decoded = await decodeImage(image, { kind: 'look' }, codecOptions(request), context)
  // Awaited here: what is opened above closes as soon as this function returns.
  return await preferringMismatch(image, decoded, async () => {
    await using disk = await openDisk(decoded, sizeLimit(request))
    const located = await locateOem(disk)
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
        return { engine, release, booted, state: await readOemState(oem, located.oem.filesystem, content) }
      },
    )
    await decoded.settled()
    await decoded.remember({ ...releaseNotes(seen.release, decoded.notes), ...disk.notes, ...booted.notes })
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
