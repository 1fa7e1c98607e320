import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type BlockMap, joinSegments } from '#src/codec/bzip2/block-map.js'
import { planSplice } from '#src/codec/bzip2/splice-plan.js'
import { type Extent, extent } from '#src/units.js'
import { blocksOf, layOut, phaseBlock } from '../../support/bzip2-layout.js'
import { chainOf } from '../../support/chains.js'
import { rejectsWithCode } from '../../support/errors.js'
import { noise } from '../../support/random.js'

const SMALL = Array.from({ length: 9 }, (_, nth) => phaseBlock(nth % 8, nth))
const EMPTY = { level: 2, blocks: [] }
const FILE = layOut([
  { level: 3, blocks: SMALL.slice(0, 4) },
  EMPTY,
  { level: 9, blocks: SMALL.slice(4, 5) },
  { level: 5, blocks: SMALL.slice(5) },
  EMPTY,
])
const SIZE = FILE.decoded.length
const MAP = mapFrom(0)

function mapFrom(block: number): BlockMap {
  const { chain } = chainOf(FILE.bytes)
  const from = block === 0 ? ('start of file' as const) : { bit: FILE.blocks[block]!.startBit }
  return joinSegments([chain.walk(from, Number.POSITIVE_INFINITY)], { rawEnd: SIZE }, 'image')
}

/** Blocks that hold any byte of these ranges, the plain way. */
function blocksWith(changed: readonly Extent[], newSize: number): number[] {
  return FILE.blocks.flatMap(({ rawOffset, rawLength }, block) => {
    const end = rawOffset + rawLength
    const isLast = block === FILE.blocks.length - 1
    const hasChange = changed.some(
      ({ offset, length }) =>
        offset < (isLast ? Number.POSITIVE_INFINITY : end) && offset + length > rawOffset && length > 0,
    )
    return hasChange || (isLast && newSize > SIZE) || end > newSize ? [block] : []
  })
}

describe('planSplice', () => {
  it('replaces exactly the blocks that hold a change, whatever changes', () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.nat(SIZE), fc.nat(150)), { maxLength: 5 }),
        fc.oneof(fc.constant(SIZE), fc.nat(2 * SIZE)),
        (ranges, newSize) => {
          const changed = ranges
            .map(([offset, length]) =>
              extent(Math.min(offset, newSize), Math.max(0, Math.min(length, newSize - offset))),
            )
            .sort((a, b) => a.offset - b.offset)
          const replacements = planSplice(MAP, changed, newSize)
          const replaced = replacements.flatMap(({ firstBlock, endBlock }) =>
            Array.from({ length: endBlock - firstBlock }, (_, nth) => firstBlock + nth),
          )
          expect(replaced).toEqual(blocksWith(changed, newSize))
          let before = -1
          for (const { stream, firstBlock, endBlock, rawStart, rawEnd } of replacements) {
            // In order, of one stream, and joined where they touch.
            const streams = FILE.blocks.slice(firstBlock, endBlock).map((block) => block.stream)
            expect(new Set(streams)).toEqual(new Set([stream]))
            if (firstBlock === before) expect(FILE.blocks[firstBlock - 1]!.stream).not.toBe(stream)
            before = endBlock
            expect(rawStart).toBe(Math.min(FILE.blocks[firstBlock]!.rawOffset, newSize))
            const isLast = endBlock === FILE.blocks.length
            expect(rawEnd).toBe(isLast ? newSize : Math.min(FILE.blocks[endBlock]!.rawOffset, newSize))
          }
        },
      ),
      { numRuns: 500 },
    )
  })

  it('keeps to the level of each stream', () => {
    const plan = planSplice(MAP, [extent(0, SIZE)], SIZE)
    expect(plan.map(({ level }) => level)).toEqual([3, 9, 5])
  })

  it('takes a level that is surely not too high where the header is not in the map', () => {
    const dense = blocksOf(noise(300_000), 2, 'bzip2')
    for (const [level, lowest] of [
      [2, 2],
      [9, 2],
    ]) {
      const file = layOut([{ level: level!, blocks: [...SMALL, ...dense] }])
      const from = { bit: file.blocks[3]!.startBit }
      const segment = chainOf(file.bytes).chain.walk(from, Number.POSITIVE_INFINITY)
      const map = joinSegments([segment], { rawEnd: file.decoded.length }, 'image')
      expect(planSplice(map, [extent(map.rawStart, 1)], file.decoded.length)[0]?.level).toBe(lowest)
    }
  })

  it('replaces nothing when nothing changed', () => {
    expect(planSplice(MAP, [], SIZE)).toEqual([])
    expect(planSplice(MAP, [extent(100, 0)], SIZE)).toEqual([])
  })

  it('refuses a change, or a new end, before the map', async () => {
    const tail = mapFrom(5)
    expect(planSplice(tail, [extent(tail.rawStart, 1)], SIZE)).toHaveLength(1)
    await rejectsWithCode(() => planSplice(tail, [extent(tail.rawStart - 1, 5)], SIZE), 'ERR_INTERNAL')
    await rejectsWithCode(() => planSplice(tail, [], tail.rawStart - 1), 'ERR_INTERNAL')
  })
})
