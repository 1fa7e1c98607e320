/**
 * Requests of programs, looked at before anything is done: plain JavaScript may give any field, and a name with a typo would be
 * baked without what it was meant for. The command line and Packer have flags of their own that are checked.
 */
import { UsageError } from './errors.js'
import { nearestName } from './oem/nearest.js'
import {
  asksForContent,
  type BakeRequest,
  type BatchRequest,
  type ContentRequest,
  type EditionsRequest,
  type ExplainRequest,
  type ImageRequest,
  type OutputRequest,
  type PlanRequest,
  type ProveRequest,
  type TrustRequest,
  type UnbakeRequest,
  type VerifyRequest,
} from './request.js'

/** The compiler sees to it that none is missing. */
type Fields<Request> = Readonly<Record<keyof Request, true>>

const TRUST: Fields<TrustRequest> = { verify: true, signature: true, digests: true, keys: true }
const IMAGE: Fields<ImageRequest> = {
  ...TRUST,
  ...{ image: true, engine: true, tmpDir: true, release: true, maxSizeBytes: true, cache: true },
}
const CONTENT: Fields<ContentRequest> = {
  ...{ template: true, variables: true, variablesFile: true, cloudConfig: true, ignition: true, oemId: true },
  ...{ oemIdUnchecked: true, files: true, remove: true, existing: true, allowBooted: true, original: true },
  ...{ strict: true, ignore: true },
}
const OUTPUT: Fields<OutputRequest> = {
  ...{ output: true, outputDirectory: true, label: true, force: true, with: true, sign: true, recompress: true },
  sourceDateEpoch: true,
}
const PLAN: Fields<PlanRequest> = { ...IMAGE, ...CONTENT }
const BAKE: Fields<BakeRequest> = { ...PLAN, ...OUTPUT }
const { output: _output, template: _template, ...SHARED } = BAKE
const EDITIONS: Fields<EditionsRequest> = { ...SHARED, templates: true }
const BATCH: Fields<BatchRequest> = { jobs: true, atOnce: true, resume: true, file: true }
const UNBAKE: Fields<UnbakeRequest> = { ...IMAGE, ...OUTPUT, original: true, existing: true }
const PROVE: Fields<ProveRequest> = {
  ...TRUST,
  ...{ original: true, baked: true, engine: true, maxSizeBytes: true, tmpDir: true },
}
const VERIFY: Fields<VerifyRequest> = { ...TRUST, image: true }

/** @throws ERR_USAGE for a field that nobody knows, or without an image */
function assertFields<Request extends object>(
  request: Request,
  fields: Fields<Request>,
  paths: readonly string[],
): void {
  const known = Object.keys(fields)
  const unknown = Object.keys(request ?? {}).find((name) => !known.includes(name))
  if (unknown !== undefined) {
    const nearest = nearestName(unknown, known)
    throw new UsageError('ERR_USAGE', `a request has no field ${unknown}`, {
      hint: nearest === undefined ? `there are ${known.join(', ')}` : `did you mean ${nearest}?`,
    })
  }
  const given = new Map(Object.entries(request ?? {}))
  const missing = paths.find((name) => typeof given.get(name) !== 'string' || given.get(name) === '')
  if (missing !== undefined)
    throw new UsageError('ERR_USAGE', `the request has no ${missing}`, {
      hint: `give the path of a file as ${missing}`,
    })
}

/** @throws ERR_USAGE when nothing at all is to go onto the OEM partition, or off it */
export function assertAsksForContent(request: ContentRequest): void {
  if (asksForContent(request)) return
  throw new UsageError(
    'ERR_USAGE',
    'nothing was asked for: no template, no cloud-config, no Ignition config, no file',
    { hint: 'oem-bake IMAGE --template rackspace; oem-bake templates lists all there are' },
  )
}

export function assertBake(request: BakeRequest): void {
  assertFields(request, BAKE, ['image'])
  assertAsksForContent(request)
}

export function assertPlan(request: PlanRequest): void {
  assertFields(request, PLAN, ['image'])
  assertAsksForContent(request)
}

export function assertEditions(request: EditionsRequest): void {
  assertFields(request, EDITIONS, ['image'])
  const { templates } = request
  if (templates === 'all' || (Array.isArray(templates) && templates.length > 0)) return
  throw new UsageError('ERR_USAGE', 'no template was named', { hint: 'name some, or ask for all' })
}

/** Of its jobs, too. */
export function assertBatch(request: BatchRequest): void {
  assertFields(request, BATCH, [])
  for (const { request: job } of request.jobs) {
    if ('templates' in job) assertEditions(job)
    else assertBake(job)
  }
}

export const assertExplain = (request: ExplainRequest): void => assertFields(request, PLAN, ['image'])
export const assertInspect = (request: ImageRequest): void => assertFields(request, IMAGE, ['image'])
export const assertUnbake = (request: UnbakeRequest): void => assertFields(request, UNBAKE, ['image', 'original'])
export const assertProve = (request: ProveRequest): void => assertFields(request, PROVE, ['original', 'baked'])
export const assertVerify = (request: VerifyRequest): void => assertFields(request, VERIFY, ['image'])
