/** Disks whose partition table or OEM partition is not what an image has. */
import { randomBytes } from 'node:crypto'
import { DiskPatcher, type SmallDiskOptions } from '../../support/small-disk.js'
import { image, type Place, RACKSPACE, type Row } from './row.js'

const SECTOR_BYTES = 512

const patched =
  (patch: (disk: DiskPatcher) => void, options: SmallDiskOptions = {}) =>
  (place: Place) => {
    const path = image(place, options)
    using disk = new DiskPatcher(path)
    patch(disk)
    return { args: [path, ...RACKSPACE] }
  }

const disk = (options: SmallDiskOptions) => patched(() => undefined, options)

const DAMAGED = ['download it again', 'digest'] as const
const AS_PUBLISHED = ['use the image as it was published'] as const

export const DISK_ROWS: readonly Row[] = [
  {
    title: 'a disk with an MBR only',
    make: patched((at) => at.write(at.headerOffset('primary'), Buffer.alloc(SECTOR_BYTES))),
    exitCode: 4,
    code: 'ERR_GPT_MISSING',
    says: ['primary GPT header at sector 1', 'missing'],
    hint: DAMAGED,
  },
  {
    title: 'a GPT header whose CRC is wrong',
    make: patched((at) => at.flipBit(at.headerOffset('primary') + 56)),
    exitCode: 4,
    code: 'ERR_GPT_HEADER_CRC',
    says: ['primary GPT header at sector 1', 'stored 0x', 'computed 0x'],
    hint: DAMAGED,
  },
  {
    title: 'a backup GPT header whose CRC is wrong',
    make: patched((at) => at.flipBit(at.headerOffset('backup') + 56)),
    exitCode: 4,
    code: 'ERR_GPT_HEADER_CRC',
    says: ['backup GPT header at sector', 'stored 0x', 'computed 0x'],
    hint: DAMAGED,
  },
  {
    title: 'GPT entries whose CRC is wrong',
    make: patched((at) => at.flipBit(at.entryOffset('primary', 9) + 56)),
    exitCode: 4,
    code: 'ERR_GPT_TABLE_CRC',
    says: ['primary GPT entries at sector 2', 'stored 0x', 'computed 0x'],
    hint: DAMAGED,
  },
  {
    title: 'a GPT header of a future revision',
    make: patched((at) => {
      at.write(at.headerOffset('primary') + 8, Buffer.from([0, 0, 2, 0]))
      at.sealGpt('primary')
    }),
    exitCode: 4,
    code: 'ERR_GPT_HEADER_INVALID',
    says: ['sector 1', 'revision 0x20000', '0x10000'],
    hint: DAMAGED,
  },
  {
    title: 'a disk whose backup GPT was zeroed',
    make: patched((at) => at.write(at.headerOffset('backup'), Buffer.alloc(SECTOR_BYTES))),
    exitCode: 4,
    code: 'ERR_GPT_BACKUP_MISSING',
    says: ['backup GPT header at sector', 'missing'],
    hint: DAMAGED,
  },
  {
    title: 'a raw disk that is cut off',
    make: patched((at) => at.truncate((at.lastLba - 99) * SECTOR_BYTES)),
    exitCode: 4,
    code: 'ERR_GPT_BACKUP_MISSING',
    says: ['backup GPT header should lie at sector', 'ends after sector'],
    hint: DAMAGED,
  },
  {
    title: 'a backup GPT of another disk',
    make: patched((at) => {
      at.write(at.headerOffset('backup') + 56, randomBytes(16))
      at.sealGpt('backup')
    }),
    exitCode: 4,
    code: 'ERR_GPT_BACKUP_DIFFERS',
    says: ['disagrees', 'disk GUID'],
    hint: AS_PUBLISHED,
  },
  {
    title: 'partitions that overlap',
    make: patched((at) => {
      for (const copy of ['primary', 'backup'] as const) {
        // Slot 9 starts where slot 6 does.
        at.write(at.entryOffset(copy, 9) + 32, at.read(at.entryOffset(copy, 6) + 32, 8))
        at.sealGpt(copy)
      }
    }),
    exitCode: 4,
    code: 'ERR_GPT_ENTRY_INVALID',
    says: ['6', '9', 'overlap'],
    hint: ['download it again'],
  },
  {
    title: 'a raw disk with a few bytes appended',
    make: patched((at) => at.write((at.lastLba + 1) * SECTOR_BYTES, Buffer.from('signature'))),
    exitCode: 4,
    code: 'ERR_DISK_SIZE',
    says: ['no whole number of 512-byte sectors'],
    hint: ['download it again'],
  },
  {
    title: 'a disk without an OEM partition',
    make: disk({ names: { 3: 'USR-A', 6: 'DATA', 9: 'ROOT' } }),
    exitCode: 4,
    code: 'ERR_OEM_NOT_FOUND',
    says: ['no partition is labelled OEM', '6 DATA'],
    hint: ['production disk images'],
  },
  {
    title: 'a disk with two OEM partitions',
    make: disk({ names: { 3: 'USR-A', 6: 'OEM', 9: 'OEM' } }),
    exitCode: 4,
    code: 'ERR_OEM_AMBIGUOUS',
    says: ['2 partitions', 'numbers 6, 9'],
    hint: AS_PUBLISHED,
  },
  {
    title: 'an OEM partition with FAT',
    make: disk({ oem: 'vfat' }),
    exitCode: 5,
    code: 'ERR_FILESYSTEM_UNSUPPORTED',
    says: ['number 6', 'vfat', 'ext4 or btrfs'],
    hint: AS_PUBLISHED,
  },
  {
    title: 'an OEM partition without a filesystem',
    make: disk({ oem: 'nothing' }),
    exitCode: 4,
    code: 'ERR_OEM_NO_FILESYSTEM',
    says: ['number 6', 'blank'],
    hint: AS_PUBLISHED,
  },
  {
    title: 'an OEM partition with another label',
    make: disk({ label: 'EOM' }),
    exitCode: 4,
    code: 'ERR_OEM_LABEL',
    says: ['number 6', '"EOM"', '"OEM"'],
    hint: ['Use the image as it was published'],
  },
  {
    title: 'an ext4 superblock with an impossible block size',
    make: patched((at) => at.write(at.partitionOffset(6) + 1024 + 0x18, Buffer.from([99, 0, 0, 0]))),
    exitCode: 4,
    code: 'ERR_OEM_NO_FILESYSTEM',
    says: ['number 6', 'no superblock is known'],
    hint: AS_PUBLISHED,
  },
  {
    title: 'btrfs asked of the embedded engine',
    make: (place) => ({ args: [image(place, { oem: 'btrfs' }), ...RACKSPACE, '--engine', 'embedded'] }),
    exitCode: 5,
    code: 'ERR_ENGINE_CANNOT_SERVE',
    says: ['btrfs', 'embedded engine'],
    hint: ['--engine libguestfs'],
  },
]
