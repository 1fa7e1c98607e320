/**
 * What a job of a batch may say: all that a bake takes on the command line, under the names of its flags, made from their table.
 * `templates` is a list or `all`, and `variables` a mapping, because a file is not typed.
 *
 * A job becomes the words of a command line and is read as one, so that nothing can mean one thing there and another here.
 */
import yargs, { type Options } from 'yargs'
import { UsageError } from '../../errors.js'
import type { BakeRequest, EditionsRequest } from '../../request.js'
import { bakeRequest, STANDARD_OUTPUT } from '../commands/bake.js'
import { COMMA_LISTS, type FlagValue, flagWords } from '../flag-words.js'
import { CONTENT_OPTIONS } from '../options/content.js'
import { EDITION_OPTIONS } from '../options/editions.js'
import { IMAGE_OPTIONS } from '../options/image.js'
import { OUTPUT_OPTIONS } from '../options/output.js'

export interface JobOption {
  readonly type: 'text' | 'a number' | 'true or false' | 'a list of text' | 'a mapping of names to values'
  /** All there are; undefined where anything may be said. */
  readonly choices: readonly string[] | undefined
  readonly words: (value: FlagValue) => readonly string[]
}

const BAKE_OPTIONS = { ...CONTENT_OPTIONS, ...EDITION_OPTIONS, ...OUTPUT_OPTIONS, ...IMAGE_OPTIONS }
const { all: _all, set: _set, template: _template, ...BY_FLAG } = BAKE_OPTIONS
const ALL = 'all'

/** By name; `name` and `image` are no flags. */
export const JOB_OPTIONS: ReadonlyMap<string, JobOption> = new Map<string, JobOption>([
  ['name', { type: 'text', choices: undefined, words: () => [] }],
  ['image', { type: 'text', choices: undefined, words: () => [] }],
  ['template', { type: 'text', choices: undefined, words: (value) => flagWords('template', value, false) }],
  [
    'templates',
    {
      type: 'a list of text',
      choices: undefined,
      words: (value) =>
        Array.isArray(value) && value.length === 1 && value[0] === ALL
          ? ['--all']
          : flagWords('template', value, false),
    },
  ],
  [
    'variables',
    { type: 'a mapping of names to values', choices: undefined, words: (value) => flagWords('set', value, false) },
  ],
  ...Object.entries<Options>(BY_FLAG).map(([flag, options]): [string, JobOption] => [flag, optionOf(flag, options)]),
])

function optionOf(flag: string, { array, choices, default: preset, type }: Options): JobOption {
  return {
    type: typeOf(type, array === true || COMMA_LISTS.has(flag)),
    choices: choices?.filter((choice) => typeof choice === 'string'),
    words: (value) => flagWords(flag, value, preset === true),
  }
}

function typeOf(type: Options['type'], isList: boolean): JobOption['type'] {
  if (isList) return 'a list of text'
  if (type === 'boolean') return 'true or false'
  return type === 'number' ? 'a number' : 'text'
}

/** @throws ERR_USAGE as the command line would */
export function requestOf(image: string, values: ReadonlyMap<string, FlagValue>): BakeRequest | EditionsRequest {
  if (values.has('template') && values.has('templates')) {
    throw new UsageError('ERR_USAGE', 'template and templates both say what is baked', {
      hint: 'leave one of them out',
    })
  }
  if (values.get('output') === STANDARD_OUTPUT) {
    throw new UsageError('ERR_USAGE', 'a job has no standard output to write to', { hint: 'name a file' })
  }
  const words = [...values].flatMap(([name, value]) => JOB_OPTIONS.get(name)?.words(value) ?? [])
  const flags = yargs(words).options(BAKE_OPTIONS).help(false).version(false).exitProcess(false).parseSync()
  return bakeRequest({ ...flags, image })
}
