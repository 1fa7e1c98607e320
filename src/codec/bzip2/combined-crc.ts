/**
 * The combined CRC of a stream: for each block, rotate left by one, then exclusive-or with the block's CRC (Tsai, "BZIP2
 * Format Specification", section 2.2.4).
 *
 * Rotation and exclusive-or are both linear, so the part of the blocks before any point can be had from the stored value
 * and the blocks after that point: what the splice needs to change a stream of which it has not seen the beginning.
 */

/** The combined CRC with one more block. */
export function foldCrc(combined: number, blockCrc: number): number {
  return (((combined << 1) | (combined >>> 31)) ^ blockCrc) >>> 0
}

/**
 * The combined CRC of the blocks before a suffix.
 *
 * @param combined of the whole stream
 * @param suffix CRCs of the last blocks, in order
 */
export function combinedBefore(combined: number, suffix: Iterable<number>): number {
  let folded = 0
  let count = 0
  for (const crc of suffix) {
    folded = foldCrc(folded, crc)
    count++
  }
  return rotateRight((combined ^ folded) >>> 0, count % 32)
}

function rotateRight(value: number, count: number): number {
  return count === 0 ? value : ((value >>> count) | (value << (32 - count))) >>> 0
}
