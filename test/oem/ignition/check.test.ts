import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { checkIgnitionFile } from '#src/oem/ignition/ignition.js'
import { configShape } from '#src/oem/ignition/schema/config-shape.js'
import { type Shape, shapeIn } from '#src/oem/ignition/schema/shape.js'
import { KNOWN_SPECS } from '#src/oem/release/ignition-versions.js'
import { fullConfig, type Json } from './full-configs.js'

const check = (value: unknown, indent = 1) =>
  checkIgnitionFile(Buffer.from(JSON.stringify(value, null, indent)), 'x.ign', '/base/base.ign')

/** Keys that a value has, without indices: `storage.files.path`. */
function keysOf(value: unknown, prefix = ''): readonly string[] {
  if (Array.isArray(value)) return value.flatMap((item) => keysOf(item, prefix))
  if (typeof value !== 'object' || value === null) return []
  return Object.entries(value).flatMap(([key, inner]) => [`${prefix}${key}`, ...keysOf(inner, `${prefix}${key}.`)])
}

function keysOfShape(shape: Shape, spec: string, prefix = ''): readonly string[] {
  if (shape.kind === 'list') return keysOfShape(shape.items, spec, prefix)
  if (shape.kind !== 'object') return []
  return Object.entries(shape.fields).flatMap(([key, field]) => {
    const inner = shapeIn(field, spec)
    return inner === undefined ? [] : [`${prefix}${key}`, ...keysOfShape(inner, spec, `${prefix}${key}.`)]
  })
}

describe.each(KNOWN_SPECS)('a config of spec %s that uses every field', (spec) => {
  it('is without error and warning', () => {
    expect(check(fullConfig(spec)).findings.filter(({ severity }) => severity !== 'note')).toEqual([])
  })

  it('leaves out only fields that are deprecated or said otherwise', () => {
    const used = new Set(keysOf(fullConfig(spec)))
    const unused = [...new Set(keysOfShape(configShape(spec), spec))].filter((key) => !used.has(key))
    const said =
      /^systemd\.units\.enable$|\.create(\.|$)|\.start$|\.size$|httpHeaders|compression$|keyFile|filesystems\.path$|security\.tls\.certificateAuthorities\.compression|dropins|append\.verification|append\.hash|\.hash$|\.verification$|user\.name$|group\.id$/
    expect(unused.filter((key) => !said.test(key))).toEqual([])
  })

  it('is told every key that no version has, at its own line', () => {
    const text = JSON.stringify({ ...fullConfig(spec), nonsense: 1 }, null, 1)
    const line = text.split('\n').findIndex((one) => one.includes('"nonsense"')) + 1
    const { findings } = checkIgnitionFile(Buffer.from(text), 'x.ign', '/base/base.ign')
    expect(findings).toContainEqual(
      expect.objectContaining({ rule: 'ignition-unknown-key', place: { file: 'x.ign', line, column: 2 } }),
    )
  })
})

type Path = readonly (string | number)[]

function leaves(value: Json, path: Path = []): readonly Path[] {
  if (Array.isArray(value)) return value.flatMap((item: Json, index) => leaves(item, [...path, index]))
  if (typeof value !== 'object' || value === null) return [path]
  return [path, ...Object.entries(value).flatMap(([key, inner]) => leaves(inner, [...path, key]))].filter(
    (p) => p.length > 0,
  )
}

function replaced(value: Json, [step, ...rest]: Path, by: Json): Json {
  if (step === undefined) return by
  if (Array.isArray(value)) return value.map((item: Json, index) => (index === step ? replaced(item, rest, by) : item))
  const object = value as { readonly [key: string]: Json }
  return { ...object, [step]: replaced(object[step] ?? null, rest, by) }
}

describe('a value of the wrong type', () => {
  it('is an error at its own place, wherever it stands', () => {
    const cases = KNOWN_SPECS.flatMap((spec) =>
      leaves(fullConfig(spec))
        .filter((path) => !['version', 'ignitionVersion', 'ignition'].includes(String(path.at(-1))))
        .map((path) => ({ spec, path })),
    )
    fc.assert(
      fc.property(fc.constantFrom(...cases), fc.integer({ min: 0, max: 3 }), ({ spec, path }, indent) => {
        // No field is a list of lists.
        const text = JSON.stringify(replaced(fullConfig(spec), path, [['MARK']]), null, indent)
        const before = text.slice(0, text.search(/\[\s*\[\s*"MARK"/)).split('\n')
        const place = { file: 'x.ign', line: before.length, column: (before.at(-1) ?? '').length + 1 }
        const { findings } = checkIgnitionFile(Buffer.from(text), 'x.ign', '/base/base.ign')
        const wrong = findings.filter(({ rule }) => rule === 'ignition-structure')
        const inner = wrong.filter(
          (one) => one.place?.line === place.line || JSON.stringify(one.place) === JSON.stringify(place),
        )
        expect(wrong.length, `${spec} ${path.join('.')}`).toBeGreaterThan(0)
        expect(inner.length, `${spec} ${path.join('.')}: ${JSON.stringify(wrong)}`).toBeGreaterThan(0)
      }),
      { numRuns: 300 },
    )
  })
})

describe('checkIgnitionFile', () => {
  it('ends on anything that has a known version, whatever its shape', () => {
    const keys = fc.constantFrom(
      ...new Set(KNOWN_SPECS.flatMap((spec) => keysOf(fullConfig(spec)).flatMap((key) => key.split('.')))),
    )
    const scalars = fc.constantFrom<unknown>(
      null,
      true,
      0,
      -1,
      1.5,
      '',
      'x',
      '/a',
      '/a/',
      'data:,x',
      'data:;base64,',
      'sha512-',
      '%',
    )
    const { tree } = fc.letrec((tie) => ({
      tree: fc.oneof(
        { depthSize: 'medium' },
        scalars,
        fc.array(tie('tree'), { maxLength: 3 }),
        fc.dictionary(keys, tie('tree'), { maxKeys: 5 }),
      ),
    }))
    fc.assert(
      fc.property(fc.constantFrom(...KNOWN_SPECS), fc.dictionary(keys, tree, { maxKeys: 4 }), (spec, rest) => {
        const version = spec === '1' ? { ignitionVersion: 1 } : { ignition: { version: spec } }
        const { findings, untranslatable } = check({ ...rest, ...version })
        for (const { message, place } of [...findings, ...untranslatable]) {
          expect(message).not.toMatch(/undefined|\[object|NaN/)
          expect(place?.line).toBeGreaterThan(0)
        }
      }),
      { numRuns: 500 },
    )
  })

  it.each([
    ['sizeMiB', '2.2.0', 'came with version 2.3.0'],
    ['resize', '3.1.0', 'came with version 3.2.0'],
    ['size', '3.0.0', 'has it no more'],
    ['lable', '3.0.0', 'knows no such key'],
  ])('says of the key %s in %s that it %s', (key, spec, words) => {
    const value = {
      ignition: { version: spec },
      storage: { disks: [{ device: '/dev/sdb', partitions: [{ number: 1, [key]: 1 }] }] },
    }
    const found = check(value).findings.find(({ rule }) => rule === 'ignition-unknown-key')
    expect(found?.message).toContain(words)
    expect(found?.hint).toBeTruthy()
  })
})
