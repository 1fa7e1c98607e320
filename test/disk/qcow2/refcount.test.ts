import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { locateRefcount, parseRefcount, putRefcount } from '#src/disk/qcow2/refcount.js'
import { rejectsWithCode } from '../../support/errors.js'
import { noise } from '../../support/random.js'

/** Bit by bit, as the specification says it: big-endian from 8 bits on, the least significant bits first below. */
function plainly(block: Buffer, index: number, order: number): bigint {
  const bits = 2 ** order
  if (bits >= 8) {
    let value = 0n
    for (let byte = 0; byte < bits / 8; byte++) value = (value << 8n) | BigInt(block[(index * bits) / 8 + byte]!)
    return value
  }
  let value = 0
  for (let bit = 0; bit < bits; bit++) {
    const at = index * bits + bit
    value |= ((block[at >> 3]! >> (at & 7)) & 1) << bit
  }
  return BigInt(value)
}

describe.each([0, 1, 2, 3, 4, 5, 6])('a refcount of order %i', (order) => {
  const perBlock = (512 * 8) / 2 ** order
  const most = order === 6 ? 2 ** 53 - 1 : 2 ** (2 ** order) - 1

  it('is put where it is read, and changes no other', () => {
    fc.assert(
      fc.property(fc.nat(perBlock - 1), fc.nat(), (index, seed) => {
        const count = seed % (most + 1)
        const block = noise(512, seed)
        const before = Buffer.from(block)
        putRefcount(block, index, order, count)
        expect(parseRefcount(block, index, order)).toBe(count)
        for (let other = 0; other < perBlock; other++)
          if (other !== index && plainly(block, other, order) !== plainly(before, other, order))
            throw new Error(`refcount ${other} changed`)
        expect(plainly(block, index, order)).toBe(BigInt(count))
      }),
    )
  })

  it('is the same by its own bytes alone', () => {
    const block = noise(512, order)
    if (order === 6) for (let byte = 0; byte < 512; byte += 8) block.fill(0, byte, byte + 4)
    for (let index = 0; index < perBlock; index++) {
      const { offset, length, within } = locateRefcount(index, order)
      expect(parseRefcount(block.subarray(offset, offset + length), within, order)).toBe(
        parseRefcount(block, index, order),
      )
    }
  })
})

it('a refcount of 2^60 is refused', async () => {
  const block = Buffer.alloc(8)
  block.writeBigUInt64BE(1n << 60n)
  await rejectsWithCode(() => parseRefcount(block, 0, 6), 'ERR_QCOW2_INVALID')
})
