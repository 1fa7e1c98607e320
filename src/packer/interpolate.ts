/**
 * Actions in the text of options: `{{user `region`}}` and the others that a post-processor of a JSON template may use. Packer
 * hands the text over as it stands; rendering it is each plugin's own work, in HCL2 templates, too.
 *
 * Source: hashicorp/packer template/interpolate/funcs.go. Of Go's text/template: one function or field an action, `{{-`
 * and `-}}`, and text in quotes. Pipes, conditions and the rest are refused by name. `build` and fields come from the
 * builder's run, so that they stay as they are until there was one.
 */
import { dirname, resolve } from 'node:path'
import { UsageError } from '../errors.js'
import { field, type Mapping } from '../oem/mapping.js'
import type { PackerSettings } from './configuration.js'
import { formatGoTime } from './go-time.js'

export interface RenderContext {
  readonly packer: PackerSettings
  /** What the builder said of its run (`generated_data`), or undefined before it ran. */
  readonly build: Mapping | undefined
  /** Where Packer was started. */
  readonly directory: string
  /** When this process began: one time for all options. */
  readonly startedAt: Date
}

const ACTION = /\{\{(-?)\s*((?:"(?:[^"\\]|\\.)*"|`[^`]*`|[^}`"]|\}(?!\}))*?)\s*(-?)\}\}/g
const WORD = /^(\.?[A-Za-z_]\w*)(?:\s+("(?:[^"\\]|\\.)*"|`[^`]*`))?$/
const TEXT = /^(?:"(?:[^"\\]|\\.)*"|`[^`]*`)$/

/** @throws ERR_USAGE for an action that can't be rendered */
export function render(text: string, context: RenderContext): string {
  let out = ''
  let from = 0
  let trim = false
  for (const match of text.matchAll(ACTION)) {
    const [whole, trimBefore, action = '', trimAfter] = match
    const before = text.slice(from, match.index)
    const kept = trim ? before.trimStart() : before
    out += trimBefore === '-' ? kept.trimEnd() : kept
    out += renderAction(action, whole, context)
    trim = trimAfter === '-'
    from = match.index + whole.length
  }
  const rest = text.slice(from)
  if (rest.includes('{{'))
    throw new UsageError('ERR_USAGE', `an action is not closed: ${rest.slice(rest.indexOf('{{'))}`)
  return out + (trim ? rest.trimStart() : rest)
}

function renderAction(action: string, whole: string, context: RenderContext): string {
  if (TEXT.test(action)) return unquote(action)
  const [, word = '', quoted] = WORD.exec(action) ?? []
  const argument = quoted === undefined ? undefined : unquote(quoted)
  if (word.startsWith('.') && argument === undefined) return buildValue(word.slice(1), whole, context)
  if (argument !== undefined) {
    if (word === 'user') return userValue(argument, context)
    if (word === 'build') return buildValue(argument, whole, context)
    if (word === 'isotime') return formatGoTime(context.startedAt, argument)
  }
  const simple = argument === undefined ? SIMPLE.get(word) : undefined
  if (simple !== undefined) return simple(context)
  throw new UsageError('ERR_USAGE', `the template action ${whole} is not known here`, {
    hint: `known: user, build, isotime, ${[...SIMPLE.keys()].join(', ')}`,
  })
}

const SIMPLE: ReadonlyMap<string, (context: RenderContext) => string> = new Map([
  ['build_name', ({ packer }) => packer.buildName],
  ['build_type', ({ packer }) => packer.builderType],
  ['packer_version', ({ packer }) => packer.version],
  ['pwd', ({ directory }) => directory],
  ['template_dir', ({ directory, packer }) => dirname(resolve(directory, packer.templatePath ?? '.'))],
  ['timestamp', ({ startedAt }) => String(Math.floor(startedAt.getTime() / 1000))],
  ['isotime', ({ startedAt }) => formatGoTime(startedAt, '2006-01-02T15:04:05Z07:00')],
])

function userValue(name: string, { packer }: RenderContext): string {
  const value = field(packer.userVariables, name)
  if (typeof value === 'string') return value
  throw new UsageError('ERR_USAGE', `there is no variable ${name}`, {
    hint: `name it under "variables" of the JSON template; in HCL2 it is var.${name}`,
  })
}

function buildValue(name: string, whole: string, { build, packer }: RenderContext): string {
  if (name === 'BuildName') return packer.buildName
  if (name === 'BuilderType') return packer.builderType
  if (build === undefined) return whole
  const value = field(build, name)
  if (typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean') return String(value)
  throw new UsageError('ERR_USAGE', `${whole}: the builder told nothing of that name`, {
    hint: `it told ${Object.keys(build).join(', ') || 'nothing at all'}`,
  })
}

/** Go's two kinds of quotes; of escapes those that are left when JSON's have been read. */
function unquote(quoted: string): string {
  const inner = quoted.slice(1, -1)
  return quoted.startsWith('`') ? inner : inner.replace(/\\(["\\])/g, '$1')
}
