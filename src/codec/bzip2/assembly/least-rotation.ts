/**
 * The least of all rotations of a text, and the shortest text that it repeats.
 *
 * Two candidates are compared byte by byte; where they differ, the greater one is out, and with it every start among
 * the bytes compared (each has a better one in the other's place). So it takes linear time. Two starts that never
 * differ are one period apart.
 */
import { BLOCK_TEXT } from './memory-map'

let start: u32 = 0
let period: u32 = 0

/** Where the least rotation begins, the first place if there are several. */
export function leastStart(): u32 {
  return start
}
export function leastPeriod(): u32 {
  return period
}

/** For a text that lies at BLOCK_TEXT twice. */
export function findLeastRotation(length: u32): void {
  let best: u32 = 0
  let other: u32 = 1
  while (other < length) {
    let same: u32 = 0
    while (same < length && load<u8>(BLOCK_TEXT + best + same) == load<u8>(BLOCK_TEXT + other + same)) same++
    if (same == length) {
      start = best
      period = other - best
      return
    }
    if (load<u8>(BLOCK_TEXT + best + same) < load<u8>(BLOCK_TEXT + other + same)) {
      other += same + 1
    } else {
      const next = max(best + same + 1, other + 1)
      best = other
      other = next
    }
  }
  start = best
  period = length
}
