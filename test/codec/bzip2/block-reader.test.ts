import { describe, expect, it } from 'vitest'
import { joinSegments } from '#src/codec/bzip2/block-map.js'
import { BlockReader } from '#src/codec/bzip2/block-reader.js'
import type { ReadAt } from '#src/codec/bzip2/read-at.js'
import { blocksOf, layOut, phaseBlock } from '../../support/bzip2-layout.js'
import { chainOf, readAtOf } from '../../support/chains.js'
import { rejectsWithCode } from '../../support/errors.js'
import { noise, prose } from '../../support/random.js'

const FILE = layOut([
  {
    level: 1,
    blocks: [phaseBlock(3), ...blocksOf(Buffer.concat([noise(250_000), Buffer.alloc(300_000)]), 1, 'bzip2')],
  },
  { level: 9, blocks: [] },
  { level: 2, blocks: [phaseBlock(7), ...blocksOf(prose(200_000), 1, 'lbzip2')] },
])

function opened(readAt: ReadAt = readAtOf(FILE.bytes)) {
  const { chain, decoder } = chainOf(FILE.bytes, readAt)
  const segment = chainOf(FILE.bytes).chain.walk('start of file', Number.POSITIVE_INFINITY)
  const map = joinSegments([segment], { rawStart: 0 }, 'image')
  const reader = new BlockReader(chain, decoder, 'image.bz2')
  return (offset: number, length: number): Buffer => {
    const target = Buffer.alloc(length, 0xa5)
    reader.read(map, offset, target)
    return target
  }
}

describe('BlockReader', () => {
  it('gives the bytes at and around the edges of every block', () => {
    const read = opened()
    for (const { rawOffset, rawLength } of FILE.blocks) {
      for (const edge of [rawOffset, rawOffset + rawLength]) {
        for (const [before, after] of [
          [0, 1],
          [1, 0],
          [3, 3],
          [200_000, 200_000],
        ] as const) {
          const start = Math.max(0, edge - before)
          const end = Math.min(FILE.decoded.length, edge + after)
          expect(read(start, end - start).equals(FILE.decoded.subarray(start, end)), `${start}-${end}`).toBe(true)
        }
      }
    }
  })

  it('gives the whole image at once, and nothing at its end', () => {
    const read = opened()
    expect(read(0, FILE.decoded.length).equals(FILE.decoded)).toBe(true)
    expect(read(FILE.decoded.length, 0)).toHaveLength(0)
  })

  it('does not decode a block again that it has just decoded', () => {
    let reads = 0
    const readAt = readAtOf(FILE.bytes)
    const read = opened((target, position) => {
      reads++
      return readAt(target, position)
    })
    read(100_000, 10)
    const before = reads
    for (let offset = 100_000; offset < 150_000; offset += 500) read(offset, 100)
    expect(reads).toBe(before)
  })

  it('throws ERR_IO when the nth read of the file fails, for every n, and serves the next one', async () => {
    for (let nth = 1; ; nth++) {
      let reads = 0
      const readAt = readAtOf(FILE.bytes)
      const read = opened((target, position) => {
        if (++reads === nth) throw Object.assign(new Error('injected'), { code: 'EIO' })
        return readAt(target, position)
      })
      try {
        read(0, FILE.decoded.length)
        break
      } catch (error) {
        await rejectsWithCode(Promise.reject(error), 'ERR_IO')
      }
      expect(read(0, FILE.decoded.length).equals(FILE.decoded)).toBe(true)
    }
  })

  it('says that the file was written to when a block is not what the map says', async () => {
    const changed = Buffer.from(FILE.bytes)
    const { startBit } = FILE.blocks[1]!
    changed[Math.floor(startBit / 8) + 5000]! ^= 1
    const read = opened(readAtOf(changed))
    const error = await rejectsWithCode(() => read(FILE.blocks[1]!.rawOffset, 1), 'ERR_SOURCE_CHANGED')
    expect(error.exitCode).toBe(3)
    expect(error.details).toEqual({ bit: startBit })
    expect(read(FILE.blocks[3]!.rawOffset, 1)).toHaveLength(1)
  })
})
