import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { CONTENT_OPTIONS } from '#src/cli/options/content.js'
import { IMAGE_OPTIONS } from '#src/cli/options/image.js'
import { OUTPUT_OPTIONS } from '#src/cli/options/output.js'
import { checkOptions, rehearsalOf } from '#src/packer/check-options.js'
import { readConfiguration, readOptions } from '#src/packer/configuration.js'
import { formatGoTime } from '#src/packer/go-time.js'
import { type RenderContext, render } from '#src/packer/interpolate.js'
import { commandLineOf, OPTIONS, type OptionValues } from '#src/packer/options.js'
import { rejectsWithCode } from '../support/errors.js'
import { hclConfigs, jsonConfigs } from '../support/packer-core.js'

const contextOf = (configs: unknown, build?: Readonly<Record<string, unknown>>): RenderContext => ({
  packer: readConfiguration(configs).packer,
  build,
  directory: '/work',
  startedAt: new Date('2026-11-05T04:03:02Z'),
})
const optionsOf = (configs: unknown): OptionValues =>
  readOptions(readConfiguration(configs), contextOf(configs), render)

describe('the options', () => {
  it('are all flags of a bake, by one name each, and three of their own', () => {
    const flags = [CONTENT_OPTIONS, OUTPUT_OPTIONS, IMAGE_OPTIONS].flatMap((set) => Object.keys(set))
    const words = Object.keys(OPTIONS).flatMap((name) => {
      const { type } = OPTIONS[name]!
      const value =
        type === 'bool'
          ? !['cache'].includes(name)
          : typeof type === 'string'
            ? '1'
            : 'map' in type
              ? { a: '1' }
              : ['1']
      return commandLineOf({ [name]: value }).map((word) => word.replace(/^--(?:no-)?/, '').replace(/=.*$/, ''))
    })
    expect(words.sort()).toEqual(flags.sort())
    expect(Object.keys(OPTIONS)).toHaveLength(flags.length + 3)
  })

  it('become the words that a person would type', () => {
    expect(
      commandLineOf({
        template: '-x',
        variables: { a: '1', b: 'x=y' },
        files: ['./a:/b', './c:/d'],
        cache: false,
        strict: true,
        recompress: false,
        level: 9,
        in_place: true,
        input: 'x.img',
      }),
    ).toEqual([
      '--template=-x',
      '--set=a=1',
      '--set=b=x=y',
      '--file=./a:/b',
      '--file=./c:/d',
      '--no-cache',
      '--strict',
      '--level=9',
    ])
  })

  it('are the same from JSON, where variables give nothing but text, as from HCL2', () => {
    const hcl = {
      template: 'ec2',
      strict: true,
      level: 3,
      files: ['a:/a'],
      variables: { n: '5' },
      release: null,
      input: '',
    }
    const json = { template: '{{user `t`}}', strict: '{{user `yes`}}', level: '3', files: 'a:/a', variables: { n: 5 } }
    expect(optionsOf(jsonConfigs(json, { t: 'ec2', yes: 'true' }))).toEqual(optionsOf(hclConfigs(hcl)))
    expect(optionsOf(hclConfigs(hcl))).toEqual({
      template: 'ec2',
      strict: true,
      level: 3,
      files: ['a:/a'],
      variables: { n: '5' },
    })
  })

  it.each([
    ['an unknown one', { templat: 'ec2' }, /no option templat/],
    ['a number that is none', { level: 'nine' }, /level: expected a number, found "nine"/],
    ['a choice that there is not', { engine: 'guestfish' }, /engine: expected auto, embedded, libguestfs/],
    ['text for true or false', { strict: 'yes' }, /strict: expected true or false/],
    ['a list for text', { template: ['ec2'] }, /template: expected text, found a list/],
    ['text for a mapping', { variables: 'a=1' }, /variables: expected a mapping/],
    ['two at once', { level: 'x', strict: 'y' }, /level.*; strict/],
  ])('are refused: %s', async (_what, options, message) => {
    const error = await rejectsWithCode(() => optionsOf(jsonConfigs(options)), 'ERR_USAGE')
    expect(error.message).toMatch(message)
  })

  it("leave Packer's own settings alone", () => {
    expect(optionsOf(jsonConfigs({ keep_input_artifact: true, only: ['a'], template: 'ec2' }))).toEqual({
      template: 'ec2',
    })
  })

  it.each([
    ['neither output nor in_place', { template: 'ec2' }],
    ['both', { output: 'a', in_place: true }],
    ['standard output', { output: '-' }],
  ])('do not go together: %s', async (_what, values: OptionValues) => {
    await rejectsWithCode(() => checkOptions(values), 'ERR_USAGE')
  })

  it('are not rehearsed while the build has yet to tell one', () => {
    expect(rehearsalOf({ template: 'ec2', variables: { id: '<unknown>' } })).toBeUndefined()
    expect(rehearsalOf({ template: 'ec2', output: '{{build `ID`}}' })).toBeUndefined()
    expect(rehearsalOf({ template: 'ec2' })).toContain('--template=ec2')
  })
})

describe('actions', () => {
  const configs = jsonConfigs({}, { region: 'eu', 'odd name': '{{user `region`}}' })
  const before = contextOf(configs)
  const after = contextOf(configs, { ID: 'machine-1', Port: 22 })

  it.each([
    ['{{user `region`}}', 'eu'],
    ['{{ user "region" }}', 'eu'],
    ['{{user `odd name`}}', '{{user `region`}}'],
    ['a {{- build_name -}} b', 'aimageb'],
    ['{{build_type}}', 'file'],
    ['{{template_dir}}/x', '/work/templates/x'],
    ['{{pwd}}', '/work'],
    ['{{packer_version}}', '1.6.6'],
    ['{{timestamp}}', '1793851382'],
    ['{{isotime}}', '2026-11-05T04:03:02Z'],
    ['{{isotime "2006-01-02"}}', '2026-11-05'],
    ['{{"{{"}}', '{{'],
    ['{{.BuildName}}', 'image'],
    ['{{build `ID`}}/{{.Port}}', 'machine-1/22'],
    ['no action } here', 'no action } here'],
  ])('%s become %s', (text, rendered) => {
    expect(render(text, after)).toBe(rendered)
  })

  it('that only the build can fill stay as they are before it', () => {
    expect(render('{{build `ID`}}-{{user `region`}}', before)).toBe('{{build `ID`}}-eu')
  })

  it.each([
    '{{user `none`}}',
    '{{build `None`}}',
    '{{env `HOME`}}',
    '{{user `region` | upper}}',
    '{{if true}}',
    '{{',
    '{{user `x',
  ])('%s are refused', async (text) => {
    await rejectsWithCode(() => render(text, after), 'ERR_USAGE')
  })

  it('are all that is changed in a text', () => {
    const plain = fc.string({ unit: 'grapheme' }).filter((text) => !text.includes('{'))
    fc.assert(
      fc.property(plain, plain, fc.string(), (head, tail, value) => {
        const context = { ...before, packer: { ...before.packer, userVariables: { v: value } } }
        expect(render(`${head}{{user \`v\`}}${tail}`, context)).toBe(`${head}${value}${tail}`)
        expect(render(head, context)).toBe(head)
      }),
    )
  })
})

describe('a time', () => {
  it.each([
    ['Mon Jan 02 15:04:05 MST 2006', 'Thu Nov 05 04:03:02 UTC 2026'],
    ['Monday, 06-01-02 03:04 PM', 'Thursday, 26-11-05 04:03 AM'],
    ['20060102-150405', '20261105-040302'],
  ])('after %s is %s', (layout, written) => {
    expect(formatGoTime(new Date('2026-11-05T04:03:02Z'), layout)).toBe(written)
  })
})
