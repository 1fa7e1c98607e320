/**
 * What a template says of this post-processor, out of what Packer's `Configure` brings.
 *
 * Source: hashicorp/packer 1.6.6 packer/rpc/post_processor.go and hcl2template, read and seen on the wire:
 *
 *   JSON   a map as the template has it, actions in it not yet rendered; a map of `packer_…` settings; a third map
 *   HCL2   a map of `packer_…` settings; bytes: cty's JSON `{"value": {…}, "type": […]}`, null for what is not set
 *
 * Packer takes its own settings (`keep_input_artifact`, `only`, `except`, `name`) out. In HCL2 it has checked names and
 * types by our ConfigSpec; in JSON nobody has, and all that a variable gives is a string, so both are done here for both.
 */
import { UsageError } from '../errors.js'
import { arrayField, field, isMapping, type Mapping, shapeOf, stringField } from '../oem/mapping.js'
import { nearestName } from '../oem/nearest.js'
import type { RenderContext } from './interpolate.js'
import { OPTIONS, type Option, type OptionValue, type OptionValues } from './options.js'
import type { AttributeType } from './spec/attribute.js'

/** As the template has it. */
export interface Configuration {
  /** What is set, by option, with actions such as `{{user `x`}}` still in it. */
  readonly raw: Mapping
  readonly packer: PackerSettings
}

export interface PackerSettings {
  readonly buildName: string
  readonly builderType: string
  readonly version: string
  /** `packer build -force`; Packer 1.6 tells it of JSON templates only. */
  readonly force: boolean
  /** As given on Packer's command line; undefined of HCL2 templates. */
  readonly templatePath: string | undefined
  /** Of JSON templates. */
  readonly userVariables: Mapping
}

const PACKERS_OWN = /^packer_|^(?:keep_input_artifact|only|except|name|type)$/

/** @throws ERR_USAGE for an option that there is not */
export function readConfiguration(argument: unknown): Configuration {
  const configs = arrayField(argument, 'Configs')
  const all: Record<string, unknown> = {}
  for (const config of configs) {
    const values = config instanceof Uint8Array ? field(JSON.parse(Buffer.from(config).toString()), 'value') : config
    if (isMapping(values)) Object.assign(all, values)
    if (config instanceof Uint8Array || config === configs[0]) assertKnown(values)
  }
  const text = (name: string): string => stringField(all, name) ?? ''
  const users = field(all, 'packer_user_variables')
  return {
    raw: Object.fromEntries(
      Object.entries(all).filter(([name, value]) => Object.hasOwn(OPTIONS, name) && value !== null),
    ),
    packer: {
      buildName: text('packer_build_name'),
      builderType: text('packer_builder_type'),
      version: text('packer_core_version'),
      force: field(all, 'packer_force') === true,
      templatePath: stringField(all, 'packer_template_path'),
      userVariables: isMapping(users) ? users : {},
    },
  }
}

function assertKnown(values: unknown): void {
  if (!isMapping(values)) return
  const unknown = Object.keys(values).filter((name) => !Object.hasOwn(OPTIONS, name) && !PACKERS_OWN.test(name))
  if (unknown.length === 0) return
  const hints = unknown.map((name) => nearestName(name, Object.keys(OPTIONS))).filter((name) => name !== undefined)
  throw new UsageError('ERR_USAGE', `oem-bake has no option ${unknown.join(', ')}`, {
    hint: hints.length > 0 ? `did you mean ${hints.join(', ')}?` : `options: ${Object.keys(OPTIONS).join(', ')}`,
  })
}

/**
 * Renders what is set, and gives each value its option's type. Empty text counts as not set, as everywhere in Packer.
 *
 * @throws ERR_USAGE with everything that is wrong
 */
export function readOptions({ raw }: Configuration, context: RenderContext, render: Render): OptionValues {
  const values: Record<string, OptionValue> = {}
  const wrong: string[] = []
  for (const [name, value] of Object.entries(raw)) {
    const option = OPTIONS[name]
    if (option === undefined) continue
    try {
      const typed = typedValue(name, option, value, (text) => render(text, context))
      if (typed !== '') values[name] = typed
    } catch (error) {
      if (!(error instanceof UsageError)) throw error
      wrong.push(error.message)
    }
  }
  if (wrong.length === 0) return values
  throw new UsageError('ERR_USAGE', wrong.join('; '))
}

export type Render = (text: string, context: RenderContext) => string

function typedValue(name: string, option: Option, value: unknown, render: (text: string) => string): OptionValue {
  const wrong = (expected: string, found: string): UsageError =>
    new UsageError('ERR_USAGE', `${name}: expected ${expected}, found ${found}`)
  const scalar = (given: unknown): string => {
    if (typeof given === 'string') return render(given)
    if (typeof given === 'number' || typeof given === 'boolean') return String(given)
    throw wrong(nameOf(option.type), shapeOf(given))
  }
  const { type } = option
  if (typeof type !== 'string') {
    // A single value where a list is wanted: as Packer's own plugins read it.
    if ('list' in type) return (Array.isArray(value) ? value : [value]).map(scalar)
    if (!isMapping(value)) throw wrong(nameOf(type), shapeOf(value))
    return Object.fromEntries(Object.entries(value).map(([key, text]) => [key, scalar(text)]))
  }
  const text = scalar(value)
  if (text === '') return text
  if (type === 'bool') {
    if (text === 'true' || text === 'false') return text === 'true'
    throw wrong('true or false', JSON.stringify(text))
  }
  if (type === 'number') {
    if (/^-?\d+(?:\.\d+)?$/.test(text)) return Number(text)
    throw wrong('a number', JSON.stringify(text))
  }
  if (option.choices?.includes(text) === false) throw wrong(option.choices.join(', '), JSON.stringify(text))
  return text
}

function nameOf(type: AttributeType): string {
  if (type === 'bool') return 'true or false'
  if (typeof type === 'string') return type === 'number' ? 'a number' : 'text'
  return 'list' in type ? 'a list of text' : 'a mapping of names to text'
}
