/**
 * The last column as symbols: move-to-front, and runs of the front byte as numbers (Tsai, section 2.2.3). The inverse
 * is in block-data.ts, with the meaning of the symbols.
 */
import { BYTES_IN_USE, COLUMN, DATA_SYMBOLS, FRONT_LIST } from './memory-map'
import { frontByte, moveToFront, startFrontList } from './move-to-front'

let bytesInUse: u32 = 0
let symbolCount: u32 = 0

export function columnBytesInUse(): u32 {
  return bytesInUse
}
/** With the end of block. */
export function columnSymbols(): u32 {
  return symbolCount
}

/** Writes the symbols of a column to DATA_SYMBOLS, and to BYTES_IN_USE which bytes occur. */
export function findSymbols(length: u32): void {
  findBytesInUse(length)
  let front = startFrontList()
  let output = DATA_SYMBOLS
  for (let at = COLUMN, end = COLUMN + length; at < end; ) {
    const runEnd = endOfRun(at, end, front)
    for (let run = runEnd - at; run > 0; run = (run - 1) >>> 1) {
      // Digits 1 (RUNA) and 2 (RUNB), the lowest first.
      store<u16>(output, <u16>((run - 1) & 1))
      output += 2
    }
    if (runEnd == end) break
    const place = placeOf(load<u8>(runEnd), front)
    front = moveToFront(front, place)
    store<u16>(output, <u16>(place + 1))
    output += 2
    at = runEnd + 1
  }
  store<u16>(output, <u16>(bytesInUse + 1))
  symbolCount = ((output - DATA_SYMBOLS) >>> 1) + 1
}

function findBytesInUse(length: u32): void {
  memory.fill(FRONT_LIST, 0, 256)
  for (let at = COLUMN, end = COLUMN + length; at < end; at++) store<u8>(FRONT_LIST + <u32>load<u8>(at), 1)
  bytesInUse = 0
  for (let byte: u32 = 0; byte < 256; byte++) {
    if (load<u8>(FRONT_LIST + byte)) store<u8>(BYTES_IN_USE + bytesInUse++, <u8>byte)
  }
}

/** The first place from `at` on that does not hold the front byte. */
// @ts-ignore: TypeScript has no decorators of functions, AssemblyScript has
@inline
function endOfRun(at: u32, end: u32, front: v128): u32 {
  const byte = frontByte(front)
  if (load<u8>(at) != byte) return at
  const wanted = i8x16.splat(<i8>byte)
  for (; at < end; at += 16) {
    const others = i8x16.bitmask(i8x16.ne(v128.load(at), wanted))
    if (others != 0) return min(at + ctz(others), end)
  }
  return end
}

// @ts-ignore: TypeScript has no decorators of functions, AssemblyScript has
@inline
function placeOf(byte: u8, front: v128): u32 {
  const wanted = i8x16.splat(byte)
  let found = i8x16.bitmask(i8x16.eq(front, wanted))
  let place: u32 = 0
  while (found == 0) {
    place += 16
    found = i8x16.bitmask(i8x16.eq(v128.load(FRONT_LIST + place), wanted))
  }
  return place + ctz(found)
}
