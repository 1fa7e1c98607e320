/**
 * Bits of a byte array, most significant first, as bzip2 counts them.
 *
 * Blocks and footers begin at any bit. Positions in files go beyond 32 bits, so they are plain numbers here, never shifted
 * or masked as integers; a double counts bits exactly up to 1 PiB.
 */

/** Bits from `bit` on, at most 32. Bits beyond the end count as zero: callers check lengths first. */
export function bitsAt(bytes: Uint8Array, bit: number, count: number): number {
  const first = Math.floor(bit / 8)
  const phase = bit % 8
  let value = 0
  // Five bytes hold 32 bits at any phase: 40 bits, kept exact by multiplying instead of shifting.
  for (let index = 0; index < 5; index++) value = value * 256 + (bytes[first + index] ?? 0)
  return Math.floor(value / 2 ** (40 - phase - count)) % 2 ** count
}

/** A copy of `bitLength` bits that begins at bit 0 of its first byte and ends with zero bits. */
export function realigned(bytes: Uint8Array, startBit: number, bitLength: number): Uint8Array {
  const length = Math.ceil(bitLength / 8)
  const copy = new Uint8Array(length)
  const first = Math.floor(startBit / 8)
  const phase = startBit % 8
  for (let index = 0; index < length; index++) {
    const high = bytes[first + index] ?? 0
    const low = phase === 0 ? 0 : (bytes[first + index + 1] ?? 0)
    copy[index] = ((high << phase) | (low >> (8 - phase))) & 0xff
  }
  const spare = length * 8 - bitLength
  if (length > 0) copy[length - 1] = (copy[length - 1] ?? 0) & (0xff << spare)
  return copy
}

/** Whether the bits from `startBit` on are those of a realigned copy. */
export function bitsEqual(bytes: Uint8Array, startBit: number, copy: Uint8Array, bitLength: number): boolean {
  const first = Math.floor(startBit / 8)
  const phase = startBit % 8
  const whole = Math.floor(bitLength / 8)
  for (let index = 0; index < whole; index++) {
    const high = bytes[first + index] ?? 0
    const low = phase === 0 ? 0 : (bytes[first + index + 1] ?? 0)
    if ((((high << phase) | (low >> (8 - phase))) & 0xff) !== copy[index]) return false
  }
  const rest = bitLength % 8
  return rest === 0 || bitsAt(bytes, startBit + whole * 8, rest) === (copy[whole] ?? 0) >> (8 - rest)
}
