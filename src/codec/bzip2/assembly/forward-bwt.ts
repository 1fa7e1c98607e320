/**
 * The Burrows-Wheeler transform: the last column of the sorted rotations of a text (Tsai, section 2.2.3).
 *
 * Sorting suffixes sorts rotations only if no rotation's order is decided behind the text's end. It is not when the
 * text is the least of its own rotations and repeats no shorter one (a Lyndon word). So the text is rotated first,
 * which changes nothing but origPtr, and of a text that is u repeated k times only u is sorted: every row of u is there
 * k times.
 */
import { findLeastRotation, leastPeriod, leastStart } from './least-rotation'
import { BLOCK_TEXT, COLUMN, SORT_SPACE, SUFFIXES } from './memory-map'
import { sortSuffixes } from './suffix-sort'

/** Writes the last column of the text at BLOCK_TEXT to COLUMN. @returns origPtr */
export function transform(length: u32): u32 {
  memory.copy(BLOCK_TEXT + length, BLOCK_TEXT, length)
  findLeastRotation(length)
  const period = leastPeriod()
  const repeats = length / period
  const word = BLOCK_TEXT + leastStart()
  sortSuffixes<u8>(word, period, 256, SUFFIXES, SORT_SPACE)
  // Where the text itself begins in its least rotation.
  const origin = (length - leastStart()) % period
  let originRow: u32 = 0
  let row: u32 = 0
  for (let rank: u32 = 0; rank < period; rank++) {
    const place = load<u32>(SUFFIXES + (rank << 2))
    if (place == origin) originRow = row
    const before = load<u8>(word + (place == 0 ? period : place) - 1)
    if (repeats == 1) store<u8>(COLUMN + row, before)
    else memory.fill(COLUMN + row, before, repeats)
    row += repeats
  }
  return originRow
}
