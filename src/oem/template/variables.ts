/**
 * A template's variables: declared with a type and a pattern, given as text, bound once.
 *
 * A value is one line of text without control characters: it may end up inside a unit's line within a YAML scalar, where
 * a line feed would add a directive. Missing and unknown variables are errors here; unused ones are found by the caller,
 * who knows which files are left.
 */
import { UsageError } from '../../errors.js'
import { suggestName } from '../nearest.js'

/** A `file` is the path of a file or folder on this machine; what lies there goes onto the OEM partition, its path doesn't. */
export type VariableType = 'string' | 'integer' | 'boolean' | 'file'
export type VariableValue = string | number | boolean

export interface VariableDeclaration {
  readonly name: string
  readonly type: VariableType
  readonly description: string
  /** Regular expression that the whole text must match. */
  readonly pattern?: string
  /** Without one the variable must be given, unless all that refers to it is left out without it (`when`). */
  readonly default?: VariableValue
  /** Its value must not show in reports. */
  readonly secret: boolean
}

export const VARIABLE_NAME = /^[a-z][a-z0-9_]*$/
/** Control characters, and the line ends that only Unicode knows. */
const NOT_ONE_LINE = /[\p{Cc}\u2028\u2029]/u

/**
 * Values for all variables that are needed.
 *
 * @param given from `--vars` and `--set`, as text or scalars
 * @param needed names that files refer to
 * @throws ERR_VARIABLE_UNKNOWN | ERR_VARIABLE_MISSING | ERR_VARIABLE_INVALID
 */
export function bindVariables(
  declarations: readonly VariableDeclaration[],
  given: ReadonlyMap<string, VariableValue>,
  needed: ReadonlySet<string>,
  template: string,
): ReadonlyMap<string, VariableValue> {
  const names = declarations.map((declaration) => declaration.name)
  for (const name of given.keys()) {
    if (names.includes(name)) continue
    throw new UsageError('ERR_VARIABLE_UNKNOWN', `template ${template} has no variable ${JSON.stringify(name)}`, {
      hint: suggestName(name, names, 'variables'),
      details: { variable: name, known: names },
    })
  }
  const missing = declarations.filter(
    ({ name, default: fallback }) => needed.has(name) && !given.has(name) && fallback === undefined,
  )
  if (missing.length > 0) {
    const list = missing.map(({ name, description }) => `${name} (${description})`).join(', ')
    throw new UsageError('ERR_VARIABLE_MISSING', `template ${template} needs values for ${list}`, {
      hint: `add ${missing.map(({ name }) => `--set ${name}=…`).join(' ')}`,
      details: { missing: missing.map(({ name }) => name) },
    })
  }
  const bound = new Map<string, VariableValue>()
  for (const declaration of declarations) {
    const value = given.get(declaration.name) ?? declaration.default
    if (value !== undefined) bound.set(declaration.name, checkValue(declaration, value))
  }
  return bound
}

/**
 * Whether a variable counts as set for `when` and `unless`: it has a value, and that is not `false` of a boolean.
 */
export function isVariableSet(
  { name, type, default: fallback }: VariableDeclaration,
  given: ReadonlyMap<string, VariableValue>,
): boolean {
  const value = given.get(name) ?? fallback
  return value !== undefined && !(type === 'boolean' && String(value) === 'false')
}

/**
 * Brings a value to its declared type.
 *
 * @throws ERR_VARIABLE_INVALID; the value itself is left out of the message for secrets
 */
export function checkValue(declaration: VariableDeclaration, value: VariableValue): VariableValue {
  const text = String(value)
  const shown = declaration.secret ? 'its value' : JSON.stringify(text)
  const refuse = (reason: string, hint: string): UsageError =>
    new UsageError('ERR_VARIABLE_INVALID', `variable ${declaration.name}: ${shown} ${reason}`, {
      hint,
      details: { variable: declaration.name },
    })
  if (NOT_ONE_LINE.test(text)) throw refuse('holds a line feed or another control character', 'give one line of text')
  if (!isWellFormed(text)) throw refuse('is not well-formed Unicode', 'give text as UTF-8')
  if (declaration.pattern !== undefined && !new RegExp(`^(?:${declaration.pattern})$`, 'u').test(text)) {
    throw refuse(`does not match ${declaration.pattern}`, declaration.description)
  }
  switch (declaration.type) {
    case 'string':
      return text
    case 'file':
      if (text === '') throw refuse('is no path', declaration.description)
      return text
    case 'integer':
      if (!/^-?(0|[1-9]\d*)$/.test(text) || !Number.isSafeInteger(Number(text))) {
        throw refuse('is not a whole number', declaration.description)
      }
      return Number(text)
    case 'boolean':
      if (text !== 'true' && text !== 'false') throw refuse('is neither true nor false', declaration.description)
      return text === 'true'
  }
}

/** A lone surrogate has no UTF-8 form. */
function isWellFormed(text: string): boolean {
  return Buffer.from(text, 'utf8').toString('utf8') === text
}
