/**
 * Collects a block's bytes as its text, by the initial run-length coding (Tsai, section 2.2.1): four equal bytes are
 * followed by a count of more of them, here up to 251 as bzip2 writes it.
 *
 * The last run stays open until a different byte comes, but room for it is taken at once: whatever was accepted fits.
 */
import { CRC_START, crcOfBytes } from './crc'
import { BLOCK_TEXT, INTAKE } from './memory-map'

const MAX_RUN: u32 = 4 + 251

let capacity: u32 = 0
/** Bytes of the text up to, not including, the open run. */
let written: u32 = 0
/** Bytes of the text that are taken, the open run's included. */
let used: u32 = 0
let runByte: u32 = 0
let runLength: u32 = 0
let crc: u32 = 0

/** Begins a block whose text has room for so many bytes. */
export function beginBlock(textCapacity: u32): void {
  capacity = textCapacity
  written = 0
  used = 0
  runLength = 0
  crc = CRC_START
}

/** Takes as many of the first `length` bytes at INTAKE as fit. @returns how many */
export function takeBytes(length: u32): u32 {
  const end = INTAKE + length
  let at = INTAKE
  while (at < end) {
    const byte: u32 = <u32>load<u8>(at)
    if (byte != runByte || runLength == 0 || runLength == MAX_RUN) {
      if (used == capacity) break
      closeRun()
      runByte = byte
      runLength = 1
      used++
      at++
    } else if (runLength < 4) {
      // The fourth byte brings the count with it.
      const cost: u32 = runLength == 3 ? 2 : 1
      if (capacity - used < cost) break
      used += cost
      runLength++
      at++
    } else {
      const more = equalBytes(at, min(end, at + MAX_RUN - runLength), byte)
      runLength += more
      at += more
    }
  }
  crc = crcOfBytes(crc, INTAKE, at)
  return at - INTAKE
}

/** Ends the text. @returns its length */
export function endText(): u32 {
  closeRun()
  runLength = 0
  return written
}

export function takenCrc(): u32 {
  return ~crc
}

function closeRun(): void {
  let at = BLOCK_TEXT + written
  for (let left = min<u32>(runLength, 4); left > 0; left--) store<u8>(at++, <u8>runByte)
  if (runLength >= 4) store<u8>(at++, <u8>(runLength - 4))
  written = at - BLOCK_TEXT
}

/** How many bytes from `at` on, before `end`, are this one. */
function equalBytes(at: u32, end: u32, byte: u32): u32 {
  const wanted = i8x16.splat(<i8>byte)
  for (let next = at; next < end; next += 16) {
    const others = i8x16.bitmask(i8x16.ne(v128.load(next), wanted))
    if (others != 0) return min(next + ctz(others), end) - at
  }
  return end - at
}
