/**
 * Every option of the post-processor, once: its name and type (ConfigSpec, `spec/`), which values it takes, and the words
 * that it becomes on the command line of the bake.
 *
 * Nearly all are made from the command line's own flags, so that what a bake can take, a template can say: `--oem-id` is
 * `oem_id`, flags that may be given many times are lists. Four have another name, because a template is not typed.
 */
import type { Options } from 'yargs'
import { COMMA_LISTS, type FlagValue, flagWords } from '../cli/flag-words.js'
import { CONTENT_OPTIONS } from '../cli/options/content.js'
import { IMAGE_OPTIONS } from '../cli/options/image.js'
import { OUTPUT_OPTIONS } from '../cli/options/output.js'
import type { AttributeType, Spec } from './spec/attribute.js'

/** A value of an option, of the type that the option has. */
export type OptionValue = FlagValue
export type OptionValues = Readonly<Record<string, OptionValue>>

export interface Option {
  readonly type: AttributeType
  /** All there are; undefined where anything may be said. */
  readonly choices: readonly string[] | undefined
  /** What it becomes for the bake; nothing for options that are the plugin's own. */
  readonly words: (value: OptionValue) => readonly string[]
}

const FLAGS: Readonly<Record<string, Options>> = { ...CONTENT_OPTIONS, ...OUTPUT_OPTIONS, ...IMAGE_OPTIONS }

const OTHER_NAMES: Readonly<Record<string, string>> = {
  set: 'variables',
  vars: 'variables_file',
  file: 'files',
  key: 'keys',
}

const none = (): readonly string[] => []
const own = (type: AttributeType): Option => ({ type, choices: undefined, words: none })

/** What only a post-processor needs. */
const OWN_OPTIONS: Readonly<Record<string, Option>> = {
  /** The image, where the artifact's files don't tell. */
  input: own('string'),
  /** The edition takes the image's place, name and all. */
  in_place: own('bool'),
  /** Path of the program that bakes (`program.ts`). */
  oem_bake: own('string'),
}

/** By name. */
export const OPTIONS: Readonly<Record<string, Option>> = {
  ...Object.fromEntries(
    Object.entries(FLAGS).map(([flag, options]) => [
      OTHER_NAMES[flag] ?? flag.replaceAll('-', '_'),
      optionOf(flag, options),
    ]),
  ),
  ...OWN_OPTIONS,
}

/** None is required by its own: an output or `in_place`, a template or a file. */
export const SPEC: Spec = Object.fromEntries(Object.entries(OPTIONS).map(([name, { type }]) => [name, { type }]))

function optionOf(flag: string, { array, choices, default: preset, type }: Options): Option {
  return {
    type: typeOf(flag, type, array === true),
    choices: choices?.filter((choice) => typeof choice === 'string'),
    words: (value) => flagWords(flag, value, preset === true),
  }
}

function typeOf(flag: string, type: Options['type'], array: boolean): AttributeType {
  if (flag === 'set') return { map: 'string' }
  if (array || COMMA_LISTS.has(flag)) return { list: 'string' }
  if (type === 'boolean') return 'bool'
  return type === 'number' ? 'number' : 'string'
}

/** The words of all that is set, without the image. */
export function commandLineOf(values: OptionValues): readonly string[] {
  return Object.entries(values).flatMap(([name, value]) => OPTIONS[name]?.words(value) ?? [])
}
