/**
 * bzip2 files in any layout: blocks as the real programs wrote them, put into streams of our choice at bit phases of our
 * choice. Nothing here is the code under test: blocks are found by their magics (by chance there is one in 10^5 images too
 * many; bzip2 decodes every block alone and would say so).
 */
import { execFileSync } from 'node:child_process'
import { BitAppender, type BitPiece, cutBits, pieceOf } from './bit-pieces.js'
import { type Bzip2ProgramName, compress } from './bzip2.js'
import { craftBlock } from './bzip2-craft.js'

const MAGIC_BITS = 48
const BLOCK_MAGIC = 0x314159265359
const FOOTER_MAGIC = 0x177245385090

export interface LooseBlock {
  /** From the block's magic on. */
  readonly piece: BitPiece
  readonly crc: number
  readonly decoded: Buffer
}

export interface StreamLayout {
  readonly level: number
  readonly blocks: readonly LooseBlock[]
}

export interface PlacedBlock {
  readonly startBit: number
  readonly endBit: number
  readonly rawOffset: number
  readonly rawLength: number
  readonly crc: number
  /** Index of its stream. */
  readonly stream: number
}

export interface LaidOutFile {
  readonly bytes: Buffer
  readonly decoded: Buffer
  readonly blocks: readonly PlacedBlock[]
  readonly streams: readonly { readonly level: number; readonly footerBit: number; readonly combinedCrc: number }[]
}

/** The blocks that a program makes of some bytes. */
export function blocksOf(content: Buffer, level: number, program: Bzip2ProgramName): readonly LooseBlock[] {
  const blocks = takeApart(compress(content, level, program)).flatMap((stream) => stream.blocks)
  if (!Buffer.concat(blocks.map(({ decoded }) => decoded)).equals(content)) throw new Error('blocks were lost')
  return blocks
}

/** A real program's file as streams of blocks; laid out again they are the same file. */
export function takeApart(file: Buffer): readonly StreamLayout[] {
  const streams: { level: number; blocks: LooseBlock[] }[] = []
  const hits = magicsOf(file)
  let headerByte = 0
  let blocks: LooseBlock[] = []
  for (const [index, { bit, magic }] of hits.entries()) {
    const level = Number(file.toString('latin1', headerByte + 3, headerByte + 4))
    if (magic === FOOTER_MAGIC) {
      streams.push({ level, blocks })
      blocks = []
      headerByte = Math.ceil((bit + MAGIC_BITS + 32) / 8)
      continue
    }
    const piece = cutBits(file, bit, hits[index + 1]!.bit)
    const crc = Buffer.from(cutBits(file, bit + MAGIC_BITS, bit + MAGIC_BITS + 32).bytes).readUInt32BE()
    const alone = layOut([{ level, blocks: [{ piece, crc, decoded: Buffer.alloc(0) }] }]).bytes
    blocks.push({ piece, crc, decoded: bunzip2(alone) })
  }
  if (!layOut(streams).bytes.equals(file)) throw new Error('not taken apart rightly')
  return streams
}

export function bunzip2(file: Buffer): Buffer {
  return execFileSync('bzip2', ['-dc'], { input: file, maxBuffer: 1 << 30 })
}

/** A small block whose bit length has this remainder modulo 8: what follows begins at any phase. */
export function phaseBlock(phase: number, seed = 0): LooseBlock {
  const symbols = Array.from({ length: 60 }, (_, index) => 2 + ((index * 7 + seed) % 200))
  for (let spare = 0; spare < 8; spare++) {
    const { bits, crc, decoded } = craftBlock(symbols, spare)
    if (bits.length % 8 === phase) return { piece: pieceOf(bits), crc, decoded }
  }
  throw new Error('eight spare selectors give eight phases')
}

export function layOut(streams: readonly StreamLayout[]): LaidOutFile {
  const file = new BitAppender()
  const placed: PlacedBlock[] = []
  const footers: { level: number; footerBit: number; combinedCrc: number }[] = []
  let rawOffset = 0
  for (const [stream, { level, blocks }] of streams.entries()) {
    file.append({ bytes: Buffer.from(`BZh${level}`), bitLength: 32 })
    let combinedCrc = 0
    for (const { piece, crc, decoded } of blocks) {
      const startBit = file.bitLength
      file.append(piece)
      placed.push({ startBit, endBit: file.bitLength, rawOffset, rawLength: decoded.length, crc, stream })
      rawOffset += decoded.length
      combinedCrc = (((combinedCrc << 1) | (combinedCrc >>> 31)) ^ crc) >>> 0
    }
    footers.push({ level, footerBit: file.bitLength, combinedCrc })
    const footer = Buffer.from('17724538509000000000', 'hex')
    footer.writeUInt32BE(combinedCrc, 6)
    file.append({ bytes: footer, bitLength: 80 }).align()
  }
  const decoded = Buffer.concat(streams.flatMap(({ blocks }) => blocks.map((block) => block.decoded)))
  return { bytes: file.toBuffer(), decoded, blocks: placed, streams: footers }
}

/** Both magics wherever they are, by the plain search: 48 bits through a window, bit by bit. */
function magicsOf(bytes: Buffer): { readonly bit: number; readonly magic: number }[] {
  const hits: { bit: number; magic: number }[] = []
  let high = 0
  let low = 0
  for (let bit = 0; bit < bytes.length * 8; bit++) {
    const next = (bytes[bit >> 3]! >> (7 - (bit & 7))) & 1
    high = ((high << 1) | (low >>> 23)) & 0xffffff
    low = ((low << 1) | next) & 0xffffff
    for (const magic of [BLOCK_MAGIC, FOOTER_MAGIC]) {
      if (low === magic % 0x1000000 && high === Math.floor(magic / 0x1000000))
        hits.push({ bit: bit + 1 - MAGIC_BITS, magic })
    }
  }
  return hits
}
