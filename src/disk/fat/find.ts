/**
 * Finds a path on a FAT filesystem: what is there, without reading any file.
 *
 * For the EFI system partition, where the mark of an image's first boot lies. Only the sectors that lead there are read,
 * because the image may lie inside bzip2. Ours, because the npm package for FAT (fatfs) has not been kept since 2017 and
 * reads whole directories through a callback interface of its own. Names compare without case, as FAT has it (ASCII only).
 */
import type { ByteDevice } from '../../byte-device.js'
import { type FatEntry, hasEnd, parseFatDirectory } from './directory.js'
import { corruptFat, FAT_BITS, FAT_BOOT_BYTES, FAT_ENTRY_BYTES, type FatVolume, parseFatVolume } from './volume.js'

/** "FAT Directory Structure": a directory has at most 65 536 entries. */
const DIRECTORY_BYTES_MAX = 65_536 * FAT_ENTRY_BYTES

/** @throws ERR_FILESYSTEM_CORRUPT; @returns undefined when the partition holds no FAT */
export async function readFatVolume(partition: ByteDevice): Promise<FatVolume | undefined> {
  if (partition.size < FAT_BOOT_BYTES) return undefined
  return parseFatVolume(await partition.read(0, FAT_BOOT_BYTES), partition.size)
}

/**
 * @param path names from the root down: `coreos`, `first_boot`
 * @throws ERR_FILESYSTEM_CORRUPT
 */
export async function findInFat(
  partition: ByteDevice,
  volume: FatVolume,
  path: readonly string[],
): Promise<'file' | 'directory' | 'nothing'> {
  let found: FatEntry | undefined
  for (const [index, name] of path.entries()) {
    if (index > 0 && found?.isDirectory !== true) return 'nothing'
    const bytes = await directoryBytes(partition, volume, found)
    found = parseFatDirectory(bytes).find((entry) => isNamed(entry, name))
    if (found === undefined) return 'nothing'
  }
  return found?.isDirectory === false ? 'file' : 'directory'
}

function isNamed({ shortName, longName }: FatEntry, name: string): boolean {
  const wanted = name.toLowerCase()
  return longName?.toLowerCase() === wanted || shortName.toLowerCase() === wanted
}

/** Up to the directory's end mark, or all of it. @param directory undefined for the root */
async function directoryBytes(
  partition: ByteDevice,
  volume: FatVolume,
  directory: FatEntry | undefined,
): Promise<Buffer> {
  const { root, clusterBytes } = volume
  if (directory === undefined && root.kind === 'region') return partition.read(root.offset, root.length)
  let cluster: number | undefined = directory?.cluster ?? (root.kind === 'chain' ? root.cluster : 0)
  const parts: Buffer[] = []
  for (let read = 0; cluster !== undefined; read += clusterBytes) {
    // A chain that comes back to where it was ends here, too.
    if (read >= DIRECTORY_BYTES_MAX) throw corruptFat(`a directory has more than ${DIRECTORY_BYTES_MAX} bytes`)
    const part = await partition.read(clusterOffset(volume, cluster), clusterBytes)
    parts.push(part)
    if (hasEnd(part)) break
    cluster = await nextCluster(partition, volume, cluster)
  }
  return Buffer.concat(parts)
}

function clusterOffset({ dataOffset, clusterBytes, clusters }: FatVolume, cluster: number): number {
  if (cluster < 2 || cluster >= clusters + 2)
    throw corruptFat(`a directory lies in cluster ${cluster}, and there are clusters 2 to ${clusters + 1}`)
  return dataOffset + (cluster - 2) * clusterBytes
}

/** What the table says of a cluster; undefined at the end of a chain. */
async function nextCluster(
  partition: ByteDevice,
  { kind, tableOffset }: FatVolume,
  cluster: number,
): Promise<number | undefined> {
  const bits = cluster * FAT_BITS[kind]
  const bytes = await partition.read(tableOffset + Math.floor(bits / 8), kind === 'FAT32' ? 4 : 2)
  switch (kind) {
    case 'FAT12': {
      const next = (bytes.readUInt16LE(0) >> (bits % 8)) & 0xfff
      return next >= 0xff8 ? undefined : next
    }
    case 'FAT16': {
      const next = bytes.readUInt16LE(0)
      return next >= 0xfff8 ? undefined : next
    }
    case 'FAT32': {
      // The four high bits belong to nobody.
      const next = bytes.readUInt32LE(0) & 0x0fffffff
      return next >= 0x0ffffff8 ? undefined : next
    }
  }
}
