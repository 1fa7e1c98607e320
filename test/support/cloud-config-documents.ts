/**
 * Random cloud-configs that are almost right: keys of the grammar, some of them unknown, and values of all kinds and
 * spellings. Written in flow style, so that every judge's parser agrees about the structure.
 */
import fc from 'fast-check'
import { CLOUD_CONFIG, type KeyType } from '#src/oem/cloud-config/keys.js'

/** Spellings that readers of YAML disagree about, or that are right for some type. */
export const SCALARS: readonly string[] = `
  yes Yes YES no NO on On off OFF y Y n N true True TRUE false FALSE tRue null Null ~ ''
  "yes" 'off' "true" "" "1" 0 1 -1 +5 08 010 0644 420 0o10 -0o7 0O7 0x1f 0X1F 0b11 1_000 1__0 1. .5 1.5 1e3 -1e-3 1e
  1_0.5 .inf -.INF .nan 1:30 14:00 190:20:30 2001-01-01 2001-01-01T00:00:00Z 2001-1-1 a a-b /etc/x a.service start localhost
  99999999999999999999 0x 0b2 - + . __ 1_ _1 <
`
  .trim()
  .split(/\s+/)
  .filter((text) => !['-', '+'].includes(text))

const scalar = fc.constantFrom(...SCALARS)
const bool = fc.constantFrom('yes', 'Yes', 'no', 'on', 'OFF', 'true', 'False', 'y', 'N')
const nothing = fc.constant('')
const list = fc.array(scalar, { maxLength: 2 }).map((items) => `[${items.join(', ')}]`)
const mapping = scalar.map((value) => `{x: ${value}}`)

/** Mostly of the type, sometimes of another. */
function valueOfType(type: KeyType): fc.Arbitrary<string> {
  const other = fc.oneof(scalar, nothing, list, mapping)
  const right = rightValue(type)
  return fc.oneof({ weight: 40, arbitrary: right }, { weight: 1, arbitrary: other })
}

function rightValue(type: KeyType): fc.Arbitrary<string> {
  if (type.kind === 'list') {
    return fc
      .array(valueOfType(type.of), { minLength: 1, maxLength: 3 })
      .map((items) => `[${items.map(item).join(', ')}]`)
  }
  if (type.kind === 'bool') return fc.oneof({ weight: 20, arbitrary: bool }, { weight: 1, arbitrary: scalar })
  if (type.kind !== 'mapping') return scalar
  const names = Object.keys(type.keys).filter((name) => type.keys[name]?.deprecated === undefined)
  const entries = fc.subarray(names, { minLength: 1 }).chain((chosen) =>
    fc.tuple(
      ...chosen.map((name) => {
        const below = type.keys[name]?.type
        if (below === undefined) throw new Error(name)
        const spelled = fc.oneof(
          { weight: 30, arbitrary: fc.constant(name) },
          { weight: 1, arbitrary: fc.constant(`${name}z`) },
        )
        return fc.tuple(spelled, valueOfType(below)).map(([key, value]) => `${key}: ${value}`)
      }),
    ),
  )
  return entries.map((pairs) => `{${pairs.join(', ')}}`)
}

/** Nothing can't stand alone in a flow list. */
function item(text: string): string {
  return text === '' ? '~' : text
}

export const cloudConfigDocument: fc.Arbitrary<string> = rightValue(CLOUD_CONFIG).map(
  (body) => `#cloud-config\n${body}\n`,
)
