import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { BitComparison } from '#src/codec/bzip2/same-bits.js'
import { bitsOf, flipBit } from '../../support/bits.js'
import { readAtOf } from '../../support/chains.js'
import { rejectsWithCode } from '../../support/errors.js'
import { noise } from '../../support/random.js'

const source = (bytes: Buffer, sizeBytes = bytes.length) => ({ readAt: readAtOf(bytes), sizeBytes, name: 'image' })
const compare = (a: Buffer, b: Buffer) => new BitComparison(source(a), source(b))
const WINDOW = 1 << 20

describe('the comparison of bits', () => {
  it('agrees with texts of ones and zeros, for ranges of one phase', () => {
    const bytes = fc.uint8Array({ minLength: 1, maxLength: 40 })
    const places = fc.tuple(fc.nat(300), fc.nat(39), fc.integer({ min: 1, max: 300 }))
    fc.assert(
      fc.property(bytes, fc.option(bytes), fc.nat(319), places, (one, other, flipped, [from, shift, length]) => {
        const a = Buffer.from(one)
        // Mostly the same bytes, a few further on, and one bit of them another.
        const b = other === null ? flipBit(Buffer.concat([Buffer.alloc(shift), a]), flipped) : Buffer.from(other)
        const at = from + shift * 8
        const [aBits, bBits] = [bitsOf(a).slice(from, from + length), bitsOf(b).slice(at, at + length)]
        const expected = aBits.length === length && bBits.length === length && aBits === bBits
        expect(compare(a, b).same(from, at, length)).toBe(expected)
      }),
      { numRuns: 2000 },
    )
  })

  it('sees any one bit of ranges longer than what is read at a time, and no bit outside them', () => {
    const a = noise(3 * WINDOW + 9)
    const [from, end] = [8 * 5 + 3, a.length * 8 - 13]
    const edges = [0, 1, 2, 3].flatMap((nth) => [-9, -8, -1, 0, 1, 8].map((by) => (5 + nth * WINDOW) * 8 + by))
    for (const bit of [...edges, from - 1, from, end - 1, end, end - 9, end - 60]) {
      if (bit < 0 || bit >= a.length * 8) continue
      expect(compare(a, flipBit(a, bit)).same(from, from, end - from), `bit ${bit}`).toBe(bit < from || bit >= end)
    }
  })

  it('is of no bits of another phase, and of none beyond the end', () => {
    const a = Buffer.alloc(10)
    expect(compare(a, a).same(0, 8, 64)).toBe(true)
    expect(compare(a, a).same(0, 1, 64)).toBe(false)
    expect(compare(a, a).same(0, 24, 64)).toBe(false)
  })

  it('fails when a file has become shorter', async () => {
    const a = Buffer.alloc(100)
    await rejectsWithCode(() => new BitComparison(source(a), source(a.subarray(0, 50), 100)).same(0, 0, 800), 'ERR_IO')
  })
})
