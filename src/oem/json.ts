/**
 * JSON with a place for every error.
 *
 * JSON.parse tells where it stopped only in its message text, and not always. So a text that it refuses is walked once
 * more by the grammar of RFC 8259 to find the first offset that does not fit.
 */

export interface JsonFault {
  /** Both from 1. */
  readonly line: number
  readonly column: number
  readonly found: string
}

export type ParsedJson =
  | { readonly kind: 'json'; readonly value: unknown }
  | { readonly kind: 'fault'; readonly fault: JsonFault }

export function parseJson(text: string): ParsedJson {
  try {
    const value: unknown = JSON.parse(text)
    return { kind: 'json', value }
  } catch {
    return { kind: 'fault', fault: describeOffset(text, faultOffset(text)) }
  }
}

/** Lines and columns as an editor counts them. */
function describeOffset(text: string, offset: number): JsonFault {
  const before = text.slice(0, offset)
  const lineStart = before.lastIndexOf('\n') + 1
  const rest = text.slice(offset)
  return {
    line: before.split('\n').length,
    column: offset - lineStart + 1,
    found: rest === '' ? 'the end of the file' : JSON.stringify([...rest][0]),
  }
}

// Strings may hold anything from the space upward, so the classes below start there instead of naming control characters.
const SPACE = /[ \t\n\r]*/y
/** Scalars. A string that fails is re-scanned by {@link stringFault} for its first bad character. */
const SCALAR =
  /(?:"(?:[ !#-[\]-\uffff]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*"|-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?|true|false|null)/y
const STRING_START = /"(?:[ !#-[\]-\uffff]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*/y

/** What may come next. `key-or-end` and `value-or-end` follow an opening bracket. */
type Expectation = 'value' | 'value-or-end' | 'key' | 'key-or-end' | 'colon' | 'comma-or-end'

/** @returns the offset of the first character that can't be there; the length of the text if it only stops too early */
function faultOffset(text: string): number {
  const open: ('{' | '[')[] = []
  let offset = 0
  let expected: Expectation = 'value'
  const skip = (pattern: RegExp): boolean => {
    pattern.lastIndex = offset
    const match = pattern.exec(text)
    if (match === null) return false
    offset += match[0].length
    return true
  }
  for (;;) {
    skip(SPACE)
    const character = text[offset]
    const container = open.at(-1)
    if (expected === 'comma-or-end' && container === undefined) return offset
    if (character === undefined) return offset
    if (expected === 'colon') {
      if (character !== ':') return offset
      offset++
      expected = 'value'
    } else if (expected === 'comma-or-end') {
      offset++
      if (character === ',') expected = container === '{' ? 'key' : 'value'
      else if (character === (container === '{' ? '}' : ']')) open.pop()
      else return offset - 1
    } else if ((expected === 'key-or-end' && character === '}') || (expected === 'value-or-end' && character === ']')) {
      offset++
      open.pop()
      expected = 'comma-or-end'
    } else if (expected === 'key' || expected === 'key-or-end') {
      if (character !== '"') return offset
      if (!skip(SCALAR)) return stringFault(text, offset)
      expected = 'colon'
    } else if (character === '{' || character === '[') {
      offset++
      open.push(character)
      expected = character === '{' ? 'key-or-end' : 'value-or-end'
    } else {
      if (!skip(SCALAR)) return character === '"' ? stringFault(text, offset) : offset
      expected = 'comma-or-end'
    }
  }
}

function stringFault(text: string, offset: number): number {
  STRING_START.lastIndex = offset
  return offset + (STRING_START.exec(text)?.[0].length ?? 0)
}
