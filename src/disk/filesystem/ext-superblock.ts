/**
 * The superblock of ext2, ext3 and ext4: the fields that decide who may open the filesystem.
 *
 * Source: Linux kernel documentation, "ext4 Data Structures and Algorithms", section 4.1 (The Super Block). The
 * superblock lies 1024 bytes into the partition and is 1024 bytes long, little-endian. Offsets below are within it.
 * Left out: checksums (the engine's library checks them) and everything that only matters once mounted.
 */

/** Where the superblock lies in the partition. */
export const EXT_SUPERBLOCK_OFFSET = 1024
export const EXT_SUPERBLOCK_BYTES = 1024
/** Within the superblock: `s_feature_ro_compat`, whose top byte is 0xFF on USR-A so that nobody mounts it writable. */
export const EXT_RO_COMPAT_OFFSET = 0x64

const EXT_MAGIC = 0xef53

/** `s_state` bits. */
const STATE_CLEAN = 0x1
const STATE_ERRORS = 0x2
const STATE_ORPHANS = 0x4

/** Incompatible feature bits, by the names that dumpe2fs prints. */
export const EXT_INCOMPAT = {
  compression: 0x1,
  filetype: 0x2,
  needs_recovery: 0x4,
  journal_dev: 0x8,
  meta_bg: 0x10,
  extent: 0x40,
  '64bit': 0x80,
  mmp: 0x100,
  flex_bg: 0x200,
  ea_inode: 0x400,
  dirdata: 0x1000,
  metadata_csum_seed: 0x2000,
  large_dir: 0x4000,
  inline_data: 0x8000,
  encrypt: 0x10000,
  casefold: 0x20000,
} as const

const COMPAT_HAS_JOURNAL = 0x4

export interface ExtFilesystem {
  readonly kind: 'ext'
  readonly variant: 'ext2' | 'ext3' | 'ext4'
  readonly label: string
  readonly uuid: string
  readonly blockBytes: number
  /** What the filesystem claims to span; must fit its partition. */
  readonly sizeBytes: number
  /** Raw feature words. */
  readonly compat: number
  readonly incompat: number
  readonly roCompat: number
  /** Unmounted in order: the clean bit is set, and neither the error nor the orphan bit. */
  readonly clean: boolean
  /** The journal holds work that must be replayed before anyone else writes. */
  readonly needsRecovery: boolean
  /** First inode of a list of files deleted while open; 0 when there is none. */
  readonly lastOrphan: number
  /** `s_wtime`: seconds since 1970 of the last write, which on a vendor image is its build. */
  readonly lastWrittenSeconds: number
}

/**
 * @param block the 1024 bytes at {@link EXT_SUPERBLOCK_OFFSET}
 * @returns undefined when this is no ext superblock
 */
export function parseExtSuperblock(block: Buffer): ExtFilesystem | undefined {
  // 0x38 u16 s_magic
  if (block.length < EXT_SUPERBLOCK_BYTES || block.readUInt16LE(0x38) !== EXT_MAGIC) return undefined
  // 0x04 u32 s_blocks_count_lo
  const blocksLow = block.readUInt32LE(0x04)
  // 0x18 u32 s_log_block_size: block size is 1024 << n; the kernel accepts 1 KiB to 64 KiB
  const logBlockSize = block.readUInt32LE(0x18)
  if (logBlockSize > 6) return undefined
  const blockBytes = 1024 << logBlockSize
  // 0x30 u32 s_wtime
  const lastWrittenSeconds = block.readUInt32LE(0x30)
  // 0x3a u16 s_state
  const state = block.readUInt16LE(0x3a)
  // 0x5c u32 s_feature_compat, 0x60 u32 s_feature_incompat, 0x64 u32 s_feature_ro_compat
  const compat = block.readUInt32LE(0x5c)
  const incompat = block.readUInt32LE(0x60)
  const roCompat = block.readUInt32LE(EXT_RO_COMPAT_OFFSET)
  // 0x68 u8[16] s_uuid
  const uuid = formatUuid(block.subarray(0x68, 0x78))
  // 0x78 char[16] s_volume_name, NUL-padded
  const label = untilNul(block.subarray(0x78, 0x88))
  // 0xe8 u32 s_last_orphan
  const lastOrphan = block.readUInt32LE(0xe8)
  // 0x150 u32 s_blocks_count_hi, only with the 64bit feature
  const blocksHigh = (incompat & EXT_INCOMPAT['64bit']) !== 0 ? block.readUInt32LE(0x150) : 0
  const sizeBytes = (blocksHigh * 2 ** 32 + blocksLow) * blockBytes
  if (!Number.isSafeInteger(sizeBytes)) return undefined
  return {
    kind: 'ext',
    variant: extVariant(compat, incompat),
    label,
    uuid,
    blockBytes,
    sizeBytes,
    compat,
    incompat,
    roCompat,
    clean: (state & STATE_CLEAN) !== 0 && (state & (STATE_ERRORS | STATE_ORPHANS)) === 0,
    needsRecovery: (incompat & EXT_INCOMPAT.needs_recovery) !== 0,
    lastOrphan,
    lastWrittenSeconds,
  }
}

/** ext4 is told by extents or flexible groups, ext3 by its journal; the same rule as blkid's in practice. */
function extVariant(compat: number, incompat: number): ExtFilesystem['variant'] {
  const ext4Only = EXT_INCOMPAT.extent | EXT_INCOMPAT['64bit'] | EXT_INCOMPAT.flex_bg
  if ((incompat & ext4Only) !== 0) return 'ext4'
  return (compat & COMPAT_HAS_JOURNAL) !== 0 ? 'ext3' : 'ext2'
}

/** Sixteen bytes in storage order as the usual text. */
export function formatUuid(bytes: Buffer): string {
  const hex = bytes.toString('hex')
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20, 32)].join('-')
}

/** Text of a NUL-padded field. */
export function untilNul(bytes: Buffer): string {
  const end = bytes.indexOf(0)
  return bytes.subarray(0, end === -1 ? bytes.length : end).toString('utf8')
}
