/**
 * What a first boot leaves behind in an image, looked for where it would be.
 *
 * The disk GUID comes with the partition table. The mark `first_boot` lies in the vendor's directory of EFI-SYSTEM, which is
 * FAT, and the first boot takes it away; machine-id and SSH host keys lie in /etc of ROOT, which is ext4. What can't be
 * looked at is said to be so, with the reason: an unusual image is no booted one. Sources: coreos/scripts
 * build_library/{grub.cfg,build_image_util.sh}; coreos/bootengine dracut; machine-id(5).
 *
 * Left out: ROOT as btrfs, which a few months of 2014 had, and what a journal that was not replayed still holds.
 */
import { type ByteDevice, WindowDevice } from '../byte-device.js'
import { findInFat, readFatVolume } from '../disk/fat/find.js'
import { EXT_INCOMPAT, type ExtFilesystem } from '../disk/filesystem/ext-superblock.js'
import { filesystemName, probeFilesystem } from '../disk/filesystem/probe.js'
import type { LocatedOem } from '../disk/locate-oem.js'
import { ExtLook } from '../engine/embedded/look.js'
import { ImageError } from '../errors.js'

export const SIGNS = ['disk-guid', 'first-boot-flag', 'machine-id', 'ssh-host-keys'] as const
export type Sign = (typeof SIGNS)[number]

export interface Trace {
  readonly sign: Sign
  /** `unknown`: it could not be looked for. */
  readonly found: 'fresh' | 'booted' | 'unknown'
  /** A clause for people: what was found, or why nothing could be looked for. */
  readonly detail: string
}

/** Where the vendors keep the mark; Flatcar knows both. */
const VENDOR_DIRECTORIES = ['coreos', 'flatcar'] as const
const FIRST_BOOT = 'first_boot'
/** 32 hexadecimal digits and a line end. */
const MACHINE_ID_BYTES_MAX = 64
/** machine-id(5): what an image may hold so that its first boot is one. */
const UNINITIALIZED = 'uninitialized'
const SSH_HOST_KEY = /^ssh_host_.+_key$/
/** Their presence changes where things lie, or what names are. */
const INCOMPAT_UNREADABLE =
  EXT_INCOMPAT.compression | EXT_INCOMPAT.journal_dev | EXT_INCOMPAT.meta_bg | EXT_INCOMPAT.encrypt

/** The traces that lie on partitions; each at most once. */
export async function lookForTraces(located: LocatedOem): Promise<readonly Trace[]> {
  return [
    ...(await lookAt(located, 'EFI-SYSTEM', ['first-boot-flag'], lookForFlag)),
    ...(await lookAt(located, 'ROOT', ['machine-id', 'ssh-host-keys'], lookIntoRoot)),
  ]
}

/** Whatever is wrong with a partition's own filesystem is a reason not to know; what is wrong with the image is not. */
async function lookAt(
  { disk, gpt }: LocatedOem,
  label: string,
  signs: readonly Sign[],
  look: (device: ByteDevice) => Promise<readonly Trace[] | string>,
): Promise<readonly Trace[]> {
  const unknown = (detail: string) => signs.map((sign): Trace => ({ sign, found: 'unknown', detail }))
  const [partition, second] = gpt.partitions.filter(({ name }) => name === label)
  if (partition === undefined || second !== undefined)
    return unknown(`${partition === undefined ? 'no partition is' : 'several partitions are'} labelled ${label}`)
  try {
    const traces = await look(new WindowDevice(disk.sectors, partition.range))
    return typeof traces === 'string' ? unknown(`${label} ${traces}`) : traces
  } catch (error) {
    if (error instanceof ImageError && error.code === 'ERR_FILESYSTEM_CORRUPT')
      return unknown(`${label} could not be read: ${error.message}`)
    throw error
  }
}

async function lookForFlag(device: ByteDevice): Promise<readonly Trace[] | string> {
  const volume = await readFatVolume(device)
  if (volume === undefined) return 'is not FAT'
  const vendors: string[] = []
  for (const vendor of VENDOR_DIRECTORIES) {
    if ((await findInFat(device, volume, [vendor])) !== 'directory') continue
    vendors.push(vendor)
    if ((await findInFat(device, volume, [vendor, FIRST_BOOT])) !== 'file') continue
    return [{ sign: 'first-boot-flag', found: 'fresh', detail: `/${vendor}/${FIRST_BOOT} is on EFI-SYSTEM` }]
  }
  if (vendors.length === 0) return `has no directory ${VENDOR_DIRECTORIES.join(' or ')}`
  const places = vendors.map((vendor) => `/${vendor}/${FIRST_BOOT}`).join(' and ')
  return [{ sign: 'first-boot-flag', found: 'booted', detail: `${places} is gone from EFI-SYSTEM` }]
}

async function lookIntoRoot(device: ByteDevice): Promise<readonly Trace[] | string> {
  const filesystem = await probeFilesystem(device)
  if (filesystem.kind !== 'ext') return `is ${filesystemName(filesystem)}, not ext4`
  if (hasUnreadable(filesystem)) return 'has features of ext4 that are not read here'
  const root = await ExtLook.open(device)
  const id = (await root.head(['etc', 'machine-id'], MACHINE_ID_BYTES_MAX))?.toString('latin1').trim() ?? ''
  const keys = ((await root.names(['etc', 'ssh'])) ?? []).filter((name) => SSH_HOST_KEY.test(name)).sort()
  const hasId = id !== '' && id !== UNINITIALIZED
  return [
    {
      sign: 'machine-id',
      found: hasId ? 'booted' : 'fresh',
      detail: hasId ? '/etc/machine-id on ROOT is that of a machine' : '/etc/machine-id on ROOT holds no id',
    },
    {
      sign: 'ssh-host-keys',
      found: keys.length > 0 ? 'booted' : 'fresh',
      detail: keys.length > 0 ? `/etc/ssh on ROOT holds ${keys.join(', ')}` : '/etc/ssh on ROOT holds no host key',
    },
  ]
}

function hasUnreadable({ incompat }: ExtFilesystem): boolean {
  return (incompat & INCOMPAT_UNREADABLE) !== 0
}
