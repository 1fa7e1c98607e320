/**
 * Where inodes lie, and what is free: the superblock and the group descriptors.
 *
 * Source: Linux kernel documentation, "ext4 Data Structures and Algorithms", sections 4.1 (The Super Block) and 4.2
 * (Block Group Descriptors). All fields little-endian. Ours beside the library's, because the library's glue tells
 * neither free space nor whole owners. Left out: scattered descriptors (meta_bg; refused by serves.ts), checksums (the
 * library checks those when it mounts).
 */
import { EXT_INCOMPAT, EXT_SUPERBLOCK_BYTES, EXT_SUPERBLOCK_OFFSET } from '../../disk/filesystem/ext-superblock.js'
import { corrupt } from './library-errors.js'
import { EXT_RO_COMPAT } from './serves.js'

/** Inode size before the superblock had a field for it. */
const OLD_INODE_BYTES = 128
const OLD_DESCRIPTOR_BYTES = 32
/** mke2fs(8), `-g`; with fewer, descriptors could fill the disk, and the memory. */
const BLOCKS_PER_GROUP_MIN = 256
/** Of 128 TiB in groups of 128 MiB. */
const DESCRIPTORS_BYTES_MAX = 64 << 20

/** Bytes of the partition. */
export interface BlockSource {
  /** @throws ERR_FILESYSTEM_CORRUPT beyond the end */
  readBytes(offset: number, length: number): Promise<Buffer>
}

export interface Geometry {
  readonly blockBytes: number
  readonly totalBlocks: number
  /** What root may still use; the lower of what superblock and groups say. */
  readonly freeBlocks: number
  readonly freeInodes: number
  readonly inodesCount: number
  readonly inodesPerGroup: number
  readonly inodeBytes: number
  /** First block of each group's inode table. */
  readonly inodeTables: readonly number[]
  /** New directories are mapped by extents. */
  readonly hasExtents: boolean
  /** Directory blocks end in a checksum. */
  readonly hasMetadataChecksums: boolean
}

/** @throws ERR_FILESYSTEM_CORRUPT */
export async function readGeometry(disk: BlockSource): Promise<Geometry> {
  const superblock = await disk.readBytes(EXT_SUPERBLOCK_OFFSET, EXT_SUPERBLOCK_BYTES)
  // 0x00 u32 s_inodes_count
  const inodesCount = superblock.readUInt32LE(0x00)
  // 0x14 u32 s_first_data_block
  const firstDataBlock = superblock.readUInt32LE(0x14)
  // 0x18 u32 s_log_block_size
  const blockBytes = 1024 << Math.min(superblock.readUInt32LE(0x18), 6)
  // 0x20 u32 s_blocks_per_group, 0x28 u32 s_inodes_per_group
  const blocksPerGroup = superblock.readUInt32LE(0x20)
  const inodesPerGroup = superblock.readUInt32LE(0x28)
  // 0x4c u32 s_rev_level; 0x58 u16 s_inode_size counts from revision 1 on
  const inodeBytes = superblock.readUInt32LE(0x4c) === 0 ? OLD_INODE_BYTES : superblock.readUInt16LE(0x58)
  // 0x60 u32 s_feature_incompat, 0x64 u32 s_feature_ro_compat
  const incompat = superblock.readUInt32LE(0x60)
  const roCompat = superblock.readUInt32LE(0x64)
  const is64bit = (incompat & EXT_INCOMPAT['64bit']) !== 0
  const high = (at: number): number => (is64bit ? superblock.readUInt32LE(at) * 2 ** 32 : 0)
  // 0x04 u32 s_blocks_count_lo, 0x150 u32 s_blocks_count_hi
  const totalBlocks = superblock.readUInt32LE(0x04) + high(0x150)
  // 0x0c u32 s_free_blocks_count_lo, 0x158 u32 s_free_blocks_count_hi; 0x10 u32 s_free_inodes_count
  const freeBlocks = superblock.readUInt32LE(0x0c) + high(0x158)
  const freeInodes = superblock.readUInt32LE(0x10)
  // 0xfe u16 s_desc_size, only with the 64bit feature
  const descriptorBytes = is64bit ? superblock.readUInt16LE(0xfe) : OLD_DESCRIPTOR_BYTES

  const groupCount = Math.ceil((totalBlocks - firstDataBlock) / blocksPerGroup)
  const isSane =
    blocksPerGroup >= BLOCKS_PER_GROUP_MIN &&
    blocksPerGroup <= blockBytes * 8 &&
    inodesPerGroup > 0 &&
    inodesPerGroup <= blockBytes * 8 &&
    firstDataBlock <= 1 &&
    groupCount > 0 &&
    inodesCount <= groupCount * inodesPerGroup &&
    [128, 256, 512, 1024, 2048, 4096, 8192, 16384].includes(inodeBytes) &&
    inodeBytes <= blockBytes &&
    [32, 64, 128, 256, 512, 1024].includes(descriptorBytes) &&
    groupCount * descriptorBytes <= DESCRIPTORS_BYTES_MAX
  if (!isSane) throw corrupt('the superblock contradicts itself: groups, inodes and sizes do not fit together')

  const descriptors = await disk.readBytes((firstDataBlock + 1) * blockBytes, groupCount * descriptorBytes)
  const inodeTables: number[] = []
  let freeInGroups = 0
  let freeInodesInGroups = 0
  for (let at = 0; at < descriptors.length; at += descriptorBytes) {
    const isWide = descriptorBytes >= 64
    // 0x08 u32 bg_inode_table_lo, 0x28 u32 bg_inode_table_hi
    inodeTables.push(descriptors.readUInt32LE(at + 0x08) + (isWide ? descriptors.readUInt32LE(at + 0x28) * 2 ** 32 : 0))
    // 0x0c u16 bg_free_blocks_count_lo, 0x2c u16 _hi
    freeInGroups += descriptors.readUInt16LE(at + 0x0c) + (isWide ? descriptors.readUInt16LE(at + 0x2c) << 16 : 0)
    // 0x0e u16 bg_free_inodes_count_lo, 0x2e u16 _hi
    freeInodesInGroups += descriptors.readUInt16LE(at + 0x0e) + (isWide ? descriptors.readUInt16LE(at + 0x2e) << 16 : 0)
  }
  return {
    blockBytes,
    totalBlocks,
    freeBlocks: Math.min(freeBlocks, freeInGroups),
    freeInodes: Math.min(freeInodes, freeInodesInGroups),
    inodesCount,
    inodesPerGroup,
    inodeBytes,
    inodeTables,
    hasExtents: (incompat & EXT_INCOMPAT.extent) !== 0,
    hasMetadataChecksums: (roCompat & EXT_RO_COMPAT.metadata_csum) !== 0,
  }
}

/** Byte offset of an inode. @throws ERR_FILESYSTEM_CORRUPT for a number that no inode can have */
export function inodeOffset(geometry: Geometry, inodeNumber: number): number {
  const index = inodeNumber - 1
  const table = geometry.inodeTables[Math.floor(index / geometry.inodesPerGroup)]
  if (index < 0 || index >= geometry.inodesCount || table === undefined) {
    throw corrupt(`a directory entry points to inode ${inodeNumber}, and there are ${geometry.inodesCount}`)
  }
  return table * geometry.blockBytes + (index % geometry.inodesPerGroup) * geometry.inodeBytes
}
