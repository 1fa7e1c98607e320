/**
 * What stands before a block's data (Tsai, section 2.2): magic, CRC, randomised bit, origPtr, bytes in use, selectors,
 * code lengths. The fields are kept here for the steps that follow.
 */
import { bitLimit, bitPosition, isPastEnd, moveTo, takeBits } from './bit-reader'
import {
  BAD_MAGIC,
  BAD_SELECTOR,
  BAD_TABLE_COUNT,
  CUT_OFF,
  NO_BYTES_IN_USE,
  NO_FAULT,
  NO_SELECTORS,
} from './faults'
import { BYTES_IN_USE, MAX_SELECTORS, MAX_TABLES, SELECTORS } from './memory-map'
import { prepareDecoding, readCodeLengths } from './prefix-codes'

const MAGIC_BITS: u32 = 48
const MAGIC_HIGH: u32 = 0x314159
const MAGIC_LOW: u32 = 0x265359

let storedCrc: u32 = 0
let randomised: bool = false
let origPtr: u32 = 0
let bytesInUse: u32 = 0
let selectorCount: u32 = 0

export function storedBlockCrc(): u32 {
  return storedCrc
}
export function isRandomised(): bool {
  return randomised
}
/** The row of the sorted rotations that holds the text itself. */
export function originRow(): u32 {
  return origPtr
}
export function bytesInUseCount(): u32 {
  return bytesInUse
}
/** Selectors that can be used: of more than MAX_SELECTORS the rest is left out, as bzip2 does since 1.0.8. */
export function usableSelectors(): u32 {
  return min(selectorCount, MAX_SELECTORS)
}

/** Reads up to the first bit of the data. */
export function readBlockHeader(): i32 {
  const start = bitPosition()
  if (bitLimit() - start < MAGIC_BITS) {
    moveTo(bitLimit())
    return CUT_OFF
  }
  if (takeBits(24) != MAGIC_HIGH || takeBits(24) != MAGIC_LOW) {
    moveTo(start)
    return BAD_MAGIC
  }
  storedCrc = takeBits(16) << 16
  storedCrc |= takeBits(16)
  randomised = takeBits(1) != 0
  origPtr = takeBits(24)
  if (isPastEnd()) return CUT_OFF
  readBytesInUse()
  if (isPastEnd()) return CUT_OFF
  if (bytesInUse == 0) return NO_BYTES_IN_USE
  const tables = takeBits(3)
  selectorCount = takeBits(15)
  if (isPastEnd()) return CUT_OFF
  if (tables < 2 || tables > MAX_TABLES) return BAD_TABLE_COUNT
  if (selectorCount == 0) return NO_SELECTORS
  const fault = readSelectors(tables)
  if (fault != NO_FAULT) return fault
  return readTables(tables)
}

/** 16 bits for the ranges of 16 byte values that occur, then 16 bits for each of these. */
function readBytesInUse(): void {
  bytesInUse = 0
  const ranges = takeBits(16)
  for (let range: u32 = 0; range < 16; range++) {
    if ((ranges & (0x8000 >>> range)) == 0) continue
    const bytes = takeBits(16)
    for (let byte: u32 = 0; byte < 16; byte++) {
      if (bytes & (0x8000 >>> byte)) store<u8>(BYTES_IN_USE + bytesInUse++, <u8>((range << 4) | byte))
    }
  }
}

/** Each as its place in a move-to-front list of the tables, in ones that a zero ends. */
function readSelectors(tables: u32): i32 {
  // The list, four bits a place, the first place lowest.
  let list: u32 = 0x543210
  for (let selector: u32 = 0; selector < selectorCount; selector++) {
    let shift: u32 = 0
    while (takeBits(1)) {
      shift += 4
      if (shift == tables << 2) return BAD_SELECTOR
    }
    if (isPastEnd()) return CUT_OFF
    const table = (list >>> shift) & 15
    const before = list & ((1 << shift) - 1)
    list = (list & (0xfffffff0 << shift)) | (before << 4) | table
    if (selector < MAX_SELECTORS) store<u8>(SELECTORS + selector, <u8>table)
  }
  return NO_FAULT
}

function readTables(tables: u32): i32 {
  const symbols = bytesInUse + 2
  for (let table: u32 = 0; table < tables; table++) {
    const fault = readCodeLengths(table, symbols)
    if (fault != NO_FAULT) return fault
    prepareDecoding(table, symbols)
  }
  return NO_FAULT
}
