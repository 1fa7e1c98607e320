/**
 * The keys that a template's YAML and JSON sources may hold for us instead of for the machine. They are gone from what is
 * rendered, and none of them lets a value become structure: only whether a variable is set decides.
 *
 *     - $when: nova_agent             # this mapping is there only if the variable is set; $unless: only if it is not
 *       name: nova-agent.service
 *       content:
 *         $text: nova-agent.service   # the text of that file of the template; references in it are replaced as anywhere
 *     - {$when: ssh_key, $value: '…'} # the same for what is no mapping
 */
import { UsageError } from '../../errors.js'
import { field, isMapping, type Mapping, shapeOf } from '../mapping.js'
import { suggestName } from '../nearest.js'
import { VARIABLE_NAME } from './variables.js'

/** On what a part of a template, or a whole file of it, depends. */
export interface Condition {
  /** A variable that must be set. */
  readonly when?: string
  /** A variable that must not be set. */
  readonly unless?: string
}

type IsSet = (name: string) => boolean

const RESERVED = ['$when', '$unless', '$value', '$text']

export function conditionHolds({ when, unless }: Condition, isSet: IsSet): boolean {
  return (when === undefined || isSet(when)) && (unless === undefined || !isSet(unless))
}

/**
 * Puts the texts in that `$text` names, and checks all reserved keys.
 *
 * @param read gives the text of a file of the template
 * @throws ERR_TEMPLATE_INVALID for a reserved key that is unknown or not in its place
 */
export async function includeTexts(
  value: unknown,
  where: string,
  read: (source: string) => Promise<string>,
): Promise<unknown> {
  if (Array.isArray(value)) return Promise.all(value.map((item: unknown) => includeTexts(item, where, read)))
  if (!isMapping(value)) return value
  assertReserved(value, where)
  const source = field(value, '$text')
  if (typeof source === 'string') return read(source)
  const entries = Object.entries(value).map(
    async ([key, item]) =>
      [key, key.startsWith('$') && key !== '$value' ? item : await includeTexts(item, where, read)] as const,
  )
  return Object.fromEntries(await Promise.all(entries))
}

/** The document without what its conditions leave out, and without reserved keys. */
export function applyConditions(value: unknown, isSet: IsSet): unknown {
  return keepIf(value, isSet)[0]
}

/** Names of the variables that conditions ask for. */
export function conditionNames(value: unknown): readonly string[] {
  if (Array.isArray(value)) return value.flatMap(conditionNames)
  if (!isMapping(value)) return []
  const { when, unless } = conditionOf(value)
  return [when, unless, ...Object.values(value).flatMap(conditionNames)].filter((name) => name !== undefined)
}

/** Nothing, or the one value that is left. */
function keepIf(value: unknown, isSet: IsSet): readonly unknown[] {
  if (Array.isArray(value)) return [value.flatMap((item: unknown) => keepIf(item, isSet))]
  if (!isMapping(value)) return [value]
  if (!conditionHolds(conditionOf(value), isSet)) return []
  if (Object.hasOwn(value, '$value')) return keepIf(value.$value, isSet)
  const entries = Object.entries(value).filter(([key]) => !key.startsWith('$'))
  return [Object.fromEntries(entries.flatMap(([key, item]) => keepIf(item, isSet).map((kept) => [key, kept])))]
}

function conditionOf(value: Mapping): Condition {
  const [when, unless] = ['$when', '$unless'].map((key) => field(value, key))
  return {
    ...(typeof when === 'string' ? { when } : {}),
    ...(typeof unless === 'string' ? { unless } : {}),
  }
}

function assertReserved(value: Mapping, where: string): void {
  const keys = Object.keys(value)
  for (const key of keys.filter((name) => name.startsWith('$'))) {
    if (!RESERVED.includes(key)) {
      throw invalid(
        `${where}: unknown key ${JSON.stringify(key)}`,
        suggestName(key, RESERVED, 'keys with a dollar sign'),
      )
    }
    const item = value[key]
    if (key === '$value') continue
    if (typeof item !== 'string')
      throw invalid(`${where}: ${key} is ${shapeOf(item)}, expected text`, `write ${key}: …`)
    if (key !== '$text' && !VARIABLE_NAME.test(item)) {
      throw invalid(
        `${where}: ${key} names ${JSON.stringify(item)}, which is no variable`,
        `write ${key}: the name alone`,
      )
    }
  }
  const others = keys.filter((key) => key !== '$when' && key !== '$unless')
  if (keys.includes('$text') && keys.length > 1)
    throw invalid(`${where}: $text stands beside ${keys.join(', ')}`, 'leave $text alone in its mapping')
  if (keys.includes('$value') && (others.length > 1 || keys.length === 1)) {
    throw invalid(
      `${where}: $value stands with ${keys.join(', ')}`,
      'write $when or $unless beside it, and nothing else',
    )
  }
}

function invalid(message: string, hint: string): UsageError {
  return new UsageError('ERR_TEMPLATE_INVALID', message, { hint })
}
