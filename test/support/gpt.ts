/**
 * Partition tables for tests, written without a look at the code under test.
 *
 * Source: UEFI Specification 2.10, section 5.3: protective MBR at 0, header at 1, 128 entries at 2 to 33; the backup's
 * entries before its header, which is the last sector.
 */
import { crc32 } from 'node:zlib'

export const SECTOR = 512
export const ENTRY_BYTES = 128
export const ENTRY_COUNT = 128
const TABLE_SECTORS = (ENTRY_BYTES * ENTRY_COUNT) / SECTOR
const PRIMARY_TABLE_LBA = 2

const LINUX_DATA = '0fc63daf-8483-4772-8e79-3d69d8477de4'
const DISK_GUID = '00000000-0000-0000-0000-000000000001'

export interface TestPartition {
  /** From 1. */
  readonly slot: number
  readonly name: string
  readonly first: number | bigint
  /** Inclusive, as the table stores it. */
  readonly last: number | bigint
  readonly type?: string
  readonly guid?: string
  readonly attributes?: bigint
}

/** Field offsets in a header. */
export const HEADER = {
  signature: 0,
  revision: 8,
  headerSize: 12,
  headerCrc: 16,
  myLba: 24,
  alternateLba: 32,
  firstUsable: 40,
  lastUsable: 48,
  diskGuid: 56,
  entriesLba: 72,
  entryCount: 80,
  entrySize: 84,
  entriesCrc: 88,
} as const

export function guidBytes(text: string): Buffer {
  const hex = text.replaceAll('-', '')
  const bytes = Buffer.from(hex, 'hex')
  bytes.subarray(0, 4).reverse()
  bytes.subarray(4, 6).reverse()
  bytes.subarray(6, 8).reverse()
  return bytes
}

/** A whole disk with a table; nothing in its partitions. */
export function diskWith(partitions: readonly TestPartition[], sectors = 256): Buffer {
  const disk = Buffer.alloc(sectors * SECTOR)
  disk.writeUInt8(0xee, 446 + 4)
  disk.writeUInt32LE(1, 446 + 8)
  disk.writeUInt32LE(sectors - 1, 446 + 12)
  disk.writeUInt16LE(0xaa55, 510)
  const table = Buffer.alloc(TABLE_SECTORS * SECTOR)
  for (const { slot, name, first, last, type, guid, attributes } of partitions) {
    const entry = table.subarray((slot - 1) * ENTRY_BYTES, slot * ENTRY_BYTES)
    guidBytes(type ?? LINUX_DATA).copy(entry, 0)
    guidBytes(guid ?? `11111111-2222-3333-4444-${String(slot).padStart(12, '0')}`).copy(entry, 16)
    entry.writeBigUInt64LE(BigInt(first), 32)
    entry.writeBigUInt64LE(BigInt(last), 40)
    entry.writeBigUInt64LE(attributes ?? 0n, 48)
    entry.write(name, 56, 72, 'utf16le')
  }
  const last = sectors - 1
  table.copy(disk, PRIMARY_TABLE_LBA * SECTOR)
  table.copy(disk, (last - TABLE_SECTORS) * SECTOR)
  writeHeader(disk, 1, last, PRIMARY_TABLE_LBA, sectors)
  writeHeader(disk, last, 1, last - TABLE_SECTORS, sectors)
  return seal(disk)
}

function writeHeader(disk: Buffer, at: number, alternate: number, entriesLba: number, sectors: number): void {
  const header = disk.subarray(at * SECTOR, (at + 1) * SECTOR)
  header.write('EFI PART', HEADER.signature, 'latin1')
  header.writeUInt32LE(0x10000, HEADER.revision)
  header.writeUInt32LE(92, HEADER.headerSize)
  header.writeBigUInt64LE(BigInt(at), HEADER.myLba)
  header.writeBigUInt64LE(BigInt(alternate), HEADER.alternateLba)
  header.writeBigUInt64LE(BigInt(PRIMARY_TABLE_LBA + TABLE_SECTORS), HEADER.firstUsable)
  header.writeBigUInt64LE(BigInt(sectors - 1 - TABLE_SECTORS - 1), HEADER.lastUsable)
  guidBytes(DISK_GUID).copy(header, HEADER.diskGuid)
  header.writeBigUInt64LE(BigInt(entriesLba), HEADER.entriesLba)
  header.writeUInt32LE(ENTRY_COUNT, HEADER.entryCount)
  header.writeUInt32LE(ENTRY_BYTES, HEADER.entrySize)
}

export type Copy = 'primary' | 'backup'

export function headerOf(disk: Buffer, copy: Copy): Buffer {
  const at = copy === 'primary' ? SECTOR : disk.length - SECTOR
  return disk.subarray(at, at + SECTOR)
}

/** The entries, where the header of the standard layout has them. */
export function tableOf(disk: Buffer, copy: Copy): Buffer {
  const bytes = TABLE_SECTORS * SECTOR
  const at = copy === 'primary' ? PRIMARY_TABLE_LBA * SECTOR : disk.length - SECTOR - bytes
  return disk.subarray(at, at + bytes)
}

/** Makes the CRCs right for what is there now: of the entries first, as the header's covers it. */
export function seal(disk: Buffer, what: 'all' | 'headers only' = 'all'): Buffer {
  for (const copy of ['primary', 'backup'] as const) {
    const header = headerOf(disk, copy)
    const bytes = header.readUInt32LE(HEADER.entryCount) * header.readUInt32LE(HEADER.entrySize)
    const start = Number(header.readBigUInt64LE(HEADER.entriesLba)) * SECTOR
    if (what === 'all' && start + bytes <= disk.length)
      header.writeUInt32LE(crc32(disk.subarray(start, start + bytes)), HEADER.entriesCrc)
    header.writeUInt32LE(0, HEADER.headerCrc)
    const size = header.readUInt32LE(HEADER.headerSize)
    header.writeUInt32LE(crc32(header.subarray(0, Math.min(size, SECTOR))), HEADER.headerCrc)
  }
  return disk
}
