/** Refuses what nobody defined, with the nearest thing that somebody did: yargs's own `strict` can't name it. */
import type { Options } from 'yargs'
import { UsageError } from '../errors.js'
import { nearestName } from '../oem/nearest.js'
import { VERBS, type Verb } from './verbs.js'

/**
 * Refuses unknown flags, flags given twice and left-over words.
 *
 * @param words all that was typed
 * @param first the word after the verb: where there are more than belong there, it may be a verb with a typo
 * @param leftOver words beyond those that belong to the verb
 * @throws ERR_USAGE
 */
export function assertUnderstood(
  { options, words: wanted }: Verb,
  words: readonly string[],
  first: string | undefined,
  leftOver: readonly (string | number)[],
): void {
  const known = Object.entries(options).flatMap(([name, { alias, type }]) => [
    name,
    ...(typeof alias === 'string' ? [alias] : []),
    ...(type === 'boolean' ? [`no-${name}`] : []),
  ])
  const flags = words.slice(0, words.includes('--') ? words.indexOf('--') : words.length)
  const names = flags.flatMap((word) => /^--([^=]+)/.exec(word)?.[1] ?? /^-([A-Za-z])/.exec(word)?.[1] ?? [])
  assertKnownFlags(names, [...known, 'help', 'h', 'version'])
  assertGivenOnce(
    names.map((name) => (name in options ? name : name.replace(/^no-/, ''))),
    options,
  )
  if (leftOver.length === 0) return
  const takesImage = wanted[0]?.name === 'IMAGE'
  const verb = takesImage && first !== undefined ? verbMeant(first, leftOver.length) : undefined
  if (verb !== undefined) {
    throw new UsageError('ERR_USAGE', `unknown command ${first}`, { hint: `did you mean oem-bake ${verb}?` })
  }
  throw new UsageError('ERR_USAGE', `one word too many: ${leftOver.join(' ')}`, {
    hint: takesImage ? 'oem-bake takes one image; put quotes around a path that holds spaces' : 'see oem-bake --help',
  })
}

/** @param following how many words came behind it */
function verbMeant(typed: string, following: number): string | undefined {
  const nearest = nearestName(
    typed,
    VERBS.map(({ name }) => name),
  )
  return VERBS.find(({ name, words }) => name === nearest && following <= words.length)?.name
}

/**
 * Refuses flags that nobody defined, with the nearest one that somebody did.
 *
 * @param given names as typed, without dashes
 * @param known every name and alias
 * @throws ERR_USAGE
 */
export function assertKnownFlags(given: readonly string[], known: readonly string[]): void {
  const unknown = given.find((name) => !known.includes(name))
  if (unknown === undefined) return
  const suggestion = nearestName(
    unknown,
    known.filter((name) => name.length > 1),
  )
  throw new UsageError('ERR_USAGE', `unknown flag ${unknown.length === 1 ? '-' : '--'}${unknown}`, {
    hint: suggestion === undefined ? 'see oem-bake --help' : `did you mean --${suggestion}?`,
  })
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
