/**
 * `oem-bake IMAGE --template A --template B`, or `--all`: bakes several editions and prints a path a line.
 */
import { bakeEditions } from '../../editions.js'
import type { RunContext } from '../../progress.js'
import type { EditionsRequest } from '../../request.js'
import { complaintsAbout } from '../render/annotation.js'
import { errorText } from '../render/error.js'
import { exitCodeOf, outcomeDocument } from '../render/outcome.js'
import { visible } from '../render/table.js'
import type { CommandOutput } from '../run.js'

export async function editions(request: EditionsRequest, context: RunContext): Promise<CommandOutput> {
  const { editions: outcomes, skipped } = await bakeEditions(request, context)
  const failures = outcomes.flatMap((outcome) => ('error' in outcome ? [outcome] : []))
  return {
    document: {
      editions: outcomes.map(outcomeDocument),
      skipped,
    },
    text: outcomes.flatMap((outcome) => ('report' in outcome ? [`${outcome.report.output.path}\n`] : [])).join(''),
    problems: failures.map(({ error, template }) => `${visible(template)}: ${errorText(error)}\n`).join(''),
    complaints: failures.flatMap(({ error, template }) => complaintsAbout(template, error)),
    exitCode: exitCodeOf(outcomes),
  }
}
