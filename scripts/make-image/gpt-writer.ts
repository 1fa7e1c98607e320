/**
 * Writes the MBR and both copies of the GPT.
 *
 * Sources: UEFI specification 2.10, section 5 (GUID Partition Table); for the hybrid MBR, what Container Linux's cgpt
 * wrote (coreos/seismograph, `src/cgpt`). Deliberately separate from the reader under src/; sgdisk judges both.
 */
import { crc32 } from 'node:zlib'
import { DISK_GUID, type DiskLayout, type PartitionRow, SECTOR, TYPE_GUID } from './layout.js'
import { seededBytes, seededUuid } from './random.js'

const ENTRIES = 128
const ENTRY_BYTES = 128
const TABLE_SECTORS = (ENTRIES * ENTRY_BYTES) / SECTOR
const HEADER_BYTES = 92
const FIRST_USABLE = 1 + 1 + TABLE_SECTORS

export interface PartitionTableBytes {
  /** LBA 0 to 33: MBR, primary header, primary table. */
  readonly head: Buffer
  /** The last 33 sectors: backup table, backup header. */
  readonly tail: Buffer
}

/**
 * @param release partition GUIDs depend on seed and release alone: every image type of a release shares them, as those of
 *   the vendors do
 */
export function formatPartitionTable(
  layout: DiskLayout,
  options: { readonly seed: number; readonly release: string; readonly mbr: 'hybrid' | 'protective' },
): PartitionTableBytes {
  const lastLba = layout.totalSectors - 1
  const table = Buffer.alloc(ENTRIES * ENTRY_BYTES)
  for (const row of layout.partitions) {
    const guid = row.guid ?? seededUuid(options.seed, `partition ${row.number} of ${options.release}`)
    formatEntry(row, guid).copy(table, (row.number - 1) * ENTRY_BYTES)
  }
  const primary = formatHeader({ ownLba: 1, otherLba: lastLba, tableLba: 2, lastLba, table })
  const backup = formatHeader({ ownLba: lastLba, otherLba: 1, tableLba: lastLba - TABLE_SECTORS, lastLba, table })
  return {
    head: Buffer.concat([formatMbr(layout, options.mbr, options.seed), primary, table]),
    tail: Buffer.concat([table, backup]),
  }
}

function formatEntry(row: PartitionRow, guid: string): Buffer {
  const entry = Buffer.alloc(ENTRY_BYTES)
  // 0 GUID PartitionTypeGUID, 16 GUID UniquePartitionGUID
  formatGuid(TYPE_GUID[row.type]).copy(entry, 0)
  formatGuid(guid).copy(entry, 16)
  // 32 u64 StartingLBA, 40 u64 EndingLBA (inclusive), 48 u64 Attributes
  entry.writeBigUInt64LE(BigInt(row.startSector), 32)
  entry.writeBigUInt64LE(BigInt(row.startSector + row.sectors - 1), 40)
  entry.writeBigUInt64LE(row.attributes, 48)
  // 56 char16[36] PartitionName
  entry.write(row.label, 56, 72, 'utf16le')
  return entry
}

interface HeaderFields {
  readonly ownLba: number
  readonly otherLba: number
  readonly tableLba: number
  readonly lastLba: number
  readonly table: Buffer
}

function formatHeader(fields: HeaderFields): Buffer {
  const header = Buffer.alloc(SECTOR)
  // 0 Signature, 8 u32 Revision 1.0, 12 u32 HeaderSize, 16 u32 HeaderCRC32 (below), 20 u32 Reserved
  header.write('EFI PART', 0, 'latin1')
  header.writeUInt32LE(0x00010000, 8)
  header.writeUInt32LE(HEADER_BYTES, 12)
  // 24 u64 MyLBA, 32 u64 AlternateLBA, 40 u64 FirstUsableLBA, 48 u64 LastUsableLBA
  header.writeBigUInt64LE(BigInt(fields.ownLba), 24)
  header.writeBigUInt64LE(BigInt(fields.otherLba), 32)
  header.writeBigUInt64LE(BigInt(FIRST_USABLE), 40)
  header.writeBigUInt64LE(BigInt(fields.lastLba - 1 - TABLE_SECTORS), 48)
  // 56 GUID DiskGUID
  formatGuid(DISK_GUID).copy(header, 56)
  // 72 u64 PartitionEntryLBA, 80 u32 NumberOfPartitionEntries, 84 u32 SizeOfPartitionEntry, 88 u32 table CRC
  header.writeBigUInt64LE(BigInt(fields.tableLba), 72)
  header.writeUInt32LE(ENTRIES, 80)
  header.writeUInt32LE(ENTRY_BYTES, 84)
  header.writeUInt32LE(crc32(fields.table), 88)
  header.writeUInt32LE(crc32(header.subarray(0, HEADER_BYTES)), 16)
  return header
}

/** Text to storage order: the first three groups are little-endian. */
function formatGuid(text: string): Buffer {
  const bytes = Buffer.from(text.replaceAll('-', ''), 'hex')
  bytes.subarray(0, 4).reverse()
  bytes.subarray(4, 6).reverse()
  bytes.subarray(6, 8).reverse()
  return bytes
}

const BOOT_CODE_BYTES = 440
const MBR_TYPE = { fat32Lba: 0x0c, protective: 0xee } as const

function formatMbr(layout: DiskLayout, kind: 'hybrid' | 'protective', seed: number): Buffer {
  const mbr = Buffer.alloc(SECTOR)
  // Where upstream has GRUB's boot.img: bytes that must survive a bake.
  seededBytes(seed, 'boot code', BOOT_CODE_BYTES).copy(mbr, 0)
  const [esp] = layout.partitions
  if (kind === 'hybrid' && esp !== undefined) {
    mbrRecord(MBR_TYPE.fat32Lba, esp.startSector, esp.sectors, true).copy(mbr, 446)
    // cgpt covers only what lies before the ESP.
    mbrRecord(MBR_TYPE.protective, 1, esp.startSector - 1, false).copy(mbr, 462)
  } else {
    mbrRecord(MBR_TYPE.protective, 1, Math.min(layout.totalSectors - 1, 0xffffffff), false).copy(mbr, 446)
  }
  // 510 u16 signature
  mbr.writeUInt16LE(0xaa55, 510)
  return mbr
}

function mbrRecord(type: number, startSector: number, sectors: number, active: boolean): Buffer {
  const record = Buffer.alloc(16)
  // 0 u8 status, 1 CHS of the first sector, 4 u8 type, 5 CHS of the last, 8 u32 first LBA, 12 u32 sectors
  record.writeUInt8(active ? 0x80 : 0, 0)
  formatChs(startSector).copy(record, 1)
  record.writeUInt8(type, 4)
  formatChs(startSector + sectors - 1).copy(record, 5)
  record.writeUInt32LE(startSector, 8)
  record.writeUInt32LE(sectors, 12)
  return record
}

/** Cylinder, head, sector with 255 heads and 63 sectors; ff ff fe-style overflow as the UEFI specification has it. */
function formatChs(sector: number): Buffer {
  const cylinder = Math.floor(sector / (255 * 63))
  if (cylinder > 1023) return Buffer.from([0xff, 0xff, 0xff])
  const head = Math.floor(sector / 63) % 255
  return Buffer.from([head, ((cylinder >> 8) << 6) | ((sector % 63) + 1), cylinder & 0xff])
}
