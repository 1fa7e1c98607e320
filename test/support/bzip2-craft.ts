/**
 * Blocks of bzip2 whose coded bits are chosen first and decoded afterwards, so that block data can hold any bytes at all:
 * another magic, a whole header. Works because a code of 256 symbols with 8 bits each makes a symbol's code the symbol
 * itself. The decoding here is the plain textbook one, and the programs' own output is compared with it.
 *
 * Source: Joe Tsai, "BZIP2 Format Specification" (2015), sections 2.2 and 2.3.
 */
import { BitWriter } from './bits.js'
import { BLOCK_MAGIC, END_OF_STREAM_MAGIC } from './bzip2.js'

/** Byte values 0 to 253 are in use: with RUNA, RUNB and the end of block that makes 256 symbols. */
const USED_BYTES = 254
const RUN_A = 0
const RUN_B = 1
const END_OF_BLOCK = 255
const GROUP_SYMBOLS = 50

export interface CraftedBlock {
  /** From the block's magic on. */
  readonly bits: string
  readonly crc: number
  readonly decoded: Buffer
}

/**
 * @param symbols what the block's coded data says, 8 bits each, without the end of block
 * @param spareSelectors more selectors than needed: each shifts the coded data by one bit
 */
export function craftBlock(symbols: readonly number[], spareSelectors = 0): CraftedBlock {
  const last = undoMoveToFront(symbols)
  const { decoded, origin } = decodeFromSomeRow(last)
  const crc = crcOf(decoded)
  return { bits: blockBits(symbols, origin, crc, spareSelectors), crc, decoded }
}

/** A block whose data says anything, sound or not. */
export function hostileBlock(symbols: readonly number[], origin = 0): CraftedBlock {
  return { bits: blockBits(symbols, origin, 0, 0), crc: 0, decoded: Buffer.alloc(0) }
}

function blockBits(symbols: readonly number[], origin: number, crc: number, spareSelectors: number): string {
  const writer = new BitWriter().put(BLOCK_MAGIC, 48).put(crc, 32).put(0, 1).put(origin, 24)
  // All sixteen ranges in use; the last lacks 254 and 255.
  writer.put(0xffff, 16)
  for (let range = 0; range < 15; range++) writer.put(0xffff, 16)
  writer.put(0xfffc, 16)
  const selectors = Math.ceil((symbols.length + 1) / GROUP_SYMBOLS) + spareSelectors
  writer.put(2, 3).put(selectors, 15)
  for (let selector = 0; selector < selectors; selector++) writer.put(0, 1)
  for (let table = 0; table < 2; table++) {
    writer.put(8, 5)
    for (let symbol = 0; symbol < 256; symbol++) writer.put(0, 1)
  }
  for (const symbol of [...symbols, END_OF_BLOCK]) writer.put(symbol, 8)
  return writer.toString()
}

/** A stream of these blocks, with the footer that they ask for. */
export function craftStream(blocks: readonly CraftedBlock[], level = 9): Buffer {
  const writer = new BitWriter()
  for (const byte of Buffer.from(`BZh${level}`)) writer.put(byte, 8)
  let combined = 0
  for (const { bits, crc } of blocks) {
    writer.bits(bits)
    combined = (((combined << 1) | (combined >>> 31)) ^ crc) >>> 0
  }
  return writer.put(END_OF_STREAM_MAGIC, 48).put(combined, 32).align().toBuffer()
}

/** Any row gives some bytes; taken is the first whose last run is not left without its length. */
function decodeFromSomeRow(last: readonly number[]): { readonly decoded: Buffer; readonly origin: number } {
  for (let origin = 0; origin < last.length; origin++) {
    const decoded = undoRuns(undoBurrowsWheeler(last, origin))
    if (decoded !== undefined) return { decoded, origin }
  }
  throw new Error('no row gives whole runs')
}

function undoMoveToFront(symbols: readonly number[]): number[] {
  const order = Array.from({ length: USED_BYTES }, (_, byte) => byte)
  const bytes: number[] = []
  let run = 0
  let weight = 1
  for (const symbol of [...symbols, END_OF_BLOCK]) {
    if (symbol === RUN_A || symbol === RUN_B) {
      run += weight * (symbol + 1)
      weight *= 2
      continue
    }
    for (; run > 0; run--) bytes.push(order[0]!)
    weight = 1
    if (symbol === END_OF_BLOCK) break
    const [byte] = order.splice(symbol - 1, 1)
    order.unshift(byte!)
    bytes.push(byte!)
  }
  return bytes
}

function undoBurrowsWheeler(last: readonly number[], origin: number): number[] {
  const sorted = last.map((byte, index) => ({ byte, index })).sort((a, b) => a.byte - b.byte || a.index - b.index)
  const bytes: number[] = []
  let row = origin
  for (let count = 0; count < last.length; count++) {
    const { byte, index } = sorted[row]!
    bytes.push(byte)
    row = index
  }
  return bytes
}

/** Four equal bytes are followed by how many more of them there are. */
function undoRuns(bytes: readonly number[]): Buffer | undefined {
  const decoded: number[] = []
  let run = 0
  let previous = -1
  for (const byte of bytes) {
    if (run === 4) {
      for (let more = 0; more < byte; more++) decoded.push(previous)
      run = 0
      previous = -1
      continue
    }
    run = byte === previous ? run + 1 : 1
    previous = byte
    decoded.push(byte)
  }
  return run === 4 ? undefined : Buffer.from(decoded)
}

/** CRC-32 with the polynomial 0x04c11db7, most significant bit first (section 2.2.2). */
function crcOf(bytes: Uint8Array): number {
  let crc = 0xffffffff
  for (const byte of bytes) {
    crc ^= byte << 24
    for (let bit = 0; bit < 8; bit++) crc = (crc << 1) ^ (crc < 0 ? 0x04c11db7 : 0)
  }
  return ~crc >>> 0
}
