/**
 * Two files made of the same few blocks, in any order, level, phase and number of streams. What is said of them is compared
 * with what bzip2 makes of each.
 */
import { spawnSync } from 'node:child_process'
import { mkdtempSync, writeFileSync } from 'node:fs'
import { open } from 'node:fs/promises'
import { join } from 'node:path'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { Bzip2Pair, type MatchedFile } from '#src/codec/bzip2/pair.js'
import { OemBakeError } from '#src/errors.js'
import { pieceOf } from '../../support/bit-pieces.js'
import { flipBit } from '../../support/bits.js'
import { compress } from '../../support/bzip2.js'
import { craftBlock } from '../../support/bzip2-craft.js'
import { blocksOf, type LooseBlock, layOut, phaseBlock, type StreamLayout } from '../../support/bzip2-layout.js'
import { testContext } from '../../support/context.js'
import { rejectsWithCode } from '../../support/errors.js'
import { falseMagicBlock } from '../../support/false-magics.js'
import { noise, prose } from '../../support/random.js'
import { temporaryDirectory } from '../../support/temp.js'

const directory = temporaryDirectory()

const DENSE = blocksOf(noise(500_000), 1, 'bzip2')
const ZEROS = blocksOf(Buffer.alloc(2_000_000), 1, 'lbzip2')
const WORDS = blocksOf(prose(300_000), 1, 'lbzip2')
const SMALL = Array.from({ length: 12 }, (_, nth) => phaseBlock(nth % 8, nth))
const HOSTILE = [falseMagicBlock('block', 4000, 100), falseMagicBlock('footer', 4000, 90, 3)]
/** Same lengths, other bytes. */
const LIKE_DENSE = blocksOf(noise(500_000, 'other'), 1, 'bzip2')
const LARGE = blocksOf(noise(150_000, 'large'), 2, 'bzip2')
const POOL = [...SMALL, ...WORDS, ...ZEROS.slice(0, 2), ...HOSTILE, ...LIKE_DENSE.slice(0, 2), ...LARGE]
const ORIGINAL: readonly StreamLayout[] = [
  { level: 1, blocks: [...DENSE.slice(0, 4), ...SMALL.slice(0, 5), ...HOSTILE, ...ZEROS] },
  { level: 2, blocks: [...SMALL.slice(3, 6), ...WORDS, ...LARGE, ...DENSE.slice(4), ...ZEROS, ...SMALL, ...ZEROS] },
]
const SINGLE: readonly StreamLayout[] = [
  { level: 1, blocks: [...DENSE, ...HOSTILE, ...SMALL, ...ZEROS, ...WORDS, ...ZEROS, ...SMALL] },
]

/** Another small block that is as long, decoded, and ends at the same phase. */
function likeBlock({ decoded, piece }: LooseBlock): LooseBlock {
  for (let seed = 100; ; seed++) {
    const block = phaseBlock(piece.bitLength % 8, seed)
    if (block.decoded.length === decoded.length && !block.decoded.equals(decoded)) return block
  }
}

interface Outcome {
  readonly matched: MatchedFile
  readonly decoded: Buffer
}

/** What is found out, or the error. */
async function match(
  original: { readonly bytes: Buffer; readonly decoded: Buffer },
  baked: Buffer,
  rawOffset: number,
  vouchedFor: boolean,
): Promise<Outcome> {
  const place = mkdtempSync(join(directory, 'pair-'))
  writeFileSync(join(place, 'original'), original.bytes)
  writeFileSync(join(place, 'baked'), baked)
  await using a = await open(join(place, 'original'))
  await using b = await open(join(place, 'baked'))
  const pair = await Bzip2Pair.open(
    { fd: a.fd, sizeBytes: original.bytes.length, name: 'original' },
    { fd: b.fd, sizeBytes: baked.length, name: 'baked' },
    {
      vouchedFor,
      settled: async () => undefined,
      // As a disk does that is what it says it is.
      anchor: { headBytes: 1, endBytes: 1, declaredSize: () => original.decoded.length, confirms: () => true },
    },
    testContext(),
  )
  const matched = await pair.match(rawOffset)
  return { matched, decoded: await matched.device.read(0, matched.device.size) }
}

/** By bzip2; undefined when it does not take the file. What it ignores at the end counts as not taken. */
function judged(file: Buffer): Buffer | undefined {
  const { status, stderr, stdout } = spawnSync('bzip2', ['-dc'], { input: file, maxBuffer: 1 << 30 })
  return status === 0 && !stderr.toString().includes('trailing garbage') ? stdout : undefined
}

/** Everything that was said is so. */
function expectTrue({ decoded, matched }: Outcome, original: Buffer, baked: Buffer): void {
  expect(decoded.equals(baked), 'the second file decodes to something else').toBe(true)
  let end = 0
  for (const { length, offset } of matched.same) {
    expect(offset).toBeGreaterThanOrEqual(end)
    end = offset + length
    expect(original.subarray(offset, end).equals(baked.subarray(offset, end)), `bytes from ${offset} on`).toBe(true)
  }
  expect(end).toBeLessThanOrEqual(Math.min(original.length, baked.length))
}

type Edit = (streams: LooseBlock[][], levels: number[], pick: (below: number) => number) => void

const anyStream = (streams: LooseBlock[][], pick: (below: number) => number) => streams[pick(streams.length)]!
const EDITS: Readonly<Record<string, Edit>> = {
  'a block replaced': (streams, _, pick) => {
    const blocks = anyStream(streams, pick)
    if (blocks.length > 0) blocks[pick(blocks.length)] = POOL[pick(POOL.length)]!
  },
  'a block added': (streams, _, pick) => {
    const blocks = anyStream(streams, pick)
    blocks.splice(pick(blocks.length + 1), 0, POOL[pick(POOL.length)]!)
  },
  'a block gone': (streams, _, pick) => {
    const blocks = anyStream(streams, pick)
    blocks.splice(pick(blocks.length + 1), 1)
  },
  'a block moved': (streams, _, pick) => {
    const from = anyStream(streams, pick)
    const moved = from.splice(pick(from.length + 1), 1)
    const to = anyStream(streams, pick)
    to.splice(pick(to.length + 1), 0, ...moved)
  },
  'two blocks swapped': (streams, _, pick) => {
    const blocks = anyStream(streams, pick)
    const [a, b] = [pick(blocks.length + 1), pick(blocks.length + 1)]
    const [first, second] = [blocks[a], blocks[b]]
    if (first !== undefined && second !== undefined) [blocks[a], blocks[b]] = [second, first]
  },
  'a stream cut in two': (streams, levels, pick) => {
    const nth = pick(streams.length)
    const blocks = streams[nth]!
    const rest = blocks.splice(pick(blocks.length + 1))
    streams.splice(nth + 1, 0, rest)
    levels.splice(nth + 1, 0, levels[nth]!)
  },
  'an empty stream': (streams, levels, pick) => {
    const nth = pick(streams.length + 1)
    streams.splice(nth, 0, [])
    levels.splice(nth, 0, 1 + pick(9))
  },
  'a stream more': (streams, levels, pick) => {
    streams.push([POOL[pick(POOL.length)]!])
    levels.push(9)
  },
  'another level': (_, levels, pick) => {
    levels[pick(levels.length)] = 1 + pick(9)
  },
}

const pairs = fc.record({
  from: fc.constantFrom(ORIGINAL, SINGLE),
  edits: fc.array(fc.tuple(fc.constantFrom(...Object.keys(EDITS)), fc.infiniteStream(fc.nat(1_000_000))), {
    maxLength: 4,
  }),
  flip: fc.oneof({ weight: 5, arbitrary: fc.constant(undefined) }, { weight: 1, arbitrary: fc.nat(1_000_000_000) }),
  /** Near the end of what there is to choose from. */
  late: fc.boolean(),
  offset: fc.constantFrom(100, 500, 900, 1000),
  vouchedFor: fc.boolean(),
})
/** Many more in test/full/prove.test.ts. */
const PAIRS = Number(process.env.OEM_BAKE_TEST_PAIRS ?? 30)

describe('a pair of bzip2 files', () => {
  it('is never said to be the same where it is not, and the second is what bzip2 makes of it', async () => {
    const seen = { tail: 0, whole: 0, refused: 0 }
    await fc.assert(
      fc.asyncProperty(pairs, async ({ edits, flip, from, late, offset, vouchedFor }) => {
        const original = layOut(from)
        const streams = from.map(({ blocks }) => [...blocks])
        const levels = from.map(({ level }) => level)
        for (const [name, numbers] of edits) {
          const pick = (below: number): number => {
            const number: number = numbers.next().value
            return late ? below - 1 - (number % Math.min(below, 10)) : number % below
          }
          EDITS[name]!(streams, levels, pick)
        }
        const laidOut = layOut(streams.map((blocks, nth) => ({ blocks, level: levels[nth]! }))).bytes
        const baked =
          flip === undefined
            ? laidOut
            : flipBit(
                laidOut,
                (late ? laidOut.length * 8 - 1000 : 80) + (flip % (late ? 1000 : laidOut.length * 8 - 80)),
              )
        const expected = judged(baked)
        const rawOffset = Math.floor((original.decoded.length - 1) * (offset / 1000))
        const attempt = match(original, baked, rawOffset, vouchedFor)
        if (expected === undefined) {
          seen.refused++
          await expect(attempt).rejects.toBeInstanceOf(OemBakeError)
          return
        }
        const outcome = await attempt
        expectTrue(outcome, original.decoded, expected)
        seen[outcome.matched.everyBlock ? 'whole' : 'tail']++
      }),
      { numRuns: PAIRS, seed: 20_260_501 },
    )
    for (const [kind, count] of Object.entries(seen)) expect(count, kind).toBeGreaterThan(PAIRS / 20)
  })

  it('knows all but the changed block to be the same, and decodes no more', async () => {
    const original = layOut(SINGLE)
    const place = DENSE.length + HOSTILE.length + 4
    const changed = original.blocks[place]!
    const blocks = [...SINGLE[0]!.blocks]
    blocks[place] = likeBlock(blocks[place]!)
    const baked = layOut([{ level: 1, blocks }])
    const outcome = await match(original, baked.bytes, changed.rawOffset, true)
    expectTrue(outcome, original.decoded, baked.decoded)
    const end = changed.rawOffset + changed.rawLength
    expect(outcome.matched.same).toEqual([
      { offset: 0, length: changed.rawOffset },
      { offset: end, length: original.decoded.length - end },
    ])
    expect(outcome.matched.everyBlock).toBe(false)
  })

  it('begins with the stream that the first block is of, not with an empty one of another level before it', async () => {
    const streams = [
      { level: 1, blocks: [] },
      { level: 2, blocks: [...LARGE, ...DENSE, ...SMALL] },
    ]
    const original = layOut(streams)
    const outcome = await match(original, original.bytes, 0, true)
    expectTrue(outcome, original.decoded, original.decoded)
    expect(outcome.matched.same).toEqual([{ offset: 0, length: original.decoded.length }])
  })

  it('decodes all of a file that was compressed anew', async () => {
    const original = layOut(SINGLE)
    const baked = compress(original.decoded, 5, 'pbzip2')
    const outcome = await match(original, baked, 1000, true)
    expectTrue(outcome, original.decoded, original.decoded)
    expect(outcome.matched.everyBlock).toBe(true)
  })

  it('does not take a block for the original one at another decoded offset', async () => {
    const original = layOut([{ level: 1, blocks: [...SMALL, ...DENSE] }])
    // One byte less in front of it, and one more behind: sizes agree.
    const front = blocksOf(Buffer.from('x'), 1, 'bzip2')
    const baked = layOut([{ level: 1, blocks: [...front, ...SMALL, ...DENSE] }])
    const outcome = await match(original, baked.bytes, 0, false)
    expect(outcome.matched.same).toEqual([])
    expectTrue(outcome, original.decoded, baked.decoded)
  })

  it('does not take the blocks behind a shorter one for the original ones, the same bits as they are', async () => {
    const [first] = SMALL
    const symbols = Array.from({ length: 20 }, (_, nth) => 2 + nth * 3)
    const shorter = [0, 1, 2, 3, 4, 5, 6, 7]
      .map((spare) => craftBlock(symbols, spare))
      .map(({ bits, ...block }) => ({ ...block, piece: pieceOf(bits) }))
      .find(({ piece }) => piece.bitLength % 8 === first!.piece.bitLength % 8)!
    expect(shorter.decoded.length).toBeLessThan(first!.decoded.length)
    const rest = [...SMALL.slice(1), ...DENSE]
    const original = layOut([{ level: 1, blocks: [first!, ...rest] }])
    const baked = layOut([{ level: 1, blocks: [shorter, ...rest] }])
    const outcome = await match(original, baked.bytes, 0, false)
    expect(outcome.matched.same).toEqual([])
    expectTrue(outcome, original.decoded, baked.decoded)
  })

  it.each([
    ['a combined CRC of other blocks', (bytes: Buffer) => flipBit(bytes, bytes.length * 8 - 12), 'ERR_BZIP2_CORRUPT'],
    [
      'bytes behind the last stream',
      (bytes: Buffer) => Buffer.concat([bytes, Buffer.alloc(9)]),
      'ERR_BZIP2_TRAILING_GARBAGE',
    ],
    ['an end inside a block', (bytes: Buffer) => bytes.subarray(0, -900), 'ERR_BZIP2_TRUNCATED'],
    [
      'a level that its blocks are too large for',
      () => layOut([{ level: 1, blocks: [...SMALL, ...LARGE] }]).bytes,
      'ERR_BZIP2_CORRUPT',
    ],
  ] as const)('refuses %s', async (_, damage, code) => {
    const original = layOut([{ level: 2, blocks: [...DENSE, ...SMALL, ...LARGE] }])
    for (const vouchedFor of [false, true])
      await rejectsWithCode(match(original, damage(original.bytes), original.decoded.length - 10, vouchedFor), code)
  })
})
