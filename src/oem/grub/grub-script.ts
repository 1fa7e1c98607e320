/**
 * Enough of GRUB's script language to find the assignments in an OEM grub.cfg and to rewrite one of them in place.
 *
 * Source: GNU GRUB manual, section "Shell-like scripting" (words, quoting, reserved words). GRUB *sources* the file, so a
 * later assignment wins and one inside `if` may not run at all. Left out: what expansions and commands would give.
 */

export interface Assignment {
  readonly name: string
  /** What GRUB would store; undefined when it depends on another variable. */
  readonly value: string | undefined
  /** The value as written, quotes included. */
  readonly source: string
  /** Inside an `if`, loop, function or menu entry. */
  readonly conditional: boolean
  /** From 1. */
  readonly line: number
  /** Nothing but the line's start stands before the statement. */
  readonly unindented: boolean
  /** Where `name=value` stands in the text, half-open. */
  readonly start: number
  readonly end: number
}

interface Word {
  readonly text: string
  /** Without quotes; undefined when it holds an expansion. */
  readonly value: string | undefined
  readonly start: number
  readonly end: number
}

type Token = { readonly kind: 'word'; readonly word: Word } | { readonly kind: 'separator'; readonly text: string }

const OPENERS = new Set(['if', 'while', 'until', 'for', 'select', '{'])
const CLOSERS = new Set(['fi', 'done', '}'])
/** After these a new command starts. */
const COMMAND_FOLLOWS = new Set(['if', 'then', 'elif', 'else', 'while', 'until', 'do', '!', '{', '}'])
const ASSIGNMENT = /^([A-Za-z_][A-Za-z0-9_]*)=/

export function parseAssignments(text: string): readonly Assignment[] {
  const found: Assignment[] = []
  let depth = 0
  let atCommand = true
  let statementStart: number | undefined
  for (const token of tokens(text)) {
    if (token.kind === 'separator') {
      atCommand = true
      statementStart = undefined
      continue
    }
    const { word } = token
    if (atCommand && CLOSERS.has(word.text)) depth = Math.max(0, depth - 1)
    if ((atCommand && OPENERS.has(word.text)) || word.text === '{') depth++
    // `set name=value` and plain `name=value` are the same to GRUB.
    if (atCommand && word.text === 'set') {
      statementStart = word.start
      continue
    }
    const match = atCommand ? ASSIGNMENT.exec(word.text) : null
    if (match?.[1] !== undefined) {
      const start = statementStart ?? word.start
      found.push({
        name: match[1],
        value: word.value?.slice(match[0].length),
        source: word.text.slice(match[0].length),
        conditional: depth > 0,
        line: text.slice(0, word.start).split('\n').length,
        unindented: start === 0 || text[start - 1] === '\n',
        start: word.start,
        end: word.end,
      })
    }
    atCommand = COMMAND_FOLLOWS.has(word.text)
    statementStart = undefined
  }
  return found
}

/** Quotes text so that GRUB reads exactly it back: only these three are special between double quotes. */
export function quoteGrub(value: string): string {
  return `"${escapeInDoubleQuotes(value)}"`
}

export function escapeInDoubleQuotes(value: string): string {
  return value.replace(/[\\"$]/g, (character) => `\\${character}`)
}

function* tokens(text: string): Generator<Token> {
  let offset = 0
  while (offset < text.length) {
    const character = text[offset] ?? ''
    if (character === '\n' || character === ';' || character === '&' || character === '|') {
      yield { kind: 'separator', text: character }
      offset++
    } else if (/\s/.test(character)) {
      offset++
    } else if (character === '\\' && text[offset + 1] === '\n') {
      offset += 2
    } else if (character === '#') {
      const end = text.indexOf('\n', offset)
      offset = end === -1 ? text.length : end
    } else {
      const word = readWord(text, offset)
      yield { kind: 'word', word }
      offset = word.end
    }
  }
}

/** A word runs to the next blank, separator or brace outside quotes; a brace that starts one is a word of its own. */
function readWord(text: string, start: number): Word {
  if (text[start] === '{' || text[start] === '}') {
    return { text: text.slice(start, start + 1), value: text[start], start, end: start + 1 }
  }
  let value = ''
  let literal = true
  let quote: '"' | "'" | undefined
  let offset = start
  for (; offset < text.length; offset++) {
    const character = text[offset] ?? ''
    const next = text[offset + 1]
    if (quote === "'") {
      if (character === "'") quote = undefined
      else value += character
    } else if (quote === '"') {
      if (character === '"') quote = undefined
      else if (character === '\\' && next !== undefined && '"$\\\n'.includes(next)) {
        if (next !== '\n') value += next
        offset++
      } else {
        if (character === '$') literal = false
        value += character
      }
    } else if (character === '"' || character === "'") {
      quote = character
    } else if (character === '\\') {
      if (next !== undefined && next !== '\n') value += next
      offset++
    } else if (character === '$') {
      literal = false
      // `${name}`: its braces do not end the word.
      if (next === '{') {
        const close = text.indexOf('}', offset)
        offset = close === -1 ? text.length : close
      }
    } else if (/[\s;&|{}]/.test(character)) {
      break
    } else {
      value += character
    }
  }
  const end = Math.min(offset, text.length)
  return { text: text.slice(start, end), value: literal ? value : undefined, start, end }
}
