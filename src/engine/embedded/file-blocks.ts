/**
 * Where the first bytes of a file or directory lie: extent tree or block map, without the library.
 *
 * Source: Linux kernel documentation, "ext4 Data Structures and Algorithms", sections 4.4.1 (The Contents of inode.i_block)
 * to 4.4.4. Left out: triply indirect blocks, which nothing that is read here reaches.
 */
import type { BlockSource } from './geometry.js'
import { FLAG_EXTENTS } from './inode.js'
import { corrupt } from './library-errors.js'

const EXTENT_MAGIC = 0xf30a
const EXTENT_HEADER_BYTES = 12
const EXTENT_BYTES = 12
/** The kernel's own limit: 2^32 blocks need no deeper tree. */
const DEPTH_MAX = 5
const INITIALIZED_MAX = 0x8000
const DIRECT_BLOCKS = 12

export interface Mapped {
  readonly blockBytes: number
  readonly totalBlocks: number
}

/**
 * @param map the 60 bytes of i_block
 * @param logical number of the block within the file
 * @returns number of the block on the filesystem; 0 for a hole
 * @throws ERR_FILESYSTEM_CORRUPT
 */
export async function findBlock(
  disk: BlockSource,
  { blockBytes, totalBlocks }: Mapped,
  map: Buffer,
  flags: number,
  logical: number,
): Promise<number> {
  const block = (number: number): Promise<Buffer> =>
    disk.readBytes(inside(number, totalBlocks) * blockBytes, blockBytes)
  const found = (flags & FLAG_EXTENTS) !== 0 ? await byExtents(map, logical, block) : await byMap(map, logical, block)
  return found === 0 ? 0 : inside(found, totalBlocks)
}

function inside(number: number, totalBlocks: number): number {
  if (number > 0 && number < totalBlocks) return number
  throw corrupt(`a file's block map points to block ${number}, and the filesystem has ${totalBlocks}`)
}

async function byExtents(root: Buffer, logical: number, block: (number: number) => Promise<Buffer>): Promise<number> {
  let node = root
  for (let expected: number | undefined; ; ) {
    // 0 u16 eh_magic, 2 u16 eh_entries, 6 u16 eh_depth
    const entries = node.readUInt16LE(2)
    const depth = node.readUInt16LE(6)
    if (
      node.readUInt16LE(0) !== EXTENT_MAGIC ||
      EXTENT_HEADER_BYTES + entries * EXTENT_BYTES > node.length ||
      depth !== (expected ?? Math.min(depth, DEPTH_MAX))
    )
      throw corrupt("a file's extent tree has a header that can't be")
    const entry = lastUpTo(node, entries, logical)
    if (entry === undefined) return 0
    if (depth === 0) return inExtent(entry, logical)
    // 4 u32 ei_leaf_lo, 8 u16 ei_leaf_hi
    node = await block(entry.readUInt32LE(4) + entry.readUInt16LE(8) * 2 ** 32)
    expected = depth - 1
  }
}

/** The last entry that begins at or before a block. 0 u32 ee_block or ei_block */
function lastUpTo(node: Buffer, entries: number, logical: number): Buffer | undefined {
  let last: Buffer | undefined
  for (let index = 0; index < entries; index++) {
    const at = EXTENT_HEADER_BYTES + index * EXTENT_BYTES
    const entry = node.subarray(at, at + EXTENT_BYTES)
    if (entry.readUInt32LE(0) > logical) break
    last = entry
  }
  return last
}

function inExtent(entry: Buffer, logical: number): number {
  // 4 u16 ee_len: above 32768 for blocks that read as zeros; 6 u16 ee_start_hi, 8 u32 ee_start_lo
  const length = entry.readUInt16LE(4)
  const within = logical - entry.readUInt32LE(0)
  if (length > INITIALIZED_MAX || within >= length) return 0
  return entry.readUInt32LE(8) + entry.readUInt16LE(6) * 2 ** 32 + within
}

async function byMap(map: Buffer, logical: number, block: (number: number) => Promise<Buffer>): Promise<number> {
  if (logical < DIRECT_BLOCKS) return map.readUInt32LE(logical * 4)
  const indirect = map.readUInt32LE(DIRECT_BLOCKS * 4)
  if (indirect === 0) return 0
  const pointers = await block(indirect)
  const index = (logical - DIRECT_BLOCKS) * 4
  return index < pointers.length ? pointers.readUInt32LE(index) : 0
}
