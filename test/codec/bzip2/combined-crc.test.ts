import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { combinedBefore, foldCrc } from '#src/codec/bzip2/combined-crc.js'
import { compress } from '../../support/bzip2.js'
import { blocksOf } from '../../support/bzip2-layout.js'
import { noise } from '../../support/random.js'

const crcs = fc.array(fc.integer({ min: 0, max: 2 ** 32 - 1 }), { maxLength: 100 })
const combine = (blocks: readonly number[]) => blocks.reduce(foldCrc, 0)

describe('the combined CRC', () => {
  it('is the one that bzip2 stores', () => {
    const content = noise(450_000)
    const stored = compress(content, 1).subarray(-40)
    const combined = combine(blocksOf(content, 1, 'bzip2').map(({ crc }) => crc))
    const bits = [...stored].map((byte) => byte.toString(2).padStart(8, '0')).join('')
    expect(bits).toContain(`${0x177245385090n.toString(2).padStart(48, '0')}${combined.toString(2).padStart(32, '0')}`)
  })

  it('of the blocks before a suffix is had from the whole and the suffix, however long both are', () => {
    fc.assert(
      fc.property(crcs, crcs, (before, suffix) => {
        expect(combinedBefore(combine([...before, ...suffix]), suffix)).toBe(combine(before))
      }),
      { numRuns: 1000 },
    )
  })

  it('of no blocks before a suffix is zero, at 31, 32, 33 and 64 blocks as well', () => {
    for (const count of [0, 1, 31, 32, 33, 64, 65]) {
      const suffix = Array.from({ length: count }, (_, index) => (index * 0x9e3779b1) >>> 0)
      expect(combinedBefore(combine(suffix), Uint32Array.from(suffix))).toBe(0)
    }
  })

  it('changes with the order of the blocks', () => {
    expect(combine([1, 2])).not.toBe(combine([2, 1]))
  })
})
