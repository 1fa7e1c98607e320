/**
 * How much fits: what statvfs(2) says, corrected by what it leaves out, and what a list of edits will take.
 *
 * A full filesystem found halfway costs the whole bake, so this is counted before anything is written. Content counts
 * uncompressed, also on btrfs with zlib, and each directory one block. What edits free counts as free from there on.
 */
import { EXT_INCOMPAT } from '../../disk/filesystem/ext-superblock.js'
import { RefusedError } from '../../errors.js'
import { formatBytes } from '../../units.js'
import type { Filesystem, OemEdit, OemSpace } from '../engine.js'
import type { FilesystemStatus } from './stat.js'

/** ext4 with extents keeps 2 % of its blocks, at most 4096, from everyone (Linux fs/ext4/super.c, ext4_calculate_resv_clusters). */
const EXT4_RESERVED_FRACTION = 1 / 50
const EXT4_RESERVED_MAX_BLOCKS = 4096

export function spaceOf(status: FilesystemStatus, filesystem: Filesystem): OemSpace {
  return {
    blockBytes: status.blockBytes,
    totalBytes: status.blocks * status.blockBytes,
    freeBytes: freeBlocks(status, filesystem) * status.blockBytes,
    // btrfs makes inodes as it needs them, and says 0 of 0.
    freeInodes: status.inodes === 0 ? undefined : status.freeInodes,
  }
}

/** What root may use: more than `f_bavail`, which leaves out root's own reserve, and less than `f_bfree`. */
function freeBlocks(status: FilesystemStatus, filesystem: Filesystem): number {
  if (filesystem.kind === 'btrfs') return Math.min(status.freeBlocks, status.availableBlocks)
  if ((filesystem.incompat & EXT_INCOMPAT.extent) === 0) return status.freeBlocks
  const blocks = Math.floor(filesystem.sizeBytes / filesystem.blockBytes)
  const reserved = Math.min(Math.floor(blocks * EXT4_RESERVED_FRACTION), EXT4_RESERVED_MAX_BLOCKS)
  return Math.max(0, status.freeBlocks - reserved)
}

/** What edits need at their worst moment. */
export interface NeededSpace {
  readonly peakBytes: number
  readonly peakInodes: number
  /** All that is written, as if nothing were freed before. */
  readonly grossBytes: number
}

/** @param existing size in bytes of what is at an edit's path now; nothing for paths where nothing is */
export function neededSpace(
  edits: readonly OemEdit[],
  existing: ReadonlyMap<string, number>,
  blockBytes: number,
): NeededSpace {
  const sizes = new Map(existing)
  let bytes = 0
  let inodes = 0
  let peakBytes = 0
  let peakInodes = 0
  let grossBytes = 0
  const free = (path: string) => {
    const size = sizes.get(path)
    if (size === undefined) return
    bytes -= roundUp(size, blockBytes)
    inodes--
    sizes.delete(path)
  }
  const take = (path: string, size: number) => {
    sizes.set(path, size)
    bytes += roundUp(size, blockBytes)
    grossBytes += roundUp(size, blockBytes)
    inodes++
    peakBytes = Math.max(peakBytes, bytes)
    peakInodes = Math.max(peakInodes, inodes)
  }
  for (const edit of edits) {
    free(edit.path)
    if (edit.kind === 'make-directory') take(edit.path, blockBytes)
    if (edit.kind === 'write-file') take(edit.path, contentBytes(edit))
    // Short targets lie in the inode; which are short differs between filesystems.
    if (edit.kind === 'make-symlink') take(edit.path, blockBytes)
  }
  return { peakBytes, peakInodes, grossBytes }
}

/** @throws ERR_OEM_FULL with what is needed and what there is */
export function assertFits(needed: NeededSpace, space: OemSpace): void {
  if (needed.peakBytes > space.freeBytes) {
    throw new RefusedError(
      'ERR_OEM_FULL',
      `the OEM partition is too full: the files need ${formatBytes(needed.peakBytes)}, and ${formatBytes(space.freeBytes)} are free`,
      {
        hint: 'leave out files, or remove some that are there with --remove',
        details: { neededBytes: needed.peakBytes, availableBytes: space.freeBytes },
      },
    )
  }
  if (space.freeInodes !== undefined && needed.peakInodes > space.freeInodes) {
    throw new RefusedError(
      'ERR_OEM_FULL',
      `the OEM partition has ${space.freeInodes} inodes free, and the files need ${needed.peakInodes}`,
      {
        hint: 'leave out files, or remove some that are there with --remove',
        details: { neededInodes: needed.peakInodes, availableInodes: space.freeInodes },
      },
    )
  }
}

export function contentBytes(edit: Extract<OemEdit, { kind: 'write-file' }>): number {
  return edit.content.kind === 'bytes' ? edit.content.bytes.length : edit.content.sizeBytes
}

function roundUp(bytes: number, blockBytes: number): number {
  return Math.ceil(bytes / blockBytes) * blockBytes
}
