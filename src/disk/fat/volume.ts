/**
 * The boot sector of a FAT filesystem: where its tables, its root directory and its clusters lie.
 *
 * Source: Microsoft, "FAT: General Overview of On-Disk Format", version 1.03 (2000), sections "Boot Sector and BPB" and "FAT
 * Type Determination". Little-endian. One deviation, the Linux kernel's (fs/fat/inode.c), because mkfs.vfat makes such
 * volumes for small partitions: whatever has no 16-bit table size is FAT32, however few clusters it has. Read only.
 */
import { ImageError } from '../../errors.js'

export type FatKind = 'FAT12' | 'FAT16' | 'FAT32'

export interface FatVolume {
  readonly kind: FatKind
  readonly clusterBytes: number
  /** Clusters of data; their numbers begin with 2. */
  readonly clusters: number
  /** First byte of the table that counts. */
  readonly tableOffset: number
  /** First byte of cluster 2. */
  readonly dataOffset: number
  /** A stretch before the data, or, in FAT32, a chain of clusters like any directory's. */
  readonly root:
    | { readonly kind: 'region'; readonly offset: number; readonly length: number }
    | { readonly kind: 'chain'; readonly cluster: number }
}

/** Bytes that {@link parseFatVolume} wants. */
export const FAT_BOOT_BYTES = 512
export const FAT_ENTRY_BYTES = 32
/** Bits of an entry in the table. */
export const FAT_BITS: Readonly<Record<FatKind, number>> = { FAT12: 12, FAT16: 16, FAT32: 32 }

/** "FAT Type Determination": fewer clusters than these are FAT12, or FAT16. */
const FAT16_CLUSTERS_MIN = 4085
const FAT32_CLUSTERS_MIN = 65525
/** The last numbers of FAT32's 28 bits are marks. */
const CLUSTERS_MAX = 0x0ffffff5

/**
 * @param sector the first 512 bytes
 * @returns undefined when this is no boot sector of FAT
 * @throws ERR_FILESYSTEM_CORRUPT when it is one, and contradicts itself
 */
export function parseFatVolume(sector: Buffer, partitionBytes: number): FatVolume | undefined {
  // 0 u8[3] BS_jmpBoot
  const jump = sector.readUInt8(0)
  // 11 u16 BPB_BytsPerSec, 13 u8 BPB_SecPerClus, 14 u16 BPB_RsvdSecCnt, 16 u8 BPB_NumFATs
  const sectorBytes = sector.readUInt16LE(11)
  const sectorsPerCluster = sector.readUInt8(13)
  const reserved = sector.readUInt16LE(14)
  const tables = sector.readUInt8(16)
  // 510 u16 signature
  const isFat =
    sector.readUInt16LE(510) === 0xaa55 &&
    (jump === 0xeb || jump === 0xe9) &&
    [512, 1024, 2048, 4096].includes(sectorBytes) &&
    sectorsPerCluster > 0 &&
    (sectorsPerCluster & (sectorsPerCluster - 1)) === 0 &&
    reserved > 0 &&
    tables > 0
  if (!isFat) return undefined
  // 17 u16 BPB_RootEntCnt
  const rootEntries = sector.readUInt16LE(17)
  // 19 u16 BPB_TotSec16, 32 u32 BPB_TotSec32: one of them is zero
  const totalSectors = sector.readUInt16LE(19) || sector.readUInt32LE(32)
  // 22 u16 BPB_FATSz16, 36 u32 BPB_FATSz32
  const tableSectors16 = sector.readUInt16LE(22)
  const tableSectors = tableSectors16 || sector.readUInt32LE(36)
  if (totalSectors * sectorBytes > partitionBytes)
    throw corruptFat(`it claims ${totalSectors * sectorBytes} bytes of a partition that has ${partitionBytes}`)
  const rootSectors = Math.ceil((rootEntries * FAT_ENTRY_BYTES) / sectorBytes)
  const rootSector = reserved + tables * tableSectors
  const dataSector = rootSector + rootSectors
  const clusters = Math.floor((totalSectors - dataSector) / sectorsPerCluster)
  if (tableSectors === 0 || clusters < 1 || clusters > CLUSTERS_MAX)
    throw corruptFat(`its ${totalSectors} sectors leave no room for clusters behind tables of ${tableSectors}`)
  const kind =
    tableSectors16 === 0 || clusters >= FAT32_CLUSTERS_MIN
      ? 'FAT32'
      : clusters >= FAT16_CLUSTERS_MIN
        ? 'FAT16'
        : 'FAT12'
  if (((clusters + 2) * FAT_BITS[kind]) / 8 > tableSectors * sectorBytes)
    throw corruptFat(`its tables of ${tableSectors} sectors are too small for ${clusters} clusters`)
  return {
    kind,
    clusterBytes: sectorsPerCluster * sectorBytes,
    clusters,
    tableOffset: (reserved + (kind === 'FAT32' ? activeTable(sector, tables) : 0) * tableSectors) * sectorBytes,
    dataOffset: dataSector * sectorBytes,
    root:
      kind === 'FAT32'
        ? // 44 u32 BPB_RootClus
          { kind: 'chain', cluster: sector.readUInt32LE(44) }
        : { kind: 'region', offset: rootSector * sectorBytes, length: rootEntries * FAT_ENTRY_BYTES },
  }
}

/** 40 u16 BPB_ExtFlags: bit 7 says that one table counts, bits 0 to 3 which; otherwise all are the same. */
function activeTable(sector: Buffer, tables: number): number {
  const flags = sector.readUInt16LE(40)
  const active = (flags & 0x80) === 0 ? 0 : flags & 0xf
  if (active >= tables) throw corruptFat(`its table ${active} is the one that counts, and it has ${tables}`)
  return active
}

/** @param what a clause */
export function corruptFat(what: string): ImageError {
  return new ImageError('ERR_FILESYSTEM_CORRUPT', `the FAT filesystem contradicts itself: ${what}`, {
    hint: 'the image is damaged: download it again and check its digest; fsck.vfat -n on the partition says more',
  })
}
