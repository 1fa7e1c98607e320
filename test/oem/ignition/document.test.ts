import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { readDocument } from '#src/oem/ignition/document.js'

describe('readDocument', () => {
  it('reads what JSON.parse reads, but for null in objects and numbers that are no integers', () => {
    const { tree } = fc.letrec((tie) => ({
      tree: fc.oneof(
        { depthSize: 'small' },
        fc.string({ unit: 'grapheme' }),
        fc.maxSafeInteger(),
        fc.boolean(),
        fc.array(tie('tree')),
        fc.dictionary(fc.string(), tie('tree')),
      ),
    }))
    fc.assert(
      fc.property(tree, fc.nat(3), (value, indent) => {
        const text = JSON.stringify(value, null, indent)
        expect(readDocument(text, 'x').value).toEqual(JSON.parse(text))
      }),
    )
  })

  it('leaves out null, and takes 1.0, 1e2 and numbers beyond 64 bits for no numbers', () => {
    const { value } = readDocument(
      '{"a": null, "b": 1.0, "c": 1e2, "d": 9223372036854775808, "e": -9223372036854775808}',
      'x',
    )
    expect(value).toEqual({ b: Number.NaN, c: Number.NaN, d: Number.NaN, e: -(2 ** 63) })
  })

  it('tells where a value, its key, and what is not there would be', () => {
    const document = readDocument('{\n  "a": [\n    1, {"b": 2}\n  ]\n}', 'x')
    expect(document.placeOf(['a', 1, 'b'])).toEqual({ file: 'x', line: 3, column: 14 })
    expect(document.keyPlaceOf(['a', 1, 'b'])).toEqual({ file: 'x', line: 3, column: 9 })
    expect(document.placeOf(['a', 1, 'c', 'd'])).toEqual({ file: 'x', line: 3, column: 8 })
    expect(document.placeOf(['z'])).toEqual({ file: 'x', line: 1, column: 1 })
  })

  it('finds keys that stand twice, and means the last of them', () => {
    const document = readDocument('{"a": 1,\n "b": {"c": 1, "c": 2}, "a": 3}', 'x')
    expect(document.duplicateKeys.map(({ path, place }) => [path.join('.'), place.line, place.column])).toEqual([
      ['b.c', 2, 16],
      ['a', 2, 25],
    ])
    expect(document.value).toEqual({ a: 3, b: { c: 2 } })
    expect(document.placeOf(['a'])).toMatchObject({ line: 2, column: 30 })
  })
})
