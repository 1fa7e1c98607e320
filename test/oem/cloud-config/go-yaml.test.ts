/** What a value is to coreos-cloudinit's readers; go-yaml itself judges, from Debian's packages. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { fits, readBool } from '#src/oem/cloud-config/go-yaml.js'
import type { KeyType } from '#src/oem/cloud-config/keys.js'
import { parseYamlTrees } from '#src/oem/yaml.js'
import type { YamlNode } from '#src/oem/yaml-tree.js'
import { cloudConfigDocument, SCALARS } from '../../support/cloud-config-documents.js'
import { differencesWithGo } from '../../support/go-differences.js'
import { readWithGo } from '../../support/go-yaml.js'

const TYPES: readonly KeyType[] = [
  { kind: 'string' },
  { kind: 'bool' },
  { kind: 'int' },
  { kind: 'float' },
  { kind: 'list', of: { kind: 'string' } },
  { kind: 'mapping', keys: { x: { type: { kind: 'string' } } } },
]
const VALUES = [...SCALARS, '', '[a]', '{x: a}', '!!str yes', '!!binary aGk=', '!foo bar', '|\n  yes']

function valueNode(text: string): YamlNode {
  const root = parseYamlTrees(text, 'x.yml')[0]?.root
  const value = root?.kind === 'mapping' ? root.entries[0]?.value : undefined
  if (value === undefined) throw new Error(text)
  return value
}

describe('fits', () => {
  it.each(TYPES)('says of every spelling whether go-yaml takes it for a $kind', async (type) => {
    const documents = VALUES.map((value) => `v: ${value}\n`)
    const readings = await readWithGo({ kind: 'mapping', keys: { v: { type } } }, documents)
    expect(
      documents.map((text) => ({
        text,
        old: fits(valueNode(text), type, 'old'),
        new: fits(valueNode(text), type, 'new'),
      })),
    ).toEqual(
      documents.map((text, index) => ({
        text,
        old: readings[index]?.v2.verdict === 'taken',
        new: readings[index]?.v3.verdict === 'taken',
      })),
    )
  })
})

describe('readBool', () => {
  it('reads what go-yaml reads', async () => {
    const documents = VALUES.map((value) => `v: ${value}\n`)
    const readings = await readWithGo({ kind: 'mapping', keys: { v: { type: { kind: 'bool' } } } }, documents)
    const taken = documents.map((text, index) => {
      const node = valueNode(text)
      const read = (reader: 'old' | 'new') => (node.kind === 'scalar' ? (readBool(node, reader) ?? false) : false)
      const { v2, v3 } = readings[index] ?? {}
      return { ours: { text, old: read('old'), new: read('new') }, go: { text, old: fieldV(v2), new: fieldV(v3) } }
    })
    expect(taken.map(({ ours }) => ours)).toEqual(taken.map(({ go }) => go))
  })
})

function fieldV(verdict: { readonly value: unknown } | undefined): unknown {
  return (verdict?.value as { readonly v: boolean } | undefined)?.v
}

describe('a whole cloud-config', () => {
  it('fits the readers, and has the units, as go-yaml says', async () => {
    const documents = fc.sample(cloudConfigDocument, { numRuns: 1000, seed: 4 })
    expect(await differencesWithGo(documents)).toEqual([])
  })

  it('has nothing of a second document, and the last of doubled keys, in go-yaml as here', async () => {
    const [second, doubled] = await readWithGo({ kind: 'mapping', keys: { v: { type: { kind: 'string' } } } }, [
      'v: a\n---\nv: b\n',
      'v: a\nv: b\n',
    ])
    expect(second?.v3).toMatchObject({ verdict: 'taken', value: { v: 'a' } })
    expect(doubled?.v2).toMatchObject({ verdict: 'taken', value: { v: 'b' } })
    expect(doubled?.v3.verdict).toBe('type')
  })
})
