/**
 * A block's data: symbols of prefix codes, undone to the last column of the sorted rotations (Tsai, sections 2.2.3,
 * 2.2.4).
 *
 * Symbols 0 and 1 (RUNA, RUNB) are the digits of a run of the front byte, 1 and 2 in base 2, lowest first; the highest
 * symbol ends the block; the others name a place in the move-to-front list, plus one. Every 50 symbols the next
 * selector says which table codes them.
 *
 * The bit buffer lives in local variables here and not in bit-reader.ts, so that it stays in registers.
 */
import { bigEndian, bitLimit, bitPosition, moveTo } from './bit-reader'
import { bytesInUseCount, usableSelectors } from './block-header'
import { CUT_OFF, NO_FAULT, RUN_TOO_LONG, SELECTORS_USED_UP, TEXT_TOO_LONG, UNKNOWN_CODE } from './faults'
import {
  BYTE_COUNTS,
  GROUP_SYMBOLS,
  INPUT,
  LOOKUP,
  LOOKUP_BITS,
  LOOKUP_ROW,
  MAX_CODE_BITS,
  SELECTORS,
  TEXT,
} from './memory-map'
import { frontByte, moveToFront, startFrontList } from './move-to-front'
import { findLongCode, NO_SYMBOL } from './prefix-codes'

/** bzip2 refuses a run of more digits, whatever its length. */
const MAX_RUN_DIGITS: u32 = 21
/** Neither a fault nor none yet. */
const UNDECIDED: i32 = -1

let textLength: u32 = 0
let symbolCount: u32 = 0

/** Bytes of the last column, which is as long as the text. */
export function columnLength(): u32 {
  return textLength
}
/** How many symbols gave the last column, rounded up to groups: far fewer than bytes when it is made of runs. */
export function dataSymbols(): u32 {
  return symbolCount
}

/**
 * Writes the last column to TEXT, and to BYTE_COUNTS how often each byte is in it.
 *
 * @param maxLength the longest text of the stream's level
 */
export function readBlockData(maxLength: u32): i32 {
  memory.fill(BYTE_COUNTS, 0, 257 * 4)
  const endOfBlock = bytesInUseCount() + 1
  const selectors = usableSelectors()
  // Behind this there's nothing to believe; up to a group of symbols is read there before anyone looks.
  const inputEnd = INPUT + ((bitLimit() + 7) >>> 3) + 8
  let front = startFrontList()
  let outcome = UNDECIDED
  let length: u32 = 0
  let run: u32 = 0
  let runDigits: u32 = 0

  // The next bits, from the highest down; `live` of them are there, at least 20 when a code is looked up.
  const start = bitPosition()
  let next: u32 = INPUT + (start >>> 3)
  let bits = ((<u64>bigEndian(load<u32>(next))) << 32) << (<u64>(start & 7))
  let live: u32 = 32 - (start & 7)
  next += 4

  let group: u32 = 0
  for (; outcome == UNDECIDED; group++) {
    if (next > inputEnd) {
      outcome = CUT_OFF
      break
    }
    if (group == selectors) {
      outcome = SELECTORS_USED_UP
      break
    }
    const table: u32 = <u32>load<u8>(SELECTORS + group)
    const lookup: u32 = LOOKUP + table * LOOKUP_ROW
    for (let left = GROUP_SYMBOLS; left > 0; left--) {
      if (live < MAX_CODE_BITS) {
        bits |= (<u64>bigEndian(load<u32>(next))) << (<u64>(32 - live))
        next += 4
        live += 32
      }
      let entry: u32 = <u32>load<u16>(lookup + (<u32>(bits >>> (64 - LOOKUP_BITS)) << 1))
      if (entry == 0) {
        entry = findLongCode(table, <u32>(bits >>> (64 - MAX_CODE_BITS)))
        if (entry == NO_SYMBOL) {
          // All the bits that were looked at count as read: when they are not there, the block is cut off.
          live -= MAX_CODE_BITS
          outcome = UNKNOWN_CODE
          break
        }
      }
      const codeBits = entry & 31
      bits <<= <u64>codeBits
      live -= codeBits
      const symbol = entry >>> 5
      if (symbol <= 1) {
        if (runDigits == MAX_RUN_DIGITS) {
          outcome = RUN_TOO_LONG
          break
        }
        run += (symbol + 1) << runDigits
        runDigits++
        continue
      }
      if (runDigits > 0) {
        if (run > maxLength - length) {
          outcome = TEXT_TOO_LONG
          break
        }
        const byte = frontByte(front)
        const count = BYTE_COUNTS + (byte << 2)
        store<u32>(count, load<u32>(count) + run)
        if (run <= 16) v128.store(TEXT + length, i8x16.splat(<i8>byte))
        else memory.fill(TEXT + length, <u8>byte, run)
        length += run
        run = 0
        runDigits = 0
      }
      if (symbol == endOfBlock) {
        outcome = NO_FAULT
        break
      }
      if (length == maxLength) {
        outcome = TEXT_TOO_LONG
        break
      }
      front = moveToFront(front, symbol - 1)
      const byte = frontByte(front)
      const count = BYTE_COUNTS + (byte << 2)
      store<u32>(count, load<u32>(count) + 1)
      store<u8>(TEXT + length, <u8>byte)
      length++
    }
  }
  textLength = length
  symbolCount = group * GROUP_SYMBOLS
  moveTo(((next - INPUT) << 3) - live)
  return outcome
}
