/** What a flag that a verb does not have may have meant: another one's, the beginning of one, or one with a typo. */
import { UsageError } from '../errors.js'
import { nearestName } from '../oem/nearest.js'
import { listed } from './render/list.js'
import { namesOf } from './typed-flags.js'
import { VERBS, type Verb } from './verbs.js'

/** Of every verb; `fetch` has a `--version` that is a release's. */
export const ALWAYS = ['help', 'h', 'version']
/** More that begin alike are no hint. */
const OFFERED_MAX = 5

/** @param name as typed, without dashes */
export function unknownFlag(name: string, verb: Verb): UsageError {
  const others = VERBS.filter(({ options }) => namesOf(options).includes(name))
  const spelled = dashed(name)
  return others.length === 0
    ? new UsageError('ERR_USAGE', `unknown flag ${spelled}`, { hint: hintFor(name, verb) })
    : new UsageError('ERR_USAGE', `${verb.name} has no ${spelled}`, { hint: hintToOthers(others, verb) })
}

function hintToOthers(others: readonly Verb[], { name }: Verb): string {
  if (name === 'batch' && others.some((other) => other.name === 'bake'))
    return 'the jobs of the batch file can say it: the README shows one, under "Many editions"'
  const names = others.map((other) => other.name)
  return `${listed(names, 'and')} ${names.length === 1 ? 'has' : 'have'} it`
}

function hintFor(name: string, { options }: Verb): string {
  // Not fetch's, which is a release's.
  if (name.toLowerCase() === 'v') return `did you mean ${'version' in options ? 'oem-bake ' : ''}--version?`
  const known = [...namesOf(options), ...ALWAYS].filter(({ length }) => length > 1)
  // `--output` before `--output-dir`.
  known.sort((left, right) => left.length - right.length)
  const begun = known.filter((flag) => name.length > 1 && flag.startsWith(name))
  const nearest = nearestName(name, known)
  const meant = begun.length > 0 && begun.length <= OFFERED_MAX ? begun : nearest === undefined ? [] : [nearest]
  return meant.length === 0 ? 'see oem-bake --help' : `did you mean ${listed(meant.map(dashed), 'or')}?`
}

function dashed(name: string): string {
  return `${name.length === 1 ? '-' : '--'}${name}`
}
