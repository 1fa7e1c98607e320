/**
 * Which filesystems the embedded engine opens: a list of what was tried, never of what should work.
 *
 * Each feature below was made with mke2fs 1.47, edited through npm ext2fs 4.2.5 and judged by `e2fsck -fn` (2026-11;
 * test/engine/embedded/serves.test.ts repeats it). What fell out:
 * - casefold, verity, bigalloc, mmp: the library itself refuses to mount;
 * - encrypt: it mounts, but names and contents are ciphertext;
 * - quota, project: an edit leaves the quota files stale, so reading only;
 * - large_dir, ea_inode: nobody's OEM partition has them and edits of their rare paths were not tried, so reading only;
 * - meta_bg: our own inode locator does not follow scattered group descriptors;
 * - blocks over 16 KiB: the glue keeps the block size in a signed 16-bit integer.
 * Everything that a refusal here turns away is served by libguestfs.
 */
import { EXT_INCOMPAT } from '../../disk/filesystem/ext-superblock.js'
import { filesystemName, type ProbedFilesystem } from '../../disk/filesystem/probe.js'
import { formatBytes } from '../../units.js'

/** Read-only-compatible feature bits, by the names that dumpe2fs prints. */
export const EXT_RO_COMPAT = {
  sparse_super: 0x1,
  large_file: 0x2,
  btree_dir: 0x4,
  huge_file: 0x8,
  uninit_bg: 0x10,
  dir_nlink: 0x20,
  extra_isize: 0x40,
  snapshot: 0x80,
  quota: 0x100,
  bigalloc: 0x200,
  metadata_csum: 0x400,
  replica: 0x800,
  read_only: 0x1000,
  project: 0x2000,
  shared_blocks: 0x4000,
  verity: 0x8000,
  orphan_present: 0x10000,
} as const

/** Set on USR-A by its builder, so that no kernel mounts it writable; it means nothing else. */
export const READ_ONLY_MARK = 0xff000000

const SERVED_INCOMPAT_EDIT =
  EXT_INCOMPAT.filetype |
  EXT_INCOMPAT.extent |
  EXT_INCOMPAT['64bit'] |
  EXT_INCOMPAT.flex_bg |
  EXT_INCOMPAT.metadata_csum_seed |
  EXT_INCOMPAT.inline_data

const SERVED_INCOMPAT = {
  edit: SERVED_INCOMPAT_EDIT,
  read: SERVED_INCOMPAT_EDIT | EXT_INCOMPAT.large_dir | EXT_INCOMPAT.ea_inode,
} as const

const SERVED_RO_COMPAT_EDIT =
  EXT_RO_COMPAT.sparse_super |
  EXT_RO_COMPAT.large_file |
  EXT_RO_COMPAT.huge_file |
  EXT_RO_COMPAT.uninit_bg |
  EXT_RO_COMPAT.dir_nlink |
  EXT_RO_COMPAT.extra_isize |
  EXT_RO_COMPAT.metadata_csum

const SERVED_RO_COMPAT = {
  edit: SERVED_RO_COMPAT_EDIT,
  read: SERVED_RO_COMPAT_EDIT | EXT_RO_COMPAT.quota | EXT_RO_COMPAT.project,
} as const

const MAX_BLOCK_BYTES = 16384

/**
 * @param partitionBytes the filesystem must not claim more than this
 * @returns why the embedded engine won't open this filesystem, as a clause; undefined when it will
 */
export function whyNotServed(
  filesystem: ProbedFilesystem,
  access: 'read' | 'edit',
  partitionBytes = Number.POSITIVE_INFINITY,
): string | undefined {
  if (filesystem.kind !== 'ext') {
    return `it is ${filesystemName(filesystem)}, and the embedded engine serves ext2, ext3 and ext4`
  }
  if (filesystem.needsRecovery) return 'its journal holds work that must be replayed first'
  if (!filesystem.clean) return 'it was not unmounted cleanly, or is marked as having errors'
  if (filesystem.lastOrphan !== 0) {
    return `files that were deleted while open wait for clean-up, the first in inode ${filesystem.lastOrphan}`
  }
  const incompat = unserved(filesystem.incompat, SERVED_INCOMPAT[access], EXT_INCOMPAT)
  if (incompat.length > 0) return cannot(access, incompat)
  const roCompat = unserved(servedRoCompatBits(filesystem.roCompat, access), SERVED_RO_COMPAT[access], EXT_RO_COMPAT)
  if (roCompat.length > 0) return cannot(access, roCompat)
  if (filesystem.blockBytes > MAX_BLOCK_BYTES) {
    return `its blocks are ${formatBytes(filesystem.blockBytes)} long, and the library stops at ${formatBytes(MAX_BLOCK_BYTES)}`
  }
  if (filesystem.sizeBytes > partitionBytes) {
    return `it claims ${filesystem.sizeBytes} bytes of a partition that has ${partitionBytes}`
  }
  return undefined
}

/** Whether the top byte of the feature word is the builder's mark and not features. */
export function hasReadOnlyMark(roCompat: number): boolean {
  return (roCompat & READ_ONLY_MARK) >>> 0 === READ_ONLY_MARK
}

/** The word as the library gets to see it: a reader looks through the mark, an editor does not. */
function servedRoCompatBits(roCompat: number, access: 'read' | 'edit'): number {
  return access === 'read' && hasReadOnlyMark(roCompat) ? roCompat & ~READ_ONLY_MARK : roCompat
}

function cannot(access: 'read' | 'edit', features: readonly string[]): string {
  return `the embedded engine can't ${access} ${features.length === 1 ? 'the feature' : 'the features'} ${features.join(', ')}`
}

/** Names of the bits that are set and not served; bits without a name as hex. */
function unserved(word: number, served: number, names: Readonly<Record<string, number>>): string[] {
  let rest = (word & ~served) >>> 0
  const found: string[] = []
  for (const [name, bit] of Object.entries(names)) {
    if ((rest & bit) === 0) continue
    found.push(name)
    rest = (rest & ~bit) >>> 0
  }
  if (rest !== 0) found.push(`0x${rest.toString(16)}`)
  return found
}
