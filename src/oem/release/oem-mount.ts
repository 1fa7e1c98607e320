/**
 * How the vendor makes the OEM filesystem, and where and how the running system mounts it.
 *
 * Sources: coreos/scripts and flatcar/scripts build_library/disk_util (format functions), disk_layout.json;
 * coreos/init systemd/system/usr-share-oem.mount (Type=ext4); flatcar/init 4f22917 (Type=auto, 2021-07-02), oem.mount (branch
 * 3637), 9c940ec7 (Type=btrfs,ext4, branch 4694).
 */
import { type EraTable, factOf } from './era.js'
import type { ImageRelease } from './release.js'

export interface OemMount {
  /** What the vendor's images have there. */
  readonly filesystem: 'ext4' | 'btrfs'
  readonly mountPoint: '/usr/share/oem' | '/oem'
  /** Paths under which programs reach it; the mount point first, symbolic links after it. */
  readonly reachedAs: readonly string[]
  readonly unit: 'usr-share-oem.mount' | 'oem.mount'
  /** Filesystems that the unit mounts: with another one the partition is missing once the system runs. */
  readonly mounts: readonly ('ext4' | 'btrfs')[] | 'any'
}

const OLD_PLACE = {
  mountPoint: '/usr/share/oem',
  reachedAs: ['/usr/share/oem'],
  unit: 'usr-share-oem.mount',
} as const
const NEW_PLACE = { mountPoint: '/oem', reachedAs: ['/oem', '/usr/share/oem'], unit: 'oem.mount' } as const

const MOUNTS: EraTable<OemMount> = {
  'container-linux': [{ from: 0, fact: { filesystem: 'ext4', ...OLD_PLACE, mounts: ['ext4'] } }],
  flatcar: [
    { from: 0, fact: { filesystem: 'ext4', ...OLD_PLACE, mounts: ['ext4'] } },
    { from: 2923, fact: { filesystem: 'ext4', ...OLD_PLACE, mounts: 'any' } },
    { from: 2955, fact: { filesystem: 'btrfs', ...OLD_PLACE, mounts: 'any' } },
    { from: 3637, fact: { filesystem: 'btrfs', ...NEW_PLACE, mounts: 'any' } },
    { from: 4694, fact: { filesystem: 'btrfs', ...NEW_PLACE, mounts: ['btrfs', 'ext4'] } },
  ],
}

export function oemMountOf(release: ImageRelease): OemMount | 'unknown' {
  return factOf(MOUNTS, release)
}
