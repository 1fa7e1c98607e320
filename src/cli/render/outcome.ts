/** What became of several editions: each as `--json` prints it, and the exit code that stands for all. */
import { CancelledError } from '../../errors.js'
import type { Outcome } from '../../report.js'
import { planDocument } from './document.js'
import { errorDocument } from './error.js'

export function outcomeDocument(outcome: { readonly template: string | undefined } & Outcome): object {
  const template = outcome.template ?? null
  if ('error' in outcome) return { template, status: 'failed', ...errorDocument(outcome.error) }
  if ('kept' in outcome) return { template, status: 'kept', output: { path: outcome.kept } }
  return { template, status: 'baked', ...planDocument(outcome.report) }
}

/** That of the first failure; of a run that was cancelled, whatever else had failed before. */
export function exitCodeOf(outcomes: readonly Outcome[]): number {
  const errors = outcomes.flatMap((outcome) => ('error' in outcome ? [outcome.error] : []))
  return (errors.find((error) => error instanceof CancelledError) ?? errors[0])?.exitCode ?? 0
}
