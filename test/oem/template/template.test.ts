import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { parseCloudConfig } from '#src/oem/cloud-config/cloud-config.js'
import { parseGrubCfg } from '#src/oem/grub/grub-cfg.js'
import { parseReferences, substitute } from '#src/oem/template/substitution.js'
import { listTemplates, loadTemplate } from '#src/oem/template/template.js'
import { parseTemplateSource, renderSource } from '#src/oem/template/template-source.js'
import { bindVariables, checkValue, type VariableDeclaration } from '#src/oem/template/variables.js'
import { parseYaml } from '#src/oem/yaml.js'
import { rejectsWithCode } from '../../support/errors.js'
import { temporaryDirectory } from '../../support/temp.js'

const REFERENCE = '$' + '{{v}}'
const directory = temporaryDirectory()
let made = 0

function template(files: Readonly<Record<string, string>>): string {
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

/** Values as bindVariables lets them through: one line, anything else. */
const values = fc.string({ unit: 'binary', maxLength: 20 }).filter((text) => !/[\p{Cc}\u2028\u2029]/u.test(text))
const nasty = fc.oneof(
  values,
  fc.constantFrom(
    'a: b',
    '- x',
    '{a: 1}',
    '"',
    "'",
    '#',
    'yes',
    '010',
    REFERENCE,
    '", "x": "',
    '\\',
    '$x',
    '*a',
    '!!int 1',
  ),
)

/** The document with every scalar blanked out: its structure. */
function shape(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(shape)
  if (typeof value === 'object' && value !== null)
    return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, shape(item)]))
  return typeof value
}

describe('substitution', () => {
  it('splits text at references and keeps escaped ones', () => {
    expect(parseReferences(`a ${REFERENCE} b`, 'x')).toEqual([
      { kind: 'text', text: 'a ' },
      { kind: 'variable', name: 'v' },
      { kind: 'text', text: ' b' },
    ])
    expect(substitute(`$${REFERENCE} $private_ipv4 $HOME`, new Map())).toBe(`${REFERENCE} $private_ipv4 $HOME`)
  })

  it.each(['$' + '{{v', '$' + '{{}}', '$' + '{{V}}', '$' + '{{a b}}'])('refuses %s', async (text) => {
    await rejectsWithCode(() => parseReferences(text, 'x'), 'ERR_TEMPLATE_INVALID')
  })

  it('cannot change the structure of YAML, whatever the value', () => {
    const text = `#cloud-config\nhostname: ${REFERENCE}\ncoreos:\n  units:\n    - name: a\n      content: |\n        [Service]\n        ExecStart=/bin/x ${REFERENCE}\n`
    const source = parseTemplateSource('yaml', Buffer.from(text), 'x')
    fc.assert(
      fc.property(nasty, (value) => {
        const rendered = Buffer.from(renderSource(source, new Map([['v', value]]), 'x'))
        expect(rendered.toString().startsWith('#cloud-config\n')).toBe(true)
        const parsed = parseYaml(rendered.toString(), 'x')
        expect(shape(parsed)).toEqual(shape(parseYaml(text, 'x')))
        expect(parsed).toMatchObject({ hostname: value })
        expect(parseCloudConfig(rendered, 'x').kind).toBe('cloud-config')
      }),
    )
  })

  it('cannot change the structure of JSON, whatever the value', () => {
    const text = JSON.stringify({ a: REFERENCE, b: [{ c: `x ${REFERENCE} y` }] })
    const source = parseTemplateSource('json', Buffer.from(text), 'x')
    fc.assert(
      fc.property(nasty, (value) => {
        const rendered: unknown = JSON.parse(Buffer.from(renderSource(source, new Map([['v', value]]), 'x')).toString())
        expect(rendered).toEqual({ a: value, b: [{ c: `x ${value} y` }] })
      }),
    )
  })

  it('cannot change the structure of grub.cfg, whatever the value', () => {
    const text = `set a="${REFERENCE}"\nset b="$b x ${REFERENCE} y"\nset c="z"\n`
    const source = parseTemplateSource('grub', Buffer.from(text), 'x')
    fc.assert(
      fc.property(nasty, (value) => {
        fc.pre(!/[\0\r\n]/.test(value))
        const { assignments, runs, script } = parseGrubCfg(
          Buffer.from(renderSource(source, new Map([['v', value]]), 'x')).toString(),
        )
        expect(script.faults).toEqual([])
        expect(assignments.map(({ name }) => name)).toEqual(['a', 'b', 'c'])
        expect(runs.get('pc')?.variables.get('a')).toBe(value)
      }),
    )
  })

  it.each(['a\nb', 'a\rb', 'a\0b'])('refuses %j in grub.cfg, which GRUB would not read back', async (value) => {
    const source = parseTemplateSource('grub', Buffer.from(`set a="${REFERENCE}"\n`), 'x')
    await rejectsWithCode(() => renderSource(source, new Map([['v', value]]), 'x'), 'ERR_VARIABLE_INVALID')
  })

  it('refuses what oem-release has no safe form for', async () => {
    const text = `ID: acme\nVERSION_ID: '1'\nNAME: ${REFERENCE}\n`
    const source = parseTemplateSource('oem-release', Buffer.from(text), 'x')
    const render = (value: string) => Buffer.from(renderSource(source, new Map([['v', value]]), 'x')).toString()
    expect(render('Acme Cloud')).toBe('ID=acme\nVERSION_ID=1\nNAME="Acme Cloud"\n')
    for (const value of ['"', '$x', '`id`', '\\']) await rejectsWithCode(() => render(value), 'ERR_OEM_RELEASE_INVALID')
  })

  it.each([
    ['outside quotes', `set a=${REFERENCE}\n`],
    ['in single quotes', `set a='${REFERENCE}'\n`],
    ['in a comment', `# "${REFERENCE}"\n`],
    ['after a closed pair', `set a="b" c=${REFERENCE}\n`],
  ])('refuses a reference in grub.cfg %s', async (_, text) => {
    await rejectsWithCode(() => parseTemplateSource('grub', Buffer.from(text), 'x'), 'ERR_TEMPLATE_INVALID')
  })

  it('gives a lone reference the type of its variable', () => {
    expect(substitute({ a: REFERENCE, b: `${REFERENCE}!` }, new Map([['v', 7]]))).toEqual({ a: 7, b: '7!' })
  })

  it('refuses a value that YAML versions read differently, and a reference in a key', async () => {
    await rejectsWithCode(() => parseTemplateSource('yaml', Buffer.from('a: 010\n'), 'x'), 'ERR_TEMPLATE_INVALID')
    const root = template({
      'template.yml': manifest('files: [{path: /a.yml, source: a.yml, format: yaml}]\n'),
      'a.yml': `"${REFERENCE}": 1\n`,
    })
    await rejectsWithCode(loadTemplate(root, {}), 'ERR_TEMPLATE_INVALID')
  })
})

describe('variables', () => {
  const declare = (more: Partial<VariableDeclaration>): VariableDeclaration => ({
    name: 'v',
    type: 'string',
    description: 'd',
    secret: false,
    ...more,
  })

  it('says which is unknown, with the nearest', async () => {
    const error = await rejectsWithCode(
      () => bindVariables([declare({ name: 'region' })], new Map([['regoin', 'x']]), new Set(), 'acme'),
      'ERR_VARIABLE_UNKNOWN',
    )
    expect(error.hint).toBe('did you mean region?')
  })

  it('says which are missing, and only those that are needed', async () => {
    const declarations = [declare({ name: 'a' }), declare({ name: 'b' }), declare({ name: 'c', default: 'x' })]
    const error = await rejectsWithCode(
      () => bindVariables(declarations, new Map(), new Set(['a', 'c']), 'acme'),
      'ERR_VARIABLE_MISSING',
    )
    expect(error.details).toEqual({ missing: ['a'] })
  })

  it.each([
    [{ type: 'integer' as const }, 'x'],
    [{ type: 'integer' as const }, '1.5'],
    [{ type: 'integer' as const }, '010'],
    [{ type: 'boolean' as const }, 'yes'],
    [{ pattern: '[a-z]+' }, 'abc1'],
    [{ pattern: 'a|b' }, 'ab'],
    [{}, 'two\nlines'],
    [{}, 'two\u2028lines'],
    [{}, '\ud800'],
  ])('refuses for %j the value %j', async (more, value) => {
    await rejectsWithCode(() => checkValue(declare(more), value), 'ERR_VARIABLE_INVALID')
  })

  it('does not show a secret that is refused', async () => {
    const error = await rejectsWithCode(
      () => checkValue(declare({ secret: true, pattern: 'x' }), 'hunter2'),
      'ERR_VARIABLE_INVALID',
    )
    expect(error.message).not.toContain('hunter2')
  })
})

describe('loadTemplate', () => {
  it('finds the ones that come with oem-bake', async () => {
    const names = (await listTemplates({})).templates.map(({ name }) => name)
    expect(names).toEqual(expect.arrayContaining(['ec2', 'openstack', 'rackspace']))
  })

  it('names the nearest one of an unknown name', async () => {
    const error = await rejectsWithCode(loadTemplate('rackspcae', {}), 'ERR_TEMPLATE_UNKNOWN')
    expect(error.hint).toBe('did you mean rackspace?')
  })

  it('finds templates in the directories of OEM_BAKE_TEMPLATES', async () => {
    const root = template({
      'acme/template.yml': manifest('files: [{path: /a, source: a, format: text}]\n'),
      'acme/a': 'x',
    })
    expect((await loadTemplate('acme', { OEM_BAKE_TEMPLATES: root })).title).toBe('Acme')
  })

  it.each([
    ['an unknown key', 'filez: []\n'],
    ['no files', ''],
    ['a path that leaves the template', 'files: [{path: /a, source: ../a, format: text}]\n'],
    ['an unknown format', 'files: [{path: /a, source: a, format: ymal}]\n'],
    ['two files for one path', 'files: [{path: /a, source: a, format: text}, {path: /a, source: a, format: text}]\n'],
    ['an unused variable', 'variables: {x: {description: d}}\nfiles: [{path: /a, source: a, format: text}]\n'],
    ['a mode that is no octal', 'files: [{path: /a, source: a, format: text, mode: "999"}]\n'],
    ['an unknown distribution', 'distros: [{distro: fedora}]\nfiles: [{path: /a, source: a, format: text}]\n'],
  ])('refuses a manifest with %s', async (_, more) => {
    await rejectsWithCode(
      loadTemplate(template({ 'template.yml': manifest(more), a: 'x' }), {}),
      'ERR_TEMPLATE_INVALID',
    )
  })

  it('refuses a reference to what is not declared', async () => {
    const root = template({
      'template.yml': manifest('files: [{path: /a.yml, source: a.yml, format: yaml}]\n'),
      'a.yml': `a: ${REFERENCE}\n`,
    })
    const error = await rejectsWithCode(loadTemplate(root, {}), 'ERR_TEMPLATE_INVALID')
    expect(error.message).toContain('variable v')
  })

  it('refuses a path on the OEM partition that is none', async () => {
    const root = template({ 'template.yml': manifest('files: [{path: a, source: a, format: text}]\n'), a: 'x' })
    await rejectsWithCode(loadTemplate(root, {}), 'ERR_OEM_PATH_INVALID')
  })
})
