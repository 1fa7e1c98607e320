/**
 * Proves a splice, before anything is published.
 *
 * Each new block is decoded by a decoder that is not ours, and its bytes are compared with what was meant. Once they are
 * written, the file is read back: the new blocks decode where they stand, each touched stream's footer holds its combined
 * CRC, and all else that was written from the first new block to the end of the file is bit for bit the input's. What was
 * not written is as the kernel copied it.
 */
import { type ByteDevice, piecesOf } from '../../byte-device.js'
import { PostCheckError, throwIfCancelled } from '../../errors.js'
import { fill, PIECE_BYTES } from '../../in-order.js'
import { extent } from '../../units.js'
import { realigned } from './bits.js'
import { at, type BlockMap, TEXT_BYTES_A_LEVEL } from './block-map.js'
import { type BlockChain, FOOTER_BITS } from './chain.js'
import { combinedBefore, foldCrc } from './combined-crc.js'
import type { IndependentDecoder } from './independent-decoder.js'
import { type BitRange, formatFooter } from './splice.js'
import { type EncodedReplacement, type NewBlock, RAW_BYTES_MAX } from './splice-encode.js'

/** Has new blocks decoded independently, each one that is new to it. */
export class SecondOpinion {
  readonly #edited: ByteDevice
  readonly #decoder: IndependentDecoder
  #last: Promise<void> = Promise.resolve()
  #buffers: readonly Buffer[] | undefined
  /** What the second buffer holds. */
  #held: NewBlock | undefined
  /** By CRC: the first block of some bits. Zeros come as the same bits again and again. */
  readonly #seen = new Map<number, { readonly block: NewBlock; readonly holds: Promise<void> }>()

  constructor(edited: ByteDevice, decoder: IndependentDecoder) {
    this.#edited = edited
    this.#decoder = decoder
  }

  /**
   * A new block holds what was meant.
   *
   * @throws ERR_CHECK_OUTPUT
   */
  async assertHolds(block: NewBlock): Promise<void> {
    const seen = this.#seen.get(block.crc)
    if (seen === undefined) {
      const holds = this.#assertDecodes(block)
      this.#seen.set(block.crc, { block, holds })
      return holds
    }
    if (!hasSameBits(block, seen.block)) return this.#assertDecodes(block)
    // The same bits decode to the same bytes: those that were meant there have to be meant here.
    await seen.holds
    // One after the other: a hundred of them would hold 200 MiB at once.
    const compared = this.#last.then(() => this.#assertSameMeant(block, seen.block))
    this.#last = compared.catch(() => undefined)
    return compared
  }

  async #assertSameMeant(block: NewBlock, earlier: NewBlock): Promise<void> {
    // Memory of their own, used again: fresh memory for each would pile up faster than it is collected.
    this.#buffers ??= [Buffer.allocUnsafeSlow(RAW_BYTES_MAX), Buffer.allocUnsafeSlow(RAW_BYTES_MAX)]
    const [meant, held] = this.#buffers.map((buffer) => buffer.subarray(0, block.rawLength))
    if (meant === undefined || held === undefined) return
    await fill(this.#edited, block.rawOffset, meant)
    if (this.#held !== earlier) await fill(this.#edited, earlier.rawOffset, held)
    this.#held = earlier
    if (!meant.equals(held)) throw differs(describe(block))
  }

  async #assertDecodes(block: NewBlock): Promise<void> {
    const answer = await this.#decoder.decode(standaloneStream(block))
    if (answer.kind === 'failed') throw differs(`${describe(block)}: unbzip2-stream says: ${answer.message}`)
    if (!(await this.#meant(block)).equals(answer.bytes)) throw differs(describe(block))
  }

  #meant({ rawLength, rawOffset }: NewBlock): Promise<Buffer> {
    return this.#edited.read(rawOffset, rawLength)
  }
}

function hasSameBits(a: NewBlock, b: NewBlock): boolean {
  return a.bitLength === b.bitLength && a.rawLength === b.rawLength && a.bytes.equals(b.bytes)
}

function describe({ rawOffset }: NewBlock): string {
  return `the new block for byte ${rawOffset} of the decoded image`
}

/**
 * A block as a stream of its own: header, the block's bits, footer. Of the lowest level that allows the block, because
 * the decoder takes memory by the level.
 */
function standaloneStream({ bytes, bitLength, crc, textLength }: NewBlock): Buffer {
  const level = Math.max(1, Math.ceil(textLength / TEXT_BYTES_A_LEVEL))
  const header = Buffer.from(`BZh${level}`, 'latin1')
  // A stream of one block has that block's CRC as its combined one.
  const footer = formatFooter(crc)
  const used = bitLength % 8
  if (used === 0) return Buffer.concat([header, bytes, footer])
  // The footer begins within the block's last byte.
  const last = bytes.length - 1
  const shifted = Buffer.alloc(footer.length + 1)
  shifted[0] = bytes[last] ?? 0
  footer.forEach((byte, index) => {
    shifted[index] = (shifted[index] ?? 0) | (byte >> used)
    shifted[index + 1] = (byte << (8 - used)) & 0xff
  })
  return Buffer.concat([header, bytes.subarray(0, last), shifted])
}

/**
 * The written file, from the first new block on, is the input's own bits, but for new blocks in the place of old ones and
 * for the combined CRC of each stream that has any.
 *
 * New blocks are decoded where they stand; all else is compared bit by bit, so an edit near the beginning of a file costs
 * no more than reading it.
 *
 * @param written read through a device for comparing, and through a chain for decoding; with what was not written of it
 * @throws ERR_CHECK_OUTPUT, ERR_CANCELLED
 */
export async function assertSpliceHolds(
  source: ByteDevice,
  written: { readonly device: ByteDevice; readonly chain: BlockChain; readonly untouched: readonly BitRange[] },
  map: BlockMap,
  replacements: readonly EncodedReplacement[],
  signal: AbortSignal,
): Promise<void> {
  const [first] = replacements
  if (first === undefined) return
  const { crc, endBit, startBit } = map.columns
  /** Where the input has been compared up to, and where the same lies in the written file. */
  let sourceBit = at(startBit, first.firstBlock)
  let writtenBit = sourceBit
  const isCopied = async (untilBit: number): Promise<void> => {
    const stayed = written.untouched.some(({ fromBit, toBit }) => fromBit === sourceBit && toBit === untilBit)
    if (!stayed) await assertSameBits(source, sourceBit, untilBit, written.device, writtenBit, signal)
    else if (sourceBit !== writtenBit) throw differs(`what follows bit ${writtenBit}`)
    else await assertSameEnds(source, sourceBit, untilBit, written.device, signal)
    writtenBit += untilBit - sourceBit
    sourceBit = untilBit
  }
  for (const [nth, replacement] of replacements.entries()) {
    await isCopied(at(startBit, replacement.firstBlock))
    writtenBit = assertNewBlocks(written.chain, writtenBit, replacement)
    sourceBit = at(endBit, replacement.endBlock - 1)
    if (replacements[nth + 1]?.stream === replacement.stream) continue
    const stream = map.streams[replacement.stream]
    if (stream === undefined) throw differs(`there is no stream of block ${replacement.firstBlock}`)
    await isCopied(stream.footerBit)
    const ofStream = replacements.filter((other) => other.stream === replacement.stream)
    const from = ofStream[0]?.firstBlock ?? replacement.firstBlock
    let combined = combinedBefore(stream.combinedCrc, crc.subarray(from, stream.endBlock))
    for (const block of newOrder(map, ofStream, from, stream.endBlock)) combined = foldCrc(combined, block)
    const footer = await readBits(written.device, writtenBit, FOOTER_BITS)
    if (!formatFooter(combined).equals(footer)) throw differs(`the footer at bit ${writtenBit}`)
    writtenBit = byteAligned(writtenBit + FOOTER_BITS)
    sourceBit = byteAligned(stream.footerBit + FOOTER_BITS)
  }
  await isCopied(source.size * 8)
  if (writtenBit !== written.device.size * 8)
    throw differs(`it has ${written.device.size} bytes, expected ${Math.ceil(writtenBit / 8)}`)
}

/** @returns the bit after the new blocks */
function assertNewBlocks(chain: BlockChain, bit: number, { blocks }: EncodedReplacement): number {
  const endBit = blocks.reduce((end, { bitLength }) => end + bitLength, bit)
  if (blocks.length === 0) return endBit
  const found = chain.walk({ bit }, endBit)
  const same = blocks.every(({ crc, rawLength }, nth) => found.crc[nth] === crc && found.rawLength[nth] === rawLength)
  if (!same || found.startBit.length !== blocks.length || found.endBit.at(-1) !== endBit)
    throw differs(`the new blocks at bit ${bit}`)
  return endBit
}

/** CRCs of a stream's blocks from one on, new ones in the place of old ones. */
function* newOrder(
  map: BlockMap,
  replacements: readonly EncodedReplacement[],
  from: number,
  end: number,
): Generator<number> {
  let block = from
  for (const { blocks, endBlock, firstBlock } of replacements) {
    for (; block < firstBlock; block++) yield at(map.columns.crc, block)
    for (const { crc } of blocks) yield crc
    block = endBlock
  }
  for (; block < end; block++) yield at(map.columns.crc, block)
}

/** A range shares its first and its last byte with what was written. */
async function assertSameEnds(
  source: ByteDevice,
  fromBit: number,
  toBit: number,
  written: ByteDevice,
  signal: AbortSignal,
): Promise<void> {
  await assertSameBits(source, fromBit, byteAligned(fromBit), written, fromBit, signal)
  const lastByteBit = Math.floor(toBit / 8) * 8
  await assertSameBits(source, lastByteBit, toBit, written, lastByteBit, signal)
}

async function assertSameBits(
  source: ByteDevice,
  fromBit: number,
  toBit: number,
  written: ByteDevice,
  writtenBit: number,
  signal: AbortSignal,
): Promise<void> {
  if (fromBit >= toBit) return
  const where = `what follows bit ${writtenBit}`
  const byteShift = Math.floor(writtenBit / 8) - Math.floor(fromBit / 8)
  const endByte = Math.ceil(toBit / 8)
  if (fromBit % 8 !== writtenBit % 8 || endByte + byteShift > written.size) throw differs(where)
  const firstByte = Math.floor(fromBit / 8)
  for (const { length, offset } of piecesOf(extent(firstByte, endByte - firstByte), PIECE_BYTES)) {
    throwIfCancelled(signal)
    const [before, after] = await Promise.all([source.read(offset, length), written.read(offset + byteShift, length)])
    if (offset === firstByte) blank(before, after, 0, 0xff >> (fromBit % 8))
    if (offset + length === endByte && toBit % 8 !== 0) blank(before, after, length - 1, (0xff00 >> (toBit % 8)) & 0xff)
    if (!before.equals(after)) throw differs(where)
  }
}

/** Leaves only some bits of one byte in both: what lies before or behind the range shares it. */
function blank(before: Buffer, after: Buffer, index: number, mask: number): void {
  before[index] = (before[index] ?? 0) & mask
  after[index] = (after[index] ?? 0) & mask
}

async function readBits(device: ByteDevice, bit: number, bitLength: number): Promise<Uint8Array> {
  const firstByte = Math.floor(bit / 8)
  const length = Math.ceil((bit + bitLength) / 8) - firstByte
  if (firstByte + length > device.size) throw differs(`it ends before bit ${bit + bitLength}`)
  return realigned(await device.read(firstByte, length), bit % 8, bitLength)
}

function byteAligned(bit: number): number {
  return Math.ceil(bit / 8) * 8
}

function differs(where: string): PostCheckError {
  return new PostCheckError('ERR_CHECK_OUTPUT', `the written image differs from what was meant: ${where}`, {
    hint: 'check the disk and the memory of this machine; nothing was published',
  })
}
