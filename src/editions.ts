/**
 * Several editions of one image in one run: the input is opened, verified, hashed and found its way through once; each edition
 * then goes the second half of the pipeline (`makeEdition`) on an overlay, and to an output, of its own.
 *
 * Two are under way at a time: while one is copied and synced, which is the disk's work, the other is edited and encoded, which
 * is the processor's. Each is published as soon as it is checked, and so not before the digest of the whole input is there and
 * right. What then goes wrong with one edition is that one's; what goes wrong with the image ends the run.
 */
import { mkdir, rm } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { type BakeInput, makeEdition, type PreparedEdition, prepareEdition } from './bake.js'
import { examineBooted } from './booted/booted.js'
import { type ChosenEdition, editionsFor, editionsNamed } from './choose-editions.js'
import { requestedClock } from './clock.js'
import type { ImageOutput } from './codec/codec.js'
import { decodeImage } from './codec/open.js'
import { openOem } from './disk/open-oem.js'
import { prepareEngine, withMountedOem } from './engine/mount.js'
import {
  asOemBakeError,
  CancelledError,
  fileError,
  ImageError,
  type OemBakeError,
  VerificationError,
} from './errors.js'
import { inParallel } from './in-parallel.js'
import { codecOptions, preferringMismatch, sizeLimit } from './look-into.js'
import { planContent } from './make-plan.js'
import { readRelease, releaseNotes, toldRelease } from './oem/release/read-release.js'
import { type PhaseTimes, timePhases } from './phase-times.js'
import { contextOfJob, type RunContext } from './progress.js'
import { toldFor } from './publish/describe-edition.js'
import { openOutputDirectory } from './publish/output-directory.js'
import { wantedSideFiles } from './publish/side-files.js'
import { targetDirectory } from './publish/target.js'
import type { BakeReport, EditionOutcome, EditionsReport } from './report.js'
import type { EditionsRequest } from './request.js'
import { assertOriginalApart } from './source/original-apart.js'
import { type OpenedImage, openImage } from './source/source.js'
import { openWorkspace } from './temp.js'
import { verifyOrigin } from './trust/verify.js'

/** More would wait for the same disk, each with a copy that lies there. */
const AT_ONCE = 2

/** Whether an edition is there already; gives its path. What it throws is that edition's failure. */
export type FindKept = (edition: ChosenEdition) => Promise<string | undefined>

/**
 * Bakes editions of an image and publishes each.
 *
 * @param findKept asked before an edition is made
 * @returns what became of each of them; those that failed left nothing
 * @throws OemBakeError of any class when something is wrong with the request or the image and nothing was published
 */
export async function bakeEditions(
  request: EditionsRequest,
  context: RunContext,
  findKept: FindKept = async () => undefined,
): Promise<EditionsReport> {
  const { templates } = request
  requestedClock(request.sourceDateEpoch, context.env)
  const named = templates === 'all' ? undefined : await editionsNamed(templates, request, context.env)
  await assertOriginalApart(request.image, request.original)
  await using opened = await openImage(request.image)
  await using _made = await openOutputDirectory(request)
  const ready = named && (await prepareAll(named, findKept, opened, context))
  // Nothing to be done, so nothing need be read.
  if (ready?.every(isSettled)) return { editions: ready, skipped: [] }
  await using besideTargets = await openWorkspace(await targetDirectory(opened, request))
  await using elsewhere = request.tmpDir === undefined ? undefined : await openWorkspace(request.tmpDir)

  const image = await verifyOrigin(opened, request, context)
  const first = await openPlace(besideTargets.path('first'))
  const tell = toldFor(wantedSideFiles(request, ''))
  const { recompress } = request
  const purpose = { kind: 'bake', target: first.finished, others: true, recompress, tell } as const
  await using decoded = await decodeImage(image, purpose, codecOptions(request), context)
  return await preferringMismatch(image, decoded, async () => {
    const { directory } = elsewhere ?? besideTargets
    const input = await knowOnce({ opened, image, decoded, notes: decoded.notes }, request, directory, context)
    const { chosen, skipped } =
      named === undefined ? await editionsFor(input.release, request, context.env) : { chosen: named, skipped: [] }
    for (const { reason, template } of skipped)
      context.report({ kind: 'note', message: `no edition of template ${template}: ${reason}` })

    let unused: ImageOutput | undefined = decoded
    const make = async ({ edition, prepared, times }: Ready, place: Place): Promise<BakeReport> => {
      await using spareThread = prepareEngine(request.engine ?? 'auto')
      const taken = unused
      unused = undefined
      const { finished } = taken === undefined ? place : first
      await using another = taken === undefined ? await decoded.another(finished, times.context) : undefined
      await using own = elsewhere && (await openPlace(elsewhere.path(basename(place.directory))))
      const scratch = (own ?? place).directory
      const output = another ?? taken ?? decoded
      const { report } = await makeEdition(input, prepared, {
        ...{ finished, output, scratch, spareThread, times },
        planOf: (open) => planContent(edition.content, edition.request, open, times.context),
      })
      return report
    }

    const asked = ready ?? (await prepareAll(chosen, findKept, opened, context))
    let endedBy: OemBakeError | undefined
    const editions = await inParallel(asked, AT_ONCE, async (one, nth): Promise<EditionOutcome> => {
      if (isSettled(one)) return one
      const template = one.edition.content.edition
      if (endedBy !== undefined) return { template, error: endedBy }
      try {
        await using place = await openPlace(besideTargets.path(`${nth}`))
        return { template, report: await make(one, place) }
      } catch (error) {
        const failure = await reasonOf(error, input)
        if (isOfWholeRun(failure)) endedBy = failure
        return { template, error: failure }
      }
    })
    if (endedBy !== undefined && editions.every((outcome) => 'error' in outcome)) throw endedBy
    await decoded.remember(input.notes)
    return { editions, skipped }
  })
}

/** An edition that is to be made, with all that can be known of it before the image is read. */
interface Ready {
  readonly edition: ChosenEdition
  readonly prepared: PreparedEdition
  readonly times: PhaseTimes
}

function isSettled(one: Ready | EditionOutcome): one is EditionOutcome {
  return !('prepared' in one)
}

/**
 * Looks for each edition, and for the name that it wants: what is there already, or can't be had, has its outcome.
 *
 * @throws what is wrong with the request for all of them: a key, a clock
 */
async function prepareAll(
  chosen: readonly ChosenEdition[],
  findKept: FindKept,
  opened: OpenedImage,
  context: RunContext,
): Promise<readonly (Ready | EditionOutcome)[]> {
  const prepared: (Ready | EditionOutcome)[] = []
  for (const edition of chosen) {
    const template = edition.content.edition
    try {
      const kept = await findKept(edition)
      const times = timePhases(contextOfJob(context, template))
      if (kept !== undefined) prepared.push({ template, kept })
      else
        prepared.push({
          edition,
          prepared: await prepareEdition({ verb: 'bake', ...edition }, opened, times.context),
          times,
        })
    } catch (error) {
      const failure = asOemBakeError(error)
      if (isOfRequest(failure)) throw failure
      prepared.push({ template, error: failure })
    }
  }
  return prepared
}

/** A directory of one edition's own. */
interface Place extends AsyncDisposable {
  readonly directory: string
  /** Where its image is written. */
  readonly finished: string
}

async function openPlace(directory: string): Promise<Place> {
  await mkdir(directory).catch((error) => {
    throw fileError(error, `make a directory in ${dirname(directory)}`)
  })
  return {
    directory,
    finished: join(directory, 'finished'),
    // Space for the others. What can't be removed goes with the run's directory.
    [Symbol.asyncDispose]: () => rm(directory, { recursive: true, force: true }).catch(() => undefined),
  }
}

/** Finds out, once for all editions, what every bake finds out of an image: the way to the OEM partition, its release, whether it was booted. */
async function knowOnce(
  input: BakeInput,
  request: EditionsRequest,
  workDirectory: string,
  context: RunContext,
): Promise<BakeInput & Required<Pick<BakeInput, 'release'>>> {
  const { decoded, image, notes: before } = input
  const { located, notes } = await openOem(decoded, sizeLimit(request))
  const told = await toldRelease(request.release, image.path, before)
  const engine = request.engine ?? 'auto'
  const release =
    told.kind === 'known'
      ? told
      : await withMountedOem(located, engine, true, { ...context, workDirectory }, ({ withUsr }) =>
          readRelease(told, withUsr),
        )
  const booted = await examineBooted(located, release, before)
  return { ...input, release, notes: { ...releaseNotes(release, before), ...notes, ...booted.notes } }
}

/** An image that is not the one that was published is the reason for whatever else goes wrong with it. */
async function reasonOf(error: unknown, { decoded, image }: BakeInput): Promise<OemBakeError> {
  if (!image.origin.binds) return asOemBakeError(error)
  return decoded.settled().then(() => asOemBakeError(error), asOemBakeError)
}

/** By whose problem it is: the image is the same for all. */
function isOfWholeRun(error: OemBakeError): boolean {
  const isOfImage =
    error instanceof ImageError || error instanceof VerificationError || error.code === 'ERR_IMAGE_BOOTED'
  return isOfImage || error instanceof CancelledError
}

/** Keys and clocks are the same for all, too; another job's name ({@link FindKept}) is one edition's. */
function isOfRequest(error: OemBakeError): boolean {
  return error.code === 'ERR_SIGNING_KEY' || error.code === 'ERR_GPG_MISSING' || error instanceof CancelledError
}
