/** What became of several editions: each as `--json` prints it, and the exit code that stands for all. */
import { CancelledError } from '../../errors.js'
import type { Outcome } from '../../report.js'
import type { Complaint } from './annotation.js'
import { complaintsAbout } from './annotation.js'
import { planDocument } from './document.js'
import { type ErrorStyle, errorDocument, errorLines } from './error.js'

export function outcomeDocument(outcome: { readonly template: string | undefined } & Outcome): object {
  const template = outcome.template ?? null
  if ('error' in outcome) return { template, status: 'failed', ...errorDocument(outcome.error) }
  if ('kept' in outcome) return { template, status: 'kept', output: { path: outcome.kept } }
  return { template, status: 'baked', ...planDocument(outcome.report) }
}

/** Of what failed: what standard error is told, what annotations say, and the exit code of all. */
export function failuresOf(
  outcomes: readonly Outcome[],
  nameOf: (nth: number) => string,
): {
  readonly problems: (style: ErrorStyle) => string
  readonly complaints: readonly Complaint[]
  readonly exitCode: number
} {
  const failures = outcomes.flatMap((outcome, nth) =>
    'error' in outcome ? [{ name: nameOf(nth), error: outcome.error }] : [],
  )
  const told = failures.filter(({ error }) => !(error instanceof CancelledError))
  const cancelled = failures.length - told.length
  const linesOf = (some: typeof failures, style: ErrorStyle): string =>
    some.map(({ error, name }) => errorLines(error, style, name)).join('')
  // Each of them would say the same: programs want to know of which.
  const sum = cancelled === 0 ? '' : `cancelled: ${cancelled} of ${outcomes.length} were not made\n`
  return {
    problems: (style) => (style === 'json' ? linesOf(failures, style) : `${linesOf(told, style)}${sum}`),
    complaints: told.flatMap(({ error, name }) => complaintsAbout(name, error)),
    exitCode: exitCodeOf(outcomes),
  }
}

/** That of the first failure; of a run that was cancelled, whatever else had failed before. */
export function exitCodeOf(outcomes: readonly Outcome[]): number {
  const errors = outcomes.flatMap((outcome) => ('error' in outcome ? [outcome.error] : []))
  return (errors.find((error) => error instanceof CancelledError) ?? errors[0])?.exitCode ?? 0
}
