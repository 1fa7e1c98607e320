/**
 * The splice: in a copy of the input, the blocks that hold changed bytes give way to new ones, and all else stays bit for
 * bit what the vendor compressed.
 *
 * The last of the new blocks is padded so that all of them together end at the bit within the byte where the old ones
 * ended: what follows is a copy of bytes. Where they are exactly as long, it is there already, and is not touched. Only the
 * combined CRC in the footer of each touched stream changes, too; it is had from the stored one and the blocks that follow,
 * so the beginning of the stream need not be known (`combined-crc.ts`). The result is one ordinary stream for each of the
 * input's.
 */
import type { FileHandle } from 'node:fs/promises'
import type { ByteDevice } from '../../byte-device.js'
import { throwIfCancelled } from '../../errors.js'
import { at, type BlockMap } from './block-map.js'
import { FOOTER_BITS } from './chain.js'
import { combinedBefore, foldCrc } from './combined-crc.js'
import type { EncodedReplacement } from './splice-encode.js'
import type { SpliceLimits } from './splice-limits.js'
import { SpliceWriter } from './splice-writer.js'

export interface BitRange {
  readonly fromBit: number
  readonly toBit: number
}

export interface SpliceResult {
  /** Bytes from the start of the file that are the input's. */
  readonly keptBytes: number
  readonly sizeBytes: number
  /** What else was left as it was copied: the same bits in both files. */
  readonly untouched: readonly BitRange[]
}

/** Magic of a footer. */
const FOOTER_MAGIC = Buffer.from('177245385090', 'hex')

/**
 * @param target a copy of the input, which is written on from where the first change begins
 * @param replacements in order
 * @throws ERR_NO_SPACE | ERR_IO, ERR_CANCELLED
 */
export async function writeSplice(
  source: ByteDevice,
  map: BlockMap,
  replacements: readonly EncodedReplacement[],
  target: { readonly handle: FileHandle; readonly name: string },
  limits: SpliceLimits,
  signal: AbortSignal,
): Promise<SpliceResult> {
  const [first] = replacements
  if (first === undefined) return { keptBytes: source.size, sizeBytes: source.size, untouched: [] }
  const { startBit, endBit, crc } = map.columns
  const firstBit = at(startBit, first.firstBlock)
  const keptBytes = Math.floor(firstBit / 8)
  const [firstByte = 0] = await source.read(keptBytes, 1)
  const writer = new SpliceWriter(target.handle, target.name, firstBit, firstByte)
  const untouched: BitRange[] = []
  /** The input's bit that comes next, unless it is replaced. */
  let sourceBit = firstBit
  const copyUntil = async (toBit: number): Promise<void> => {
    if (sourceBit === writer.position && toBit - sourceBit >= 8 * limits.skip && toBit - sourceBit > 16) {
      untouched.push({ fromBit: sourceBit, toBit })
      await writer.skip(source, toBit)
    } else await writer.copy(source, sourceBit, toBit)
  }
  for (const [streamIndex, ofStream] of groupByStream(replacements)) {
    const stream = map.streams[streamIndex]
    if (stream === undefined) continue
    let block = ofStream[0]?.firstBlock ?? stream.endBlock
    let combined = combinedBefore(stream.combinedCrc, crc.subarray(block, stream.endBlock))
    for (const { firstBlock, endBlock, blocks } of ofStream) {
      throwIfCancelled(signal)
      for (; block < firstBlock; block++) combined = foldCrc(combined, at(crc, block))
      await copyUntil(at(startBit, firstBlock))
      for (const fresh of blocks) {
        await writer.append(fresh.bytes, fresh.bitLength)
        combined = foldCrc(combined, fresh.crc)
      }
      sourceBit = at(endBit, endBlock - 1)
      block = endBlock
    }
    for (; block < stream.endBlock; block++) combined = foldCrc(combined, at(crc, block))
    await copyUntil(stream.footerBit)
    await writer.append(formatFooter(combined), FOOTER_BITS)
    await writer.align()
    sourceBit = Math.ceil((stream.footerBit + FOOTER_BITS) / 8) * 8
  }
  await copyUntil(source.size * 8)
  await writer.finish()
  const sizeBytes = writer.position / 8
  // A copy that is longer than what came of it.
  if (sizeBytes < source.size) await target.handle.truncate(sizeBytes)
  return { keptBytes, sizeBytes, untouched }
}

function groupByStream(
  replacements: readonly EncodedReplacement[],
): ReadonlyMap<number, readonly EncodedReplacement[]> {
  const groups = new Map<number, EncodedReplacement[]>()
  for (const replacement of replacements) {
    const group = groups.get(replacement.stream)
    if (group === undefined) groups.set(replacement.stream, [replacement])
    else group.push(replacement)
  }
  return groups
}

/** Magic and combined CRC, from bit 0 on. */
export function formatFooter(combined: number): Buffer {
  const crc = Buffer.alloc(4)
  crc.writeUInt32BE(combined)
  return Buffer.concat([FOOTER_MAGIC, crc])
}
