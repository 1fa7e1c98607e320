/**
 * `oem-bake templates [list | show NAME | check DIR | new NAME [DIR]]`: what templates there are, what one does on which
 * release, whether one is right, and a new one to start from.
 */
import { join } from 'node:path'
import { UsageError } from '../../errors.js'
import { examineTemplate, type TemplateExamination } from '../../oem/examine-template.js'
import { suggestName } from '../../oem/nearest.js'
import { writeNewTemplate } from '../../oem/template/new-template.js'
import { listTemplates } from '../../oem/template/template.js'
import type { RunContext } from '../../progress.js'
import { variablesRequest } from '../options/content.js'
import { type Complaint, complaintOfFinding } from '../render/annotation.js'
import { checkDocument, gravity, listDocument, showDocument, withoutRelease } from '../render/template-documents.js'
import { checkText, listText, newText, showText } from '../render/templates.js'
import type { CommandOutput } from '../run.js'

export interface TemplatesFlags {
  readonly action?: string | undefined
  readonly name?: string | undefined
  readonly directory?: string | undefined
  readonly set?: readonly string[] | undefined
  readonly vars?: string | undefined
}

const ACTIONS = ['list', 'show', 'check', 'new'] as const
type Action = (typeof ACTIONS)[number]

/** What a word is called in messages, per action. */
const TAKES: Readonly<Record<Action, readonly string[]>> = {
  list: [],
  show: ['NAME'],
  check: ['DIR'],
  new: ['NAME', 'DIR'],
}

/** Ends with 2 when a check finds an error. */
export async function templates(flags: TemplatesFlags, { env }: RunContext): Promise<CommandOutput> {
  const action = actionOf(flags)
  const values = variablesRequest(flags)
  if ((action === 'list' || action === 'new') && (flags.set ?? flags.vars) !== undefined) {
    throw new UsageError('ERR_USAGE', `templates ${action} takes no variables`, { hint: 'leave out --set and --vars' })
  }
  const name = flags.name ?? ''
  switch (action) {
    case 'list': {
      const list = await listTemplates(env)
      return { document: listDocument(list), text: listText(list) }
    }
    case 'show': {
      const examination = await examineTemplate(name, values, env)
      return { document: showDocument(examination), text: showText(examination) }
    }
    case 'check': {
      const examination = await examineTemplate(name, values, env)
      const exitCode = gravity(examination) === 'error' ? 2 : 0
      return {
        document: checkDocument(examination),
        text: checkText(examination),
        exitCode,
        complaints: complaintsOfTrials(examination),
      }
    }
    case 'new': {
      const made = await writeNewTemplate(name, flags.directory ?? name)
      return {
        document: { ...made, files: made.files.map((file) => join(made.directory, file)) },
        text: newText(made),
      }
    }
  }
}

/** What was found on several releases is told once; errors first, for not all that is told is shown. */
function complaintsOfTrials({ template, trials }: TemplateExamination): readonly Complaint[] {
  const told = new Map<string, Complaint>()
  for (const trial of trials) {
    if (trial.fault !== undefined) {
      const { code, hint, message } = trial.fault
      told.set(message, { gravity: 'error', title: code, message: `template ${template.name}: ${message}`, hint })
    }
    for (const finding of trial.findings.filter(({ severity }) => severity !== 'note')) {
      const message = withoutRelease(finding, trial)
      told.set(`${finding.severity} ${message}`, { ...complaintOfFinding(finding), message })
    }
  }
  const all = [...told.values()]
  return [...all.filter(({ gravity }) => gravity === 'error'), ...all.filter(({ gravity }) => gravity === 'warning')]
}

/** @throws ERR_USAGE for an action that there is not, or with words too many or too few */
function actionOf({ action: typed = 'list', name, directory }: TemplatesFlags): Action {
  const action = ACTIONS.find((known) => known === typed)
  if (action === undefined) {
    throw new UsageError('ERR_USAGE', `templates does not know ${JSON.stringify(typed)}`, {
      hint: `${suggestName(typed, ACTIONS, 'words')}; to see one template write oem-bake templates show NAME`,
    })
  }
  const words = [name, directory].filter((word) => word !== undefined)
  const takes = TAKES[action]
  if (words.length > takes.length) {
    throw new UsageError('ERR_USAGE', `one word too many: ${words[takes.length]}`, {
      hint: `oem-bake templates ${[action, ...takes].join(' ')}`,
    })
  }
  const [first] = takes
  if (first !== undefined && name === undefined) {
    throw new UsageError('ERR_USAGE', `templates ${action} needs a ${first}`, {
      hint: `oem-bake templates ${action} ${action === 'check' ? './my-cloud' : 'rackspace'}`,
    })
  }
  return action
}
