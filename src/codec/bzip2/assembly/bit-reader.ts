/**
 * Reads the bits of the input, most significant first, for everything but the block's data (block-data.ts has a faster
 * way).
 *
 * Reading beyond the limit is harmless and gives garbage: the input has slack behind it. Whoever reads in a loop asks
 * `isPastEnd` in every turn, and before believing what was read.
 */
import { INPUT } from './memory-map'

let position: u32 = 0
let limit: u32 = 0

/** Starts at a bit of the input; bits from `limitBit` on are not there. */
export function startAt(bit: u32, limitBit: u32): void {
  position = bit
  limit = limitBit
}

export function bitPosition(): u32 {
  return position
}

export function bitLimit(): u32 {
  return limit
}

export function moveTo(bit: u32): void {
  position = bit
}

export function isPastEnd(): bool {
  return position > limit
}

/** Four bytes as one number, the first the most significant. */
// @ts-ignore: TypeScript has no decorators of functions, AssemblyScript has
@inline
export function bigEndian(word: u32): u32 {
  return rotl<u32>(word & 0xff00ff00, 8) | rotl<u32>(word & 0x00ff00ff, 24)
}

/** The next `count` bits, 1 to 25. */
// @ts-ignore: TypeScript has no decorators of functions, AssemblyScript has
@inline
export function takeBits(count: u32): u32 {
  const value = (bigEndian(load<u32>(INPUT + (position >>> 3))) << (position & 7)) >>> (32 - count)
  position += count
  return value
}
