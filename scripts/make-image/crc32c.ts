/** CRC-32C (Castagnoli), the checksum and the name hash of btrfs. */

const POLYNOMIAL = 0x82f63b78

const TABLE = Uint32Array.from({ length: 256 }, (_, byte) => {
  let value = byte
  for (let bit = 0; bit < 8; bit++) value = (value & 1) === 1 ? (value >>> 1) ^ POLYNOMIAL : value >>> 1
  return value
})

/** The register after `bytes`, starting from `state`; no inversion before or after. */
function crc32cUpdate(state: number, bytes: Buffer): number {
  let value = state
  for (const byte of bytes) value = (value >>> 8) ^ (TABLE[(value ^ byte) & 0xff] ?? 0)
  return value >>> 0
}

/** Checksum of a tree block or superblock. */
export function crc32c(bytes: Buffer): number {
  return ~crc32cUpdate(0xffffffff, bytes) >>> 0
}

/** `btrfs_name_hash`: the seed is ~1 and the result is not inverted. */
export function btrfsNameHash(name: string): number {
  return crc32cUpdate(0xfffffffe, Buffer.from(name, 'latin1'))
}
