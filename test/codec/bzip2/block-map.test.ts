import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { countEntries, joinSegments } from '#src/codec/bzip2/block-map.js'
import type { ChainSegment } from '#src/codec/bzip2/chain.js'
import { blocksOf, type LaidOutFile, layOut, phaseBlock } from '../../support/bzip2-layout.js'
import { chainOf, plainLayout, plainMap } from '../../support/chains.js'
import { rejectsWithCode } from '../../support/errors.js'
import { noise } from '../../support/random.js'

const SMALL = Array.from({ length: 9 }, (_, index) => phaseBlock(index % 8, index))
const EMPTY = { level: 2, blocks: [] }
const FILE = layOut([
  EMPTY,
  { level: 1, blocks: SMALL.slice(0, 4) },
  EMPTY,
  EMPTY,
  { level: 9, blocks: SMALL.slice(4, 5) },
  { level: 5, blocks: SMALL.slice(5) },
  EMPTY,
])
const WHOLE = Number.POSITIVE_INFINITY

/** The chain of a file cut at these blocks. */
function segmentsOf(file: LaidOutFile, cuts: readonly number[]): ChainSegment[] {
  const { chain } = chainOf(file.bytes)
  const edges = [...new Set(cuts)].sort((a, b) => a - b).map((cut) => file.blocks[cut]!.startBit)
  return [
    chain.walk('start of file', edges[0] ?? WHOLE),
    ...edges.map((bit, index) => chain.walk({ bit }, edges[index + 1] ?? WHOLE)),
  ]
}

describe('joinSegments', () => {
  it('gives the same map wherever the chain was cut', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(FILE.blocks.length - 1), { maxLength: 6 }), (cuts) => {
        const map = joinSegments(segmentsOf(FILE, cuts), { rawStart: 0 }, 'image')
        expect(plainMap(map)).toEqual(plainLayout(FILE))
        expect([map.rawStart, map.rawEnd]).toEqual([0, FILE.decoded.length])
      }),
      { numRuns: 50 },
    )
  })

  it('counts from the end when that is what is known, and knows no level of a stream whose header is missing', () => {
    for (let cut = 0; cut < FILE.blocks.length; cut++) {
      const [, tail] = segmentsOf(FILE, [cut])
      const { rawOffset, stream } = FILE.blocks[cut]!
      const map = joinSegments([tail!], { rawEnd: FILE.decoded.length }, 'image')
      expect(map.rawStart).toBe(rawOffset)
      expect(plainMap(map, stream).blocks).toEqual(FILE.blocks.slice(cut))
      expect(map.streams.map(({ level }) => level)).toEqual(
        FILE.streams.slice(stream).map(({ level }, index) => (index === 0 ? undefined : level)),
      )
    }
  })

  it('refuses a block larger than its level allows, with the bit', async () => {
    const [block] = blocksOf(noise(150_000), 2, 'bzip2')
    for (const level of [1, 2]) {
      const file = layOut([{ level, blocks: [SMALL[0]!, block!] }])
      const join = () => joinSegments(segmentsOf(file, []), { rawStart: 0 }, 'image.bz2')
      if (level === 2) expect(join().blocks).toBe(2)
      else {
        const error = await rejectsWithCode(join, 'ERR_BZIP2_CORRUPT')
        expect(error.details).toEqual({ bit: file.blocks[1]!.startBit })
        expect(error.message).toContain('image.bz2')
      }
    }
  })

  it('refuses a combined CRC that is not that of its blocks, in any stream, in any bit', async () => {
    for (const [stream, { footerBit }] of FILE.streams.entries()) {
      for (const bit of [0, 13, 31]) {
        const bytes = Buffer.from(FILE.bytes)
        const place = footerBit + 48 + bit
        bytes[place >> 3]! ^= 0x80 >> (place & 7)
        const segments = segmentsOf({ ...FILE, bytes }, [])
        const error = await rejectsWithCode(() => joinSegments(segments, { rawStart: 0 }, 'image'), 'ERR_BZIP2_CORRUPT')
        expect(error.details, `stream ${stream}`).toEqual({ bit: footerBit })
      }
    }
  })

  it('refuses a stream whose blocks changed places', async () => {
    const [a, b] = [SMALL[0]!, SMALL[1]!]
    const right = layOut([{ level: 1, blocks: [a, b] }])
    const swapped = layOut([{ level: 1, blocks: [b, a] }])
    const bytes = Buffer.from(swapped.bytes)
    const { footerBit } = right.streams[0]!
    expect(swapped.streams[0]!.footerBit).toBe(footerBit)
    right.bytes.copy(bytes, Math.floor(footerBit / 8), Math.floor(footerBit / 8))
    const segments = segmentsOf({ ...swapped, bytes }, [])
    await rejectsWithCode(() => joinSegments(segments, { rawStart: 0 }, 'image'), 'ERR_BZIP2_CORRUPT')
  })
})

describe('BlockMap', () => {
  const map = joinSegments(segmentsOf(FILE, []), { rawStart: 0 }, 'image')

  it('finds the block of every decoded byte', () => {
    for (let offset = 0; offset < FILE.decoded.length; offset++) {
      const expected = FILE.blocks.findIndex(
        ({ rawOffset, rawLength }) => offset >= rawOffset && offset < rawOffset + rawLength,
      )
      expect(map.find(offset), `byte ${offset}`).toBe(expected)
    }
    expect(map.find(FILE.decoded.length)).toBe(FILE.blocks.length - 1)
  })

  it('names the stream of every block, empty streams around it or not', () => {
    expect(FILE.blocks.map((_, block) => map.streamOf(block))).toEqual(FILE.blocks.map(({ stream }) => stream))
  })

  it('has no stream for a block whose footer it has not seen', async () => {
    const [head] = segmentsOf(FILE, [6])
    const part = joinSegments([head!], { rawStart: 0 }, 'image')
    expect(part.streamOf(4)).toBe(4)
    await rejectsWithCode(() => part.streamOf(5), 'ERR_INTERNAL')
  })
})

describe('countEntries', () => {
  it('refuses a file of more than two million blocks and streams', async () => {
    const segment = chainOf(FILE.bytes).chain.walk('start of file', WHOLE)
    const own = FILE.blocks.length + 2 * FILE.streams.length
    expect(countEntries(5, segment, 'image')).toBe(5 + own)
    expect(countEntries((1 << 21) - own, segment, 'image')).toBe(1 << 21)
    await rejectsWithCode(() => countEntries((1 << 21) - own + 1, segment, 'image'), 'ERR_BZIP2_CORRUPT')
  })
})
