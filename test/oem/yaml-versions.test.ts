/** Our reading of plain scalars as YAML 1.1 against Debian's PyYAML, which reads that version. */
import { execa } from 'execa'
import { describe, expect, it } from 'vitest'
import { plainScalarReadings } from '#src/oem/yaml.js'
import { SCALARS } from '../support/cloud-config-documents.js'

/** One line a scalar: its Python type and value, numbers as JavaScript writes them. */
const PROGRAM = `
import sys, yaml
def show(value):
    if value is None: return 'null'
    if isinstance(value, bool): return str(value).lower()
    if isinstance(value, float) and value != value: return 'NaN'
    if isinstance(value, float) and value in (float('inf'), float('-inf')): return str(value).replace('inf', 'Infinity')
    if isinstance(value, (int, float)): return 'number ' + repr(float(value))
    return 'text ' + value if isinstance(value, str) else 'date'
for line in sys.stdin.read().split('\\n'):
    print(show(yaml.safe_load('- ' + line)[0]))
`

/** PyYAML leaves these text, the specification's type repository says bool, and so does go-yaml for a bool. */
const TEXT_TO_PYYAML = ['y', 'Y', 'n', 'N']

function show(value: unknown): string {
  if (typeof value === 'number' && Number.isFinite(value)) return `number ${value}`
  return typeof value === 'string' ? `text ${value}` : value instanceof Date ? 'date' : String(value)
}

describe('plainScalarReadings', () => {
  it('reads YAML 1.1 as PyYAML does', async () => {
    const plain = SCALARS.filter((text) => !/^["']/.test(text) && !TEXT_TO_PYYAML.includes(text))
    const { stdout } = await execa('/usr/bin/python3', ['-c', PROGRAM], { input: plain.join('\n') })
    const judged = stdout
      .split('\n')
      .map((line) => line.replace(/^number (.*)$/, (_, text) => `number ${Number(text)}`))
    expect(plain.map((text) => [text, show(plainScalarReadings(text).yaml11)])).toEqual(
      plain.map((text, index) => [text, judged[index]]),
    )
    expect(plain.length).toBeGreaterThan(60)
  })

  it.each([
    ['010', 8, 10],
    ['0o10', '0o10', 8],
    ['yes', true, 'yes'],
    ['1:30', 90, '1:30'],
    ['2001-01-01', new Date('2001-01-01'), '2001-01-01'],
    ['1_000', 1000, '1_000'],
    ['', null, null],
    ['~', null, null],
    ['1.5', 1.5, 1.5],
  ])('reads %j as %j and as %j', (text, yaml11, yaml12) => {
    expect(plainScalarReadings(text)).toEqual({ yaml11, yaml12 })
  })
})
