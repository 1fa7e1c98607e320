/**
 * Many jobs, images × templates: some of them at a time, each as it would be alone. One that fails is told and leaves the others.
 *
 * All run in this process: hashing, the filesystem, the second decoder and copying have threads of their own or are the kernel's,
 * so that a process a job would buy little for its start and its memory; and what fails does so as a value.
 */
import { bake } from '../bake.js'
import { bakeEditions, type FindKept } from '../editions.js'
import { asOemBakeError, CancelledError, UsageError } from '../errors.js'
import { inParallel } from '../in-parallel.js'
import { resolveContent } from '../oem/content.js'
import { contextOfJob, type RunContext } from '../progress.js'
import type { BatchReport, EditionsReport, JobOutcome } from '../report.js'
import type { BakeRequest, BatchJob, BatchRequest, EditionsRequest } from '../request.js'
import { jobsAtOnce } from './at-once.js'
import { Claims } from './claims.js'
import { findOutput, outputOf } from './find-output.js'
import { KnownInputs } from './known-inputs.js'

/** What is made of a request before it is used; a failure is its job's. */
export type Prepare = <Request extends BakeRequest | EditionsRequest>(
  request: Request,
  context: RunContext,
) => Promise<Request>

/**
 * @param prepare for requests that name an image elsewhere
 * @returns what became of each job
 * @throws ERR_USAGE for jobs that can't be told apart, or would write the same file
 */
export async function bakeBatch(
  { atOnce, file, jobs, resume = false }: BatchRequest,
  context: RunContext,
  prepare: Prepare = async (request) => request,
): Promise<BatchReport> {
  assertNamedApart(jobs)
  const claims = await Claims.of(jobs, file)
  const limit = atOnce ?? jobsAtOnce(jobs.map(({ request }) => request.engine))
  if (!Number.isInteger(limit) || limit < 1)
    throw new UsageError(
      'ERR_USAGE',
      `jobs at once: expected a whole number from 1, found ${Number.isNaN(limit) ? 'none' : limit}`,
      { hint: '--jobs 2' },
    )
  const inputs = new KnownInputs()
  const reports = await inParallel(jobs, limit, async ({ name, request }): Promise<Ended> => {
    const ofJob = contextOfJob(context, name)
    try {
      if (context.signal.aborted) throw new CancelledError()
      const ready = await prepare(request, ofJob)
      const findKept: FindKept = async (edition) => {
        const output = await outputOf(edition)
        if (output === undefined) return undefined
        await claims.claim(output, name)
        return resume ? findOutput(edition, output, inputs, ofJob) : undefined
      }
      return {
        name,
        report: await ('templates' in ready ? bakeEditions(ready, ofJob, findKept) : one(ready, ofJob, findKept)),
      }
    } catch (error) {
      return { name, error: asOemBakeError(error), template: 'template' in request ? request.template : undefined }
    }
  })
  return {
    outcomes: reports.flatMap((ended): readonly JobOutcome[] =>
      'report' in ended
        ? ended.report.editions.map((edition) => ({ job: ended.name, ...edition }))
        : [{ job: ended.name, template: ended.template, error: ended.error }],
    ),
    skipped: reports.flatMap((ended) =>
      'report' in ended ? ended.report.skipped.map((template) => ({ job: ended.name, ...template })) : [],
    ),
  }
}

type Ended = { readonly name: string } & (
  | { readonly report: EditionsReport }
  | { readonly error: ReturnType<typeof asOemBakeError>; readonly template: string | undefined }
)

/** A bake of one edition, told as editions are. */
async function one(request: BakeRequest, context: RunContext, findKept: FindKept): Promise<EditionsReport> {
  const content = await resolveContent(request, context.env)
  const template = content.edition
  const kept = await findKept({ request, content })
  const edition = kept === undefined ? { template, report: await bake(request, context) } : { template, kept }
  return { editions: [edition], skipped: [] }
}

function assertNamedApart(jobs: readonly BatchJob[]): void {
  const names = new Set<string>()
  for (const { name } of jobs) {
    if (names.has(name))
      throw new UsageError('ERR_USAGE', `two jobs are called ${name}`, { hint: 'give each a name of its own' })
    names.add(name)
  }
}
