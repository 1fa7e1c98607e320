/** What reports and manifests say of an image. */
import type { BootedReport } from './booted/booted.js'
import type { DecodedImage } from './codec/codec.js'
import { filesystemName } from './disk/filesystem/probe.js'
import { FIRST_BOOT_DISK_GUID, partitionTypeName } from './disk/gpt/guid.js'
import type { LocatedOem } from './disk/locate-oem.js'
import { readMbrKind } from './disk/mbr.js'
import type { ImageReport } from './report.js'
import type { VerifiedImage } from './trust/verify.js'
import { SECTOR_BYTES } from './units.js'

export async function describeImage(
  image: VerifiedImage,
  decoded: DecodedImage,
  located: LocatedOem,
  booted: BootedReport,
): Promise<ImageReport> {
  const { disk, gpt, oem } = located
  return {
    path: image.path,
    sizeBytes: image.device.size,
    verification: image.origin.verification,
    codec: decoded.codec,
    format: disk.format,
    diskBytes: disk.sectors.size,
    diskGuid: gpt.diskGuid,
    firstBootPending: gpt.diskGuid === FIRST_BOOT_DISK_GUID,
    booted,
    mbr: await readMbrKind(disk.sectors),
    partitions: gpt.partitions.map(({ slot, name, typeGuid, partitionGuid, firstLba, range }) => ({
      number: slot,
      label: name,
      type: partitionTypeName(typeGuid),
      partitionGuid,
      firstSector: firstLba,
      sectors: range.length / SECTOR_BYTES,
    })),
    oemPartition: {
      number: oem.partition.slot,
      filesystem: filesystemName(oem.filesystem),
      uuid: oem.filesystem.uuid,
      sizeBytes: oem.partition.range.length,
    },
  }
}
