/**
 * The leaves of btrfs trees, as items that can be read, changed and written back.
 *
 * Source: btrfs documentation, "On-disk format", sections Tree block, Item and Key. All numbers little-endian.
 */
import { crc32c } from './crc32c.js'

/** Offsets in the header of a tree block. */
const HEADER = {
  fsid: 0x20,
  bytenr: 0x30,
  chunkTreeUuid: 0x40,
  generation: 0x50,
  owner: 0x58,
  items: 0x60,
  level: 0x64,
} as const
const HEADER_BYTES = 0x65
const ITEM_BYTES = 25

export const FS_TREE = 5n

/** `BTRFS_…_KEY` of the items that we look into. */
export const ITEM_TYPE = {
  inode: 1,
  inodeRef: 12,
  xattr: 24,
  dirItem: 84,
  dirIndex: 96,
  extentData: 108,
  root: 132,
  extent: 168,
  uuidSubvolume: 251,
} as const

export interface LeafItem {
  readonly objectid: bigint
  readonly type: number
  readonly offset: bigint
  readonly data: Buffer
}

export interface TreeBlockHeader {
  readonly bytenr: bigint
  readonly chunkTreeUuid: Buffer
  readonly generation: bigint
  readonly owner: bigint
  readonly isLeaf: boolean
}

/** @returns undefined when the bytes are no tree block of this filesystem, by fsid and checksum */
export function parseTreeBlock(block: Buffer, fsid: Buffer): TreeBlockHeader | undefined {
  if (!block.subarray(HEADER.fsid, HEADER.fsid + 16).equals(fsid)) return undefined
  if (block.readUInt32LE(0) !== crc32c(block.subarray(0x20))) return undefined
  return {
    bytenr: block.readBigUInt64LE(HEADER.bytenr),
    chunkTreeUuid: Buffer.from(block.subarray(HEADER.chunkTreeUuid, HEADER.chunkTreeUuid + 16)),
    generation: block.readBigUInt64LE(HEADER.generation),
    owner: block.readBigUInt64LE(HEADER.owner),
    isLeaf: block.readUInt8(HEADER.level) === 0,
  }
}

/** Checksums cover everything behind themselves; superblocks and tree blocks keep them in the same place. */
export function sealBlock(block: Buffer): void {
  block.fill(0, 0, 0x20)
  block.writeUInt32LE(crc32c(block.subarray(0x20)), 0)
}

export function parseLeafItems(block: Buffer): readonly LeafItem[] {
  return Array.from({ length: block.readUInt32LE(HEADER.items) }, (_, index) => {
    const at = HEADER_BYTES + index * ITEM_BYTES
    // 17 u32 data offset, counted from the end of the header; 21 u32 data size
    const start = HEADER_BYTES + block.readUInt32LE(at + 17)
    return {
      objectid: block.readBigUInt64LE(at),
      type: block.readUInt8(at + 8),
      offset: block.readBigUInt64LE(at + 9),
      data: Buffer.from(block.subarray(start, start + block.readUInt32LE(at + 21))),
    }
  })
}

/**
 * Puts `items` into a leaf in key order, and seals it.
 *
 * @throws RangeError when they don't fit: a leaf is never split here
 */
export function writeLeafItems(block: Buffer, items: readonly LeafItem[]): void {
  const needed = items.reduce((sum, item) => sum + ITEM_BYTES + item.data.length, HEADER_BYTES)
  if (needed > block.length) throw new RangeError(`a leaf of ${block.length} bytes can't hold ${needed}`)
  block.fill(0, HEADER_BYTES)
  block.writeUInt32LE(items.length, HEADER.items)
  let end = block.length
  for (const [index, item] of [...items].sort(compareKeys).entries()) {
    const at = HEADER_BYTES + index * ITEM_BYTES
    end -= item.data.length
    item.data.copy(block, end)
    block.writeBigUInt64LE(item.objectid, at)
    block.writeUInt8(item.type, at + 8)
    block.writeBigUInt64LE(item.offset, at + 9)
    block.writeUInt32LE(end - HEADER_BYTES, at + 17)
    block.writeUInt32LE(item.data.length, at + 21)
  }
  sealBlock(block)
}

function compareKeys(a: LeafItem, b: LeafItem): number {
  const difference = a.objectid - b.objectid || BigInt(a.type - b.type) || a.offset - b.offset
  return difference < 0n ? -1 : difference > 0n ? 1 : 0
}
