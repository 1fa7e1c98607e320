/** What a command line that was not understood is told. */
import { describe, expect, it } from 'vitest'
import { flagsOf } from '#src/cli/completion/flags.js'
import { assertNoWordLeft, assertUnderstood, assertValues } from '#src/cli/understood.js'
import { VERBS, type Verb, type VerbName } from '#src/cli/verbs.js'
import { rejectsWithCode } from '../support/errors.js'

const verbNamed = (name: VerbName): Verb => VERBS.find((verb) => verb.name === name)!
const bake = verbNamed('bake')
const refused = (verb: Verb, ...words: readonly string[]) =>
  rejectsWithCode(() => assertUnderstood(verb, words), 'ERR_USAGE')
const names = VERBS.map((verb) => [verb.name, verb] as const)
const flags = VERBS.flatMap((verb) => flagsOf(verb).map((flag) => [verb.name, flag.name, flag, verb] as const))

describe('an unknown flag', () => {
  it('is none that the verb has, by its name, by its letter, or with no-', () => {
    assertUnderstood(bake, ['x.img', '--template', 'ec2', '-t', 'gce', '-f', '--no-cache', '--version', '--', '--zzz'])
    assertUnderstood(bake, [])
  })

  it.each([
    ['tempalte', 'template'],
    ['cloud_config', 'cloud-config'],
    ['cloudconfig', 'cloud-config'],
    ['oemid', 'oem-id'],
    ['tmpdir', 'tmp-dir'],
    ['forse', 'force'],
    ['temp', 'template'],
    ['out', 'output or --output-dir'],
    ['sig', 'sign or --signature'],
  ])('--%s is told --%s', async (typed, meant) => {
    const { hint, message } = await refused(bake, '--force', `--${typed}`, 'x')
    expect(message).toBe(`unknown flag --${typed}`)
    expect(hint).toBe(`did you mean --${meant}?`)
  })

  it('points to the help when nothing is near', async () => {
    for (const typed of ['--zzzzzzzz', '-x']) expect((await refused(bake, typed)).hint).toBe('see oem-bake --help')
  })

  it('-v is for the version of the program', async () => {
    expect((await refused(bake, '-v')).hint).toBe('did you mean --version?')
    expect((await refused(verbNamed('fetch'), '-v')).hint).toBe('did you mean oem-bake --version?')
  })

  it.each(flags)(
    '%s: --%s without a letter, or with two the wrong way round, is told the right one',
    async (_, name, __, verb) => {
      const known = flagsOf(verb).map((flag) => flag.name)
      for (const typed of [
        name.slice(0, -1),
        `${name.slice(0, 1)}${name.charAt(2)}${name.charAt(1)}${name.slice(3)}`,
      ]) {
        if (known.includes(typed)) continue
        const { hint = '' } = await refused(verb, `--${typed}`)
        const [, offered = ''] = /^did you mean (.*)\?$/.exec(hint) ?? []
        expect(offered.split(/, | or /), typed).toContain(`--${name}`)
      }
    },
  )

  it.each(names)('%s is told which verbs have a flag of theirs', async (_, verb) => {
    const own = flagsOf(verb).map(({ name }) => name)
    const theirs = flags.filter(([, name]) => !own.includes(name) && name !== 'version')
    for (const [other, name] of verb.name === 'batch' ? [] : theirs) {
      const { hint = '', message } = await refused(verb, `--${name}`)
      expect(message).toBe(`${verb.name} has no --${name}`)
      expect(hint.replace(/ ha(?:s|ve) it$/, '').split(/, | and /)).toContain(other)
    }
  })

  it('a job of a batch has those of a bake', async () => {
    expect((await refused(verbNamed('batch'), 'jobs.yml', '--engine', 'embedded')).hint).toContain('batch file')
  })
})

describe('a value', () => {
  const taking = flags.filter(([, , { values }]) => values !== undefined)

  it.each(taking)(
    '%s: --%s needs one, and is told how it looks where --help shows that',
    async (_, name, { short }, verb) => {
      const spellings = [`--${name}`, ...(short === undefined ? [] : [`-${short}`])]
      for (const words of spellings.flatMap((flag) => [[flag], [flag, '--json'], ['x', flag], [`--${name}=`]])) {
        const { hint = '', message } = await rejectsWithCode(() => assertValues(verb, words), 'ERR_USAGE')
        expect(message).toMatch(/^-\S+ needs a value$/)
        const shown = verb.examples.some(({ typed }) => typed.split(' ').some((word) => spellings.includes(word)))
        expect(hint.startsWith('see '), hint).toBe(!shown && verb.options[name]?.choices === undefined)
      }
      expect(() => assertValues(verb, [`--${name}`, verb.options[name]?.choices?.[0]?.toString() ?? 'x'])).not.toThrow()
    },
  )

  it.each(taking.filter(([, name, , verb]) => verb.options[name]?.choices !== undefined))(
    '%s: --%s has to be one of its choices, and is told the nearest',
    async (_, name, __, verb) => {
      const choices = verb.options[name]?.choices?.map(String) ?? []
      for (const choice of choices) {
        const typo = `${choice}${choice.slice(-1)}`
        for (const words of [[`--${name}`, typo], [`--${name}=${typo}`]]) {
          const { hint, message } = await rejectsWithCode(() => assertValues(verb, words), 'ERR_USAGE')
          expect(message.replace(/,| or\b/g, '')).toBe(`--${name} ${typo}: expected ${choices.join(' ')}`)
          expect(hint).toBe(`did you mean ${choice}?`)
        }
      }
      const far = await rejectsWithCode(() => assertValues(verb, [`--${name}`, 'zzzzzzzz']), 'ERR_USAGE')
      expect(far.hint).toMatch(/^see oem-bake .*--help$/)
    },
  )
})

describe('a template', () => {
  it.each([
    ['bake', ['-t', 'rackspace,ec2'], '-t rackspace -t ec2'],
    ['bake', ['--template=ec2, gce'], '--template ec2 --template gce'],
    ['plan', ['-t', 'rackspace,ec2'], 'plan takes one template: -t rackspace or -t ec2'],
    ['explain', ['-t', './mycloud/template.yml'], '-t ./mycloud'],
    ['bake', ['--template', 'template.yml'], '--template .'],
  ] as const)('%s %j is told %s', async (name, words, hint) => {
    expect((await refused(verbNamed(name), ...words)).hint).toBe(hint)
  })

  it('may lie in a directory with a comma', () => {
    assertUnderstood(bake, ['-t', './a,b', '-t', 'template.yml/'])
  })

  it.each([
    ['bake', ['rackspace', 'image.img']],
    ['plan', ['image.img', 'rackspace']],
    ['explain', ['aws', 'image.img']],
  ] as const)('%s %j is told its flag', async (name, [first, second]) => {
    const attempt = assertNoWordLeft(verbNamed(name), first, [second], {})
    const template = first === 'image.img' ? second : first
    expect((await rejectsWithCode(attempt, 'ERR_USAGE')).hint).toBe(`did you mean --template ${template}?`)
  })
})

describe('a word too many', () => {
  it('is none where none is left', async () => {
    await assertNoWordLeft(bake, 'rackspace', [], {})
  })

  it.each(names.filter(([name]) => name !== 'bake'))(
    '%s with a letter too much, typed where the image goes, is a verb with a typo',
    async (name, { words }) => {
      const following = words.map((word) => word.name)
      const error = await rejectsWithCode(assertNoWordLeft(bake, `${name}s`, following, {}), 'ERR_USAGE')
      expect(error.hint).toBe(`did you mean oem-bake ${name}?`)
      const more = [...following, 'more']
      const other = await rejectsWithCode(assertNoWordLeft(bake, `${name}s`, more, {}), 'ERR_USAGE')
      expect(other.message).toContain('one word too many')
    },
  )
})
