/**
 * Tells what filesystem a partition holds, from its superblock alone: nothing is mounted to find out.
 *
 * Only ext2/3/4 and btrfs were ever used for an OEM partition. Others are recognised so that an error can name what was
 * found. Sources: the superblock files beside this one; FAT by its boot sector (Microsoft FAT specification, section 3),
 * XFS by `XFSB` at 0, SquashFS by `hsqs` at 0, LUKS by its magic at 0.
 */
import type { ByteDevice } from '../../byte-device.js'
import {
  BTRFS_SUPERBLOCK_BYTES,
  BTRFS_SUPERBLOCK_OFFSET,
  type BtrfsFilesystem,
  parseBtrfsSuperblock,
} from './btrfs-superblock.js'
import {
  EXT_SUPERBLOCK_BYTES,
  EXT_SUPERBLOCK_OFFSET,
  type ExtFilesystem,
  parseExtSuperblock,
  untilNul,
} from './ext-superblock.js'

/** A filesystem that we can only name. */
export interface OtherFilesystem {
  readonly kind: 'other'
  readonly name: 'vfat' | 'xfs' | 'squashfs' | 'luks'
  readonly label: string
}

/** Nothing that looks like a filesystem. */
export interface NoFilesystem {
  readonly kind: 'none'
  /** Whether the places where superblocks lie hold nothing but zeros. */
  readonly blank: boolean
}

/** What an engine can be asked to open. */
export type Filesystem = ExtFilesystem | BtrfsFilesystem
export type ProbedFilesystem = Filesystem | OtherFilesystem | NoFilesystem

export type { BtrfsFilesystem, ExtFilesystem }

export async function probeFilesystem(partition: ByteDevice): Promise<ProbedFilesystem> {
  const head = await readUpTo(partition, 0, EXT_SUPERBLOCK_OFFSET + EXT_SUPERBLOCK_BYTES)
  const btrfsBlock = await readUpTo(partition, BTRFS_SUPERBLOCK_OFFSET, BTRFS_SUPERBLOCK_BYTES)
  // btrfs first: mkfs.btrfs clears an old ext superblock, mke2fs does not always clear the btrfs one's copies.
  const btrfs = parseBtrfsSuperblock(btrfsBlock)
  const ext = parseExtSuperblock(head.subarray(EXT_SUPERBLOCK_OFFSET))
  const other = parseOther(head)
  return btrfs ?? ext ?? other ?? { kind: 'none', blank: isZero(head) && isZero(btrfsBlock) }
}

function parseOther(head: Buffer): OtherFilesystem | undefined {
  const magic = head.subarray(0, 4).toString('latin1')
  // XFS 0x6c char[12] sb_fname
  if (magic === 'XFSB') return { kind: 'other', name: 'xfs', label: untilNul(head.subarray(0x6c, 0x78)) }
  if (magic === 'hsqs') return { kind: 'other', name: 'squashfs', label: '' }
  if (head.subarray(0, 6).equals(Buffer.from([0x4c, 0x55, 0x4b, 0x53, 0xba, 0xbe])))
    return { kind: 'other', name: 'luks', label: '' }
  // FAT 510 u16 signature; 0x36 (FAT12/16) or 0x52 (FAT32) char[8] BS_FilSysType; the label lies 11 bytes before it
  if (head.length >= 512 && head.readUInt16LE(510) === 0xaa55) {
    for (const typeOffset of [0x36, 0x52]) {
      if (head.subarray(typeOffset, typeOffset + 3).toString('latin1') === 'FAT') {
        return {
          kind: 'other',
          name: 'vfat',
          label: head
            .subarray(typeOffset - 11, typeOffset)
            .toString('latin1')
            .trimEnd(),
        }
      }
    }
  }
  return undefined
}

/** For messages: `btrfs`, `ext4`, `vfat`, `no filesystem`. */
export function filesystemName(filesystem: ProbedFilesystem): string {
  switch (filesystem.kind) {
    case 'ext':
      return filesystem.variant
    case 'btrfs':
      return 'btrfs'
    case 'other':
      return filesystem.name
    case 'none':
      return 'no filesystem'
  }
}

async function readUpTo(device: ByteDevice, offset: number, length: number): Promise<Buffer> {
  const available = Math.max(0, Math.min(length, device.size - offset))
  const bytes = Buffer.alloc(length)
  if (available > 0) (await device.read(offset, available)).copy(bytes)
  return bytes
}

function isZero(bytes: Buffer): boolean {
  return bytes.every((byte) => byte === 0)
}
