/**
 * What a shell makes of the text after `KEY=`: the value of one assignment, or where it stops being one.
 *
 * Only what an assignment can hold without being expanded is evaluated: bare characters, single and double quotes, and
 * backslashes. Source: POSIX.1-2017, Shell Command Language, 2.2 Quoting, 2.3 Token Recognition, 2.6.1 Tilde Expansion.
 */

export type ShellFault =
  /** A blank, or an operator, outside quotes: the assignment ends here. */
  'unquoted' | 'open-quote' | 'expansion' | 'control'

export interface ShellValue {
  /** What the variable would hold; undefined with a fault. */
  readonly value: string | undefined
  readonly fault: { readonly kind: ShellFault; readonly column: number; readonly text: string } | undefined
  /** From 1, of the first backslash that escapes or stands alone. */
  readonly backslashColumn: number | undefined
  readonly quoted: boolean
}

/** Ends a word, and starts something else. */
const OPERATOR = /[ \t;&|<>()]/
/** U+FFFD stands for bytes that are no UTF-8. */
const CONTROL = /[\p{Cc}\ufffd]/u
/** Between double quotes a backslash escapes these only. */
const ESCAPABLE = '$`"\\'

/**
 * @param text the rest of a line, without its line end
 * @param firstColumn column of the first character, from 1
 */
export function evaluateShellValue(text: string, firstColumn: number): ShellValue {
  let value = ''
  let quote: '"' | "'" | undefined
  let quoteColumn = 0
  let quoted = false
  let backslashColumn: number | undefined
  const stop = (kind: ShellFault, column: number, found: string): ShellValue => ({
    value: undefined,
    fault: { kind, column, text: found },
    backslashColumn,
    quoted,
  })
  for (let at = 0; at < text.length; at++) {
    const character = text.charAt(at)
    const column = firstColumn + at
    if (character !== '\t' && CONTROL.test(character)) return stop('control', column, character)
    if (quote === "'") {
      if (character === "'") quote = undefined
      else value += character
      continue
    }
    if (character === '$' || character === '`') return stop('expansion', column, character)
    if (character === '\\') {
      backslashColumn ??= column
      const next = text.charAt(at + 1)
      // At the end of a line it would join the next one to this.
      if (next === '') return stop('open-quote', column, character)
      if (quote === '"' && !ESCAPABLE.includes(next)) value += character
      else {
        value += next
        at++
      }
      continue
    }
    if (quote === '"') {
      if (character === '"') quote = undefined
      else value += character
      continue
    }
    if (character === '"' || character === "'") {
      quote = character
      quoteColumn = column
      quoted = true
      continue
    }
    if (OPERATOR.test(character)) return stop('unquoted', column, character)
    if (character === '~' && (at === 0 || text.charAt(at - 1) === ':')) return stop('expansion', column, character)
    value += character
  }
  if (quote !== undefined) return stop('open-quote', quoteColumn, quote)
  return { value, fault: undefined, backslashColumn, quoted }
}
