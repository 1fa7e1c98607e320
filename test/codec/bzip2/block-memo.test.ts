import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { BlockMemo } from '#src/codec/bzip2/block-memo.js'
import { BitWriter, bitsOf, flipBit } from '../../support/bits.js'
import { noise } from '../../support/random.js'

const MAGIC_BITS = 48
const CRC_BITS = 32
const MEASURE = { crc: 0xdeadbeef, textLength: 11, rawLength: 22 }

/** Something that begins like a block with this CRC. */
function blockBits(crc: number, bodyBits: number, seed = 1): string {
  const body = bitsOf(noise(Math.ceil(bodyBits / 8), seed)).slice(0, bodyBits)
  return new BitWriter().put(0x314159265359n, MAGIC_BITS).put(crc, CRC_BITS).bits(body).toString()
}

function windowWith(bits: string, phase: number, before = noise(9), after = noise(20, 2)): Buffer {
  return new BitWriter()
    .bits(bitsOf(before))
    .bits(bitsOf(after).slice(0, phase))
    .bits(bits)
    .bits(bitsOf(after))
    .toBuffer()
}

describe('BlockMemo', () => {
  it('knows a block again at any phase, with its measures', () => {
    fc.assert(
      fc.property(fc.nat(7), fc.nat(7), fc.integer({ min: 1, max: 500 }), (phase, again, bodyBits) => {
        const memo = new BlockMemo()
        const bits = blockBits(MEASURE.crc, bodyBits)
        memo.keep(windowWith(bits, phase), 72 + phase, MEASURE, bits.length)
        const known = memo.find(windowWith(bits, again, noise(9, 7)), 72 + again)
        expect(known).toMatchObject({ ...MEASURE, kind: 'block', bitLength: bits.length })
      }),
    )
  })

  it('does not know a block in which any one bit is another, the CRC being equal or not', () => {
    const memo = new BlockMemo()
    const bits = blockBits(MEASURE.crc, 101)
    const window = windowWith(bits, 3)
    memo.keep(window, 75, MEASURE, bits.length)
    for (let bit = 0; bit < bits.length; bit++)
      expect(memo.find(flipBit(window, 75 + bit), 75), `bit ${bit}`).toBeUndefined()
    expect(memo.find(window, 75)).toBeDefined()
  })

  it('does not know a block that the window cuts off, even when only zeros are missing', () => {
    const memo = new BlockMemo()
    const bits = `${blockBits(MEASURE.crc, 40)}${'0'.repeat(16)}`
    const window = windowWith(bits, 0)
    memo.keep(window, 72, MEASURE, bits.length)
    const end = 9 + bits.length / 8
    expect(memo.find(window.subarray(0, end), 72)).toBeDefined()
    expect(memo.find(window.subarray(0, end - 1), 72)).toBeUndefined()
  })

  it('keeps neither long blocks nor more than 256', () => {
    const memo = new BlockMemo()
    const long = blockBits(1, 1024 * 8 - MAGIC_BITS - CRC_BITS + 1)
    memo.keep(windowWith(long, 0), 72, { ...MEASURE, crc: 1 }, long.length)
    expect(memo.find(windowWith(long, 0), 72)).toBeUndefined()
    for (let crc = 1000; crc < 1300; crc++) {
      const bits = blockBits(crc, 64)
      memo.keep(windowWith(bits, 0), 72, { ...MEASURE, crc }, bits.length)
      const known = memo.find(windowWith(bits, 0), 72)
      expect(known === undefined, `block ${crc - 1000}`).toBe(crc - 1000 >= 256)
    }
  })
})
