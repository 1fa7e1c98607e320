/**
 * The entries of a directory, from its content, and how much room is left between them.
 *
 * Source: Linux kernel documentation, "ext4 Data Structures and Algorithms", section 4.5 (Directory Entries). Read by us
 * and not through the glue's `readdir`, which leaks three blocks of its 16 MiB heap with every call and gives names
 * without inode numbers. Inner blocks of a hash tree look like one unused entry to a linear reader, by design.
 */
import type { Inode } from './inode.js'
import { FLAG_INDEX, FLAG_INLINE_DATA } from './inode.js'
import { corrupt } from './library-errors.js'

/** u32 inode, u16 rec_len, u8 name_len, u8 file_type */
const ENTRY_HEADER_BYTES = 8
/** `.` and `..` of a new directory, 12 bytes each, and the checksum entry at the block's end. */
export const NEW_DIRECTORY_BYTES = 12 + 12 + 12
/** `det_rec_len`: the checksum entry at the end of a block. */
const CHECKSUM_ENTRY_BYTES = 12
/** `det_reserved_ft` of that entry. */
const CHECKSUM_FILE_TYPE = 0xde
/** With inline data, the entries start after the parent's inode number and go on in an extended attribute. */
const INLINE_PARENT_BYTES = 4
const INLINE_IN_INODE_BYTES = 60

export interface DirectoryEntry {
  readonly name: Buffer
  readonly inodeNumber: number
}

export interface DirectoryContent {
  readonly entries: readonly DirectoryEntry[]
  /** Bytes that a new entry may take, gap by gap, in the order in which the library looks. */
  readonly gaps: readonly number[]
  /** Levels of hash tree below the root block; 0 also when there is no tree. */
  readonly indexLevels: number
}

/** Bytes of an entry with a name of that length: entries start at multiples of 4. */
export function entryBytes(nameBytes: number): number {
  return ENTRY_HEADER_BYTES + Math.ceil(nameBytes / 4) * 4
}

/**
 * @param path for messages
 * @throws ERR_FILESYSTEM_CORRUPT
 */
export function parseDirectory(content: Buffer, inode: Inode, blockBytes: number, path: string): DirectoryContent {
  const entries: DirectoryEntry[] = []
  const gaps: number[] = []
  if ((inode.flags & FLAG_INLINE_DATA) !== 0) {
    const inInode = content.subarray(INLINE_PARENT_BYTES, INLINE_IN_INODE_BYTES)
    for (const part of [inInode, content.subarray(INLINE_IN_INODE_BYTES)]) parseBlock(part, path, entries, [])
    return { entries, gaps: [], indexLevels: 0 }
  }
  for (let at = 0; at < content.length; at += blockBytes) {
    parseBlock(content.subarray(at, at + blockBytes), path, entries, gaps)
  }
  const isIndexed = (inode.flags & FLAG_INDEX) !== 0
  return {
    entries,
    // The library forgets the index at the first insertion and looks at all blocks; but not where this was not tried.
    gaps: isIndexed ? [] : gaps,
    // dx_root: 0x1e u8 indirect_levels
    indexLevels: isIndexed && content.length > 0x1e ? content.readUInt8(0x1e) : 0,
  }
}

function parseBlock(block: Buffer, path: string, entries: DirectoryEntry[], gaps: number[]): void {
  let at = 0
  while (at < block.length) {
    const left = block.length - at
    if (left < ENTRY_HEADER_BYTES) throw corrupt(`the directory ${path} ends within an entry`)
    const inodeNumber = block.readUInt32LE(at)
    const recordBytes = block.readUInt16LE(at + 4)
    const nameBytes = block.readUInt8(at + 6)
    const fileType = block.readUInt8(at + 7)
    if (recordBytes < ENTRY_HEADER_BYTES || recordBytes % 4 !== 0 || recordBytes > left) {
      throw corrupt(`the directory ${path} has an entry of ${recordBytes} bytes where ${left} are left`)
    }
    const isChecksum = inodeNumber === 0 && recordBytes === CHECKSUM_ENTRY_BYTES && fileType === CHECKSUM_FILE_TYPE
    if (inodeNumber === 0) {
      if (!isChecksum) gaps.push(recordBytes)
    } else {
      if (nameBytes === 0 || ENTRY_HEADER_BYTES + nameBytes > recordBytes) {
        throw corrupt(`the directory ${path} has an entry of ${recordBytes} bytes with a name of ${nameBytes}`)
      }
      const name = Buffer.from(block.subarray(at + ENTRY_HEADER_BYTES, at + ENTRY_HEADER_BYTES + nameBytes))
      if (name.includes(0) || name.includes('/')) throw corrupt(`the directory ${path} has a name with NUL or / in it`)
      if (!isSelfOrParent(name)) entries.push({ name, inodeNumber })
      gaps.push(recordBytes - entryBytes(nameBytes))
    }
    at += recordBytes
  }
}

function isSelfOrParent(name: Buffer): boolean {
  return name.equals(Buffer.from('.')) || name.equals(Buffer.from('..'))
}
