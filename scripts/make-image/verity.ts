/**
 * The dm-verity hash tree that lies behind the filesystem of USR-A.
 *
 * Real hashes, so that a changed byte in /usr could be found as a booting machine would find it. Format: kernel
 * documentation, "dm-verity", hash version 1 without superblock: SHA-256 without salt, 128 digests a block, levels
 * stored from the root down.
 */
import { createHash } from 'node:crypto'
import type { FileHandle } from 'node:fs/promises'
import { FS_BLOCK } from './layout.js'

const DIGEST_BYTES = 32
const DIGESTS_PER_BLOCK = FS_BLOCK / DIGEST_BYTES
const READ_BYTES = 256 * FS_BLOCK
const ZEROS = Buffer.alloc(READ_BYTES)

/** How many 4 KiB blocks the tree over `dataBlocks` blocks takes. */
export function verityBlocks(dataBlocks: number): number {
  let total = 0
  for (let level = dataBlocks; level > 1; ) {
    level = Math.ceil(level / DIGESTS_PER_BLOCK)
    total += level
  }
  return total
}

/** The largest filesystem, in blocks, that leaves room for its own tree in a partition. */
export function dataBlocksFor(partitionBlocks: number): number {
  let data = partitionBlocks
  while (data + verityBlocks(data) > partitionBlocks) data--
  return data
}

/**
 * Hashes the filesystem at `offset` and writes the tree right behind it.
 *
 * @returns the root hash in hexadecimal
 */
export async function writeVerityTree(disk: FileHandle, offset: number, dataBlocks: number): Promise<string> {
  const levels: Buffer[] = [await hashData(disk, offset, dataBlocks)]
  for (let below = levels[0]; below !== undefined && below.length > FS_BLOCK; below = levels[0]) {
    levels.unshift(hashLevel(below))
  }
  const [root] = levels
  if (root === undefined) throw new RangeError('a verity tree needs at least two data blocks')
  await disk.write(Buffer.concat(levels), 0, undefined, offset + dataBlocks * FS_BLOCK)
  return digest(root).toString('hex')
}

async function hashData(disk: FileHandle, offset: number, dataBlocks: number): Promise<Buffer> {
  const hashes = Buffer.alloc(Math.ceil(dataBlocks / DIGESTS_PER_BLOCK) * FS_BLOCK)
  const zeroDigest = digest(ZEROS.subarray(0, FS_BLOCK))
  const piece = Buffer.alloc(READ_BYTES)
  for (let block = 0; block < dataBlocks; ) {
    const length = Math.min(READ_BYTES, (dataBlocks - block) * FS_BLOCK)
    const { bytesRead } = await disk.read(piece, 0, length, offset + block * FS_BLOCK)
    if (bytesRead !== length) throw new RangeError(`read ${bytesRead} of ${length} bytes of USR-A`)
    const isHole = piece.subarray(0, length).equals(ZEROS.subarray(0, length))
    for (let start = 0; start < length; start += FS_BLOCK, block++) {
      const value = isHole ? zeroDigest : digest(piece.subarray(start, start + FS_BLOCK))
      value.copy(hashes, block * DIGEST_BYTES)
    }
  }
  return hashes
}

function hashLevel(below: Buffer): Buffer {
  const blocks = below.length / FS_BLOCK
  const hashes = Buffer.alloc(Math.ceil(blocks / DIGESTS_PER_BLOCK) * FS_BLOCK)
  for (let block = 0; block < blocks; block++) {
    digest(below.subarray(block * FS_BLOCK, (block + 1) * FS_BLOCK)).copy(hashes, block * DIGEST_BYTES)
  }
  return hashes
}

function digest(block: Buffer): Buffer {
  return createHash('sha256').update(block).digest()
}
