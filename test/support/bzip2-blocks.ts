/** Whole bzip2 files taken apart block by block, with the decoder under test. */
import type { BlockDecoder, BlockResult } from '#src/codec/bzip2/block-decoder.js'
import { BitWriter, bitsOf } from './bits.js'
import { undoRuns } from './bzip2-oracle.js'

const MAGIC_BITS = 48
const FOOTER_BITS = 48 + 32
const HEADER_BITS = 32

export interface FileBlock {
  /** From the block's magic to its end. */
  readonly bits: string
  readonly level: number
  readonly decoded: Buffer
}

/** The result for a block that begins at a bit of these bytes, with nothing but zeros behind them. */
export function decodeAt(decoder: BlockDecoder, bytes: Uint8Array, startBit: number, level: number): BlockResult {
  decoder.input.set(bytes)
  decoder.input.fill(0, bytes.length, bytes.length + 64)
  return decoder.decode(startBit, bytes.length, level)
}

/** The decoded bytes of the decoder's last block. */
export function decodedText(decoder: BlockDecoder): Buffer {
  const decoded = undoRuns(decoder.text())
  if (decoded === undefined) throw new Error('the text ends in a run without its count')
  return decoded
}

/** Every block of a file of at most 4 MiB, whatever its streams; throws at the first that is not valid. */
export function decodeFile(decoder: BlockDecoder, file: Buffer): FileBlock[] {
  const bits = bitsOf(file)
  const blocks: FileBlock[] = []
  for (let at = 0; at < bits.length; ) {
    const level = Number(file.toString('latin1', at / 8 + 3, at / 8 + 4))
    at += HEADER_BITS
    while (Number.parseInt(bits.slice(at, at + MAGIC_BITS), 2) !== 0x177245385090) {
      const result = decodeAt(decoder, file, at, level)
      if (result.kind === 'fault') throw new Error(`${result.fault} in the block at bit ${at}, at bit ${result.bit}`)
      const decoded = decodedText(decoder)
      if (decoded.length !== result.rawLength)
        throw new Error(`${result.rawLength} bytes told, ${decoded.length} found`)
      blocks.push({ bits: bits.slice(at, result.endBit), level, decoded })
      at = result.endBit
    }
    at = Math.ceil((at + FOOTER_BITS) / 8) * 8
  }
  return blocks
}

/** A file of one stream with these blocks, each given as bits with its CRC. */
export function fileOf(blocks: readonly { readonly bits: string; readonly crc: number }[], level: number): Buffer {
  const writer = new BitWriter().put(BigInt(`0x${Buffer.from(`BZh${level}`).toString('hex')}`), HEADER_BITS)
  let combined = 0
  for (const { bits, crc } of blocks) {
    writer.bits(bits)
    combined = (((combined << 1) | (combined >>> 31)) ^ crc) >>> 0
  }
  return writer.put(0x177245385090n, MAGIC_BITS).put(combined, 32).align().toBuffer()
}
