/** What became of one of several editions, as `--json` prints it. */
import type { Outcome } from '../../report.js'
import { planDocument } from './document.js'
import { errorDocument } from './error.js'

export function outcomeDocument(outcome: { readonly template: string | undefined } & Outcome): object {
  const template = outcome.template ?? null
  if ('error' in outcome) return { template, status: 'failed', ...errorDocument(outcome.error) }
  if ('kept' in outcome) return { template, status: 'kept', output: { path: outcome.kept } }
  return { template, status: 'baked', ...planDocument(outcome.report) }
}
