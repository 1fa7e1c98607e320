/**
 * `oem-bake batch FILE`: bakes all jobs of a file and prints what became of each.
 */

import { bakeBatch } from '../../batch/batch.js'
import { UsageError } from '../../errors.js'
import { given } from '../../given.js'
import type { RunContext } from '../../progress.js'
import type { BatchReport, JobOutcome } from '../../report.js'
import { readJobs } from '../batch/read-jobs.js'
import { withLocalImage } from '../fetched-image.js'
import { failuresOf, outcomeDocument } from '../render/outcome.js'
import { printable, table } from '../render/table.js'
import type { CommandOutput } from '../run.js'

export interface BatchFlags {
  readonly file?: string | undefined
  readonly jobs?: number | undefined
  readonly resume?: boolean | undefined
  readonly force?: boolean | undefined
}

export async function batch(
  { file, force, jobs: atOnce, resume }: BatchFlags,
  context: RunContext,
): Promise<CommandOutput> {
  if (file === undefined || file === '')
    throw new UsageError('ERR_USAGE', 'no batch file was named', { hint: 'oem-bake batch jobs.yml' })
  const read = await readJobs(file)
  const jobs = force === true ? read.map(({ name, request }) => ({ name, request: { ...request, force } })) : read
  const asked = given({ jobs, atOnce, resume, file })
  return batchOutput(await bakeBatch(asked, context, withLocalImage))
}

function batchOutput({ outcomes, skipped }: BatchReport): CommandOutput {
  return {
    document: { outcomes: outcomes.map((outcome) => ({ job: outcome.job, ...outcomeDocument(outcome) })), skipped },
    text: `${table(outcomes.map(row), ['left', 'left', 'left', 'left'], '').join('\n')}\n`,
    // `job 1, ec2`
    ...failuresOf(outcomes, (nth) => [outcomes[nth]?.job, outcomes[nth]?.template].filter(Boolean).join(', ')),
  }
}

function row(outcome: JobOutcome): readonly string[] {
  const first = [printable(outcome.job), printable(outcome.template ?? '-')]
  if ('error' in outcome) return ['failed', ...first, outcome.error.code]
  return 'kept' in outcome
    ? ['kept', ...first, printable(outcome.kept)]
    : ['baked', ...first, printable(outcome.report.output.path)]
}
