import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { compileBlockCodec } from '#src/codec/bzip2/block-codec.js'
import { BlockEncoder } from '#src/codec/bzip2/block-encoder.js'
import { isZero, ZERO_PIECE_BYTES, ZeroBlocks, zeroLengths } from '#src/codec/bzip2/zero-blocks.js'

describe('zeroLengths', () => {
  it('cuts a stretch of any length into few different lengths that add up to it', () => {
    fc.assert(
      fc.property(fc.nat(60 << 20), (total) => {
        const lengths = [...zeroLengths(total)]
        expect(lengths.reduce((sum, length) => sum + length, 0)).toBe(total)
        expect(lengths.every((length) => length > 0 && length <= 256 << 10)).toBe(true)
        expect(new Set(lengths).size).toBeLessThanOrEqual(3)
      }),
    )
  })
})

describe('isZero', () => {
  it('sees a single bit anywhere in a piece', () => {
    const bytes = Buffer.alloc(ZERO_PIECE_BYTES)
    expect(isZero(bytes)).toBe(true)
    for (const at of [0, 1, 4095, ZERO_PIECE_BYTES - 1]) {
      bytes[at] = 1
      expect(isZero(bytes), `byte ${at}`).toBe(false)
      bytes[at] = 0
    }
  })
})

describe('ZeroBlocks', () => {
  it('gives the same block again for a length, and another for another length', () => {
    const zeros = new ZeroBlocks(new BlockEncoder(compileBlockCodec()))
    const first = zeros.block(9, ZERO_PIECE_BYTES)
    expect(zeros.block(9, ZERO_PIECE_BYTES)).toBe(first)
    expect(first.rawLength).toBe(ZERO_PIECE_BYTES)
    expect(zeros.block(9, 100).rawLength).toBe(100)
  })
})
