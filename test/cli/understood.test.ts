/** What a command line that was not understood is told. */
import { describe, expect, it } from 'vitest'
import { flagsOf } from '#src/cli/completion/flags.js'
import { assertKnownFlags, assertUnderstood } from '#src/cli/understood.js'
import { VERBS } from '#src/cli/verbs.js'
import { rejectsWithCode } from '../support/errors.js'

describe('assertKnownFlags', () => {
  const KNOWN = ['template', 't', 'oem-id', 'oem-id-unchecked', 'cloud-config', 'force', 'f', 'tmp-dir']

  it('accepts what is known', () => {
    assertKnownFlags(['template', 't', 'f'], KNOWN)
    assertKnownFlags([], KNOWN)
  })

  it.each([
    ['templat', 'template'],
    ['tempalte', 'template'],
    ['cloud_config', 'cloud-config'],
    ['cloudconfig', 'cloud-config'],
    ['oemid', 'oem-id'],
    ['tmpdir', 'tmp-dir'],
    ['forse', 'force'],
  ])('names the flag that --%s is nearest to: --%s', async (typed, nearest) => {
    const error = await rejectsWithCode(() => assertKnownFlags(['force', typed], KNOWN), 'ERR_USAGE')
    expect(error.message).toContain(`--${typed}`)
    expect(error.hint).toBe(`did you mean --${nearest}?`)
  })

  it('points to the help when nothing is near', async () => {
    for (const typed of ['zzzzzzzz', 'x']) {
      const error = await rejectsWithCode(() => assertKnownFlags([typed], KNOWN), 'ERR_USAGE')
      expect(error.hint).toBe('see oem-bake --help')
    }
  })
})

describe('assertUnderstood', () => {
  const flags = VERBS.flatMap((verb) => flagsOf(verb).map(({ name }) => [verb.name, name, verb] as const))

  it.each(flags)(
    '%s: --%s without a letter, or with two the wrong way round, is told the right one',
    async (_, name, verb) => {
      const known = flagsOf(verb).map((flag) => flag.name)
      for (const typed of [
        name.slice(0, -1),
        `${name.slice(0, 1)}${name.charAt(2)}${name.charAt(1)}${name.slice(3)}`,
      ]) {
        if (known.includes(typed)) continue
        const error = await rejectsWithCode(() => assertUnderstood(verb, [`--${typed}`], undefined, []), 'ERR_USAGE')
        expect(error.hint, typed).toBe(`did you mean --${name}?`)
      }
    },
  )

  it.each(VERBS.filter(({ name }) => name !== 'bake').map((verb) => [verb.name, verb] as const))(
    '%s with a letter too much, typed where the image goes, is a verb with a typo',
    async (name, { words }) => {
      const bake = VERBS.find((verb) => verb.name === 'bake')!
      const following = words.map((word) => word.name)
      const error = await rejectsWithCode(() => assertUnderstood(bake, [], `${name}s`, following), 'ERR_USAGE')
      expect(error.hint).toBe(`did you mean oem-bake ${name}?`)
      const more = [...following, 'more']
      const other = await rejectsWithCode(() => assertUnderstood(bake, [], `${name}s`, more), 'ERR_USAGE')
      expect(other.message).toContain('one word too many')
    },
  )
})
