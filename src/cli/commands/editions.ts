/**
 * `oem-bake IMAGE --template A --template B`, or `--all`: bakes several editions and prints a path a line.
 */
import { bakeEditions } from '../../editions.js'
import type { RunContext } from '../../progress.js'
import type { EditionsReport } from '../../report.js'
import type { EditionsRequest } from '../../request.js'
import { planDocument } from '../render/document.js'
import { errorDocument, errorText } from '../render/error.js'
import { visible } from '../render/table.js'
import type { CommandOutput } from '../run.js'

export async function editions(request: EditionsRequest, context: RunContext): Promise<CommandOutput> {
  return editionsOutput(await bakeEditions(request, context))
}

export function editionsOutput({ editions: outcomes, skipped }: EditionsReport): CommandOutput {
  const failures = outcomes.flatMap((outcome) => ('error' in outcome ? [outcome] : []))
  return {
    document: {
      editions: outcomes.map((outcome) => ({
        template: outcome.template,
        ...('error' in outcome ? errorDocument(outcome.error) : planDocument(outcome.report)),
      })),
      skipped,
    },
    text: outcomes.map((outcome) => ('report' in outcome ? `${outcome.report.output.path}\n` : '')).join(''),
    problems: failures.map(({ error, template }) => `${visible(template)}: ${errorText(error)}\n`).join(''),
    exitCode: failures[0]?.error.exitCode ?? 0,
  }
}
