/**
 * How many blocks things take: upper bounds, exact where the library's behaviour is known.
 *
 * New files are mapped by indirect blocks (library.ts), so their size alone tells their blocks. A directory that grows
 * may be mapped by extents; how many it needs depends on how scattered free blocks are, so the worst is taken.
 */

/** Direct block pointers of an inode. */
const DIRECT_BLOCKS = 12
/** Bytes of one pointer in an indirect block. */
const POINTER_BYTES = 4
/** Extents that fit in an inode. */
const INODE_EXTENTS = 4
/** Header and entry of an extent block; a 4-byte checksum ends it. */
const EXTENT_ENTRY_BYTES = 12

/** Indirect blocks for `dataBlocks` without holes. */
export function indirectBlocks(dataBlocks: number, blockBytes: number): number {
  const perBlock = blockBytes / POINTER_BYTES
  let left = dataBlocks - DIRECT_BLOCKS
  let blocks = 0
  let reach = 1
  for (let level = 1; level <= 3 && left > 0; level++) {
    reach *= perBlock
    const here = Math.min(left, reach)
    for (let size = perBlock; size <= reach; size *= perBlock) blocks += Math.ceil(here / size)
    left -= here
  }
  return blocks
}

/** All blocks of a new file, data and indirect. */
export function fileBlocks(sizeBytes: number, blockBytes: number): number {
  const dataBlocks = Math.ceil(sizeBytes / blockBytes)
  return dataBlocks + indirectBlocks(dataBlocks, blockBytes)
}

/** Most blocks that an extent tree of `dataBlocks` can take, each block an extent of its own and nodes half full. */
export function extentBlocks(dataBlocks: number, blockBytes: number): number {
  const perNode = Math.floor(Math.floor((blockBytes - EXTENT_ENTRY_BYTES) / EXTENT_ENTRY_BYTES) / 2)
  let blocks = 0
  for (let nodes = dataBlocks; nodes > INODE_EXTENTS; ) {
    nodes = Math.ceil(nodes / perNode)
    blocks += nodes
  }
  return blocks
}
