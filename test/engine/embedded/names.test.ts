import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { decodeName, encodeName } from '#src/engine/embedded/names.js'

describe('file names', () => {
  it('come back byte for byte, whatever they are', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 60 }), (bytes) => {
        expect(encodeName(decodeName(bytes))).toEqual(Buffer.from(bytes))
      }),
    )
  })

  it('that are UTF-8 are that text', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        expect(decodeName(Buffer.from(text, 'utf8'))).toBe(text)
      }),
    )
  })

  it.each([
    ['Latin-1', [0x66, 0xfc, 0x72], 'f\udcfcr'],
    ['a cut sequence', [0x61, 0xe2, 0x82], 'a\udce2\udc82'],
    ['an overlong slash', [0xc0, 0xaf], '\udcc0\udcaf'],
    ['an encoded surrogate', [0xed, 0xa0, 0x80], '\udced\udca0\udc80'],
    ['a mixture', [0xc3, 0xbc, 0xff, 0xf0, 0x9f, 0x98, 0x80], 'ü\udcff😀'],
  ])('with %s keep the valid parts and escape the rest', (_, bytes, text) => {
    expect(decodeName(Uint8Array.from(bytes))).toBe(text)
    expect(encodeName(text)).toEqual(Buffer.from(bytes))
  })
})
