/**
 * Prefix codes: their code lengths as a block declares them, and the tables to decode with.
 *
 * Codes are canonical: shorter ones first, equal lengths in the order of the symbols (Tsai, section 2.2.4). The lengths
 * need not make a complete code. What bzip2 makes of such a block is part of the format, so it is done here too: a code
 * is the first length, ascending, whose bits are below the end of that length's codes. A block with a code beyond all
 * ends is not valid.
 *
 * Most codes are found with one look-up of LOOKUP_BITS bits: an entry is symbol * 32 + length, 0 for codes that are
 * longer.
 */
import { isPastEnd, takeBits } from './bit-reader'
import { BAD_CODE_LENGTH, CUT_OFF, NO_FAULT } from './faults'
import {
  CODE_BASES,
  CODE_ENDS,
  CODE_LENGTHS,
  CODE_LENGTHS_ROW,
  CODE_ROW,
  LOOKUP,
  LOOKUP_BITS,
  LOOKUP_ROW,
  MAX_CODE_BITS,
  SYMBOLS_BY_CODE,
  SYMBOLS_ROW,
} from './memory-map'

/** No code: longer than any, or none at all. */
export const NO_SYMBOL: u32 = 0xffff

/** Reads one table: a start length of 5 bits, then for each symbol steps of one up (10) or down (11), ended by 0. */
export function readCodeLengths(table: u32, symbolCount: u32): i32 {
  const lengths = CODE_LENGTHS + table * CODE_LENGTHS_ROW
  let length = takeBits(5)
  for (let symbol: u32 = 0; symbol < symbolCount; symbol++) {
    for (;;) {
      if (isPastEnd()) return CUT_OFF
      if (length < 1 || length > MAX_CODE_BITS) return BAD_CODE_LENGTH
      if (takeBits(1) == 0) break
      length += takeBits(1) ? -1 : 1
    }
    store<u8>(lengths + symbol, <u8>length)
  }
  return isPastEnd() ? CUT_OFF : NO_FAULT
}

/** Makes the decoding tables from the code lengths. */
export function prepareDecoding(table: u32, symbolCount: u32): void {
  const lengths = CODE_LENGTHS + table * CODE_LENGTHS_ROW
  const ends = CODE_ENDS + table * CODE_ROW
  const bases = CODE_BASES + table * CODE_ROW
  const symbols = SYMBOLS_BY_CODE + table * SYMBOLS_ROW
  const lookup = LOOKUP + table * LOOKUP_ROW
  const lookupEnd = lookup + LOOKUP_ROW

  // Counted in the array of ends first.
  memory.fill(ends, 0, CODE_ROW)
  for (let symbol: u32 = 0; symbol < symbolCount; symbol++) {
    const count = ends + (<u32>load<u8>(lengths + symbol) << 2)
    store<u32>(count, load<u32>(count) + 1)
  }
  let code: u32 = 0
  let rank: u32 = 0
  let filled = lookup
  for (let length: u32 = 1; length <= MAX_CODE_BITS; length++) {
    const count = load<u32>(ends + (length << 2))
    store<u32>(bases + (length << 2), rank)
    if (count > 0) {
      // More codes than bits can tell apart: what lies beyond the table can't be met.
      for (let symbol: u32 = 0, left = count; left > 0; symbol++) {
        if (load<u8>(lengths + symbol) != length) continue
        left--
        store<u16>(symbols + (rank << 1), <u16>symbol)
        rank++
        if (length > LOOKUP_BITS) continue
        const entry = <u16>((symbol << 5) | length)
        const end = min(filled + (2 << (LOOKUP_BITS - length)), lookupEnd)
        for (; filled < end; filled += 2) store<u16>(filled, entry)
      }
    }
    // A base is subtracted from a code to give its rank, modulo 2^32.
    store<u32>(bases + (length << 2), code - load<u32>(bases + (length << 2)))
    code += count
    store<u32>(ends + (length << 2), code)
    code <<= 1
  }
  memory.fill(filled, 0, lookupEnd - filled)
}

/**
 * A code that the look-up did not know.
 *
 * @param bits the next MAX_CODE_BITS bits
 * @returns symbol * 32 + length, or NO_SYMBOL
 */
export function findLongCode(table: u32, bits: u32): u32 {
  const ends = CODE_ENDS + table * CODE_ROW
  for (let length = LOOKUP_BITS + 1; length <= MAX_CODE_BITS; length++) {
    const code = bits >>> (MAX_CODE_BITS - length)
    if (code >= load<u32>(ends + (length << 2))) continue
    const rank = code - load<u32>(CODE_BASES + table * CODE_ROW + (length << 2))
    return (<u32>load<u16>(SYMBOLS_BY_CODE + table * SYMBOLS_ROW + (rank << 1)) << 5) | length
  }
  return NO_SYMBOL
}
