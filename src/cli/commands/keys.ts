/**
 * `oem-bake keys [list | add FILE | doctor]`: the keys that signatures are checked with, and whether they will do.
 */
import { UsageError } from '../../errors.js'
import { suggestName } from '../../oem/nearest.js'
import type { RunContext } from '../../progress.js'
import { reportKeys } from '../../trust/examine-keys.js'
import { addKeys } from '../../trust/keyring.js'
import { addedText, doctorText, keysText } from '../render/keys.js'
import type { CommandOutput } from '../run.js'

export interface KeysFlags {
  readonly action?: string | undefined
  readonly file?: string | undefined
  readonly key?: readonly string[] | undefined
}

const ACTIONS = ['list', 'add', 'doctor'] as const

/** `doctor` ends with 3 when there is something that makes a verification fail. */
export async function keys(
  { action: typed = 'list', file, key }: KeysFlags,
  context: RunContext,
): Promise<CommandOutput> {
  const action = ACTIONS.find((known) => known === typed)
  if (action === undefined) {
    throw new UsageError('ERR_USAGE', `keys does not know ${JSON.stringify(typed)}`, {
      hint: `${suggestName(typed, ACTIONS, 'words')}; to add a key write oem-bake keys add FILE`,
    })
  }
  if ((action === 'add') !== (file !== undefined) || (action === 'add' && key !== undefined)) {
    const found = file === undefined ? (action === 'add' ? 'needs a FILE' : '') : `takes no word after it: ${file}`
    throw new UsageError(
      'ERR_USAGE',
      `keys ${action} ${action === 'add' && key !== undefined ? 'takes no --key' : found}`,
      {
        hint: action === 'add' ? 'oem-bake keys add FILE' : `oem-bake keys ${action}`,
      },
    )
  }
  if (file !== undefined) {
    const added = await addKeys(file, context.env)
    return { document: { added }, text: addedText(added) }
  }
  const report = await reportKeys(key ?? [], context)
  if (action === 'list') return { document: { keys: report.keys }, text: keysText(report.keys) }
  const problems = report.findings.filter(({ severity }) => severity === 'problem')
  return {
    document: report,
    text: doctorText(report),
    exitCode: problems.length > 0 ? 3 : 0,
    complaints: problems.map(({ hint, message }) => ({ gravity: 'error', title: 'keys doctor', message, hint })),
  }
}
