/** Blocks made to mislead: with a magic inside their data, or longer than any program writes. bzip2 takes them all. */

import { BitAppender, type BitPiece, pieceOf } from './bit-pieces.js'
import { craftBlock } from './bzip2-craft.js'
import { bunzip2, type LooseBlock, layOut } from './bzip2-layout.js'
import { crcOf } from './bzip2-oracle.js'
import { noise } from './random.js'

const MAGICS = { block: [0x31, 0x41, 0x59, 0x26, 0x53, 0x59], footer: [0x17, 0x72, 0x45, 0x38, 0x50, 0x90] } as const
/** Coded as themselves: 8 bits each, but for the runs and the end of block. */
const symbolsFrom = (bytes: Uint8Array) => Array.from(bytes, (byte) => 2 + (byte % 250))

/**
 * A block that holds a magic followed by a CRC and more.
 *
 * @param symbols how long its data is
 * @param at how many symbols lie before the magic
 * @param spare selectors more than needed: they shift the magic by as many bits
 */
export function falseMagicBlock(magic: keyof typeof MAGICS, symbols: number, at: number, spare = 0): LooseBlock {
  const data = symbolsFrom(noise(symbols, `${magic} ${at}`))
  data.splice(at, MAGICS[magic].length, ...MAGICS[magic])
  const { bits, crc, decoded } = craftBlock(data, spare)
  return { piece: pieceOf(bits), crc, decoded }
}

/** A block with 14 bits a symbol: no program wastes so many. Its rows are those of a text in order. */
export function longBlock(length: number): LooseBlock {
  const order = Array.from({ length: 254 }, (_, byte) => byte)
  const column = noise(length).map((byte) => byte % 254)
  // No byte twice in a row: no runs.
  for (let at = 1; at < length; at++) if (column[at] === column[at - 1]) column[at] = (column[at]! + 1) % 254
  const block = new BitAppender()
  const put = (value: number, width: number) => {
    const bytes = Buffer.alloc(4)
    bytes.writeUInt32BE((value << (32 - width)) >>> 0)
    block.append({ bytes, bitLength: width })
  }
  const symbols: number[] = []
  for (const byte of column) {
    const place = order.indexOf(byte)
    // Only the very first byte can have place 0: a run of one.
    symbols.push(place === 0 ? 0 : place + 1)
    order.splice(place, 1)
    order.unshift(byte)
  }
  symbols.push(255)
  const build = (crc: number): BitPiece => {
    const piece = new BitAppender()
    piece.append({ bytes: Buffer.from('314159265359', 'hex'), bitLength: 48 })
    const crcBytes = Buffer.alloc(4)
    crcBytes.writeUInt32BE(crc)
    piece.append({ bytes: crcBytes, bitLength: 32 })
    piece.append({ bytes: block.toBuffer(), bitLength: block.bitLength })
    return { bytes: piece.toBuffer(), bitLength: piece.bitLength }
  }
  put(0, 1)
  put(0, 24)
  for (let range = 0; range < 17; range++) put(range === 16 ? 0xfffc : 0xffff, 16)
  const selectors = Math.ceil(symbols.length / 50)
  put(2, 3)
  put(selectors, 15)
  for (let selector = 0; selector < selectors; selector++) put(0, 1)
  for (let table = 0; table < 2; table++) {
    put(14, 5)
    for (let symbol = 0; symbol < 256; symbol++) put(0, 1)
  }
  for (const symbol of symbols) put(symbol, 14)
  const decoded = undoBurrowsWheeler(column)
  const crc = crcOf(decoded)
  const long = { piece: build(crc), crc, decoded }
  if (!bunzip2(layOut([{ level: 9, blocks: [long] }]).bytes).equals(decoded)) throw new Error('not what bzip2 decodes')
  return long
}

/** From row 0; the column has so many values that no four equal bytes come together. */
function undoBurrowsWheeler(column: Uint8Array): Buffer {
  const rows = Uint32Array.from(column.keys()).sort((a, b) => column[a]! - column[b]! || a - b)
  const bytes = Buffer.alloc(column.length)
  let row = 0
  for (let at = 0; at < column.length; at++) {
    row = rows[row]!
    bytes[at] = column[row]!
  }
  return bytes
}
