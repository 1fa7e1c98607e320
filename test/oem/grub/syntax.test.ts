/**
 * Which scripts GRUB takes: our parser against Debian's grub-script-check. That program reads lines in a way of its own:
 * it keeps lines that begin with `#` inside quotes, turns carriage returns and tabs into blanks, knows no NUL, and fails files
 * without a command; grub-emu, which reads like GRUB, judges those (`evaluate.test.ts`).
 */
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { execa } from 'execa'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { parseGrubScript } from '#src/oem/grub/parser.js'
import { temporaryDirectory } from '../../support/temp.js'

const DIRECTORY = temporaryDirectory()
const TEMPLATES = fileURLToPath(new URL('../../../oem-templates/', import.meta.url))

/** The line of the first fault as grub-script-check has it; undefined when there is none. */
async function judge(text: string): Promise<number | undefined> {
  const { exitCode, stderr } = await execa('grub-script-check', { input: text, reject: false })
  if (exitCode === 0) return undefined
  const line = /Syntax error at line (\d+)/.exec(stderr)?.[1]
  if (line === undefined) throw new Error(`grub-script-check: ${stderr}`)
  return Number(line)
}

const TABLE = [
  'a=b',
  'if true; then true; fi\n',
  'if true\nthen true\nfi\n',
  'if true; then true; elif true; then true; else true; fi; true\n',
  'if true; then true fi\n',
  'if true; then; true; fi\n',
  'if true; then\n\n\ntrue\n\nfi\n',
  'if; then true; fi\n',
  'if true then true; fi\n',
  'if true; then fi\n',
  'if true; then true; else fi\n',
  'if true; then true; else true; elif true; then true; fi\n',
  'if true; then true; fi x\n',
  'if true; then true; fi { true; }\n',
  'for i in a b c; do echo $i; done\n',
  'for i in; do echo $i; done\n',
  'for i in a\ndo\necho $i\ndone\n',
  'for a.b in a; do true; done\n',
  'for $i in a; do true; done\n',
  'for i a; do true; done\n',
  'for i in if then; do true; done\n',
  'while true; do true; done\n',
  'until [ a = b ]; do true; done\n',
  'while true; do done\n',
  'while true do true; done\n',
  'function f { true; }\n',
  'function f { true }\n',
  'function f\n{\ntrue\n}\n',
  'function f ; { true; }\n',
  'function f\n\n{ true; }\n',
  'function f.g { true; }\n',
  'function if { true; }\n',
  'function f { function g { true; }; }\n',
  'if true; then function f { true; }; fi\n',
  'menuentry x { true; }\n',
  'menuentry x { true }\n',
  'menuentry x { }\n',
  'menuentry x\n{ true; }\n',
  'menuentry x { true; } y\n',
  'menuentry x { true; } { true; }\n',
  'menuentry x { ; true; }\n',
  'menuentry "x y" --class a {\n  true\n\n\n}\n',
  '{ true; }\n',
  'true { true; }\n',
  'true; ; true\n',
  'true;; true\n',
  ';\n',
  'true && true\n',
  'true || true\n',
  'true | true\n',
  'true &\n',
  'echo a > b\n',
  'echo a<b\n',
  '[[ a = b ]]\n',
  'echo [[\n',
  'echo [[a\n',
  'echo time case esac select\n',
  'time true\n',
  'case x\n',
  'select x\n',
  'do\n',
  'in\n',
  'in=x\n',
  'echo if then else\n',
  'if=x\n',
  'echo }\n',
  'echo a}\n',
  'echo {a\n',
  'echo a{b}c\n',
  'echo $\n',
  'echo $a$\n',
  'echo a$=b\n',
  'echo "$"\n',
  'echo "$a$"\n',
  'echo "\\$"\n',
  'echo \\$\n',
  "echo '$'\n",
  'echo $1 $# $@ $* $? $12 "$1 $# $@ $* $?"\n',
  'echo $\u007ba} $\u007b1} $\u007b#} $\u007b?} "$\u007ba}"\n',
  'echo $\u007ba\n',
  'echo $\u007b}\n',
  'echo $\u007ba.b}\n',
  'echo "$\u007ba"\n',
  'echo $-\n',
  'echo $"a $ b"\n',
  'echo $"a\n',
  "echo $'a'\n",
  'echo `a` ~ ! @ # $b\n',
  'echo a#b #c\n',
  'echo a # it\'s "quoted\n',
  "#a'b\n",
  ' #a"b\n',
  'echo "a\nb" \'c\nd\'\n',
  'echo "a\n',
  "echo 'a\n",
  'echo "a\\"\n',
  'echo a\\\nb\n',
  'echo a \\\n  b \\\n  c\n',
  'ech\\\no a\n',
  'if tr\\\nue; th\\\nen true; fi\n',
  'echo \\',
  'echo a\\',
  'true\nfi\n',
  'true\nif true; then\n',
  'a=b\n}\n',
  'é=é\n',
  '! true\n',
  '!\n',
] as const

const fragment = fc.constantFrom(
  ...['if', 'then', 'else', 'elif', 'fi', 'for', 'in', 'do', 'done', 'while', 'until', 'function', 'menuentry', 'time'],
  ...['a', 'b=c', '$a', '"$b"', "'", '"', '\\', '$', '{', '}', '{ ', ' }', '[ ', ' ]', '!', '#', '&&', '<', '[[', 'é'],
  ...[' ', ' ', ' ', ' ', ';', '; ', '; ', '\n', '\n', '\n', ';;', '|'],
)
/** Also whole constructs, so that some of what comes out is right. */
const construct = fc.constantFrom(
  'if a; then b=c; fi',
  'if a\nthen b; else c; fi',
  'for i in a b; do c; done',
  'while a; do b; done',
  'function f { a; }',
  'menuentry x { a; }',
)
const soup = fc
  .array(fc.oneof({ weight: 6, arbitrary: fragment }, { weight: 1, arbitrary: construct }), { maxLength: 18 })
  .map((fragments) => `true\n${fragments.join('')}\n`)
  // See above: a line that begins with # inside quotes.
  .filter((text) => !/\n#/.test(text))

describe('parseGrubScript', () => {
  it.each(TABLE)('takes or rejects %j as grub-script-check does', async (text) => {
    // A command in front, because files without one fail for that alone.
    const whole = `true\n${text}`
    expect(parseGrubScript(whole).faults.length > 0).toBe((await judge(whole)) !== undefined)
  })

  it('takes and rejects the same as grub-script-check among 250 random texts', async () => {
    const differing: object[] = []
    let taken = 0
    for (const text of fc.sample(soup, { numRuns: 250, seed: 4 })) {
      const ours = parseGrubScript(text).faults[0]
      const theirs = await judge(text)
      if (theirs === undefined) taken++
      if ((ours === undefined) !== (theirs === undefined)) differing.push({ text, ours, theirs })
    }
    expect(differing).toEqual([])
    // Not all of them are rubbish.
    expect(taken).toBeGreaterThan(5)
  })

  it.each([
    ['true\nif a; then\n  b\nfi fi\n', 4, 4],
    ['true\n  set a="x $ y"\n', 2, 12],
    ['true\r\n\r\nset a=b &\r\n', 3, 9],
    ['true\n# x\n\techo "abc\nx\n', 3, 7],
    ['true\nif a; then\n', 3, 1],
  ])('says where the fault in %j is', async (text, line, column) => {
    expect(parseGrubScript(text).faults[0]).toMatchObject({ line, column })
  })

  it('takes every grub.cfg of the templates, and so does grub-script-check', async () => {
    const checked = join(DIRECTORY, 'templates')
    mkdirSync(checked)
    const files = readdirSync(TEMPLATES, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.cfg'))
    expect(files.length).toBeGreaterThan(0)
    for (const name of files) {
      // References to variables stand between quotes; any id will do.
      const text = readFileSync(join(TEMPLATES, name), 'utf8').replaceAll(/\$\{\{[^}]*\}\}/g, 'x')
      const path = join(checked, 'grub.cfg')
      writeFileSync(path, text)
      expect(parseGrubScript(text).faults, name).toEqual([])
      await execa('grub-script-check', [path])
    }
  })
})
