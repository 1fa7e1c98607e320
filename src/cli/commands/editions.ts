/**
 * `oem-bake IMAGE --template A --template B`, or `--all`: bakes several editions and prints a path a line.
 */
import { bakeEditions } from '../../editions.js'
import type { RunContext } from '../../progress.js'
import type { EditionsRequest } from '../../request.js'
import { failuresOf, outcomeDocument } from '../render/outcome.js'
import type { CommandOutput } from '../run.js'

export async function editions(request: EditionsRequest, context: RunContext): Promise<CommandOutput> {
  const { editions: outcomes, skipped } = await bakeEditions(request, context)
  return {
    document: { editions: outcomes.map(outcomeDocument), skipped },
    text: outcomes.flatMap((outcome) => ('report' in outcome ? [`${outcome.report.output.path}\n`] : [])).join(''),
    ...failuresOf(outcomes, (nth) => outcomes[nth]?.template ?? ''),
  }
}
