/**
 * The splice: in a copy of the input, the blocks that hold changed bytes give way to new ones, and all else stays bit for
 * bit what the vendor compressed.
 *
 * The last of the new blocks is padded so that all of them together end at the bit within the byte where the old ones
 * ended: what follows is a copy of bytes. Only the combined CRC in the footer of each touched stream changes, too; it is
 * had from the stored one and the blocks that follow, so the beginning of the stream need not be known (`combined-crc.ts`).
 * The result is one ordinary stream for each of the input's.
 */
import type { FileHandle } from 'node:fs/promises'
import type { ByteDevice, EditedDevice } from '../../byte-device.js'
import { throwIfCancelled } from '../../errors.js'
import { PIECE_BYTES } from '../../in-order.js'
import type { RunContext } from '../../progress.js'
import type { BlockEncoder, EncodedBlock } from './block-encoder.js'
import { at, type BlockMap } from './block-map.js'
import { FOOTER_BITS } from './chain.js'
import { combinedBefore, foldCrc } from './combined-crc.js'
import { levelOf, type Replacement } from './splice-plan.js'
import { SpliceWriter } from './splice-writer.js'

/** A block that was written. */
export interface SplicedBlock {
  /** First bit in the new file. */
  readonly startBit: number
  readonly bitLength: number
  readonly crc: number
  /** What it holds of the edited image. */
  readonly rawOffset: number
  readonly rawLength: number
  readonly level: number
}

export interface SpliceResult {
  /** Bytes from the start of the file that are the input's. */
  readonly keptBytes: number
  readonly sizeBytes: number
  readonly blocks: readonly SplicedBlock[]
}

const FOOTER_MAGIC = Buffer.from('177245385090', 'hex')

/**
 * @param target a copy of the input, which is cut where the first change begins and written on from there
 * @param replacements at least one, in order
 * @throws ERR_NO_SPACE | ERR_IO, ERR_CANCELLED
 */
export async function writeSplice(
  source: ByteDevice,
  map: BlockMap,
  replacements: readonly Replacement[],
  edited: EditedDevice,
  encoder: BlockEncoder,
  target: { readonly handle: FileHandle; readonly name: string },
  context: RunContext,
): Promise<SpliceResult> {
  const [first] = replacements
  if (first === undefined) return { keptBytes: source.size, sizeBytes: source.size, blocks: [] }
  const { startBit, endBit, crc } = map.columns
  const firstBit = at(startBit, first.firstBlock)
  const keptBytes = Math.floor(firstBit / 8)
  const [firstByte = 0] = await source.read(keptBytes, 1)
  await target.handle.truncate(keptBytes)
  const writer = new SpliceWriter(target.handle, target.name, firstBit, firstByte)
  const blocks: SplicedBlock[] = []
  /** The input's bit that comes next, unless it is replaced. */
  let sourceBit = firstBit
  for (const [streamIndex, ofStream] of groupByStream(replacements)) {
    const stream = map.streams[streamIndex]
    if (stream === undefined) continue
    const level = levelOf(map, stream)
    const firstBlock = ofStream[0]?.firstBlock ?? stream.endBlock
    let combined = combinedBefore(stream.combinedCrc, crc.subarray(firstBlock, stream.endBlock))
    let block = firstBlock
    for (const replacement of ofStream) {
      for (; block < replacement.firstBlock; block++) combined = foldCrc(combined, at(crc, block))
      const oldStart = at(startBit, replacement.firstBlock)
      const oldEnd = at(endBit, replacement.endBlock - 1)
      await writer.copy(source, sourceBit, oldStart)
      for await (const { encoded, rawOffset } of encodeRange(edited, replacement, encoder, level, oldEnd - oldStart)) {
        throwIfCancelled(context.signal)
        const { bytes, bitLength, rawLength } = encoded
        blocks.push({ startBit: writer.position, bitLength, crc: encoded.crc, rawOffset, rawLength, level })
        await writer.append(bytes, bitLength)
        combined = foldCrc(combined, encoded.crc)
      }
      sourceBit = oldEnd
      block = replacement.endBlock
    }
    for (; block < stream.endBlock; block++) combined = foldCrc(combined, at(crc, block))
    // Where blocks only went, nothing pads: then nothing follows in the stream either, but its footer.
    if (sourceBit < stream.footerBit) await writer.copy(source, sourceBit, stream.footerBit)
    await writer.append(footer(combined), FOOTER_BITS)
    await writer.align()
    sourceBit = Math.ceil((stream.footerBit + FOOTER_BITS) / 8) * 8
  }
  await writer.copy(source, sourceBit, source.size * 8)
  await writer.finish()
  return { keptBytes, sizeBytes: writer.position / 8, blocks }
}

function groupByStream(replacements: readonly Replacement[]): ReadonlyMap<number, readonly Replacement[]> {
  const groups = new Map<number, Replacement[]>()
  for (const replacement of replacements) {
    const group = groups.get(replacement.stream)
    if (group === undefined) groups.set(replacement.stream, [replacement])
    else group.push(replacement)
  }
  return groups
}

/**
 * New blocks for a range of the edited image, together as long as the old ones but for whole bytes.
 *
 * @param oldBits how many bits the new ones replace
 */
async function* encodeRange(
  edited: ByteDevice,
  range: { readonly rawStart: number; readonly rawEnd: number },
  encoder: BlockEncoder,
  level: number,
  oldBits: number,
): AsyncGenerator<{ readonly encoded: EncodedBlock; readonly rawOffset: number }> {
  let newBits = 0
  for (let rawOffset = range.rawStart; rawOffset < range.rawEnd; ) {
    encoder.begin(level)
    let end = rawOffset
    let full = false
    while (!full && end < range.rawEnd) {
      const bytes = await edited.read(end, Math.min(PIECE_BYTES, range.rawEnd - end))
      const taken = encoder.feed(bytes)
      end += taken
      full = taken < bytes.length
    }
    const isLast = end === range.rawEnd
    const encoded = encoder.finish(isLast ? modulo8(oldBits - newBits) : undefined)
    yield { encoded, rawOffset }
    newBits += encoded.bitLength
    rawOffset = end
  }
}

function modulo8(value: number): number {
  return ((value % 8) + 8) % 8
}

function footer(combined: number): Buffer {
  const bytes = Buffer.alloc(FOOTER_MAGIC.length + 4)
  FOOTER_MAGIC.copy(bytes)
  bytes.writeUInt32BE(combined, FOOTER_MAGIC.length)
  return bytes
}
