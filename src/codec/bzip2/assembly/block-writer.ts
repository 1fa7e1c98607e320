/**
 * Writes a block (Tsai, section 2.2), the mirror of block-header.ts and block-data.ts.
 *
 * A block may have more selectors than groups. Each more that names the same table as the one before takes one bit, so
 * up to seven of them give the block any length modulo 8: then what follows in a file keeps its bit phase. That is
 * known from lbzip2, which ends all its blocks at whole bytes this way.
 *
 * And a code length may go one up and down again before it is said: four bits each time, as often as one likes. With both a
 * block gets exactly the length of the one whose place it takes, and what follows in a file need not be moved at all.
 */
import { endOutput, outputBits, putBits, startOutput } from './bit-writer'
import { MAX_WRITTEN_CODE_BITS } from './code-lengths'
import { columnBytesInUse, columnSymbols } from './column-symbols'
import {
  BYTES_IN_USE,
  CODE_LENGTHS,
  CODE_LENGTHS_ROW,
  CODES,
  CODES_ROW,
  DATA_SYMBOLS,
  FREQUENCIES,
  FREQUENCIES_ROW,
  GROUP_SYMBOLS,
  MAX_PADDING_BYTES,
  SELECTORS,
} from './memory-map'
import { chosenSelectors, chosenTables } from './table-choice'

const MAGIC_HIGH: u32 = 0x314159
const MAGIC_LOW: u32 = 0x265359
/** No phase is asked for. */
export const ANY_PHASE: u32 = 8

/**
 * Writes all that was chosen for the block to OUTPUT.
 *
 * @param wanted its length in bits, if padding can do that; else only the phase counts
 */
export function writeBlock(crc: u32, originRow: u32, phase: u32, wanted: u32): void {
  startOutput()
  putBits(MAGIC_HIGH, 24)
  putBits(MAGIC_LOW, 24)
  putBits(crc, 32)
  putBits(0, 1)
  putBits(originRow, 24)
  writeBytesInUse()
  putBits(chosenTables(), 3)
  // All that follows the count of selectors has a known length, so the spare ones are known too.
  const selectors = chosenSelectors()
  const lengthWithout = outputBits() + 15 + selectorBits(selectors) + tableBits() + dataBits()
  const padding = wanted - lengthWithout
  const isPadded = wanted >= lengthWithout && padding <= MAX_PADDING_BYTES << 3
  const detours = isPadded ? padding / DETOUR_BITS : 0
  const spare = isPadded ? padding % DETOUR_BITS : phase == ANY_PHASE ? 0 : (phase - lengthWithout) & 7
  putBits(selectors + spare, 15)
  writeSelectors(selectors, spare)
  for (let table: u32 = 0; table < chosenTables(); table++) {
    writeCodeLengths(table, detoursOf(table, detours))
    assignCodes(table)
  }
  writeData()
  endOutput()
}

function writeBytesInUse(): void {
  let ranges: u32 = 0
  for (let index: u32 = 0; index < columnBytesInUse(); index++) {
    ranges |= 0x8000 >>> (load<u8>(BYTES_IN_USE + index) >>> 4)
  }
  putBits(ranges, 16)
  let index: u32 = 0
  for (let range: u32 = 0; range < 16; range++) {
    let bytes: u32 = 0
    for (; index < columnBytesInUse(); index++) {
      const byte: u32 = <u32>load<u8>(BYTES_IN_USE + index)
      if (byte >>> 4 != range) break
      bytes |= 0x8000 >>> (byte & 15)
    }
    if (bytes != 0) putBits(bytes, 16)
  }
}

// ---- Selectors: the place of each in a list of the tables, as ones that a zero ends; the table moves to the front.

/** The list, four bits a place, the first place lowest. */
const FIRST_LIST: u32 = 0x543210

function placeInList(list: u32, table: u32): u32 {
  let place: u32 = 0
  while (((list >>> (place << 2)) & 15) != table) place++
  return place
}

function withFront(list: u32, place: u32): u32 {
  const shift = place << 2
  const before = list & ((1 << shift) - 1)
  return (list & (0xfffffff0 << shift)) | (before << 4) | ((list >>> shift) & 15)
}

function selectorBits(selectors: u32): u32 {
  let bits: u32 = 0
  let list = FIRST_LIST
  for (let selector: u32 = 0; selector < selectors; selector++) {
    const place = placeInList(list, <u32>load<u8>(SELECTORS + selector))
    list = withFront(list, place)
    bits += place + 1
  }
  return bits
}

function writeSelectors(selectors: u32, spare: u32): void {
  let list = FIRST_LIST
  for (let selector: u32 = 0; selector < selectors; selector++) {
    const place = placeInList(list, <u32>load<u8>(SELECTORS + selector))
    list = withFront(list, place)
    putBits((2 << place) - 2, place + 1)
  }
  for (; spare > 0; spare--) putBits(0, 1)
}

// ---- Code lengths: the first with 5 bits, then for each symbol steps of one up (10) or down (11), ended by 0.

function tableBits(): u32 {
  let bits: u32 = 0
  for (let table: u32 = 0; table < chosenTables(); table++) {
    const lengths = CODE_LENGTHS + table * CODE_LENGTHS_ROW
    let length: i32 = load<u8>(lengths)
    bits += 5
    for (let symbol: u32 = 0; symbol < columnBytesInUse() + 2; symbol++) {
      const wanted: i32 = load<u8>(lengths + symbol)
      bits += 1 + 2 * abs(wanted - length)
      length = wanted
    }
  }
  return bits
}

/** One up and one down. */
const DETOUR_BITS: u32 = 4

/** A table's share, the first ones' no smaller. */
function detoursOf(table: u32, total: u32): u32 {
  return total / chosenTables() + (table < total % chosenTables() ? 1 : 0)
}

/** Detours are spread over the symbols: no code length takes many. */
function writeCodeLengths(table: u32, detours: u32): void {
  const lengths = CODE_LENGTHS + table * CODE_LENGTHS_ROW
  const symbols = columnBytesInUse() + 2
  let length: u32 = <u32>load<u8>(lengths)
  putBits(length, 5)
  for (let symbol: u32 = 0; symbol < symbols; symbol++) {
    // Longest is 17, and 20 is allowed: there is room above each.
    for (let left = detours / symbols + (symbol < detours % symbols ? 1 : 0); left > 0; left--) putBits(0b1011, 4)
    const wanted: u32 = <u32>load<u8>(lengths + symbol)
    for (; length < wanted; length++) putBits(0b10, 2)
    for (; length > wanted; length--) putBits(0b11, 2)
    putBits(0, 1)
  }
}

// ---- Data.

function dataBits(): u32 {
  let bits: u32 = 0
  for (let table: u32 = 0; table < chosenTables(); table++) {
    for (let symbol: u32 = 0; symbol < columnBytesInUse() + 2; symbol++) {
      const frequency = load<u32>(FREQUENCIES + table * FREQUENCIES_ROW + (symbol << 2))
      bits += frequency * <u32>load<u8>(CODE_LENGTHS + table * CODE_LENGTHS_ROW + symbol)
    }
  }
  return bits
}

/** Canonical codes: shorter ones first, equal lengths in the order of the symbols. */
function assignCodes(table: u32): void {
  const lengths = CODE_LENGTHS + table * CODE_LENGTHS_ROW
  const codes = CODES + table * CODES_ROW
  let code: u32 = 0
  for (let length: u32 = 1; length <= MAX_WRITTEN_CODE_BITS; length++) {
    for (let symbol: u32 = 0; symbol < columnBytesInUse() + 2; symbol++) {
      if (load<u8>(lengths + symbol) == length) store<u32>(codes + (symbol << 2), (code++ << 5) | length)
    }
    code <<= 1
  }
}

function writeData(): void {
  const end = DATA_SYMBOLS + (columnSymbols() << 1)
  let selector = SELECTORS
  for (let group = DATA_SYMBOLS; group < end; group += GROUP_SYMBOLS << 1) {
    const codes = CODES + <u32>load<u8>(selector++) * CODES_ROW
    const groupEnd = min(group + (GROUP_SYMBOLS << 1), end)
    for (let at = group; at < groupEnd; at += 2) {
      const entry = load<u32>(codes + (<u32>load<u16>(at) << 2))
      putBits(entry >>> 5, entry & 31)
    }
  }
}
