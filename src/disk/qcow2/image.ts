/**
 * A qcow2 file, opened: its header and first-level tables in memory, second-level tables by their offset.
 *
 * What is read here lies inside the file and within QEMU's limits, so a hostile header costs 40 MiB at most. Whether the
 * tables agree with each other is for `check.ts`.
 */
import type { ByteDevice } from '../../byte-device.js'
import { assertExtensions } from './extensions.js'
import { invalidImage, unsupportedImage } from './failure.js'
import { l1EntriesNeeded, parseQcow2Header, QCOW2_HEADER_BYTES, type Qcow2Header } from './header.js'
import { MAX_HOST_CLUSTERS } from './host-clusters.js'
import { TableDevice } from './table-device.js'

export interface Qcow2Image {
  readonly header: Qcow2Header
  /** The whole file. */
  readonly file: TableDevice
  /** The L1 entries that map the virtual disk. */
  readonly l1: Buffer
  readonly refcountTable: Buffer
}

/** @throws ERR_QCOW2_INVALID | ERR_QCOW2_UNSUPPORTED */
export async function readQcow2Header(device: ByteDevice): Promise<Qcow2Header> {
  return parseQcow2Header(await device.read(0, Math.min(QCOW2_HEADER_BYTES, device.size)))
}

/**
 * @throws ERR_QCOW2_INVALID | ERR_QCOW2_UNSUPPORTED
 */
export async function readQcow2(device: ByteDevice): Promise<Qcow2Image> {
  const header = await readQcow2Header(device)
  if (device.size > MAX_HOST_CLUSTERS * header.clusterBytes)
    throw unsupportedImage(
      `has ${Math.ceil(device.size / header.clusterBytes)} clusters, more than ${MAX_HOST_CLUSTERS}`,
      'give it larger clusters: qemu-img convert -O qcow2 -o cluster_size=64k IN OUT',
    )
  const file = new TableDevice(device, header.clusterBytes)
  assertExtensions(await file.read(0, Math.min(header.clusterBytes, file.size)), header)
  const table = (what: string, offset: number, length: number): Promise<Buffer> => {
    if (offset + length > file.size)
      throw invalidImage(
        `the ${what} table lies at bytes ${offset} to ${offset + length}, and the file ends at ${file.size}`,
      )
    return file.read(offset, length)
  }
  const l1 = await table('L1', header.l1Offset, header.l1Entries * 8)
  const needed = l1EntriesNeeded(header) * 8
  // Behind the disk's own entries lies the state of a virtual machine, if anything.
  if (l1.subarray(needed).some((byte) => byte !== 0))
    throw unsupportedImage(
      `maps clusters beyond the end of its disk, at L1 entry ${l1EntriesNeeded(header)} or later`,
      'drop them: qemu-img convert -O qcow2 IN OUT',
    )
  const refcountTable = await table(
    'refcount',
    header.refcountTableOffset,
    header.refcountTableClusters * header.clusterBytes,
  )
  return { header, file, l1: l1.subarray(0, needed), refcountTable }
}
