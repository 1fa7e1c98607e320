/**
 * What stands between double quotes in a GRUB script: `"…"`, and `$"…"`, whose text GRUB may translate.
 *
 * Sources: GRUB manual, "Quoting"; coreos/grub grub-core/script/yylex.l and execute.c; measured with grub-emu 2.06. The two
 * differ in dollar signs: a lone one is a fault in the first and itself in the second, which takes any name between braces
 * and loses its end where a brace is not closed.
 */
import type { Part } from './syntax.js'

export interface DoubleQuotes {
  readonly parts: readonly Part[]
  /** Behind the closing quote. */
  readonly end: number
  /** Of a dollar sign without a variable. */
  readonly faultAt: number | undefined
}

/** `$name`, `${name}`, `$1`, `$?`…: the name is what one of its groups matched. */
export const VARIABLE = /\$(?:([A-Za-z_][A-Za-z0-9_]*|[0-9]+|[?#*@])|\{([A-Za-z_][A-Za-z0-9_]*|[0-9]+|[?#*@])\})/y
const VARIABLE_IN_TRANSLATED = /\$(?:([A-Za-z_][A-Za-z0-9_]*|[0-9]+|[?#])|\{([^"}]*)\})/y
const UNCLOSED_BRACE = /\$\{[^"}]*/y

/**
 * @param open the quote, not the dollar sign before it
 * @returns undefined when they are not closed
 */
export function readDoubleQuotes(text: string, open: number, isTranslated: boolean): DoubleQuotes | undefined {
  const parts: Part[] = []
  let faultAt: number | undefined
  let literal = ''
  let offset = open + 1
  const endLiteral = () => {
    parts.push({ kind: 'text', text: literal, quoted: true })
    literal = ''
  }
  while (offset < text.length) {
    const character = text[offset] ?? ''
    const next = text[offset + 1] ?? ''
    if (character === '"') {
      endLiteral()
      return { parts, end: offset + 1, faultAt }
    }
    if (character === '\\' && '"$\\\n'.includes(next)) {
      if (next !== '\n') literal += next
      offset += 2
    } else if (character === '$') {
      const variable = matchAt(isTranslated ? VARIABLE_IN_TRANSLATED : VARIABLE, text, offset)
      const lost = isTranslated ? matchAt(UNCLOSED_BRACE, text, offset) : null
      if (variable !== null) {
        endLiteral()
        parts.push({ kind: 'variable', name: variable[1] ?? variable[2] ?? '', quoted: true })
      } else if (!isTranslated) {
        faultAt ??= offset
      } else if (lost === null) {
        literal += character
      }
      offset += (variable ?? lost)?.[0].length ?? 1
    } else {
      literal += character
      offset++
    }
  }
  return undefined
}

export function matchAt(pattern: RegExp, text: string, offset: number): RegExpExecArray | null {
  pattern.lastIndex = offset
  return pattern.exec(text)
}
