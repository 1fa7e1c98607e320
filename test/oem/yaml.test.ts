import fc from 'fast-check'
import { load, YAML11_SCHEMA } from 'js-yaml'
import { describe, expect, it } from 'vitest'
import { formatYaml, meansTheSameToAllReaders, parseYaml } from '#src/oem/yaml.js'
import { rejectsWithCode } from '../support/errors.js'

describe('parseYaml', () => {
  it('says file, line and column, from 1', async () => {
    const error = await rejectsWithCode(() => parseYaml('a: 1\nb: 2\n}: 3\n', 'x.yml'), 'ERR_YAML_SYNTAX')
    expect(error.message).toContain('x.yml, line 3, column 1')
    expect(error.details).toMatchObject({ file: 'x.yml', line: 3, column: 1 })
  })

  it('refuses doubled keys and a second document', async () => {
    await rejectsWithCode(() => parseYaml('a: 1\na: 2\n', 'x.yml'), 'ERR_YAML_SYNTAX')
    await rejectsWithCode(() => parseYaml('a: 1\n---\nb: 2\n', 'x.yml'), 'ERR_YAML_SYNTAX')
  })

  it('refuses aliases that multiply', async () => {
    const bomb = `a: &a [x]\n${Array.from({ length: 200 }, (_, index) => `b${index}: *a`).join('\n')}\n`
    await rejectsWithCode(() => parseYaml(bomb, 'x.yml'), 'ERR_YAML_SYNTAX')
  })

  it('takes comments alone as nothing', () => {
    expect(parseYaml('#cloud-config\n', 'x.yml')).toBeNull()
    expect(parseYaml('', 'x.yml')).toBeNull()
  })
})

describe('formatYaml', () => {
  const scalar = fc.oneof(
    fc.string({ unit: 'binary' }),
    fc.constantFrom(
      'yes',
      'no',
      'on',
      'y',
      'N',
      '010',
      '0o7',
      '1_000',
      '1:30',
      '2001-01-01',
      '~',
      'null',
      '<<',
      '=',
      '',
    ),
    fc.constantFrom('.inf', '-.5', '0x1f', '1e3', '0b1', '- a', 'a: b', 'a #b', '!x', '&a', '*a', '|', '%a', '@', '`'),
    fc.integer(),
    fc.boolean(),
    fc.constant(null),
  )
  const document = fc.letrec<{ value: unknown }>((tie) => ({
    value: fc.oneof(
      { depthSize: 'small' },
      scalar,
      fc.array(tie('value'), { maxLength: 3 }),
      fc.dictionary(fc.string({ minLength: 1, maxLength: 8 }), tie('value'), { maxKeys: 3, noNullPrototype: true }),
    ),
  })).value

  it('writes what YAML 1.1 and YAML 1.2 readers read back alike', () => {
    fc.assert(
      fc.property(document, (value) => {
        const text = formatYaml(value)
        expect(parseYaml(text, 'x.yml')).toEqual(value)
        expect(load(text, { schema: YAML11_SCHEMA })).toEqual(value)
      }),
    )
  })

  it('keeps the order of keys', () => {
    expect(formatYaml({ b: 1, a: 2 })).toBe('b: 1\na: 2\n')
  })

  it.each(['a: yes', 'a: 010', 'a: 2001-01-01', 'a: 1:30'])('sees that %s is read in two ways', (text) => {
    expect(meansTheSameToAllReaders(text)).toBe(false)
    expect(meansTheSameToAllReaders(text.replace(/: (.*)/, ": '$1'"))).toBe(true)
  })
})
