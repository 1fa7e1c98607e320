/**
 * What an OEM grub.cfg consists of, after parsing.
 *
 * Words: a *word* is what stands between blanks; its *parts* are literal text and variables, each between quotes or not,
 * because GRUB splits a variable's value at blanks only where it stands outside quotes. Offsets count in the file.
 */
import type { LineAndColumn } from './source-text.js'

export type Part =
  | { readonly kind: 'text'; readonly text: string; readonly quoted: boolean }
  | { readonly kind: 'variable'; readonly name: string; readonly quoted: boolean }

export interface Word {
  /** As written, quotes included. */
  readonly source: string
  readonly parts: readonly Part[]
  /** Half-open, in the file. */
  readonly start: number
  readonly end: number
}

export interface SimpleCommand {
  readonly kind: 'simple'
  /** At least one. */
  readonly words: readonly Word[]
  /** What stands in braces after the words: a menu entry's commands. */
  readonly block: readonly Command[] | undefined
}

export interface IfCommand {
  readonly kind: 'if'
  readonly branches: readonly { readonly condition: readonly Command[]; readonly body: readonly Command[] }[]
  readonly otherwise: readonly Command[]
}

/** `for`, `while` and `until`: parsed, because GRUB does; nothing here runs them. */
export interface LoopCommand {
  readonly kind: 'loop'
  readonly keyword: 'for' | 'while' | 'until'
  readonly condition: readonly Command[]
  readonly body: readonly Command[]
  readonly start: number
}

export type Command = SimpleCommand | IfCommand | LoopCommand

/** Defines a function; nothing here calls it. */
export interface FunctionDefinition {
  readonly kind: 'function'
  readonly name: string
  readonly body: readonly Command[]
  readonly start: number
}

export type Statement = Command | FunctionDefinition

export interface SyntaxFault extends LineAndColumn {
  readonly says: string
}

export interface Script {
  /** In the order in which they run. What a fault is in does not run and is not here. */
  readonly statements: readonly Statement[]
  readonly faults: readonly SyntaxFault[]
}
