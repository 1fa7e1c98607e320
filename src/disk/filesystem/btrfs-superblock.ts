/**
 * The superblock of btrfs, as far as it names the filesystem.
 *
 * Source: btrfs documentation, "On-disk format", section Superblock. The primary copy lies 64 KiB into the partition,
 * 4096 bytes, little-endian. Left out: everything below the root trees; btrfs is edited by libguestfs.
 */
import { formatUuid, untilNul } from './ext-superblock.js'

export const BTRFS_SUPERBLOCK_OFFSET = 65536
export const BTRFS_SUPERBLOCK_BYTES = 4096

const BTRFS_MAGIC = Buffer.from('_BHRfS_M', 'latin1')

export interface BtrfsFilesystem {
  readonly kind: 'btrfs'
  readonly label: string
  readonly uuid: string
  readonly sizeBytes: number
}

/** @returns undefined when this is no btrfs superblock */
export function parseBtrfsSuperblock(block: Buffer): BtrfsFilesystem | undefined {
  // 0x40 u64 magic
  if (block.length < BTRFS_SUPERBLOCK_BYTES || !block.subarray(0x40, 0x48).equals(BTRFS_MAGIC)) return undefined
  // 0x70 u64 total_bytes
  const totalBytes = block.readBigUInt64LE(0x70)
  return {
    kind: 'btrfs',
    // 0x12b char[256] label
    label: untilNul(block.subarray(0x12b, 0x22b)),
    // 0x20 u8[16] fsid
    uuid: formatUuid(block.subarray(0x20, 0x30)),
    sizeBytes: totalBytes > BigInt(Number.MAX_SAFE_INTEGER) ? Number.MAX_SAFE_INTEGER : Number(totalBytes),
  }
}
