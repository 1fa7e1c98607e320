/**
 * Finds the OEM partition by its PARTLABEL, and checks that it is one.
 *
 * GRUB finds the partition by PARTLABEL `OEM`, initrd and mount unit by filesystem label `OEM` (coreos/scripts
 * build_library/grub.cfg; coreos/init usr-share-oem.mount), so both must hold and nothing else decides: no number, no
 * offset, no filesystem type.
 */
import { WindowDevice, type WritableByteDevice } from '../byte-device.js'
import { ImageError, UnsupportedError } from '../errors.js'
import type { VirtualDisk } from './disk.js'
import { type Filesystem, filesystemName, probeFilesystem } from './filesystem/probe.js'
import type { Gpt, GptPartition } from './gpt/gpt.js'
import { readGpt } from './gpt/gpt.js'

const OEM_LABEL = 'OEM'

/** A partition as a device, with what is on it. */
export interface LocatedPartition {
  readonly partition: GptPartition
  readonly device: WritableByteDevice
  readonly filesystem: Filesystem
}

/** A disk whose OEM partition has been found. */
export interface LocatedOem {
  readonly disk: VirtualDisk
  readonly gpt: Gpt
  readonly oem: LocatedPartition
  /**
   * USR-A, where the image's release is written down; undefined when it can't be read. Looked for when it is wanted:
   * most of an image's blocks lie before it or in it.
   */
  findUsr(): Promise<LocatedPartition | undefined>
}

/**
 * @throws ERR_GPT_* as `readGpt`; ERR_OEM_NOT_FOUND, ERR_OEM_AMBIGUOUS, ERR_OEM_NO_FILESYSTEM, ERR_OEM_LABEL,
 *   ERR_FILESYSTEM_UNSUPPORTED
 */
export async function locateOem(disk: VirtualDisk): Promise<LocatedOem> {
  const gpt = await readGpt(disk.sectors)
  const named = gpt.partitions.filter((partition) => partition.name === OEM_LABEL)
  const [partition, second] = named
  if (partition === undefined) {
    const names = gpt.partitions.map(({ slot, name }) => `${slot} ${name}`).join(', ')
    throw new ImageError(
      'ERR_OEM_NOT_FOUND',
      `no partition is labelled ${OEM_LABEL}; found ${names === '' ? 'no partitions' : names}`,
      {
        hint: 'only Container Linux and Flatcar production disk images have an OEM partition',
        details: { partitions: gpt.partitions.map(({ slot, name }) => ({ slot, name })) },
      },
    )
  }
  if (second !== undefined) {
    throw new ImageError(
      'ERR_OEM_AMBIGUOUS',
      `${named.length} partitions are labelled ${OEM_LABEL}: numbers ${named.map(({ slot }) => slot).join(', ')}; expected one`,
      {
        hint: 'use the image as it was published',
      },
    )
  }
  const device = new WindowDevice(disk.sectors, partition.range)
  const filesystem = await probeFilesystem(device)
  if (filesystem.kind === 'none') {
    throw new ImageError(
      'ERR_OEM_NO_FILESYSTEM',
      `the OEM partition (number ${partition.slot}) holds no filesystem: ${filesystem.blank ? 'it is blank' : 'no superblock is known'}`,
      {
        hint: 'use the image as it was published; oem-bake never formats',
      },
    )
  }
  if (filesystem.kind === 'other') {
    throw new UnsupportedError(
      'ERR_FILESYSTEM_UNSUPPORTED',
      `the OEM partition (number ${partition.slot}) is ${filesystemName(filesystem)}; expected ext4 or btrfs`,
      {
        hint: 'no release of Container Linux or Flatcar mounts it: use the image as it was published',
      },
    )
  }
  if (filesystem.label !== OEM_LABEL) {
    throw new ImageError(
      'ERR_OEM_LABEL',
      `the filesystem on the OEM partition (number ${partition.slot}) is labelled "${filesystem.label}", expected "${OEM_LABEL}"`,
      {
        hint: 'the image would not boot: initrd and mount unit look for the label OEM. Use the image as it was published',
      },
    )
  }
  return { disk, gpt, oem: { partition, device, filesystem }, findUsr: () => findUsr(disk, gpt) }
}

async function findUsr(disk: VirtualDisk, gpt: Gpt): Promise<LocatedPartition | undefined> {
  const partition = gpt.partitions.find(({ name }) => name === 'USR-A')
  if (partition === undefined) return undefined
  const device = new WindowDevice(disk.sectors, partition.range)
  const filesystem = await probeFilesystem(device)
  return filesystem.kind === 'ext' || filesystem.kind === 'btrfs' ? { partition, device, filesystem } : undefined
}
