/**
 * What is set after GRUB has sourced an OEM grub.cfg, for one platform.
 *
 * Covers what OEM files use: assignments, `if` with `test`, quoting, variables. Loops, function calls and commands that
 * ask the machine are not run; each such place is told in `unknown`, because what they would have set isn't known from
 * here. Sources: coreos/grub grub-core/script/execute.c and grub-core/kern/corecmd.c, measured with grub-emu 2.06. After a
 * fault the lines behind it still run (see `parser.ts`).
 */
import { assertNever } from '../../errors.js'
import { commandNamed } from './commands.js'
import { expandWords } from './expand.js'
import { parseGrubScript } from './parser.js'
import { type LineAndColumn, lineFinder } from './source-text.js'
import type { Command, Script, SimpleCommand, Statement, SyntaxFault } from './syntax.js'
import { evaluateTest } from './test-expression.js'

export interface UnknownEffect {
  /** From 1. */
  readonly line: number
  readonly says: string
}

export interface GrubEvaluation {
  /** Those of the environment too. */
  readonly variables: ReadonlyMap<string, string>
  /** The first. GRUB prints it, leaves out the command that it is in, and goes on with the next line. */
  readonly syntaxFault?: SyntaxFault
  /** What could change the variables, or decides a branch, and is not known from here. */
  readonly unknown: readonly UnknownEffect[]
}

/**
 * @param text an OEM grub.cfg
 * @param environment `grub_platform` (`pc`, `efi`, `xen`), `grub_cpu` (`i386`, `x86_64`, `arm64`), and what the vendor's
 *   configuration has set before it sources the file
 */
export function evaluateGrubCfg(text: string, environment: ReadonlyMap<string, string>): GrubEvaluation {
  const script = parseGrubScript(text)
  const { variables, unknown } = runGrubScript(text, script, environment)
  const [syntaxFault] = script.faults
  return { variables, ...(syntaxFault === undefined ? {} : { syntaxFault }), unknown }
}

export interface GrubRun {
  readonly variables: ReadonlyMap<string, string>
  readonly unknown: readonly UnknownEffect[]
  /** The commands that ran, by where they begin in the file. */
  readonly ran: ReadonlySet<number>
}

export function runGrubScript(text: string, script: Script, environment: ReadonlyMap<string, string>): GrubRun {
  const run = new Run(text, environment)
  run.statements(script.statements)
  return run
}

/**
 * In characters: of one command, and of all together. A kernel command line ends at 4096 at the latest; a few lines can ask
 * for any size by doubling.
 */
const LONGEST_COMMAND = 1 << 16
const LONGEST_RUN = 1 << 22

class Run implements GrubRun {
  readonly variables: Map<string, string>
  readonly unknown: UnknownEffect[] = []
  readonly ran = new Set<number>()
  readonly #placeOf: (offset: number) => LineAndColumn
  readonly #functions = new Set<string>()
  #charactersLeft = LONGEST_RUN
  /** Whether the last command succeeded: what `if` asks. */
  #succeeded = true

  constructor(text: string, environment: ReadonlyMap<string, string>) {
    this.#placeOf = lineFinder(text)
    this.variables = new Map(environment)
  }

  statements(statements: readonly Statement[]): void {
    for (const statement of statements) {
      if (statement.kind === 'function') this.#functions.add(statement.name)
      else this.#command(statement)
    }
  }

  #command(command: Command): void {
    switch (command.kind) {
      case 'simple':
        this.#simple(command)
        break
      case 'if': {
        const taken = command.branches.find(({ condition }) => {
          this.statements(condition)
          return this.#succeeded
        })
        this.statements(taken?.body ?? command.otherwise)
        break
      }
      case 'loop':
        this.#isUnknown(command.start, `a ${command.keyword} loop, which is not followed`)
        break
      default:
        assertNever(command)
    }
  }

  #simple({ words }: SimpleCommand): void {
    const start = words[0]?.start ?? 0
    this.ran.add(start)
    const lookUp = (name: string) => {
      const value = this.#valueOf(name, start)
      this.#charactersLeft -= value.length
      return value
    }
    const expanded = expandWords(words, lookUp, Math.min(LONGEST_COMMAND, this.#charactersLeft))
    if (expanded === undefined) {
      this.#isUnknown(start, 'expands to more than any kernel takes; taken as not there')
      return
    }
    const isInverted = expanded[0] === '!'
    const [name, ...args] = isInverted ? expanded.slice(1) : expanded
    if (name === undefined) {
      // A line whose words all vanish does nothing, and leaves the last command's success as it was.
      if (isInverted) this.#succeeded = false
      return
    }
    const isCommand = this.#call(name, args, start)
    if (isInverted && isCommand) this.#succeeded = !this.#succeeded
  }

  /** False for what GRUB has no command for: an assignment, or a mistake, which counts as a success all the same. */
  #call(name: string, args: readonly string[], start: number): boolean {
    const [first = ''] = args
    this.#succeeded = true
    if (name === 'set') {
      if (args.length > 0) this.#succeeded = this.#assign(first)
    } else if (name === 'unset') {
      this.variables.delete(first)
    } else if (name === 'test' || name === '[') {
      const { unanswered, value } = evaluateTest(args)
      for (const test of unanswered) this.#isUnknown(start, `[ ${test} ] asks for a file; taken as false`)
      this.#succeeded = value
    } else if (name === 'false') {
      this.#succeeded = false
    } else if (this.#functions.has(name)) {
      this.#isUnknown(start, `calls the function ${name}, which is not followed`)
    } else {
      const command = commandNamed(name)
      if (command?.effect !== undefined) this.#isUnknown(start, `${name} ${command.effect}`)
      if (command === undefined) {
        this.#assign(name)
        return false
      }
    }
    return true
  }

  #assign(assignment: string): boolean {
    const equals = assignment.indexOf('=')
    if (equals === -1) return false
    this.variables.set(assignment.slice(0, equals), assignment.slice(equals + 1))
    return true
  }

  #valueOf(name: string, start: number): string {
    if (name === '?') return this.#succeeded ? '0' : '1'
    if (/^[0-9#*@]/.test(name)) {
      this.#isUnknown(start, `$${name} stands for arguments of a function`)
      return ''
    }
    return this.variables.get(name) ?? ''
  }

  #isUnknown(offset: number, says: string): void {
    this.unknown.push({ line: this.#placeOf(offset).line, says })
  }
}
