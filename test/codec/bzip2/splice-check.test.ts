import { describe, expect, it } from 'vitest'
import { MemoryDevice } from '#src/byte-device.js'
import { compileBlockCodec } from '#src/codec/bzip2/block-codec.js'
import { BlockEncoder } from '#src/codec/bzip2/block-encoder.js'
import { type BlockMap, joinSegments } from '#src/codec/bzip2/block-map.js'
import { IndependentDecoder } from '#src/codec/bzip2/independent-decoder.js'
import { assertSpliceHolds, SecondOpinion } from '#src/codec/bzip2/splice-check.js'
import { type EncodedReplacement, type NewBlock, ReplacementEncoder } from '#src/codec/bzip2/splice-encode.js'
import { SPLICE_LIMITS } from '#src/codec/bzip2/splice-limits.js'
import { planSplice } from '#src/codec/bzip2/splice-plan.js'
import { type BitPiece, cutBits } from '../../support/bit-pieces.js'
import { flipBit } from '../../support/bits.js'
import { blocksOf, type LooseBlock, layOut, phaseBlock, type StreamLayout } from '../../support/bzip2-layout.js'
import { chainOf } from '../../support/chains.js'
import { EditedBytes } from '../../support/edited-bytes.js'
import { rejectsWithCode } from '../../support/errors.js'
import { noise, prose } from '../../support/random.js'

const BLOCKS = [phaseBlock(3), ...blocksOf(prose(250_000), 1, 'bzip2'), phaseBlock(6)]
const STREAMS: readonly StreamLayout[] = [
  { level: 1, blocks: BLOCKS },
  { level: 9, blocks: [phaseBlock(1, 5)] },
]
const FILE = layOut(STREAMS)
const EDIT_AT = 150_000
const WHOLE = Number.POSITIVE_INFINITY

async function edited(from: number): Promise<{
  readonly map: BlockMap
  readonly replacements: readonly EncodedReplacement[]
  readonly image: EditedBytes
}> {
  const { chain } = chainOf(FILE.bytes)
  const segment = chain.walk(from === 0 ? 'start of file' : { bit: FILE.blocks[from]!.startBit }, WHOLE)
  const map = joinSegments([segment], { rawEnd: FILE.decoded.length }, 'image')
  const after = Buffer.from(FILE.decoded)
  after.write('an edit', EDIT_AT)
  const image = EditedBytes.from(FILE.decoded, after)
  const encoder = new ReplacementEncoder(
    image,
    new BlockEncoder(compileBlockCodec()),
    SPLICE_LIMITS,
    new AbortController().signal,
  )
  const replacements: EncodedReplacement[] = []
  for (const replacement of planSplice(map, await image.changedExtents(), image.size))
    replacements.push(await encoder.encode(replacement, map))
  return { map, replacements, image }
}

/** The block that the edit is in. */
const DIRTY = FILE.blocks.findIndex(({ rawOffset, rawLength }) => rawOffset + rawLength > EDIT_AT)

/** The file with these blocks in place of the one with the edit: laid out by the tests, not by the code. */
function withNewBlocks(replacements: readonly EncodedReplacement[]): LooseBlock[] {
  const fresh = replacements.flatMap(({ blocks }) =>
    blocks.map(({ bytes, bitLength, crc }) => ({ piece: { bytes, bitLength }, crc, decoded: Buffer.alloc(0) })),
  )
  return [...BLOCKS.slice(0, DIRTY), ...fresh, ...BLOCKS.slice(DIRTY + 1)]
}

const fileWith = (blocks: readonly LooseBlock[]) => layOut([{ level: 1, blocks }, STREAMS[1]!]).bytes

/** Checks bytes as the file that was written. */
function check(bytes: Buffer, map: BlockMap, replacements: readonly EncodedReplacement[]): Promise<void> {
  const written = { device: new MemoryDevice(bytes), chain: chainOf(bytes).chain, untouched: [] }
  return assertSpliceHolds(new MemoryDevice(FILE.bytes), written, map, replacements, new AbortController().signal)
}

describe('assertSpliceHolds', () => {
  it('takes a file in which the new blocks stand in the place of the old, whether the map has the beginning or not', async () => {
    for (const from of [0, DIRTY]) {
      const { map, replacements } = await edited(from)
      expect(replacements).toHaveLength(1)
      const bytes = fileWith(withNewBlocks(replacements))
      await check(bytes, map, replacements)
    }
  })

  it('takes any file when nothing was replaced', async () => {
    await check(noise(100), joinSegments([], { rawStart: 0 }, 'image'), [])
  })

  it.each<[string, (blocks: LooseBlock[]) => Buffer]>([
    ['as it was before', () => FILE.bytes],
    ['without a block behind the new one', (blocks) => fileWith(blocks.toSpliced(DIRTY + 1, 1))],
    ['with a block twice', (blocks) => fileWith(blocks.toSpliced(DIRTY + 1, 0, blocks[DIRTY + 1]!))],
    ['with another block behind the new one', (blocks) => fileWith(blocks.with(DIRTY + 1, phaseBlock(2, 77)))],
    [
      'with another block of the same length behind the new one',
      (blocks) => fileWith(blocks.with(DIRTY + 1, blocksOf(flipBit(BLOCKS[DIRTY + 1]!.decoded, 1000), 1, 'bzip2')[0]!)),
    ],
    [
      'with blocks in another order',
      (blocks) => fileWith(blocks.toSpliced(DIRTY, 2, blocks[DIRTY + 1]!, blocks[DIRTY]!)),
    ],
    ['with another combined CRC in the first stream', (blocks) => withCrcOff(fileWith(blocks), 0)],
    ['with another combined CRC in a later stream', (blocks) => withCrcOff(fileWith(blocks), 1)],
    ['without its last stream', (blocks) => layOut([{ level: 1, blocks }]).bytes],
    ['with one more stream', (blocks) => layOut([{ level: 1, blocks }, STREAMS[1]!, STREAMS[1]!]).bytes],
    ['cut by a byte', (blocks) => fileWith(blocks).subarray(0, -1)],
    ['with a byte too many', (blocks) => Buffer.concat([fileWith(blocks), Buffer.alloc(1)])],
    ['with a bit flipped in the last byte', (blocks) => lastBitFlipped(fileWith(blocks))],
    ['with a bit of the new block flipped', (blocks) => flipBit(fileWith(blocks), FILE.blocks[DIRTY]!.startBit + 5000)],
  ])('refuses a file %s', async (_, spoil) => {
    for (const from of [0, DIRTY]) {
      const { map, replacements } = await edited(from)
      const bytes = spoil(withNewBlocks(replacements))
      await rejectsWithCode(check(bytes, map, replacements), 'ERR_CHECK_OUTPUT')
    }
  })
})

/** By the word of a decoder that has not been asked before. */
function assertBlockHolds(block: NewBlock, image: EditedBytes, decoder: IndependentDecoder) {
  return new SecondOpinion(image, decoder).assertHolds(block)
}

describe('a second opinion', () => {
  it('takes a new block of any bit length by the word of unbzip2-stream', async () => {
    await using decoder = new IndependentDecoder(new AbortController().signal)
    const encoder = new BlockEncoder(compileBlockCodec())
    const content = prose(5000)
    const image = new EditedBytes(Buffer.concat([noise(100), content]), [])
    for (let phase = 0; phase < 8; phase++) {
      encoder.begin(4)
      encoder.feed(content)
      const block = { ...encoder.finish(phase), rawOffset: 100 }
      expect(block.bitLength % 8).toBe(phase)
      await assertBlockHolds(block, image, decoder)
      await rejectsWithCode(assertBlockHolds({ ...block, rawOffset: 99 }, image, decoder), 'ERR_CHECK_OUTPUT')
      const spoilt = { ...block, bytes: flipBit(block.bytes, 2000) }
      await rejectsWithCode(assertBlockHolds(spoilt, image, decoder), 'ERR_CHECK_OUTPUT')
    }
  })

  it('finds content that is not what was meant although the block is sound', async () => {
    await using decoder = new IndependentDecoder(new AbortController().signal)
    const encoder = new BlockEncoder(compileBlockCodec())
    encoder.begin(1)
    encoder.feed(prose(5000))
    const block = { ...encoder.finish(), rawOffset: 0 }
    for (const other of [flipBit(prose(5000), 20_000), prose(5000, 2)])
      await rejectsWithCode(assertBlockHolds(block, new EditedBytes(other, []), decoder), 'ERR_CHECK_OUTPUT')
    await rejectsWithCode(
      assertBlockHolds({ ...block, rawLength: 4999 }, new EditedBytes(prose(5000), []), decoder),
      'ERR_CHECK_OUTPUT',
    )
  })
})

function lastBitFlipped(bytes: Buffer): Buffer {
  return flipBit(bytes, bytes.length * 8 - 1)
}

describe('a second opinion on bits that came before', () => {
  it('is that of the first time, but what was meant has to be the same', async () => {
    const encoder = new BlockEncoder(compileBlockCodec())
    encoder.begin(1)
    encoder.feed(Buffer.alloc(5000))
    const block = { ...encoder.finish(), rawOffset: 0 }
    let asked = 0
    const decoder = {
      decode: async () => ({ kind: 'decoded', bytes: new Uint8Array(5000), nth: asked++ }),
    } as unknown as IndependentDecoder
    const opinion = new SecondOpinion(new EditedBytes(Buffer.concat([Buffer.alloc(15_000), prose(5000)]), []), decoder)
    for (const rawOffset of [0, 5000, 10_000]) await opinion.assertHolds({ ...block, rawOffset })
    expect(asked).toBe(1)
    await rejectsWithCode(opinion.assertHolds({ ...block, rawOffset: 15_000 }), 'ERR_CHECK_OUTPUT')
  })

  it('is bad for all when it was bad the first time', async () => {
    const encoder = new BlockEncoder(compileBlockCodec())
    encoder.begin(1)
    encoder.feed(Buffer.alloc(5000))
    const block = { ...encoder.finish(), rawOffset: 0 }
    const decoder = { decode: async () => ({ kind: 'failed', message: 'bad' }) } as unknown as IndependentDecoder
    const opinion = new SecondOpinion(new EditedBytes(Buffer.alloc(15_000), []), decoder)
    for (const rawOffset of [0, 5000])
      await rejectsWithCode(opinion.assertHolds({ ...block, rawOffset }), 'ERR_CHECK_OUTPUT')
  })
})

/** The file with one bit of a stream's combined CRC flipped. */
function withCrcOff(bytes: Buffer, stream: number): Buffer {
  const magic = cutBits(Buffer.from('177245385090', 'hex'), 0, 48)
  let seen = 0
  for (let bit = 0; bit + 80 <= bytes.length * 8; bit++) {
    if (!sameBits(cutBits(bytes, bit, bit + 48), magic) || seen++ < stream) continue
    return flipBit(bytes, bit + 48 + 9)
  }
  throw new Error('no such footer')
}

function sameBits(a: BitPiece, b: BitPiece): boolean {
  return Buffer.from(a.bytes).equals(Buffer.from(b.bytes))
}
