import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { parseJson } from '#src/oem/json.js'

function faultOf(text: string): string {
  const parsed = parseJson(text)
  if (parsed.kind === 'json') return 'none'
  return `${parsed.fault.line}:${parsed.fault.column} ${parsed.fault.found}`
}

describe('parseJson', () => {
  it.each([
    ['', '1:1 the end of the file'],
    ['{', '1:2 the end of the file'],
    ['{\n  "a": 1,\n}\n', '3:1 "}"'],
    ['{\n  "a" 1}', '2:7 "1"'],
    ['{"a": 01}', '1:8 "1"'],
    ['{"a": tru}', '1:7 "t"'],
    ["{'a': 1}", `1:2 "'"`],
    ['{"a": "x\ny"}', '1:9 "\\n"'],
    ['{"a": "\\q"}', '1:8 "\\\\"'],
    ['[1, 2', '1:6 the end of the file'],
    ['[1 2]', '1:4 "2"'],
    ['[1}', '1:3 "}"'],
    ['[]]', '1:3 "]"'],
    ['{} {}', '1:4 "{"'],
    ['[,]', '1:2 ","'],
  ])('finds the fault of %j', (text, expected) => {
    expect(faultOf(text)).toBe(expected)
  })

  it('takes what JSON.parse takes, and ends on everything else', () => {
    const almostJson = fc.array(fc.constantFrom('{', '}', '[', ']', ',', ':', '"', 'a', '1', '\\', ' ', '\n', 'true'), {
      maxLength: 20,
    })
    fc.assert(
      fc.property(
        fc.oneof(
          almostJson.map((parts) => parts.join('')),
          fc.json(),
          fc.string(),
        ),
        (text) => {
          let valid = true
          try {
            JSON.parse(text)
          } catch {
            valid = false
          }
          expect(parseJson(text).kind).toBe(valid ? 'json' : 'fault')
        },
      ),
      { numRuns: 2000 },
    )
  })
})
