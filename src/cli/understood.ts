/**
 * Refuses what nobody defined or what can't be meant, with the nearest thing that somebody did define: yargs's own `strict`,
 * and its own words for a value that is missing or wrong, can't name it.
 */
import { dirname } from 'node:path'
import type { Options } from 'yargs'
import { UsageError } from '../errors.js'
import { nearestName } from '../oem/nearest.js'
import { listTemplates } from '../oem/template/template.js'
import { listed } from './render/list.js'
import { namesOf, optionNamed, type TypedFlag, typedFlags } from './typed-flags.js'
import { ALWAYS, unknownFlag } from './unknown-flag.js'
import { commandOf, VERBS, type Verb } from './verbs.js'

/**
 * Refuses unknown flags, flags given twice, and templates that are named as no template is.
 *
 * @param words all that was typed
 * @throws ERR_USAGE
 */
export function assertUnderstood(verb: Verb, words: readonly string[]): void {
  const flags = typedFlags(words)
  const known = new Set([...namesOf(verb.options), ...ALWAYS])
  const unknown = flags.find(({ name }) => !known.has(name))
  if (unknown !== undefined) throw unknownFlag(unknown.name, verb)
  assertGivenOnce(
    flags.map(({ name }) => (name in verb.options ? name : name.replace(/^no-/, ''))),
    verb.options,
  )
  for (const flag of flags) if (optionNamed(flag.name, verb.options) === 'template') assertTemplate(flag, verb)
}

/**
 * Refuses a second value for a flag that takes one: whether the first or the last counts is nobody's guess.
 *
 * @param given names and aliases as typed, without dashes
 * @throws ERR_USAGE
 */
export function assertGivenOnce(given: readonly string[], set: Readonly<Record<string, Options>>): void {
  for (const [name, { alias, array }] of Object.entries(set)) {
    if (array === true || given.filter((typed) => typed === name || typed === alias).length < 2) continue
    throw new UsageError('ERR_USAGE', `--${name} was given twice`, { hint: `give --${name} once` })
  }
}

/**
 * Refuses a flag without its value, and a value that is none of a flag's choices. yargs does so before a command runs; this
 * says it in our words.
 *
 * @throws ERR_USAGE
 */
export function assertValues(verb: Verb, words: readonly string[]): void {
  for (const { name, spelled, value } of typedFlags(words)) {
    const option = verb.options[optionNamed(name, verb.options) ?? '']
    if (option === undefined || option.type === 'boolean') continue
    const choices = option.choices?.map(String)
    if (value === undefined || value === '') {
      const hint = choices === undefined ? exampleOf(verb, name) : `${spelled} ${listed(choices, 'or')}`
      throw new UsageError('ERR_USAGE', `${spelled} needs a value`, { hint })
    }
    if (choices === undefined || choices.includes(value)) continue
    const nearest = nearestName(value, choices)
    throw new UsageError('ERR_USAGE', `${spelled} ${value}: expected ${listed(choices, 'or')}`, {
      hint: nearest === undefined ? seeHelpOf(verb) : `did you mean ${nearest}?`,
    })
  }
}

/** One that `--help` shows, with the flag in it. */
function exampleOf(verb: Verb, flag: string): string {
  const option = optionNamed(flag, verb.options)
  const shown = verb.examples.find(({ typed }) =>
    typedFlags(typed.split(' ')).some(({ name }) => optionNamed(name, verb.options) === option),
  )
  return shown === undefined ? seeHelpOf(verb) : `${commandOf(verb.name)} ${shown.typed}`
}

function seeHelpOf({ name }: Verb): string {
  return `see ${commandOf(name)} --help`
}

/** The name of one template, or the path of its directory. @throws ERR_USAGE */
function assertTemplate({ spelled, value }: TypedFlag, { name, options }: Verb): void {
  if (value === undefined) return
  if (/(?:^|\/)template\.yml$/.test(value)) {
    throw new UsageError(
      'ERR_USAGE',
      `${spelled} ${value}: expected the directory of a template, not its template.yml`,
      {
        hint: `${spelled} ${dirname(value)}`,
      },
    )
  }
  // What has a slash is a path, and may hold a comma.
  if (!value.includes(',') || value.includes('/')) return
  const each = value.split(/[,\s]+/).flatMap((one) => (one === '' ? [] : [`${spelled} ${one}`]))
  throw new UsageError('ERR_USAGE', `${spelled} ${value}: expected the name of one template`, {
    hint: options.template?.array === true ? each.join(' ') : `${name} takes one template: ${listed(each, 'or')}`,
  })
}

/**
 * Refuses words beyond those that belong to the verb.
 *
 * @param first the word after the verb: where there are more than belong there, it may be a verb with a typo, or a template
 * @throws ERR_USAGE
 */
export async function assertNoWordLeft(
  { options, words: wanted }: Verb,
  first: string | undefined,
  leftOver: readonly (string | number)[],
  env: Readonly<Record<string, string | undefined>>,
): Promise<void> {
  if (leftOver.length === 0) return
  const takesImage = wanted[0]?.name === 'IMAGE'
  const all = [...(first === undefined ? [] : [first]), ...leftOver.map(String)]
  const template = takesImage && 'template' in options ? await templateIn(all, env) : undefined
  if (template !== undefined) {
    throw new UsageError('ERR_USAGE', `one word too many: ${template}`, {
      hint: `did you mean --template ${template}?`,
    })
  }
  const verb = takesImage && first !== undefined ? verbMeant(first, leftOver.length) : undefined
  if (verb !== undefined) throw unknownCommand(first ?? '', verb)
  throw new UsageError('ERR_USAGE', `one word too many: ${leftOver.join(' ')}`, {
    hint: takesImage ? 'oem-bake takes one image; put quotes around a path that holds spaces' : 'see oem-bake --help',
  })
}

async function templateIn(
  words: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
): Promise<string | undefined> {
  const { templates } = await listTemplates(env)
  return words.find((word) => templates.some(({ aliases, name }) => name === word || aliases.includes(word)))
}

/** @param following how many words came behind it */
function verbMeant(typed: string, following: number): string | undefined {
  const nearest = nearestVerb(typed)
  return VERBS.find(({ name, words }) => name === nearest && following <= words.length)?.name
}

function nearestVerb(typed: string): string | undefined {
  return nearestName(
    typed,
    VERBS.map(({ name }) => name),
  )
}

function unknownCommand(typed: string, nearest: string | undefined): UsageError {
  return new UsageError('ERR_USAGE', `unknown command ${typed}`, {
    hint: nearest === undefined ? 'oem-bake --help lists the commands' : `did you mean oem-bake ${nearest}?`,
  })
}

/**
 * `help VERB` as other programs are asked, in the words that we know. (An image of that name is `./help`.)
 *
 * @throws ERR_USAGE for a verb that there is not
 */
export function withHelpFlag(words: readonly string[]): readonly string[] {
  const [first, verb, ...rest] = words
  if (first !== 'help' || verb?.startsWith('-') === true) return words
  if (verb === undefined) return ['--help']
  if (!VERBS.some(({ name }) => name === verb)) throw unknownCommand(verb, nearestVerb(verb))
  return [verb, ...rest, '--help']
}
