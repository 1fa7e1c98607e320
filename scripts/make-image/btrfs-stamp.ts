/**
 * Replaces what mkfs.btrfs draws at random or reads from the clock: UUIDs of device, chunk tree and subvolume, time stamps,
 * and owners when the script does not run as root.
 *
 * Works on the metadata blocks in a file, found by fsid and checksum. Serves what mkfs makes with `--mixed -m single`: nodes
 * of 4 KiB, one copy, logical address = place in the file.
 * Source: btrfs documentation, "On-disk format", sections Superblock, INODE_ITEM, ROOT_ITEM.
 */
import type { FileHandle } from 'node:fs/promises'
import {
  FS_TREE,
  ITEM_TYPE,
  type LeafItem,
  parseLeafItems,
  parseTreeBlock,
  sealBlock,
  writeLeafItems,
} from './btrfs-leaf.js'
import { canonicalTree } from './btrfs-tree.js'
import { seededUuid } from './random.js'

const NODE_BYTES = 4096
const READ_BYTES = 256 * NODE_BYTES
/** The primary superblock and its copy at 64 MiB. */
const SUPERBLOCKS = [65536, 64 * 1024 * 1024] as const
/** In the superblock: 0x20 fsid; 0xc9 dev_item, with its uuid at 66 within. */
const SUPER = { fsid: 0x20, devItemUuid: 0xc9 + 66 } as const

export interface StampOptions {
  readonly bytes: number
  readonly seed: number
  readonly purpose: string
  readonly epochSeconds: number
  /** Renumber inodes and give all of them this property; only for trees of one leaf. Undefined: leave the tree alone. */
  readonly rootCompression: string | undefined
}

interface MetadataBlock {
  readonly offset: number
  readonly block: Buffer
  readonly owner: bigint
  readonly generation: bigint
  readonly isLeaf: boolean
}

export async function stampBtrfs(file: FileHandle, options: StampOptions): Promise<void> {
  const superblock = await readAt(file, SUPERBLOCKS[0], NODE_BYTES)
  const fsid = Buffer.from(superblock.subarray(SUPER.fsid, SUPER.fsid + 16))
  const deviceUuid = Buffer.from(superblock.subarray(SUPER.devItemUuid, SUPER.devItemUuid + 16))
  const { blocks, chunkTreeUuid } = await readMetadata(file, fsid, options.bytes)
  const subvolumeUuid = findSubvolumeUuid(blocks)
  const newUuid = (role: string) => uuidBytes(seededUuid(options.seed, `${options.purpose} ${role}`))
  const newSubvolumeUuid = newUuid('subvolume')
  const replacements = [
    { from: deviceUuid, to: newUuid('device') },
    { from: chunkTreeUuid, to: newUuid('chunk tree') },
    { from: subvolumeUuid, to: newSubvolumeUuid },
  ]
  const inodes =
    options.rootCompression === undefined ? new Map<bigint, bigint>() : rewriteFileTree(blocks, options.rootCompression)
  for (const { block, isLeaf, offset } of blocks) {
    for (const { from, to } of replacements) replaceAll(block, from, to)
    if (isLeaf) {
      const items = parseLeafItems(block).map((item) =>
        stampItem(item, { epochSeconds: options.epochSeconds, inodes, newSubvolumeUuid }),
      )
      writeLeafItems(block, items)
    } else {
      sealBlock(block)
    }
    await file.write(block, 0, NODE_BYTES, offset)
  }
  for (const offset of SUPERBLOCKS) {
    if (offset + NODE_BYTES > options.bytes) continue
    const copy = await readAt(file, offset, NODE_BYTES)
    for (const { from, to } of replacements) replaceAll(copy, from, to)
    sealBlock(copy)
    await file.write(copy, 0, NODE_BYTES, offset)
  }
}

async function readMetadata(
  file: FileHandle,
  fsid: Buffer,
  bytes: number,
): Promise<{ readonly blocks: readonly MetadataBlock[]; readonly chunkTreeUuid: Buffer }> {
  const blocks: MetadataBlock[] = []
  let chunkTreeUuid: Buffer | undefined
  for (let start = 0; start < bytes; start += READ_BYTES) {
    const piece = await readAt(file, start, Math.min(READ_BYTES, bytes - start))
    for (let at = piece.indexOf(fsid); at !== -1; at = piece.indexOf(fsid, at + 1)) {
      const offset = at - SUPER.fsid
      // Superblocks pass for tree blocks: fsid, checksum and own address lie in the same places.
      if (offset % NODE_BYTES !== 0 || SUPERBLOCKS.some((place) => place === start + offset)) continue
      const block = Buffer.from(piece.subarray(offset, offset + NODE_BYTES))
      const header = parseTreeBlock(block, fsid)
      if (header === undefined || header.bytenr !== BigInt(start + offset)) continue
      chunkTreeUuid ??= header.chunkTreeUuid
      blocks.push({ offset: start + offset, block, ...header })
    }
  }
  if (chunkTreeUuid === undefined) throw new RangeError('mkfs.btrfs left no tree block')
  return { blocks, chunkTreeUuid }
}

/** @returns old inode numbers to new ones */
function rewriteFileTree(blocks: readonly MetadataBlock[], compression: string): ReadonlyMap<bigint, bigint> {
  const ofTree = blocks.filter(({ owner }) => owner === FS_TREE)
  const newest = ofTree.map(({ generation }) => generation).sort((a, b) => (a < b ? 1 : -1))[0]
  const [leaf, ...others] = ofTree.filter(({ generation }) => generation === newest)
  if (leaf === undefined || others.length > 0 || !leaf.isLeaf) {
    throw new RangeError(`expected a file tree of one leaf, found ${others.length + 1} blocks`)
  }
  const { items, inodes } = canonicalTree(parseLeafItems(leaf.block), compression)
  writeLeafItems(leaf.block, items)
  return inodes
}

interface Stamp {
  readonly epochSeconds: number
  readonly inodes: ReadonlyMap<bigint, bigint>
  readonly newSubvolumeUuid: Buffer
}

function stampItem(item: LeafItem, stamp: Stamp): LeafItem {
  const { data } = item
  switch (item.type) {
    case ITEM_TYPE.inode:
      // 44 u32 uid, 48 u32 gid; 112 atime, 124 ctime, 136 mtime, 148 otime: u64 seconds, u32 nanoseconds
      data.writeUInt32LE(0, 44)
      data.writeUInt32LE(0, 48)
      for (const at of [112, 124, 136, 148]) writeTime(data, at, stamp.epochSeconds)
      return item
    case ITEM_TYPE.dirItem:
    case ITEM_TYPE.dirIndex:
      // 17 u64 transid, which mkfs.btrfs leaves uninitialised
      data.writeBigUInt64LE(0n, 17)
      return item
    case ITEM_TYPE.root:
      // 327 ctime, 339 otime; zero where a tree has no times
      for (const at of [327, 339]) if (data.readBigUInt64LE(at) !== 0n) writeTime(data, at, stamp.epochSeconds)
      return item
    case ITEM_TYPE.extent:
      // Inline backref behind the 24 bytes of the extent: u8 type 178, u64 root, u64 inode
      if (data.length >= 41 && data.readUInt8(24) === 178) {
        const inode = data.readBigUInt64LE(33)
        data.writeBigUInt64LE(stamp.inodes.get(inode) ?? inode, 33)
      }
      return item
    case ITEM_TYPE.uuidSubvolume:
      // The UUID itself is the key, in two halves.
      return {
        ...item,
        objectid: stamp.newSubvolumeUuid.readBigUInt64LE(0),
        offset: stamp.newSubvolumeUuid.readBigUInt64LE(8),
      }
    default:
      return item
  }
}

/** 247: uuid in the ROOT_ITEM of the file tree. */
function findSubvolumeUuid(blocks: readonly MetadataBlock[]): Buffer {
  for (const { block, isLeaf } of [...blocks].reverse()) {
    if (!isLeaf) continue
    const root = parseLeafItems(block).find(({ objectid, type }) => objectid === FS_TREE && type === ITEM_TYPE.root)
    const uuid = root?.data.subarray(247, 263)
    if (uuid?.some((byte) => byte !== 0)) return Buffer.from(uuid)
  }
  throw new RangeError('mkfs.btrfs left no file tree')
}

function writeTime(data: Buffer, at: number, seconds: number): void {
  data.writeBigUInt64LE(BigInt(seconds), at)
  data.writeUInt32LE(0, at + 8)
}

function uuidBytes(text: string): Buffer {
  return Buffer.from(text.replaceAll('-', ''), 'hex')
}

function replaceAll(block: Buffer, from: Buffer, to: Buffer): void {
  for (let at = block.indexOf(from); at !== -1; at = block.indexOf(from, at + from.length)) to.copy(block, at)
}

async function readAt(file: FileHandle, offset: number, length: number): Promise<Buffer> {
  const bytes = Buffer.alloc(length)
  const { bytesRead } = await file.read(bytes, 0, length, offset)
  if (bytesRead !== length) throw new RangeError(`read ${bytesRead} of ${length} bytes at ${offset}`)
  return bytes
}
