/**
 * The partition table: both headers, both entry arrays, everything checked before anything is believed.
 *
 * Source: UEFI Specification 2.10, section 5.3. Strict on purpose (an image with a damaged table would be published with
 * our name on it): both CRCs of both copies must hold, the copies must agree, entries must lie inside the usable range
 * and apart from each other. Slot numbers are kept: slots 5 and 8 are blank on every image, and OEM is 6, not 5. The
 * table is only ever read.
 *
 * The backup is looked for where the primary says it is, which on Flatcar's Exoscale images is not the last sector.
 */
import { crc32 } from 'node:zlib'
import type { ByteDevice } from '../../byte-device.js'
import { ImageError } from '../../errors.js'
import { byteLength, type Extent, type Lba, lba, lbaToOffset, SECTOR_BYTES } from '../../units.js'
import { parseGuid, UNUSED_GUID } from './guid.js'
import { type GptHeader, type HeaderRole, hex32, parseGptHeader } from './header.js'

export interface GptPartition {
  /** 1 is the first entry of the array; blank entries keep their numbers. */
  readonly slot: number
  /** PARTLABEL. */
  readonly name: string
  readonly typeGuid: string
  readonly partitionGuid: string
  readonly attributes: bigint
  readonly firstLba: Lba
  readonly range: Extent
}

export interface Gpt {
  readonly diskGuid: string
  readonly entryCount: number
  /** Entries in use, by slot. */
  readonly partitions: readonly GptPartition[]
  /** Where the backup header lies. */
  readonly backupLba: Lba
}

const DAMAGED = 'the image is damaged or cut off: download it again and check its digest'

/**
 * @throws ERR_GPT_MISSING, ERR_GPT_HEADER_CRC, ERR_GPT_TABLE_CRC, ERR_GPT_HEADER_INVALID, ERR_GPT_BACKUP_MISSING,
 *   ERR_GPT_BACKUP_DIFFERS, ERR_GPT_ENTRY_INVALID
 */
export async function readGpt(disk: ByteDevice): Promise<Gpt> {
  const lastLba = Math.floor(disk.size / SECTOR_BYTES) - 1
  if (lastLba < 2)
    throw new ImageError('ERR_GPT_MISSING', `the disk has only ${disk.size} bytes: no room for a GPT`, {
      hint: DAMAGED,
    })
  const primary = parseGptHeader(await readSectors(disk, lba(1), 1), lba(1), 'primary')
  const table = await readTable(disk, primary, 'primary', lastLba)
  if (primary.alternateLba > lastLba) {
    throw new ImageError(
      'ERR_GPT_BACKUP_MISSING',
      `the backup GPT header should lie at sector ${primary.alternateLba}, but the image ends after sector ${lastLba}`,
      {
        hint: DAMAGED,
        details: { expectedSector: primary.alternateLba, lastSector: lastLba },
      },
    )
  }
  if (primary.alternateLba <= 1)
    throw new ImageError(
      'ERR_GPT_HEADER_INVALID',
      `the primary GPT header names sector ${primary.alternateLba} as its backup`,
      { hint: DAMAGED },
    )
  const backup = parseGptHeader(await readSectors(disk, primary.alternateLba, 1), primary.alternateLba, 'backup')
  const backupTable = await readTable(disk, backup, 'backup', lastLba)
  assertCopiesAgree(primary, backup, table.equals(backupTable))
  assertTablesApart(primary, backup)
  return {
    diskGuid: primary.diskGuid,
    entryCount: primary.entryCount,
    partitions: parseEntries(table, primary, lastLba),
    backupLba: primary.alternateLba,
  }
}

async function readSectors(disk: ByteDevice, first: Lba, count: number): Promise<Buffer> {
  return disk.read(lbaToOffset(first), count * SECTOR_BYTES)
}

async function readTable(disk: ByteDevice, header: GptHeader, role: HeaderRole, lastLba: number): Promise<Buffer> {
  const bytes = header.entryCount * header.entryBytes
  const sectors = tableSectors(header)
  if (header.entriesLba < 2 || header.entriesLba + sectors - 1 > lastLba) {
    throw new ImageError(
      'ERR_GPT_HEADER_INVALID',
      `the ${role} GPT entries should start at sector ${header.entriesLba}, which is outside the disk of ${lastLba + 1} sectors`,
      { hint: DAMAGED },
    )
  }
  const table = (await readSectors(disk, header.entriesLba, sectors)).subarray(0, bytes)
  const computed = crc32(table)
  if (computed !== header.entriesCrc) {
    throw new ImageError(
      'ERR_GPT_TABLE_CRC',
      `the ${role} GPT entries at sector ${header.entriesLba} do not match their CRC: stored 0x${hex32(header.entriesCrc)}, computed 0x${hex32(computed)}`,
      {
        hint: DAMAGED,
        details: { sector: header.entriesLba, role },
      },
    )
  }
  return table
}

function tableSectors({ entryCount, entryBytes }: GptHeader): number {
  return Math.ceil((entryCount * entryBytes) / SECTOR_BYTES)
}

/** No header and no table lies in the usable sectors: a partition could else hold, and an edit change, what describes it. */
function assertTablesApart(primary: GptHeader, backup: GptHeader): void {
  const { firstUsableLba, lastUsableLba } = primary
  for (const [role, header] of [['primary', primary] as const, ['backup', backup] as const]) {
    for (const [what, first, count] of [
      ['header', header.myLba, 1] as const,
      ['entries', header.entriesLba, tableSectors(header)] as const,
    ]) {
      if (first > lastUsableLba || first + count <= firstUsableLba) continue
      throw new ImageError(
        'ERR_GPT_HEADER_INVALID',
        `the usable sectors ${firstUsableLba} to ${lastUsableLba} overlap the ${role} GPT ${what} at sector ${first}`,
        { hint: DAMAGED, details: { role, sector: first } },
      )
    }
  }
}

function assertCopiesAgree(primary: GptHeader, backup: GptHeader, tablesEqual: boolean): void {
  const differs = (what: string): ImageError =>
    new ImageError('ERR_GPT_BACKUP_DIFFERS', `the backup GPT disagrees with the primary: ${what}`, {
      hint: 'one of the two was changed by a tool: use the image as it was published',
    })
  if (backup.alternateLba !== primary.myLba)
    throw differs(`its AlternateLBA is ${backup.alternateLba}, expected ${primary.myLba}`)
  if (backup.diskGuid !== primary.diskGuid) throw differs(`disk GUID ${backup.diskGuid}, expected ${primary.diskGuid}`)
  if (backup.firstUsableLba !== primary.firstUsableLba || backup.lastUsableLba !== primary.lastUsableLba) {
    throw differs(
      `usable sectors ${backup.firstUsableLba} to ${backup.lastUsableLba}, expected ${primary.firstUsableLba} to ${primary.lastUsableLba}`,
    )
  }
  if (backup.entryCount !== primary.entryCount || backup.entryBytes !== primary.entryBytes) {
    throw differs(
      `${backup.entryCount} entries of ${backup.entryBytes} bytes, expected ${primary.entryCount} of ${primary.entryBytes}`,
    )
  }
  if (!tablesEqual) throw differs('the partition entries are not the same')
}

/** Largest first byte or length that stays a safe integer after multiplying by the sector size. */
const LBA_MAX = BigInt(Math.floor(Number.MAX_SAFE_INTEGER / SECTOR_BYTES))

function parseEntries(table: Buffer, header: GptHeader, lastLba: number): readonly GptPartition[] {
  const partitions: GptPartition[] = []
  for (let index = 0; index < header.entryCount; index++) {
    const entry = table.subarray(index * header.entryBytes, (index + 1) * header.entryBytes)
    // 0 u8[16] PartitionTypeGUID; all zero: not in use
    const typeGuid = parseGuid(entry.subarray(0, 16))
    if (typeGuid === UNUSED_GUID) continue
    partitions.push(parseEntry(entry, index + 1, typeGuid, header, lastLba))
  }
  const byPosition = [...partitions].sort((a, b) => a.range.offset - b.range.offset)
  byPosition.forEach((partition, index) => {
    const next = byPosition[index + 1]
    if (next !== undefined && partition.range.offset + partition.range.length > next.range.offset) {
      throw new ImageError(
        'ERR_GPT_ENTRY_INVALID',
        `partitions ${partition.slot} (${partition.name}) and ${next.slot} (${next.name}) overlap at sector ${next.firstLba}`,
        { hint: DAMAGED },
      )
    }
  })
  return partitions
}

function parseEntry(
  entry: Buffer,
  slot: number,
  typeGuid: string,
  header: GptHeader,
  lastDiskLba: number,
): GptPartition {
  // 16 u8[16] UniquePartitionGUID
  const partitionGuid = parseGuid(entry.subarray(16, 32))
  // 32 u64 StartingLBA, 40 u64 EndingLBA (inclusive: the length is one more than the difference)
  const first = entry.readBigUInt64LE(32)
  const last = entry.readBigUInt64LE(40)
  // 48 u64 Attributes
  const attributes = entry.readBigUInt64LE(48)
  // 56 u16[36] PartitionName, UTF-16LE, NUL-padded
  const name = entry.toString('utf16le', 56, 128).replace(/\0.*$/s, '')
  if (
    first > last ||
    last > LBA_MAX ||
    first < BigInt(header.firstUsableLba) ||
    last > BigInt(header.lastUsableLba) ||
    last > BigInt(lastDiskLba)
  ) {
    throw new ImageError(
      'ERR_GPT_ENTRY_INVALID',
      `partition ${slot} (${name}) spans sectors ${first} to ${last}, outside the usable sectors ${header.firstUsableLba} to ${header.lastUsableLba}`,
      { hint: DAMAGED, details: { slot } },
    )
  }
  const firstLba = lba(Number(first))
  const range = { offset: lbaToOffset(firstLba), length: byteLength(Number(last - first + 1n) * SECTOR_BYTES) }
  return { slot, name, typeGuid, partitionGuid, attributes, firstLba, range }
}
