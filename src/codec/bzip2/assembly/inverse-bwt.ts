/**
 * Undoes the Burrows-Wheeler transform (Tsai, section 2.2.3).
 *
 * Sorting the last column gives the first. The row of the text's first byte is that of origPtr; the k-th occurrence of
 * a byte in the first column is the k-th in the last, which is the next byte's row. So the rows form a chain; following
 * it is one cache miss after the other, which fragments.ts shortens.
 *
 * A text that is one piece repeated has a chain that comes back early: then what was read so far is repeated, as bzip2
 * does by going round.
 */
import { columnLength, dataSymbols } from './block-data'
import { originRow } from './block-header'
import { joinFragments } from './fragments'
import { BYTE_COUNTS, ROWS, TEXT } from './memory-map'

/** Smaller tables stay in the first-level cache, where a plain walk does not wait long enough. */
const FRAGMENTS_MIN_LENGTH: u32 = 1 << 12
/** Below one symbol in so many bytes the last column is taken run by run. */
const RUNNY_BYTES_PER_SYMBOL: u32 = 16

/** Turns the last column at TEXT into the text, in place. */
export function undoBurrowsWheeler(): void {
  const length = columnLength()
  startRows()
  if (dataSymbols() * RUNNY_BYTES_PER_SYMBOL < length) linkRuns(length)
  else linkRows(length)
  const written = length < FRAGMENTS_MIN_LENGTH ? followRows(length) : joinFragments(originRow(), length)
  repeatText(written, length)
}

/** From how often each byte occurs to the address of its first row. */
function startRows(): void {
  let row = ROWS
  for (let byte: u32 = 0; byte < 256; byte++) {
    const count = load<u32>(BYTE_COUNTS + (byte << 2))
    store<u32>(BYTE_COUNTS + (byte << 2), row)
    row += count << 2
  }
}

/** Row r becomes (the next row << 8) | the byte at its first column. */
function linkRows(length: u32): void {
  for (let row: u32 = 0; row < length; row++) {
    const byte: u32 = <u32>load<u8>(TEXT + row)
    const place: u32 = load<u32>(BYTE_COUNTS + (byte << 2))
    store<u32>(BYTE_COUNTS + (byte << 2), place + 4)
    store<u32>(place, (row << 8) | byte)
  }
}

/** The same for a last column of long runs: the rows of a run are in order. */
function linkRuns(length: u32): void {
  for (let row: u32 = 0; row < length; ) {
    const byte: u32 = <u32>load<u8>(TEXT + row)
    const runEnd = endOfRun(row, byte, length)
    let place: u32 = load<u32>(BYTE_COUNTS + (byte << 2))
    store<u32>(BYTE_COUNTS + (byte << 2), place + ((runEnd - row) << 2))
    let links = i32x4.add(i32x4.splat((row << 8) | byte), i32x4(0, 1 << 8, 2 << 8, 3 << 8))
    for (; row + 4 <= runEnd; row += 4) {
      v128.store(place, links)
      links = i32x4.add(links, i32x4.splat(4 << 8))
      place += 16
    }
    for (; row < runEnd; row++) {
      store<u32>(place, (row << 8) | byte)
      place += 4
    }
  }
}

function endOfRun(row: u32, byte: u32, length: u32): u32 {
  const wanted = i8x16.splat(<i8>byte)
  for (; row < length; row += 16) {
    const others = i8x16.bitmask(i8x16.ne(v128.load(TEXT + row), wanted))
    if (others != 0) return min(row + ctz(others), length)
  }
  return length
}

/** Follows the rows from origPtr. @returns how many bytes it wrote until it was back there, at most `length` */
function followRows(length: u32): u32 {
  const origin = originRow()
  let row = origin
  let written: u32 = 0
  do {
    const link = load<u32>(ROWS + (row << 2))
    store<u8>(TEXT + written, <u8>link)
    row = link >>> 8
    written++
  } while (row != origin && written < length)
  return written
}

/** Repeats the first `written` bytes up to `length`, each time with all that is there. */
function repeatText(written: u32, length: u32): void {
  while (written < length) {
    const bytes = min(written, length - written)
    memory.copy(TEXT + written, TEXT, bytes)
    written += bytes
  }
}
