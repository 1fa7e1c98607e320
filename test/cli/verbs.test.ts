/** The table of verbs says what `--help` says, and the manual page what the table says. */
import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { flagsOf } from '#src/cli/completion/flags.js'
import { assertUnderstood, withHelpFlag } from '#src/cli/understood.js'
import { VERBS } from '#src/cli/verbs.js'
import { CHECKOUT, runCli } from '../support/command-line.js'
import { rejectsWithCode } from '../support/errors.js'

const PAGE = join(CHECKOUT, 'dist', 'man', 'oem-bake.1')
const page = (): string => execFileSync('mandoc', ['-Tutf8', '-Owidth=200', PAGE], { encoding: 'utf8' })
/** Bold and underlined letters, and their backspace. */
const STRUCK_OVER = new RegExp(`.${String.fromCharCode(8)}`, 'gu')
const plain = (text: string): string => text.replaceAll(STRUCK_OVER, '').replace(/\s+/g, ' ')

describe('the table of verbs', () => {
  it('has every verb of --help, with its usage', async () => {
    const { stdout } = await runCli(['--help'])
    // Each below the first.
    const usages = [...stdout.matchAll(/^(?:Usage: | {7})oem-bake (.+)$/gm)].map(([, usage = '']) => usage)
    const without = (usage: string): string => usage.replace(/ \[flags\]$/, '')
    expect(usages.map(without).sort()).toEqual(VERBS.map(({ usage }) => without(usage)).sort())
  })

  it.each(VERBS.map((verb) => [verb.name, verb] as const))('has what %s --help says', async (name, verb) => {
    const { stdout } = await runCli([name, '--help'])
    const said = stdout.replace(/\s+/g, ' ')
    expect(said).toContain(verb.summary)
    const shown = [...stdout.matchAll(/^ {2,6}(?:-\w, )?--([\w-]+)/gm)].map(([, flag = '']) => flag)
    const named = flagsOf(verb).map((flag) => flag.name.replace(/^no-/, ''))
    expect(new Set(shown.filter((flag) => flag !== 'version' || named.includes('version')))).toEqual(new Set(named))
    expect(stdout).not.toMatch(/\S\[(?:boolean|string|array|number|choices)/)
  })
})

describe('oem-bake help', () => {
  it('is the help of a verb, or of all', async () => {
    expect((await runCli(['help', 'keys'])).stdout).toBe((await runCli(['keys', '--help'])).stdout)
    expect(withHelpFlag(['help'])).toEqual(['--help'])
    expect(withHelpFlag(['help', '--template', 'ec2'])).toEqual(['help', '--template', 'ec2'])
    const { hint } = await rejectsWithCode(() => withHelpFlag(['help', 'kesy']), 'ERR_USAGE')
    expect(hint).toBe('did you mean oem-bake keys?')
  })
})

describe('an example of --help', () => {
  const examples = VERBS.flatMap((verb) => verb.examples.map(({ typed }) => [`${verb.name} ${typed}`, verb] as const))

  it.each(examples)('has only flags of its verb, and values that they take: %s', (typed, verb) => {
    const [, ...words] = typed.split(' ')
    expect(() => assertUnderstood(verb, words)).not.toThrow()
    for (const [index, word] of words.entries()) {
      const flag = flagsOf(verb).find(({ name, short }) => word === `--${name}` || word === `-${short}`)
      expect(flag !== undefined || !word.startsWith('-'), word).toBe(true)
      const choices = verb.options[flag?.name ?? '']?.choices
      if (choices !== undefined) expect(choices).toContain(words[index + 1])
    }
  })

  it('is there for each verb', () => {
    expect(VERBS.filter(({ examples: { length } }) => length === 0)).toEqual([])
  })
})

describe('the manual page', () => {
  it('is without fault to mandoc', () => {
    const said = execFileSync('mandoc', ['-T', 'lint', '-W', 'error', PAGE], { encoding: 'utf8' })
    expect(said).toBe('')
  })

  it('has every verb, and every flag with what it means', () => {
    const text = plain(page())
    for (const verb of VERBS) {
      expect(text).toContain(`oem-bake ${verb.usage}`)
      for (const { describe: meaning, name } of flagsOf(verb)) {
        expect(text, name).toContain(`--${name}`)
        expect(text, name).toContain(meaning)
      }
    }
  })

  it('has the exit codes of the README', () => {
    const readme = readFileSync(join(CHECKOUT, 'README.md'), 'utf8')
    const table = readme.slice(readme.indexOf('## Exit codes'), readme.indexOf('## Error codes'))
    const codes = [...table.matchAll(/^\| ([\d, ]+) \|/gm)].map(([, code = '']) => code)
    expect(codes.length).toBeGreaterThan(10)
    const text = plain(page())
    for (const code of codes) expect(text).toMatch(new RegExp(` ${code} [a-zI]`))
  })
})
