/**
 * One inode, as far as listing and counting need it.
 *
 * Source: Linux kernel documentation, "ext4 Data Structures and Algorithms", section 4.4 (Inode Table). Little-endian;
 * only the first 128 bytes are looked at, which all revisions share. Left out: times, the block map (the library's work).
 */
import { corrupt } from './library-errors.js'

/** Root directory of every ext filesystem. */
export const ROOT_INODE = 2

/** Bytes that {@link parseInode} needs. */
export const INODE_BYTES = 128

/** `i_flags`: the directory has a hash tree. */
export const FLAG_INDEX = 0x1000
/** `i_flags`: the block map is an extent tree. */
export const FLAG_EXTENTS = 0x80000
/** `i_flags`: the content lies in the inode. */
export const FLAG_INLINE_DATA = 0x10000000

const TYPE_MASK = 0xf000
const KINDS: ReadonlyMap<number, 'file' | 'directory' | 'symlink'> = new Map([
  [0x8000, 'file'],
  [0x4000, 'directory'],
  [0xa000, 'symlink'],
])

export interface Inode {
  readonly kind: 'file' | 'directory' | 'symlink' | 'other'
  readonly mode: number
  readonly uid: number
  readonly gid: number
  readonly sizeBytes: number
  readonly links: number
  /** 512-byte units in use, metadata and extended attributes included. */
  readonly sectors: number
  readonly flags: number
  /** The target of a symlink short enough to lie in the inode. */
  readonly shortTarget: Buffer | undefined
}

/** @throws ERR_FILESYSTEM_CORRUPT */
export function parseInode(bytes: Buffer, inodeNumber: number): Inode {
  // 0x00 u16 i_mode
  const mode = bytes.readUInt16LE(0x00)
  const kind = KINDS.get(mode & TYPE_MASK) ?? 'other'
  // 0x1a u16 i_links_count
  const links = bytes.readUInt16LE(0x1a)
  if (mode === 0 || links === 0) throw corrupt(`a directory entry points to inode ${inodeNumber}, which is not in use`)
  // 0x04 u32 i_size_lo, 0x6c u32 i_size_high
  const sizeBytes = bytes.readUInt32LE(0x04) + bytes.readUInt32LE(0x6c) * 2 ** 32
  if (!Number.isSafeInteger(sizeBytes)) throw corrupt(`inode ${inodeNumber} claims a size of ${sizeBytes} bytes`)
  // 0x20 u32 i_flags
  const flags = bytes.readUInt32LE(0x20)
  // 0x28 u8[60] i_block: holds the target itself when that leaves room for a NUL
  const isShort = kind === 'symlink' && sizeBytes < 60 && (flags & (FLAG_EXTENTS | FLAG_INLINE_DATA)) === 0
  return {
    kind,
    mode: mode & 0o7777,
    // 0x02 u16 i_uid, 0x78 u16 l_i_uid_high
    uid: bytes.readUInt16LE(0x02) + bytes.readUInt16LE(0x78) * 0x10000,
    // 0x18 u16 i_gid, 0x7a u16 l_i_gid_high
    gid: bytes.readUInt16LE(0x18) + bytes.readUInt16LE(0x7a) * 0x10000,
    sizeBytes,
    links,
    // 0x1c u32 i_blocks_lo
    sectors: bytes.readUInt32LE(0x1c),
    flags,
    shortTarget: isShort ? Buffer.from(bytes.subarray(0x28, 0x28 + sizeBytes)) : undefined,
  }
}
