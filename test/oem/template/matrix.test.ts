/**
 * Every template on both sides of every edge of an era that it claims: our own checks find nothing that could hurt, and
 * programs that we did not write agree: GRUB's own parser, Ignition's validator where it knows the version (3.0 to 3.3;
 * for 2.1.0 Debian has none), systemd, and both versions of YAML.
 */
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { readCloudConfig } from '#src/oem/cloud-config/read-units.js'
import { readIgnitionConfig } from '#src/oem/ignition/config.js'
import { readOemRelease } from '#src/oem/oem-release/read-oem-release.js'
import { belongsToSet, vendorSetOf } from '#src/oem/vendor-sets.js'
import { meansTheSameToAllReaders } from '#src/oem/yaml.js'
import { judged, systemdRoot } from '../../support/systemd-root.js'
import { temporaryDirectory } from '../../support/temp.js'
import { agentVariables, bakedTree, type Tree, templateCases } from '../../support/template-trees.js'

const directory = temporaryDirectory()
const CASES = await templateCases()
const IGNITION_PATHS = ['/base/base.ign', '/base/default.ign']
/** With and without the agents that a provider may add. */
const VARIANTS = [false, true] as const

interface Baked {
  readonly title: string
  readonly release: string
  readonly tree: Tree
}

const BAKED: readonly Baked[] = (
  await Promise.all(
    CASES.flatMap(({ template, release, manifest }) =>
      VARIANTS.filter((agents) => !agents || manifest.variables.some(({ type }) => type === 'file')).map(
        async (agents) => {
          const variables = agents ? agentVariables(manifest, join(directory, 'agents', template)) : {}
          return {
            title: `${template}${agents ? ' with agents' : ''} on ${release}`,
            release,
            tree: await bakedTree(template, release, variables),
          }
        },
      ),
    ),
  )
).toSorted((left, right) => (left.title < right.title ? -1 : 1))

/** Units that the tree brings, with their contents, and names of those that it only turns on or off. */
function unitsOf({ tree }: Baked): { readonly own: ReadonlyMap<string, string>; readonly others: readonly string[] } {
  const own = new Map<string, string>()
  const others: string[] = []
  const add = (name: string, contents: string | undefined): void => {
    if (contents === undefined) others.push(name)
    else own.set(name, contents)
  }
  const cloudConfig = tree.files.get('/cloud-config.yml')
  for (const { name, content } of cloudConfig === undefined ? [] : (readCloudConfig(cloudConfig.bytes)?.units ?? [])) {
    add(name, content)
  }
  for (const path of IGNITION_PATHS) {
    const bytes = tree.files.get(path)?.bytes
    const config =
      bytes === undefined ? undefined : readIgnitionConfig(JSON.parse(Buffer.from(bytes).toString()), 'any')
    for (const { name, contents } of config?.units ?? []) add(name, contents)
  }
  return { own, others }
}

/** The same text in several trees is judged once. */
function texts(wanted: (path: string, text: string) => boolean): ReadonlyMap<string, string> {
  const found = new Map<string, string>()
  for (const { title, tree } of BAKED) {
    for (const [path, { text }] of tree.files) {
      if (wanted(path, text) && !found.has(text)) found.set(text, `${title}, ${path}`)
    }
  }
  return found
}

function inFile(text: string): string {
  const path = join(directory, 'judged')
  writeFileSync(path, text)
  return path
}

describe(`all ${new Set(CASES.map(({ template }) => template)).size} templates on what they claim`, () => {
  it('are thirty and more, on four hundred and more pairs', () => {
    expect(new Set(CASES.map(({ template }) => template)).size).toBeGreaterThanOrEqual(30)
    expect(CASES.length).toBeGreaterThanOrEqual(400)
  })

  it('have no finding above a note', () => {
    const found = BAKED.flatMap(({ title, tree }) =>
      tree.findings.filter(({ severity }) => severity !== 'note').map(({ message }) => `${title}: ${message}`),
    )
    expect(found).toEqual([])
  })

  it('bring user data to the machine, where anybody can', () => {
    const nobody = new Set(
      BAKED.filter(({ tree }) => tree.boot.userData.by === 'nobody').map(({ title }) => title.replace(/ .*/, '')),
    )
    // Ignition knows these ids without fetching anything, and custom leaves it to whoever starts from it.
    expect([...nobody]).toEqual(['custom', 'hyperv', 'interoute', 'niftycloud', 'xendom0'])
  })

  it('would all boot', () => {
    expect(BAKED.filter(({ tree }) => tree.boot.stops.length > 0).map(({ title }) => title)).toEqual([])
  })

  it('say which way user data takes', () => {
    const silent = BAKED.filter(
      ({ tree }) =>
        !tree.findings.some(({ rule, message }) => rule === 'template-note' && message.includes('user data:')),
    )
    expect(silent.map(({ title }) => title)).toEqual([])
  })

  it('have a grub.cfg that GRUB parses', () => {
    const grub = texts((path) => path === '/grub.cfg')
    expect(grub.size).toBeGreaterThan(30)
    for (const [text, where] of grub) expect(judged('grub-script-check', [inFile(text)]), where).toBe('')
    expect(judged('grub-script-check', [inFile('if [ "$x" = y ]; then\n')])).not.toBe('')
  })

  it('have Ignition configs of version 3 that Ignition validates', () => {
    const configs = texts((path, text) => path.endsWith('.ign') && text.includes('"version": "3.'))
    expect(configs.size).toBeGreaterThan(8)
    for (const [text, where] of configs) expect(judged('ignition-validate', [inFile(text)]), where).toBe('')
    const first = [...configs.keys()][0] ?? ''
    expect(judged('ignition-validate', [inFile(first.replace('.service', '.srevice'))])).not.toBe('')
  })

  it('have YAML that readers of both versions understand alike', () => {
    const configs = texts((path) => path === '/cloud-config.yml')
    expect(configs.size).toBeGreaterThan(12)
    for (const [text, where] of configs) expect(meansTheSameToAllReaders(text), where).toBe(true)
  })

  it('have an oem-release with keys that every reader takes', () => {
    for (const { title, tree } of BAKED) {
      const text = tree.files.get('/oem-release')?.text ?? ''
      expect(readOemRelease(text, title)).toMatchObject({ release: { versionId: '1' }, findings: [] })
    }
  })

  it('can be replaced as a set by the next bake', () => {
    // The ID of a new provider is nobody's, and so are its files.
    const strangers = BAKED.filter(({ title }) => !title.startsWith('custom ')).flatMap(({ title, tree }) => {
      const releaseId = readOemRelease(tree.files.get('/oem-release')?.text ?? '', title).id
      const known = vendorSetOf({ releaseId, oemId: tree.oemId, cloudConfigId: undefined })
      return [...tree.files.keys()]
        .filter((path) => known === undefined || !belongsToSet(path, known))
        .map((path) => `${title}: ${path}`)
    })
    expect(strangers).toEqual([])
  })

  it('have scripts that bash parses', () => {
    const scripts = texts((_, text) => text.startsWith('#!/usr/bin/bash'))
    expect(scripts.size).toBeGreaterThan(5)
    for (const [text, where] of scripts) expect(judged('bash', ['-n', inFile(text)]), where).toBe('')
  })
})

describe('the units of all templates', () => {
  const judgedUnits = new Map<string, string>()
  for (const baked of BAKED) {
    const { own } = unitsOf(baked)
    const key = JSON.stringify([baked.release.split(':')[0], [...own], [...baked.tree.files.keys()]])
    if (own.size > 0 && !judgedUnits.has(key)) judgedUnits.set(key, baked.title)
  }
  const once = BAKED.filter(({ title }) => [...judgedUnits.values()].includes(title))

  it.each(once.map((baked, index) => ({ ...baked, index })))('satisfy systemd: $title', (baked) => {
    const distro = baked.release.startsWith('flatcar') ? 'flatcar' : 'coreos'
    const path = join(directory, `root-${baked.index}`)
    mkdirSync(path)
    const root = systemdRoot(path, distro)
    for (const [file, { bytes, mode }] of baked.tree.files) root.placeOem(file, bytes, mode)
    const { own, others } = unitsOf(baked)
    for (const [name, contents] of own) root.placeUnit(name, contents)
    const verifiable = [...own.keys()].filter((name) => !name.endsWith('.network'))
    expect(verifiable.map((name) => root.verify(name)).join('')).toBe('')
    expect(others.filter((name) => !root.units.includes(name))).toEqual([])
    for (const contents of own.values()) expect(absentFiles(contents, baked.tree)).toEqual([])
  })

  it('would not satisfy it without the agent that they start', () => {
    const baked = BAKED.find(({ title }) => title === 'rackspace with agents on container-linux:2512.0.0')
    if (baked === undefined) throw new Error('no such case')
    const path = join(directory, 'root-without')
    mkdirSync(path)
    const root = systemdRoot(path, 'coreos')
    const { own } = unitsOf(baked)
    for (const [name, contents] of own) root.placeUnit(name, contents)
    expect(root.verify('nova-agent.service')).toContain('not executable')
    expect(absentFiles(own.get('nova-agent.service') ?? '', { ...baked.tree, files: new Map() })).not.toEqual([])
  })
})

/** systemd looks at the first program of a unit only. */
function absentFiles(contents: string, tree: Tree): readonly string[] {
  const named = [...contents.matchAll(/\/usr\/share\/oem(\/[^\s"']+)/g)].map(([, path]) => path ?? '')
  const paths = [...tree.files.keys()]
  return named.filter((path) => !paths.some((known) => known === path || known.startsWith(`${path}/`)))
}
