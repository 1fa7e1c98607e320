/**
 * An OEM grub.cfg, parsed as GRUB parses a configuration file.
 *
 * Source: coreos/grub grub-core/script/parser.y (the grammar) and grub-core/normal/main.c, measured with grub-emu 2.06.
 * GRUB reads a line and, while a block or quote is open, further ones; parses that much, runs it, and goes on. After a
 * fault it runs nothing of what it has parsed so far and goes on with the next line, as if the file began there.
 */
import { nextToken, type Token } from './lexer.js'
import { lineFinder, readSourceText, type SourceText } from './source-text.js'
import type {
  Command,
  FunctionDefinition,
  IfCommand,
  LoopCommand,
  Script,
  SimpleCommand,
  Statement,
  SyntaxFault,
  Word,
} from './syntax.js'

/** What has as many is no script; GRUB would go on, but a file made to have more must not keep us busy. */
const ENOUGH_FAULTS = 1000

export function parseGrubScript(file: string): Script {
  const source = readSourceText(file)
  const placeOf = lineFinder(file)
  const statements: Statement[] = []
  const faults: SyntaxFault[] = []
  let offset = 0
  while (offset < source.text.length && faults.length < ENOUGH_FAULTS) {
    const parser = new LineParser(source, offset)
    try {
      statements.push(...parser.parseLine())
      offset = parser.end
    } catch (error) {
      if (!(error instanceof Unexpected)) throw error
      const { token } = error
      faults.push({
        ...placeOf(source.offsetOf(token.kind === 'bad' ? token.faultAt : token.start)),
        says: error.message,
      })
      const newline = token.kind === 'newline' ? token.start : source.text.indexOf('\n', token.end)
      offset = newline === -1 ? source.text.length : newline + 1
    }
  }
  return { statements, faults }
}

/** Never leaves this file. */
class Unexpected extends Error {
  readonly token: Token
  constructor(token: Token, expected: string) {
    super(token.kind === 'bad' ? token.says : `expected ${expected}, found ${describe(token)}`)
    this.token = token
  }
}

function describe(token: Token): string {
  if (token.kind === 'newline') return 'the end of the line'
  if (token.kind === 'end') return 'the end of the file'
  return token.text
}

/** Nobody nests as deep, and a file made to do so must not use up our stack. */
const DEEPEST = 100

class LineParser {
  readonly #source: SourceText
  #depth = 0
  #token: Token | undefined
  /** Where the last token that was taken ends. */
  end: number

  constructor(source: SourceText, offset: number) {
    this.#source = source
    this.end = offset
  }

  /** Everything up to the newline that ends the line, or the last line of what was begun on it. */
  parseLine(): readonly Statement[] {
    const statements: Statement[] = []
    while (!this.#takes('newline')) {
      statements.push(this.#statement())
      if (this.#takes('newline')) break
      this.#expect(';', 'a semicolon or the end of the line')
    }
    return statements
  }

  #statement(): Statement {
    return this.#isReserved('function') ? this.#function() : this.#command()
  }

  #command(): Command {
    const token = this.#peek()
    if (this.#depth === DEEPEST) throw new Unexpected(token, `no more than ${DEEPEST} blocks in each other`)
    this.#depth++
    const command = this.#commandOf(token)
    this.#depth--
    return command
  }

  #commandOf(token: Token): Command {
    if (token.kind === 'reserved') {
      if (token.text === 'if') return this.#if()
      if (token.text === 'for') return this.#for()
      if (token.text === 'while' || token.text === 'until') return this.#while(token.text)
    }
    return this.#simple()
  }

  #simple(): SimpleCommand {
    const first = this.#peek()
    if (first.kind !== 'word') throw new Unexpected(first, 'a command')
    const words = this.#arguments()
    return { kind: 'simple', words, block: this.#isSymbol('{') ? this.#block() : undefined }
  }

  /** Words, and reserved words that mean nothing here. */
  #arguments(): readonly Word[] {
    const words: Word[] = []
    for (;;) {
      const token = this.#peek()
      if (token.kind !== 'word' && token.kind !== 'reserved') return words
      this.#take()
      const start = this.#source.offsetOf(token.start)
      const parts = token.kind === 'word' ? token.parts : [{ kind: 'text' as const, text: token.text, quoted: false }]
      words.push({ source: token.text, parts, start, end: this.#source.offsetOf(token.end - 1) + 1 })
    }
  }

  #block(): readonly Command[] {
    this.#expect('{', 'a brace')
    const commands = [this.#firstCommand()]
    while (!this.#isSymbol('}')) {
      this.#expectDelimiter()
      // A block may end right after its last command, or after a delimiter.
      if (!this.#isSymbol('}')) commands.push(this.#command())
    }
    this.#take()
    return commands
  }

  /** One or more, a delimiter behind each; stops before a word that ends them. */
  #commands(...ends: readonly string[]): readonly Command[] {
    const commands = [this.#firstCommand()]
    for (;;) {
      this.#expectDelimiter()
      const token = this.#peek()
      if ((token.kind === 'reserved' || token.kind === 'symbol') && ends.includes(token.text)) return commands
      commands.push(this.#command())
    }
  }

  #firstCommand(): Command {
    while (this.#takes('newline'));
    return this.#command()
  }

  #expectDelimiter(): void {
    if (!this.#delimiter()) throw new Unexpected(this.#peek(), 'a semicolon or the end of the line')
  }

  /** A semicolon or newline, and more newlines. */
  #delimiter(): boolean {
    if (!this.#takes('newline') && !this.#takesSymbol(';')) return false
    while (this.#takes('newline'));
    return true
  }

  #if(): IfCommand {
    const branches = []
    do {
      this.#take()
      const condition = this.#commands('then')
      this.#expect('then', 'then')
      branches.push({ condition, body: this.#commands('elif', 'else', 'fi') })
    } while (this.#isReserved('elif'))
    let otherwise: readonly Command[] = []
    if (this.#isReserved('else')) {
      this.#take()
      otherwise = this.#commands('fi')
    }
    this.#expect('fi', 'fi')
    return { kind: 'if', branches, otherwise }
  }

  #for(): LoopCommand {
    const start = this.#source.offsetOf(this.#take().start)
    this.#name()
    this.#expect('in', 'in')
    this.#arguments()
    this.#expectDelimiter()
    return { kind: 'loop', keyword: 'for', condition: [], body: this.#do(), start }
  }

  #while(keyword: 'while' | 'until'): LoopCommand {
    const start = this.#source.offsetOf(this.#take().start)
    const condition = this.#commands('do')
    return { kind: 'loop', keyword, condition, body: this.#do(), start }
  }

  #do(): readonly Command[] {
    this.#expect('do', 'do')
    const body = this.#commands('done')
    this.#expect('done', 'done')
    return body
  }

  #function(): FunctionDefinition {
    const start = this.#source.offsetOf(this.#take().start)
    const name = this.#name()
    while (this.#takes('newline'));
    this.#expect('{', 'a brace')
    // Unlike a block, a function wants a delimiter before its closing brace.
    const body = this.#commands('}')
    this.#expect('}', 'a closing brace')
    return { kind: 'function', name, body, start }
  }

  #name(): string {
    const token = this.#peek()
    if (token.kind !== 'word' || !token.isName) throw new Unexpected(token, 'a name')
    return this.#take().text
  }

  #peek(): Token {
    this.#token ??= nextToken(this.#source.text, this.end)
    return this.#token
  }

  #take(): Token {
    const token = this.#peek()
    this.end = token.end
    this.#token = undefined
    return token
  }

  #takes(kind: Token['kind']): boolean {
    if (this.#peek().kind !== kind) return false
    this.#take()
    return true
  }

  #takesSymbol(text: string): boolean {
    if (!this.#isSymbol(text)) return false
    this.#take()
    return true
  }

  #isSymbol(text: string): boolean {
    const token = this.#peek()
    return token.kind === 'symbol' && token.text === text
  }

  #isReserved(text: string): boolean {
    const token = this.#peek()
    return token.kind === 'reserved' && token.text === text
  }

  #expect(text: string, expected: string): void {
    const token = this.#peek()
    if ((token.kind !== 'symbol' && token.kind !== 'reserved') || token.text !== text) {
      throw new Unexpected(token, expected)
    }
    this.#take()
  }
}
