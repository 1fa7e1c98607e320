import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { evaluateGrubCfg } from '#src/oem/grub/evaluate.js'
import { parseGrubScript } from '#src/oem/grub/parser.js'
import { type GrubCase, runInGrub } from '../../support/grub-emu.js'

/** The same scripts in every run. Three runs of 30 000 others each agreed, too (2026-11-25). */
const SEED = 4
const NAMES = ['a', 'b', 'c', 'oem_id', 'linux_append', 'linux_console']
const ENVIRONMENT = { grub_platform: 'pc', grub_cpu: 'i386', a: '', b: 'one two', c: ' x', linux_append: 'old' }

function caseOf(text: string): GrubCase {
  const { variables } = evaluateGrubCfg(text, new Map(Object.entries(ENVIRONMENT)))
  return {
    text,
    environment: ENVIRONMENT,
    expected: Object.fromEntries(NAMES.map((name) => [name, variables.get(name) ?? ''])),
    leaves: [...variables.keys()].filter((name) => name !== '' && !name.includes('\n') && !NAMES.includes(name)),
  }
}

/** What GRUB says against our evaluation of these; nothing if they agree, else the first few. */
async function disagreements(all: readonly string[]): Promise<readonly object[]> {
  // GRUB would not read such an expectation back.
  const texts = all.filter((text) => !Object.values(caseOf(text).expected).some((value) => /(^|\n)#/.test(value)))
  const verdicts = await runInGrub(texts.map(caseOf))
  const found = texts.flatMap((text, index) => {
    const verdict = verdicts[index]
    const faulty = parseGrubScript(text).faults.length > 0
    return verdict?.ended === true && verdict.differences.length === 0 && verdict.faulty === faulty
      ? []
      : [{ text, ourFaults: parseGrubScript(text).faults, expected: caseOf(text).expected, verdict }]
  })
  return found.slice(0, 5)
}

const TABLE = [
  'set a="x y"\nset b=$a\nset c="$a"\n',
  'a=x; b=y z; c=$a$b"$a"\n',
  'set a=x &&\nset b=y\n',
  'set a=x; &&\nset b=y\n',
  'if true; then\n  set a=x\n  && \n  set b=y\nfi\nset c=z\n',
  'if [ "$grub_platform" = pc ]; then\n  set a=x\nelse\n  set a=y\nfi\n',
  'if [ "$grub_platform" = efi ]; then set a=x; elif [ "$grub_cpu" = i386 ]; then set a=y; else set a=z; fi\n',
  'if [ "$grub_platform" = efi -o "$grub_cpu" = i386 ]; then set a=y; fi\n',
  'if ! [ "$grub_platform" = efi ]; then set a=y; fi\nif [ ! -z "$b" -a -n "$c" ]; then set b=z; fi\n',
  'if [ 0x10 -eq 16 ]; then set a=y; fi\nif [ -3 -lt 2 -a 010 -eq 8 ]; then set b=y; fi\n',
  'if [ a < b ]; then set a=y; fi\nif [ a "<" b ]; then set b=y; fi\n',
  'if [ ( a = b ) -o ( a = a ) ]; then set a=y; fi\n',
  'if unknown_command; then set a=y; fi\nif set broken; then set b=y; fi\n',
  'set a = x\nset b\nb = y\n',
  'set a="x\r\ny"\r\nset b=z\r\n',
  'set a=x\\\r\ny\n',
  'set a="x\n# y\nz"\n',
  'set a=x\\\n  y\nset b="x\\\ny"\nset c=\\\nz\n',
  ...[
    'a=$"x $b \\" \\$ \\\\ \\x y"',
    'a=x$"y z"z; b=$"$"; c="$"$"x"',
    'a=$"$\u007bb}|$b|$nothing|$2|$*|$$b|$\\b|\\$b"',
    'a=$"x$\u007bb"; b=$"x$\u007by z}"; c=$"$\u007b}x"',
    'a=$"x\\\ny"; b=$"x\ny"; c=$"x',
    "b=y; a=$'x'",
    'set a=x\\\n\r',
    'set a=x\\\n#y',
    'set a=x\\\n#y\n',
    'set a=x\\\n\0y',
    'set a=x\0 y\nset b=z',
    'set a=x\n\r\r',
    'set a=x \\',
    'set a=x; \\',
  ],
  'set \\\n a=x\nset\\\n b=x\n \\\n set c=x\n',
  'set a="\\$b \\\\ \\" \\x"\nset b=\\$a\\\\\\"\\x\n',
  "set a='$b \"\\'\n",
  'set a="$"\nset b="5 $ 5"\nset c=$(x)\n',
  'set a=x#y # z\n#set b=z\n  # c=z',
  'set a=$b\nset b="<$c>"\nset c=<$c>\n',
  'set a=x$c\nset b=$c"y"\n$empty set c=z\n$empty\n',
  'unset b\nset a="<$\u007bb}>"\nexport c\n',
  'menuentry "x" --id=y { set a=x; }\nmenuentry x { }\nset b=y\n',
  'menuentry x {\n set a=x\n}\nsubmenu y { menuentry z { set a=z; } }\n',
  'function f { a=x }\nfunction g { a=x; }\nfunction h\n{\n a=x\n}\nfunction i ; { a=x; }\nb=y\n',
  'set a="x\nset b=y\n',
  "set b=y\nset a='x\n",
  'set b=y\nif true; then set a=x\n',
  'set b=y\\',
  'set b=y\n}\nset a=x\nfi\nset c=z\n',
  'echo time if fi done\nset a=[[x]]\nset b=[[\nset c=time\n',
  'a=1;;b=2\n;a=3\na=4;\n a=5 ; ; \n',
  'set a=é\nset b="→"\n',
  'set =x\nset a.b=y\na-b=z\nset a=$?\nset b=$nothing$\u007bnothing}\n',
  'false\nset a=$?\nset b=x\nif false; false; true; then set c=y; fi\n',
  '! false\nset a=$?\nif !; then set b=y; fi\nif ! ! true; then set c=y; fi\n',
  'if ! unknown_command; then set a=y; fi\nif ! b=z; then set c=y; fi\n',
  'if [ ]; then set a=y; fi\nif [ "" ]; then set b=y; fi\nif test; then set c=y; fi\n',
  'if [ -a ]; then set a=y; fi\nif [ = ]; then set b=y; fi\nif [ x -o ]; then set c=y; fi\nif [ "" -o "" ]; then set oem_id=y; fi\n',
  'if [ ! ]; then set a=y; fi\nif [ x = ]; then set b=y; fi\nif [ -n ]; then set c=y; fi\nif [ -z "" x ]; then set oem_id=y; fi\n',
  'if [ a = a ; then set a=y; fi\nif test ( x ; then set b=y; fi\nif [ ) = ) ]; then set c=y; fi\n',
  'if [ $nothing = x ]; then set a=y; fi\nif [ -n $nothing ]; then set b=y; fi\n',
] as const

const fragment = fc.constantFrom(
  ...['$"', '$"x ', '\\\n'],
  ...['set ', 'unset ', 'export ', 'a=', 'b=', 'linux_append=', 'echo ', 'true', 'false', '! ', 'x', 'a', 'b'],
  ...[
    '"',
    '"',
    "'",
    "'",
    '\\',
    '$a',
    '$\u007bb}',
    '$c',
    '$',
    '$\u007b',
    '{',
    '}',
    ';',
    '; ',
    '\n',
    '\n',
    '\n',
    ' ',
    ' ',
    '\t',
    '\r',
  ],
  ...[
    'if ',
    '; then ',
    '\nthen\n',
    'then',
    '; else ',
    'else',
    '; elif ',
    '; fi',
    '\nfi\n',
    'fi',
    '[ ',
    ' ]',
    ' = ',
    ' != ',
    '-n ',
  ],
  ...['#', ' # ', '&&', '||', '|', '<', '>', '[[', ']]', 'time', 'é', '%', ',', 'menuentry y { ', ' }'],
)
const soup = fc.array(fragment, { maxLength: 25 }).map((fragments) => fragments.join(''))

const value = fc
  .oneof(
    fc.array(fc.constantFrom('x', '$a', '$b', '$c', '"$b"', '" y "', "' $a '", '\\"', 'console=ttyS0,115200n8'), {
      maxLength: 4,
    }),
  )
  .map((pieces) => pieces.join(''))
const operand = fc.constantFrom('x', '"$a"', '"$b"', '"$grub_platform"', 'pc', 'efi', '""', '1', '07', '0x1')
const test = fc.oneof(
  fc
    .tuple(operand, fc.constantFrom('=', '==', '!=', '-eq', '-ne', '-lt', '-ge'), operand)
    .map((words) => words.join(' ')),
  fc.tuple(fc.constantFrom('-n', '-z', ''), operand).map((words) => words.join(' ')),
)
const condition = fc
  .array(fc.tuple(fc.constantFrom('', '! '), test, fc.constantFrom('-a', '-o')), { minLength: 1, maxLength: 3 })
  .map(
    (tests) => `[ ${tests.map(([not, one, and], index) => `${index === 0 ? '' : `${and} `}${not}${one}`).join(' ')} ]`,
  )
const command: fc.Arbitrary<string> = fc.letrec<{ command: string; commands: string }>((tie) => ({
  command: fc.oneof(
    { depthSize: 'small' },
    fc
      .tuple(fc.constantFrom('set ', ''), fc.constantFrom(...NAMES), value)
      .map(([set, name, text]) => `${set}${name}=${text}`),
    fc
      .tuple(condition, tie('commands'), tie('commands'))
      .map(([asked, yes, no]) => `if ${asked}; then\n${yes}else\n${no}fi`),
  ),
  commands: fc
    .array(tie('command'), { minLength: 1, maxLength: 3 })
    .map((lines) => lines.map((line) => `${line}\n`).join('')),
})).commands

describe('evaluateGrubCfg', () => {
  it.each(TABLE)('says of %j what GRUB has set', async (text) => {
    expect(await disagreements([text])).toEqual([])
  })

  it('agrees with GRUB about 2 000 scripts of assignments and conditions', async () => {
    expect(await disagreements(fc.sample(command, { numRuns: 2000, seed: SEED }))).toEqual([])
  })

  it('agrees with GRUB about 2 000 texts of fragments, faults and all', async () => {
    const texts = fc.sample(soup, { numRuns: 2000, seed: SEED }).filter((text) => !text.includes('?'))
    expect(await disagreements(texts)).toEqual([])
  })
})
