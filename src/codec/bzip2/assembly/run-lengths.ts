/**
 * What a block's text stands for: four equal bytes are followed by a count of 0 to 255 more of them (Tsai, section
 * 2.2.1).
 *
 * Only measured here, length and CRC; the bytes are written out elsewhere, and only those that somebody wants. Runs
 * that follow each other without a gap count as one, so that zeros cost little.
 */
import { CRC_START, crcOfBytes, crcOfRun } from './crc'
import { NO_FAULT, RUN_WITHOUT_COUNT } from './faults'
import { TEXT } from './memory-map'

const RUN_BYTES: u32 = 4

let rawLength: u32 = 0
let rawCrc: u32 = 0

export function measuredLength(): u32 {
  return rawLength
}
export function measuredCrc(): u32 {
  return rawCrc
}

/** Measures the text at TEXT. A run without its count is a fault, as in bzip2. */
export function measureText(length: u32): i32 {
  const end = TEXT + length
  let crc = CRC_START
  let bytes: u32 = 0
  let at = TEXT
  while (at < end) {
    const run = findRun(at, end)
    crc = crcOfBytes(crc, at, run)
    bytes += run - at
    if (run == end) break
    const word = load<u32>(run)
    let runLength: u32 = 0
    at = run
    do {
      if (at + RUN_BYTES == end) return RUN_WITHOUT_COUNT
      runLength += <u32>RUN_BYTES + <u32>load<u8>(at, RUN_BYTES)
      at += RUN_BYTES + 1
    } while (at + RUN_BYTES <= end && load<u32>(at) == word)
    crc = crcOfRun(crc, word & 0xff, runLength)
    bytes += runLength
  }
  rawLength = bytes
  rawCrc = ~crc
  return NO_FAULT
}

/** The first place from `at` on with four equal bytes, or `end`. */
function findRun(at: u32, end: u32): u32 {
  for (; at < end; at += 16) {
    const bytes = v128.load(at)
    const second = i8x16.eq(bytes, v128.load(at, 1))
    const third = i8x16.eq(bytes, v128.load(at, 2))
    const fourth = i8x16.eq(bytes, v128.load(at, 3))
    const runs = i8x16.bitmask(v128.and(v128.and(second, third), fourth))
    if (runs == 0) continue
    const run = at + ctz(runs)
    return run + RUN_BYTES <= end ? run : end
  }
  return end
}
