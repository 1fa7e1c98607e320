/**
 * The assignments in an OEM grub.cfg, where they stand and whether they surely run: for the checks, and for rewriting one
 * in place. `set name=value` and `name=value` are the same to GRUB.
 */
import type { Command, Script, SimpleCommand, Statement, Word } from './syntax.js'

export interface Assignment {
  readonly name: string
  /** The word `name=value`. */
  readonly word: Word
  /** The value as written, quotes included. */
  readonly source: string
  /** What GRUB stores; undefined when that depends on a variable. */
  readonly value: string | undefined
  /** Inside an `if`, loop, function or menu entry. */
  readonly conditional: boolean
  /** Where the command begins: what {@link GrubRun.ran} has. */
  readonly start: number
}

const ASSIGNMENT = /^([A-Za-z_][A-Za-z0-9_]*)=/

export function assignmentsIn(script: Script): readonly Assignment[] {
  return [...commandsIn(script)].flatMap(({ command, conditional }) => assignmentOf(command, conditional) ?? [])
}

/** Every simple command, also those that no machine runs. */
export function* commandsIn(
  script: Script,
): Generator<{ readonly command: SimpleCommand; readonly conditional: boolean }> {
  yield* walk(script.statements, false)
}

function* walk(
  statements: readonly (Statement | Command)[],
  conditional: boolean,
): Generator<{ readonly command: SimpleCommand; readonly conditional: boolean }> {
  for (const statement of statements) {
    switch (statement.kind) {
      case 'simple':
        yield { command: statement, conditional }
        yield* walk(statement.block ?? [], true)
        break
      case 'if':
        for (const { body, condition } of statement.branches) {
          yield* walk(condition, true)
          yield* walk(body, true)
        }
        yield* walk(statement.otherwise, true)
        break
      case 'loop':
        yield* walk(statement.condition, true)
        yield* walk(statement.body, true)
        break
      case 'function':
        yield* walk(statement.body, true)
        break
    }
  }
}

function assignmentOf({ words }: SimpleCommand, conditional: boolean): Assignment | undefined {
  const [first, second] = words
  const word = first !== undefined && literalOf(first) === 'set' ? second : first
  const match = ASSIGNMENT.exec(word?.source ?? '')
  if (first === undefined || word === undefined || match?.[1] === undefined) return undefined
  return {
    name: match[1],
    word,
    source: word.source.slice(match[0].length),
    value: literalOf(word)?.slice(match[0].length),
    conditional,
    start: first.start,
  }
}

/** A word's text when no variable is in it. */
export function literalOf(word: Word): string | undefined {
  return word.parts.every((part) => part.kind === 'text') ? word.parts.map((part) => part.text).join('') : undefined
}
