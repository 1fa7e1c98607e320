import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { bitsAt, bitsEqual, realigned } from '#src/codec/bzip2/bits.js'
import { BitWriter, bitsOf, flipBit } from '../../support/bits.js'

const bytes = fc.uint8Array({ minLength: 1, maxLength: 40 })

describe('bitsAt', () => {
  it('gives the bits that a text of ones and zeros has there, up to 32 of them, and zeros beyond the end', () => {
    fc.assert(
      fc.property(bytes, fc.nat(40 * 8), fc.integer({ min: 1, max: 32 }), (data, bit, count) => {
        const text = bitsOf(data).padEnd(80 * 8, '0')
        expect(bitsAt(data, bit, count)).toBe(Number.parseInt(text.slice(bit, bit + count), 2))
      }),
      { numRuns: 2000 },
    )
  })

  it('gives 32 set bits at every phase as a positive number', () => {
    for (let phase = 0; phase < 8; phase++) expect(bitsAt(Buffer.alloc(5, 0xff), phase, 32)).toBe(2 ** 32 - 1)
  })
})

describe('realigned', () => {
  it('moves any range of bits to the front and leaves zeros behind the last', () => {
    fc.assert(
      fc.property(bytes, fc.nat(1000), fc.nat(1000), (data, at, wanted) => {
        const startBit = at % (data.length * 8)
        const length = wanted % (data.length * 8 - startBit + 1)
        const expected = new BitWriter().bits(bitsOf(data).slice(startBit, startBit + length)).toBuffer()
        expect(Buffer.from(realigned(data, startBit, length)).equals(expected)).toBe(true)
      }),
      { numRuns: 2000 },
    )
  })
})

describe('bitsEqual', () => {
  it('finds a realigned copy equal, and unequal when any one bit of it differs, whatever lies around', () => {
    fc.assert(
      fc.property(bytes, fc.nat(1000), fc.nat(1000), (data, at, wanted) => {
        const startBit = at % (data.length * 8)
        const length = wanted % (data.length * 8 - startBit + 1)
        const copy = realigned(data, startBit, length)
        expect(bitsEqual(data, startBit, copy, length)).toBe(true)
        for (let bit = 0; bit < data.length * 8; bit++) {
          const inside = bit >= startBit && bit < startBit + length
          expect(bitsEqual(flipBit(Buffer.from(data), bit), startBit, copy, length), `bit ${bit}`).toBe(!inside)
        }
      }),
      { numRuns: 200 },
    )
  })
})
