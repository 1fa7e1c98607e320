import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { indexHead, TailIndex } from '#src/codec/bzip2/tail-index.js'
import { BZIP2_PROGRAMS, compress } from '../../support/bzip2.js'
import { blocksOf, type LaidOutFile, layOut, phaseBlock, takeApart } from '../../support/bzip2-layout.js'
import { chainOf, plainMap, readAtOf } from '../../support/chains.js'
import { rejectsWithCode } from '../../support/errors.js'
import { falseMagicBlock } from '../../support/false-magics.js'
import { noise } from '../../support/random.js'
import { imageContent } from '../../support/splice-cases.js'

const EMPTY = { level: 1, blocks: [] }
const DENSE = blocksOf(noise(400_000), 1, 'bzip2')
const SMALL = Array.from({ length: 12 }, (_, nth) => phaseBlock(nth % 8, nth))

function tailOf(file: LaidOutFile, rawSize = file.decoded.length): TailIndex {
  return new TailIndex(chainOf(file.bytes).chain, file.bytes.length, rawSize, 'image')
}

/** The map from any offset on is the end of the whole map. */
function expectTail(file: LaidOutFile, index: TailIndex, rawOffset: number): void {
  const map = index.coverFrom(rawOffset)!
  const from = file.blocks.length - map.blocks
  expect(map.rawStart).toBeLessThanOrEqual(rawOffset)
  expect(plainMap(map, file.streams.length - map.streams.length).blocks).toEqual(file.blocks.slice(from))
}

describe('the tail index', () => {
  const layouts: readonly (readonly [string, LaidOutFile])[] = [
    ...BZIP2_PROGRAMS.map(
      (program) => [program, layOut(takeApart(compress(imageContent(2, 'tail'), 2, program)))] as const,
    ),
    ['one stream of all phases', layOut([{ level: 1, blocks: [...DENSE, ...SMALL] }])],
    ['empty streams at the end', layOut([{ level: 1, blocks: [...DENSE, ...SMALL] }, ...Array(20).fill(EMPTY)])],
    [
      'streams of different levels',
      layOut([{ level: 9, blocks: DENSE }, EMPTY, { level: 2, blocks: SMALL }, EMPTY, { level: 1, blocks: DENSE }]),
    ],
  ]

  it.each(layouts)('has the blocks from any decoded offset to the end: %s', (_, file) => {
    fc.assert(
      fc.property(fc.array(fc.nat(file.decoded.length - 1), { minLength: 1, maxLength: 4 }), (offsets) => {
        const index = tailOf(file)
        for (const offset of offsets) expectTail(file, index, offset)
      }),
      { numRuns: 15 },
    )
    expectTail(file, tailOf(file), 0)
  })

  it('decodes no more than it needs: not the dense beginning of a file', () => {
    const file = layOut([{ level: 1, blocks: [...DENSE, ...DENSE, ...SMALL] }])
    let leastRead = file.bytes.length
    const readAt = readAtOf(file.bytes)
    const { chain } = chainOf(file.bytes, (target, position) => {
      leastRead = Math.min(leastRead, position)
      return readAt(target, position)
    })
    const index = new TailIndex(chain, file.bytes.length, file.decoded.length, 'image')
    expectTail(file, index, file.decoded.length - 10)
    expect(leastRead).toBeGreaterThanOrEqual(file.bytes.length - (128 << 10))
  })

  it.each(['block', 'footer'] as const)(
    'is not taken in by the %s magic inside a block, wherever a step begins',
    (magic) => {
      for (const behind of [0, 500, 129_000, 131_000, 262_000]) {
        const after = layOut([{ level: 9, blocks: blocksOf(noise(behind || 1, 5), 9, 'bzip2') }]).blocks
        expect(after).toHaveLength(1)
        const crafted = falseMagicBlock(magic, 8000, 4000)
        const end = blocksOf(noise(behind || 1, 5), 9, 'bzip2')
        const file = layOut([{ level: 9, blocks: [...DENSE, crafted, ...end, SMALL[0]!] }])
        for (const offset of [file.decoded.length - 1, file.blocks.at(-3)!.rawOffset, 0])
          expectTail(file, tailOf(file), offset)
      }
    },
  )

  it('gives up on a file that does not end in a footer, has bytes behind it, or a block that is corrupt', () => {
    const file = layOut([{ level: 1, blocks: [...DENSE, ...SMALL] }])
    const spoilt = (bytes: Buffer) => tailOf({ ...file, bytes }).coverFrom(file.decoded.length - 1)
    for (let cut = 1; cut < 40; cut++) expect(spoilt(file.bytes.subarray(0, -cut)), `${cut} bytes less`).toBeUndefined()
    expect(spoilt(Buffer.concat([file.bytes, Buffer.alloc(1)]))).toBeUndefined()
    const bytes = Buffer.from(file.bytes)
    bytes[Math.floor(file.blocks.at(-1)!.startBit / 8) + 70]! ^= 1
    expect(spoilt(bytes)).toBeUndefined()
  })

  it('gives up when the image is larger than its size is said to be', () => {
    const file = layOut([{ level: 1, blocks: [...DENSE, ...SMALL] }])
    expect(tailOf(file, file.decoded.length - 1000).coverFrom(0)).toBeUndefined()
  })

  it('gives up when the image is smaller than its size is said to be', () => {
    const file = layOut([{ level: 1, blocks: [...DENSE, ...SMALL] }])
    for (const extra of [1, 1000]) {
      expect(tailOf(file, file.decoded.length + extra).coverFrom(0)).toBeUndefined()
      // Nor may the first block pass for one that begins later.
      expect(tailOf(file, file.decoded.length + extra).coverFrom(extra)).toBeUndefined()
    }
  })

  it('refuses a stream in the tail whose combined CRC is wrong', async () => {
    const file = layOut([
      { level: 1, blocks: DENSE },
      { level: 1, blocks: SMALL },
    ])
    const bytes = Buffer.from(file.bytes)
    bytes[bytes.length - 2]! ^= 1
    await rejectsWithCode(() => tailOf({ ...file, bytes }).coverFrom(file.decoded.length - 1), 'ERR_BZIP2_CORRUPT')
  })

  it('looks back 8 MiB for a block at most', () => {
    const file = layOut([EMPTY])
    const far = Buffer.concat([layOut([{ level: 1, blocks: SMALL }]).bytes, noise(9 << 20), file.bytes])
    expect(tailOf({ ...file, bytes: far }, 1000).coverFrom(999)).toBeUndefined()
  })
})

describe('the head index', () => {
  const file = layOut([{ level: 1, blocks: [...SMALL, ...DENSE, ...DENSE] }])
  const head = (bytes: Buffer, rawLength: number) => indexHead(chainOf(bytes).chain, rawLength, 'image')

  it('has the blocks from the beginning to at least the decoded length that is asked for', () => {
    for (const length of [1, 1024, 300_000, file.decoded.length]) {
      const map = head(file.bytes, length)!
      expect(map.rawStart).toBe(0)
      expect(map.rawEnd).toBeGreaterThanOrEqual(length)
      expect(Array.from(map.columns.startBit)).toEqual(file.blocks.slice(0, map.blocks).map(({ startBit }) => startBit))
    }
  })

  it('is nothing for a file with less, or with damage before that', () => {
    expect(head(file.bytes, file.decoded.length + 1)).toBeUndefined()
    const bytes = Buffer.from(file.bytes)
    bytes[200]! ^= 1
    expect(head(bytes, 1024)).toBeUndefined()
    expect(head(layOut([EMPTY]).bytes, 1)).toBeUndefined()
  })
})
