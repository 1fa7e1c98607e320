/** Writes bits to OUTPUT, most significant first. */
import { bigEndian } from './bit-reader'
import { OUTPUT } from './memory-map'

/** Bits not yet in memory, from the highest down; less than 32 between two calls. */
let pending: u64 = 0
let pendingBits: u32 = 0
let output: u32 = 0

export function startOutput(): void {
  pending = 0
  pendingBits = 0
  output = OUTPUT
}

/** The low `count` bits of a value without others, 1 to 32. */
// @ts-ignore: TypeScript has no decorators of functions, AssemblyScript has
@inline
export function putBits(value: u32, count: u32): void {
  pendingBits += count
  pending |= (<u64>value) << (<u64>(64 - pendingBits))
  if (pendingBits < 32) return
  store<u32>(output, bigEndian(<u32>(pending >>> 32)))
  output += 4
  pending <<= 32
  pendingBits -= 32
}

/** How many bits were put. */
export function outputBits(): u32 {
  return ((output - OUTPUT) << 3) + pendingBits
}

/** Brings the last bits to memory, with zeros behind them. */
export function endOutput(): void {
  store<u32>(output, bigEndian(<u32>(pending >>> 32)))
}
