/**
 * References to variables in template text: `${{name}}`, blanks inside the braces allowed; `$${{` stands for a plain `${{`.
 *
 * The form was chosen because nothing else in these files can mean it: cloud-config substitutes `$private_ipv4`, shell
 * and systemd have `${NAME}`, but a name never starts with a brace in either, nor in GRUB. Only whole parsed values are
 * substituted, never text that gets parsed afterwards, so a value cannot become structure (DESIGN: variables go into
 * values).
 */
import { InternalError, UsageError } from '../../errors.js'
import { isMapping } from '../mapping.js'
import { VARIABLE_NAME, type VariableValue } from './variables.js'

export type TextPart =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'variable'; readonly name: string }

const OPENING = '\x24{{'

/**
 * Splits text at its references.
 *
 * @param where for errors: `cloud-config.yml`
 * @throws ERR_TEMPLATE_INVALID for a reference that never ends or names nothing
 */
export function parseReferences(text: string, where: string): readonly TextPart[] {
  const parts: TextPart[] = []
  let offset = 0
  for (;;) {
    const opening = text.indexOf(OPENING, offset)
    if (opening === -1) break
    if (text[opening - 1] === '$' && opening - 1 >= offset) {
      parts.push({ kind: 'text', text: text.slice(offset, opening - 1) + OPENING })
      offset = opening + OPENING.length
      continue
    }
    const end = text.indexOf('}}', opening)
    const name = end === -1 ? '' : text.slice(opening + OPENING.length, end).trim()
    if (!VARIABLE_NAME.test(name)) {
      throw new UsageError(
        'ERR_TEMPLATE_INVALID',
        `${where}: ${JSON.stringify(text.slice(opening, opening + 40))} is not a reference to a variable`,
        { hint: `write ${OPENING}name}}, or $${OPENING} for those characters themselves` },
      )
    }
    parts.push({ kind: 'text', text: text.slice(offset, opening) }, { kind: 'variable', name })
    offset = end + '}}'.length
  }
  parts.push({ kind: 'text', text: text.slice(offset) })
  return parts.filter((part) => part.kind === 'variable' || part.text !== '')
}

/** Names of all variables that a parsed document refers to in its values. @throws ERR_TEMPLATE_INVALID for one in a key */
export function referencesIn(value: unknown, where: string): readonly string[] {
  if (typeof value === 'string') {
    return parseReferences(value, where).flatMap((part) => (part.kind === 'variable' ? [part.name] : []))
  }
  if (Array.isArray(value)) return value.flatMap((item) => referencesIn(item, where))
  if (!isMapping(value)) return []
  return Object.entries(value).flatMap(([key, item]) => {
    if (key.includes(OPENING)) {
      throw new UsageError('ERR_TEMPLATE_INVALID', `${where}: the key ${JSON.stringify(key)} refers to a variable`, {
        hint: 'variables go into values, not into keys',
      })
    }
    return referencesIn(item, where)
  })
}

/** The same document with references replaced in scalar values. */
export function substitute(value: unknown, values: ReadonlyMap<string, VariableValue>): unknown {
  if (typeof value === 'string') return substituteScalar(value, values)
  if (Array.isArray(value)) return value.map((item) => substitute(item, values))
  if (!isMapping(value)) return value
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, substitute(item, values)]))
}

/** A scalar that is one reference and nothing else takes the value's own type; any other stays text. */
function substituteScalar(text: string, values: ReadonlyMap<string, VariableValue>): VariableValue {
  const parts = parseReferences(text, 'template')
  const [only] = parts
  if (parts.length === 1 && only?.kind === 'variable') return boundValue(only.name, values)
  return parts.map((part) => (part.kind === 'text' ? part.text : String(boundValue(part.name, values)))).join('')
}

export function boundValue(name: string, values: ReadonlyMap<string, VariableValue>): VariableValue {
  const value = values.get(name)
  if (value === undefined) throw new InternalError('ERR_INTERNAL', `variable ${name} was not bound`)
  return value
}
