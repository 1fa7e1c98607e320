import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { contentRequest } from '#src/cli/options/content.js'
import { imageRequest } from '#src/cli/options/image.js'
import { outputRequest } from '#src/cli/options/output.js'
import { rejectsWithCode } from '../support/errors.js'

const DEFAULTS = { ignitionAs: 'base', existing: 'auto' } as const
/** A request that asks for something, so that what is looked at is the flag alone. */
const content = (flags: object) => contentRequest({ ...DEFAULTS, template: 'rackspace', ...flags })

describe('contentRequest', () => {
  it('hands each flag to its own field', () => {
    expect(
      contentRequest({
        template: 'rackspace',
        set: ['a=1', 'b=2'],
        vars: 'vars.yml',
        cloudConfig: 'cloud.yml',
        ignition: 'x.ign',
        ignitionAs: 'default',
        oemId: 'ec2',
        oemIdUnchecked: true,
        file: ['./a:/b'],
        remove: ['/c'],
        existing: 'merge',
      }),
    ).toEqual({
      template: 'rackspace',
      variables: { a: '1', b: '2' },
      variablesFile: 'vars.yml',
      cloudConfig: 'cloud.yml',
      ignition: { path: 'x.ign', as: 'default' },
      oemId: 'ec2',
      oemIdUnchecked: true,
      files: [{ source: './a', destination: '/b' }],
      remove: ['/c'],
      existing: 'merge',
    })
  })

  it('leaves out what was not asked for', () => {
    expect(content({})).toEqual({ template: 'rackspace', existing: 'auto' })
  })

  it.each([{}, { set: ['a=1'] }, { vars: 'x' }, { oemIdUnchecked: true }])(
    'refuses %j, which asks for nothing',
    async (flags) => {
      await rejectsWithCode(() => contentRequest({ ...DEFAULTS, ...flags }), 'ERR_USAGE')
    },
  )

  it.each([{ cloudConfig: 'x' }, { ignition: 'x' }, { oemId: 'x' }, { file: ['a:/b'] }, { remove: ['/x'] }])(
    'takes %j without a template',
    (flags) => {
      expect(contentRequest({ ...DEFAULTS, ...flags })).toMatchObject({ existing: 'auto' })
    },
  )
})

describe('--set NAME=VALUE', () => {
  it.each([
    ['a=1', { a: '1' }],
    ['a=', { a: '' }],
    ['a=b=c', { a: 'b=c' }],
    ['a= spaces ', { a: ' spaces ' }],
    ['a=line\nbreak', { a: 'line\nbreak' }],
    ['a=$(b) `c`', { a: '$(b) `c`' }],
  ])('reads %j', (text, variables) => {
    expect(content({ set: [text] }).variables).toEqual(variables)
  })

  it('keeps any value whole behind the first equals sign', () => {
    fc.assert(
      fc.property(fc.stringMatching(/^[a-z_]+$/), fc.string(), (name, value) => {
        expect(content({ set: [`${name}=${value}`] }).variables).toEqual({ [name]: value })
      }),
    )
  })

  it('takes names that mean something to JavaScript for names', () => {
    const { variables } = content({ set: ['__proto__=1', 'constructor=2'] })
    expect(Object.entries(variables ?? {})).toEqual([
      ['__proto__', '1'],
      ['constructor', '2'],
    ])
  })

  it.each(['', 'a', '=1', '='])('refuses %j, and shows how', async (text) => {
    const error = await rejectsWithCode(() => content({ set: [text] }), 'ERR_USAGE')
    expect(error.hint).toMatch(/^--set \S+=VALUE$/)
  })
})

describe('--file SRC:DEST[:MODE]', () => {
  it.each([
    ['./a:/b', { source: './a', destination: '/b' }],
    ['./a:/b:0755', { source: './a', destination: '/b', mode: 0o755 }],
    ['./a:/b:644', { source: './a', destination: '/b', mode: 0o644 }],
    ['./a:/b:4755', { source: './a', destination: '/b', mode: 0o4755 }],
    ['/x/y:/b/c/', { source: '/x/y', destination: '/b/c/' }],
    ['a:b:/c', { source: 'a:b', destination: '/c' }],
    ['http://x:/c', { source: 'http://x', destination: '/c' }],
    ['with space:/to this', { source: 'with space', destination: '/to this' }],
  ])('reads %s', (text, file) => {
    expect(content({ file: [text] }).files).toEqual([file])
  })

  it.each([
    '',
    'a',
    'a:b',
    ':/b',
    'a:',
    'a:/b:',
    'a:/b:9',
    'a:/b:0888',
    'a:/b:75',
    'a:/b:00755',
    'a:/b:rwx',
    'a:/b:0755:x',
  ])('refuses %j, and shows how', async (text) => {
    const error = await rejectsWithCode(() => content({ file: [text] }), 'ERR_USAGE')
    expect(error.hint).toContain('--file')
  })
})

describe('imageRequest and outputRequest', () => {
  it('hand each flag to its own field', () => {
    expect(
      imageRequest({
        image: 'x.bin',
        engine: 'embedded',
        release: 'container-linux:1.2.3',
        tmpDir: '/t',
        verify: 'require',
        signature: 's',
        digests: 'd',
        key: ['k', 'l'],
      }),
    ).toEqual({
      image: 'x.bin',
      engine: 'embedded',
      release: 'container-linux:1.2.3',
      tmpDir: '/t',
      verify: 'require',
      signature: 's',
      digests: 'd',
      keys: ['k', 'l'],
    })
    expect(outputRequest({ output: 'o', force: true })).toEqual({ output: 'o', force: true })
    expect(outputRequest({})).toEqual({})
  })

  it('refuses a command line without an image', async () => {
    await rejectsWithCode(() => imageRequest({ engine: 'auto', verify: 'auto' }), 'ERR_USAGE')
  })
})

describe('--with LIST and --sign KEY', () => {
  it.each([
    ['none', []],
    ['all', ['sha256', 'manifest', 'digests', 'provenance']],
    ['digests', ['digests']],
    ['provenance,sha256', ['provenance', 'sha256']],
  ])('takes %s', (text, kinds) => {
    expect(outputRequest({ with: text })).toEqual({ with: kinds })
  })

  it.each(['', 'all,none', 'none,sha256', 'sha256,', 'signature', 'SHA256'])('refuses %j', async (text) => {
    const { hint } = await rejectsWithCode(() => outputRequest({ with: text }), 'ERR_USAGE')
    expect(hint).toContain('--with sha256,manifest,digests,provenance')
  })

  it('names the nearest', async () => {
    const { hint } = await rejectsWithCode(() => outputRequest({ with: 'sha256,provenence' }), 'ERR_USAGE')
    expect(hint).toContain('did you mean provenance?')
  })

  it('hands the key on', () => {
    expect(outputRequest({ sign: 'me@example.com' })).toEqual({ sign: 'me@example.com' })
  })
})
