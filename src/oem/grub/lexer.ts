/**
 * The next token of a GRUB script.
 *
 * Source: coreos/grub grub-core/script/yylex.l and GNU GRUB manual, section "Shell-like scripting". Not as in a shell:
 * `&&`, `||`, `|`, `&`, `<` and `>` are tokens that no rule of the grammar takes; a dollar sign without a variable's name
 * is a fault, between double quotes too; a `#` within a word is a character like any other.
 */
import { matchAt, readDoubleQuotes, VARIABLE } from './double-quotes.js'
import type { Part } from './syntax.js'

export type Token =
  | ({ readonly kind: 'newline' | 'end' | 'symbol' | 'reserved'; readonly text: string } & Extent)
  | ({
      readonly kind: 'word'
      readonly text: string
      readonly isName: boolean
      readonly parts: readonly Part[]
    } & Extent)
  | ({ readonly kind: 'bad'; readonly text: string; readonly says: string; readonly faultAt: number } & Extent)

/** Half-open, in the text that the parser sees. */
interface Extent {
  readonly start: number
  readonly end: number
}

/** Words that have a meaning where a command may begin, and are plain arguments elsewhere. */
export const RESERVED: ReadonlySet<string> = new Set(
  'case do done elif else esac fi for if in select then until while function'.split(' '),
)

const BLANKS_AND_COMMENT = /[ \t]*(?:#[^\n]*)?/y
const SYMBOL = /\|\||&&|;;|[|&;<>{}]/y
const PLAIN = /[^{}|&$;<> \t\n'"\\]+/y
const NAME = /^[A-Za-z_][A-Za-z0-9_]*$/

/** @param from where the last token ended */
export function nextToken(text: string, from: number): Token {
  const start = from + (matchAt(BLANKS_AND_COMMENT, text, from)?.[0].length ?? 0)
  if (start >= text.length) return { kind: 'end', text: '', start, end: start }
  if (text[start] === '\n') return { kind: 'newline', text: '\n', start, end: start + 1 }
  const symbol = matchAt(SYMBOL, text, start)?.[0]
  if (symbol !== undefined) return { kind: 'symbol', text: symbol, start, end: start + symbol.length }
  return readWord(text, start)
}

function readWord(text: string, start: number): Token {
  const parts: Part[] = []
  let faultAt: number | undefined
  let offset = start
  while (offset < text.length) {
    const character = text[offset]
    if (character === "'") {
      const close = text.indexOf("'", offset + 1)
      if (close === -1) return unclosed(text, offset)
      parts.push({ kind: 'text', text: text.slice(offset + 1, close), quoted: true })
      offset = close + 1
    } else if (character === '"' || (character === '$' && text[offset + 1] === '"')) {
      const isTranslated = character === '$'
      const open = isTranslated ? offset + 1 : offset
      const inside = readDoubleQuotes(text, open, isTranslated)
      if (inside === undefined) return unclosed(text, open)
      parts.push(...inside.parts)
      faultAt ??= inside.faultAt
      offset = inside.end
    } else if (character === '\\') {
      // An escaped newline joins two lines.
      const escaped = text[offset + 1] ?? ''
      parts.push({ kind: 'text', text: escaped === '\n' ? '' : escaped, quoted: false })
      offset += 2
    } else if (character === '$') {
      const variable = matchAt(VARIABLE, text, offset)
      if (variable === null) break
      parts.push({ kind: 'variable', name: variable[1] ?? variable[2] ?? '', quoted: false })
      offset += variable[0].length
    } else {
      const plain = matchAt(PLAIN, text, offset)
      if (plain === null) break
      parts.push({ kind: 'text', text: plain[0], quoted: false })
      offset += plain[0].length
    }
  }
  if (offset === start) return { kind: 'bad', text: '$', says: NO_VARIABLE, faultAt: start, start, end: start + 1 }
  const word = { text: text.slice(start, offset), start, end: offset }
  if (faultAt !== undefined) return { kind: 'bad', says: NO_VARIABLE, faultAt, ...word }
  if (word.text === '[[' || word.text === ']]') return { kind: 'symbol', ...word }
  if (RESERVED.has(word.text)) return { kind: 'reserved', ...word }
  return { kind: 'word', ...word, parts, isName: NAME.test(word.text) }
}

const NO_VARIABLE = 'a dollar sign without the name of a variable; write \\$ for the character itself'

/** The quote is where the mistake is; GRUB has read to the end of the file for its partner. */
function unclosed(text: string, quote: number): Token {
  return {
    kind: 'bad',
    text: text[quote] ?? '',
    says: 'a quote that is not closed before the end of the file',
    faultAt: quote,
    start: quote,
    end: text.length,
  }
}
