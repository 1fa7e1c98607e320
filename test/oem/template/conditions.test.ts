/** What a template leaves out, takes from elsewhere, and writes once for all releases. */
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { resolveContent } from '#src/oem/content.js'
import { isInAnyScope } from '#src/oem/release/release-scope.js'
import { spansOf } from '#src/oem/template/release-values.js'
import { applyConditions, conditionNames, includeTexts } from '#src/oem/template/reserved-keys.js'
import { loadTemplate } from '#src/oem/template/template.js'
import { rejectsWithCode } from '../../support/errors.js'
import { temporaryDirectory } from '../../support/temp.js'
import { bakedTree } from '../../support/template-trees.js'

const directory = temporaryDirectory()
let made = 0

function folder(files: Readonly<Record<string, string>>): string {
  const root = join(directory, `t${made++}`)
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(root, name)), { recursive: true })
    writeFileSync(join(root, name), text)
  }
  return root
}

function manifest(more: string): string {
  return `name: acme\ntitle: Acme\ndescription: Acme's cloud\n${more}`
}

const set =
  (...names: readonly string[]) =>
  (name: string): boolean =>
    names.includes(name)

const AGENT = manifest(`variables:
  agent: { type: file, description: the agent }
  token: { description: what the agent says }
files:
  - { path: /agent, content: agent }
  - { path: /units.json, source: units.json, format: json }
`)
const UNITS = JSON.stringify({
  units: [
    { name: 'always' },
    { $when: 'agent', name: 'agent', token: `\${{token}}`, contents: { $text: 'agent.service' } },
  ],
})
const agentTemplate = (more: Readonly<Record<string, string>> = {}): string =>
  folder({
    'template.yml': AGENT,
    'units.json': UNITS,
    'agent.service': `[Service]\nExecStart=/x \${{token}}\n`,
    ...more,
  })

describe('conditions', () => {
  it('leave out items, fields and whole values, and nothing of a key with a dollar sign stays', () => {
    const value = {
      list: [{ $when: 'a', x: 1 }, { $unless: 'a', x: 2 }, { $when: 'b', $value: 'text' }, 3],
      field: { $when: 'b', y: 1 },
      keys: { $when: 'a', $value: ['k'] },
    }
    expect(applyConditions(value, set('a'))).toEqual({ list: [{ x: 1 }, 3], keys: ['k'] })
    expect(applyConditions(value, set('b'))).toEqual({ list: [{ x: 2 }, 'text', 3], field: { y: 1 } })
    expect(new Set(conditionNames(value))).toEqual(new Set(['a', 'b']))
  })

  it('change nothing in a document without them', () => {
    fc.assert(
      fc.property(fc.jsonValue(), fc.boolean(), (value, isSet) => {
        fc.pre(!JSON.stringify(value).includes('"$') && !JSON.stringify(value).includes('__proto__'))
        expect(JSON.stringify(applyConditions(value, () => isSet))).toBe(JSON.stringify(value))
      }),
    )
  })

  it.each([
    ['an unknown one', { $wen: 'a' }],
    ['one that names no variable', { $when: 'A b' }],
    ['a value that is no name', { $when: true }],
    ['$text beside others', { $text: 'a', x: 1 }],
    ['$value beside others', { $when: 'a', $value: 1, x: 1 }],
    ['$value alone', { $value: 1 }],
  ])('refuse %s', async (_, value) => {
    await rejectsWithCode(
      includeTexts([value], 'x', async () => ''),
      'ERR_TEMPLATE_INVALID',
    )
  })
})

describe('a variable that names a file', () => {
  it('brings its folder and what depends on it, with modes as here', async () => {
    const agent = folder({ 'bin/agent': '#!/bin/sh\n', 'etc/agent.conf': 'x' })
    chmodSync(join(agent, 'bin/agent'), 0o755)
    const { files } = await bakedTree(agentTemplate(), 'flatcar:3510.0.0', { agent, token: 'abc' })
    expect([...files].map(([path, { mode }]) => [path, mode])).toEqual([
      ['/agent/bin/agent', 0o755],
      ['/agent/etc/agent.conf', 0o644],
      ['/units.json', 0o644],
    ])
    expect(JSON.parse(files.get('/units.json')?.text ?? '')).toEqual({
      units: [{ name: 'always' }, { name: 'agent', token: 'abc', contents: '[Service]\nExecStart=/x abc\n' }],
    })
  })

  it('leaves all that out without it, and wants nothing else that only that would use', async () => {
    const { files } = await bakedTree(agentTemplate(), 'flatcar:3510.0.0')
    expect([...files.keys()]).toEqual(['/units.json'])
    expect(JSON.parse(files.get('/units.json')?.text ?? '')).toEqual({ units: [{ name: 'always' }] })
  })

  it('makes what only it needs necessary', async () => {
    const variables = { agent: folder({ agent: 'x' }) }
    const error = await rejectsWithCode(
      resolveContent({ template: agentTemplate(), variables }, {}),
      'ERR_VARIABLE_MISSING',
    )
    expect(error.details).toEqual({ missing: ['token'] })
  })

  it('is an error when nothing is there', async () => {
    const variables = { agent: join(directory, 'nowhere'), token: 'x' }
    const error = await rejectsWithCode(resolveContent({ template: agentTemplate(), variables }, {}), 'ERR_INPUT_FILE')
    expect(error.message).toContain('variable agent')
  })

  it('does not take the place of a file of the template', async () => {
    const template = folder({
      'template.yml': AGENT.replace('/units.json, source', '/agent/x, source'),
      'units.json': UNITS,
      'agent.service': '[Service]\n',
    })
    const variables = { agent: folder({ x: '1' }), token: 'x' }
    await rejectsWithCode(resolveContent({ template, variables }, {}), 'ERR_OEM_PATH_INVALID')
  })

  it.each([
    ['a default', AGENT.replace('type: file,', 'type: file, default: x,')],
    ['a content that is no file', AGENT.replace('type: file, ', '')],
    ['a format for content', AGENT.replace('content: agent', 'content: agent, format: text')],
    ['a condition on what nobody declared', AGENT.replace('format: json', 'format: json, when: agnet')],
  ])('is refused with %s', async (_, text) => {
    await rejectsWithCode(loadTemplate(agentTemplate({ 'template.yml': text }), {}), 'ERR_TEMPLATE_INVALID')
  })

  it('cannot be put into text, where the path of this machine would end up in the image', async () => {
    const units = UNITS.replace('{{token}}', '{{agent}}')
    const error = await rejectsWithCode(
      loadTemplate(agentTemplate({ 'units.json': units }), {}),
      'ERR_TEMPLATE_INVALID',
    )
    expect(error.message).toContain('names a file of this machine')
  })

  it('cannot take text from outside the template', async () => {
    const units = UNITS.replace('agent.service', '../agent.service')
    await rejectsWithCode(loadTemplate(agentTemplate({ 'units.json': units }), {}), 'ERR_TEMPLATE_INVALID')
  })
})

describe('whole files', () => {
  const either = manifest(`variables:
  url: { description: where }
  on: { type: boolean, default: false, description: whether }
files:
  - { path: /a.json, source: with.json, format: json, when: url }
  - { path: /a.json, source: without.json, format: json, unless: url }
  - { path: /b.json, source: without.json, format: json, when: on }
`)
  const template = (): string =>
    folder({
      'template.yml': either,
      'with.json': JSON.stringify({ url: `\${{url}}` }),
      'without.json': '{"url":null}',
    })

  it('stand in for each other by whether a variable is set', async () => {
    const texts = async (variables: Readonly<Record<string, string>>) =>
      [...(await bakedTree(template(), 'flatcar:3510.0.0', variables)).files].map(([path, { text }]) => [
        path,
        (JSON.parse(text) as { url: unknown }).url,
      ])
    expect(await texts({})).toEqual([['/a.json', null]])
    expect(await texts({ url: 'x', on: 'false' })).toEqual([['/a.json', 'x']])
    expect(await texts({ on: 'true' })).toEqual([
      ['/a.json', null],
      ['/b.json', null],
    ])
  })

  it('are refused where both could be there', async () => {
    const text = either.replace('unless: url', 'unless: on')
    const root = folder({ 'template.yml': text, 'with.json': '{}', 'without.json': '{}' })
    await rejectsWithCode(loadTemplate(root, {}), 'ERR_TEMPLATE_INVALID')
  })
})

describe('references to what a release calls a thing', () => {
  const root = folder({
    'template.yml': manifest('files: [{ path: /x.json, source: x.json, format: json, for: [{ distro: flatcar }] }]\n'),
    'x.json': JSON.stringify({ unit: `\${{distro}}-x`, version: `\${{ignition_version}}` }),
  })

  it('have the values of the release', async () => {
    const on = async (release: string) =>
      JSON.parse((await bakedTree(root, release)).files.get('/x.json')?.text ?? '{}')
    expect(await on('flatcar:3184.0.0')).toEqual({ unit: 'flatcar-x', version: '2.1.0' })
    expect(await on('flatcar:3185.0.0')).toEqual({ unit: 'flatcar-x', version: '3.0.0' })
    expect(await on('container-linux:2512.3.0')).toEqual({})
  })

  it('are not for templates to declare', async () => {
    const text = manifest('variables: { distro: { description: x } }\nfiles: [{ path: /x, source: x, format: text }]\n')
    await rejectsWithCode(loadTemplate(folder({ 'template.yml': text, x: '' }), {}), 'ERR_TEMPLATE_INVALID')
  })

  it('divide releases into spans that neither overlap nor leave one out', () => {
    const branch = fc.integer({ min: 500, max: 5000 })
    const scope = fc.record({
      distro: fc.constantFrom('container-linux' as const, 'flatcar' as const),
      from: branch,
      below: branch,
    })
    fc.assert(
      fc.property(fc.array(scope, { maxLength: 3 }), branch, fc.boolean(), (scopes, at, flatcar) => {
        const release = {
          kind: 'known',
          distro: flatcar ? 'flatcar' : 'container-linux',
          version: '',
          branch: at,
          from: 'request',
        } as const
        const hits = spansOf(scopes).filter((span) => isInAnyScope(release, span.scopes))
        expect(hits).toHaveLength(isInAnyScope(release, scopes) ? 1 : 0)
      }),
    )
  })
})

describe('rackspace', () => {
  it('leaves oem_id unset exactly where the release does not know it', async () => {
    const ids = async (release: string) => (await bakedTree('rackspace', release)).oemId
    expect(await ids('flatcar:3184.0.0')).toBe('rackspace')
    expect(await ids('flatcar:3185.0.0')).toBeUndefined()
    expect(await ids('flatcar:3460.0.0')).toBe('rackspace')
    expect(await ids('flatcar:4722.0.0')).toBeUndefined()
  })

  it('takes an id that is asked for, there too', async () => {
    const content = await resolveContent({ template: 'rackspace', oemId: 'openstack' }, {})
    const grubs = content.files.filter(({ path }) => path === '/grub.cfg').map(({ role }) => role)
    expect(grubs.map((role) => (role.kind === 'grub-cfg' ? role.grub.oemId : undefined))).toEqual([
      'openstack',
      'openstack',
    ])
  })
})
