/**
 * Whether GRUB understands an OEM grub.cfg: its syntax, its characters, its commands.
 */
import type { Finding, Place } from '../finding.js'
import { nearestName } from '../nearest.js'
import { commandsIn, literalOf } from './assignments.js'
import { commandNamed, knownCommands } from './commands.js'
import type { GrubCfg } from './grub-cfg.js'
import { GRUB_RULES } from './rules.js'
import { lineFinder } from './source-text.js'
import type { SimpleCommand } from './syntax.js'

const BYTE_ORDER_MARK = '\uFEFF'

export function checkCommands(grub: GrubCfg, file: string): readonly Finding[] {
  const placeOf = lineFinder(grub.text)
  const at = (offset: number): Place => ({ file, ...placeOf(offset) })
  const functions = new Set(grub.script.statements.flatMap((each) => (each.kind === 'function' ? [each.name] : [])))
  const marked = grub.text.startsWith(BYTE_ORDER_MARK)
  const commands = [...commandsIn(grub.script)].map(({ command }) => command)
  const told = new Set<string>()
  return [
    ...(marked ? [byteOrderMark(file)] : []),
    ...checkSyntax(grub, file),
    ...checkCarriageReturns(grub.text, at),
    ...commands.flatMap((command) => [
      ...(marked && command.words[0]?.start === 0 ? [] : checkName(command, functions, told, at)),
      ...checkCharacters(command, at),
    ]),
    ...notFollowed(grub, file),
  ]
}

function byteOrderMark(file: string): Finding {
  return GRUB_RULES.found(
    'grub-byte-order-mark',
    'begins with a byte order mark, which GRUB takes for the beginning of the first command: it does not run',
    { place: { file, line: 1, column: 1 }, hint: 'save it as UTF-8 without a byte order mark' },
  )
}

/** The first only: the others are often its children, such as the `fi` of an `if` that is lost. */
function checkSyntax({ script }: GrubCfg, file: string): readonly Finding[] {
  const [fault] = script.faults
  if (fault === undefined) return []
  const { column, line, says } = fault
  return [
    GRUB_RULES.found('grub-syntax', `GRUB rejects this: ${says}`, {
      place: { file, line, column },
      hint: 'mend it: GRUB runs nothing of the command that this is in, and goes on with the next line',
    }),
  ]
}

function checkCarriageReturns(text: string, at: (offset: number) => Place): readonly Finding[] {
  const offset = text.indexOf('\r')
  if (offset === -1) return []
  return [
    GRUB_RULES.found('grub-cr', 'has carriage returns: GRUB leaves them out, other readers may not', {
      place: at(offset),
      hint: 'save it with LF line ends',
    }),
  ]
}

/** @param told names that were found to be none: each is told once, where it stands first */
function checkName(
  { words }: SimpleCommand,
  functions: ReadonlySet<string>,
  told: Set<string>,
  at: (offset: number) => Place,
): readonly Finding[] {
  const [first, second] = words[0] !== undefined && literalOf(words[0]) === '!' ? words.slice(1) : words
  if (first === undefined) return []
  const name = literalOf(first)
  if (name === undefined || name === '' || functions.has(name)) return []
  if (name === 'set') {
    const assigned = second === undefined ? undefined : literalOf(second)
    if (assigned === undefined || assigned.includes('=')) return []
    return [
      GRUB_RULES.found('grub-no-assignment', `set ${assigned} assigns nothing`, {
        place: at(first.start),
        hint: `write set ${assigned}="…", without blanks around the equals sign`,
      }),
    ]
  }
  if (told.has(name) || commandNamed(name) !== undefined || /^[^=]+=/.test(name)) return []
  told.add(name)
  const isSpaced = second !== undefined && literalOf(second)?.startsWith('=') === true
  const nearest = nearestName(name, knownCommands())
  return [
    GRUB_RULES.found('grub-unknown-command', `GRUB has no command ${JSON.stringify(name)}`, {
      place: at(first.start),
      hint: isSpaced
        ? `write set ${name}="…", without blanks around the equals sign`
        : nearest === undefined
          ? 'leave the line out'
          : `did you mean ${nearest}?`,
    }),
  ]
}

function checkCharacters({ words }: SimpleCommand, at: (offset: number) => Place): readonly Finding[] {
  for (const word of words) {
    const offset = word.source.search(/[^\0-\x7F\uFEFF]/)
    if (offset === -1) continue
    return [
      GRUB_RULES.found(
        'grub-not-ascii',
        `has ${JSON.stringify(String.fromCodePoint(word.source.codePointAt(offset) ?? 0))}, which is not ASCII: what reads the kernel command line may not take it for text`,
        { place: at(word.start + offset), hint: 'write it in ASCII' },
      ),
    ]
  }
  return []
}

/** Once each, though every kind of machine meets them. */
function notFollowed({ runs }: GrubCfg, file: string): readonly Finding[] {
  const told = new Map<string, Finding>()
  for (const { unknown } of runs.values()) {
    for (const { line, says } of unknown) {
      told.set(`${line} ${says}`, GRUB_RULES.found('grub-not-followed', says, { place: { file, line } }))
    }
  }
  return [...told.values()]
}
