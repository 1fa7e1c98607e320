/**
 * One GPT header: 92 bytes at the start of a sector, guarded by a CRC.
 *
 * Source: UEFI Specification 2.10, section 5.3.2 (GPT Header), table 5.5. Little-endian. 64-bit sector numbers are read
 * as bigint and narrowed once, here.
 */
import { crc32 } from 'node:zlib'
import { type ErrorOptions, type ImageCode, ImageError } from '../../errors.js'
import { type Lba, lba, SECTOR_BYTES } from '../../units.js'
import { parseGuid } from './guid.js'

export interface GptHeader {
  readonly myLba: Lba
  readonly alternateLba: Lba
  readonly firstUsableLba: Lba
  readonly lastUsableLba: Lba
  readonly diskGuid: string
  readonly entriesLba: Lba
  readonly entryCount: number
  readonly entryBytes: number
  readonly entriesCrc: number
}

/** Which of the two headers is being read; for messages and rules. */
export type HeaderRole = 'primary' | 'backup'

const SIGNATURE = 'EFI PART'
const REVISION_1_0 = 0x00010000
const HEADER_BYTES_MIN = 92
const ENTRY_BYTES_MIN = 128
/** Four times and 32 times what any image has; bound what a hostile header makes us read to 2 MiB. */
const ENTRY_COUNT_MAX = 512
const ENTRY_BYTES_MAX = 4096

/**
 * @param sector the 512 bytes at `at`
 * @param at where the sector was read, and so what the header must say of itself
 * @throws ERR_GPT_MISSING | ERR_GPT_BACKUP_MISSING without a signature, ERR_GPT_HEADER_CRC, ERR_GPT_HEADER_INVALID
 */
export function parseGptHeader(sector: Buffer, at: Lba, role: HeaderRole): GptHeader {
  const fail = (code: ImageCode, what: string, options: ErrorOptions = {}): ImageError =>
    new ImageError(code, `the ${role} GPT header at sector ${at} ${what}`, {
      hint: 'the image is damaged or cut off: download it again and check its digest',
      ...options,
      details: { sector: at, role, ...options.details },
    })
  // 0 char[8] Signature
  if (sector.toString('latin1', 0, 8) !== SIGNATURE) {
    throw fail(role === 'primary' ? 'ERR_GPT_MISSING' : 'ERR_GPT_BACKUP_MISSING', `is missing: expected "${SIGNATURE}"`)
  }
  // 8 u32 Revision
  const revision = sector.readUInt32LE(8)
  if (revision !== REVISION_1_0)
    throw fail('ERR_GPT_HEADER_INVALID', `has revision 0x${revision.toString(16)}, expected 0x10000`)
  // 12 u32 HeaderSize
  const headerBytes = sector.readUInt32LE(12)
  if (headerBytes < HEADER_BYTES_MIN || headerBytes > SECTOR_BYTES) {
    throw fail(
      'ERR_GPT_HEADER_INVALID',
      `says it is ${headerBytes} bytes long, expected ${HEADER_BYTES_MIN} to ${SECTOR_BYTES}`,
    )
  }
  // 16 u32 HeaderCRC32, taken over HeaderSize bytes with this field zero
  const stored = sector.readUInt32LE(16)
  const zeroed = Buffer.from(sector.subarray(0, headerBytes))
  zeroed.writeUInt32LE(0, 16)
  const computed = crc32(zeroed)
  if (computed !== stored) {
    throw fail('ERR_GPT_HEADER_CRC', `does not match its CRC: stored 0x${hex32(stored)}, computed 0x${hex32(computed)}`)
  }
  const sectorNumber = (offset: number, name: string): Lba => {
    const value = sector.readBigUInt64LE(offset)
    if (value > BigInt(Math.floor(Number.MAX_SAFE_INTEGER / SECTOR_BYTES)))
      throw fail('ERR_GPT_HEADER_INVALID', `has ${name} ${value}, beyond any disk`)
    return lba(Number(value))
  }
  // 20 u32 Reserved, ignored
  // 24 u64 MyLBA
  const myLba = sectorNumber(24, 'MyLBA')
  if (myLba !== at) throw fail('ERR_GPT_HEADER_INVALID', `says that it lies at sector ${myLba}`)
  // 32 u64 AlternateLBA
  const alternateLba = sectorNumber(32, 'AlternateLBA')
  // 40 u64 FirstUsableLBA, 48 u64 LastUsableLBA (inclusive)
  const firstUsableLba = sectorNumber(40, 'FirstUsableLBA')
  const lastUsableLba = sectorNumber(48, 'LastUsableLBA')
  if (firstUsableLba > lastUsableLba)
    throw fail('ERR_GPT_HEADER_INVALID', `has no usable sectors: first ${firstUsableLba}, last ${lastUsableLba}`)
  // 56 u8[16] DiskGUID
  const diskGuid = parseGuid(sector.subarray(56, 72))
  // 72 u64 PartitionEntryLBA
  const entriesLba = sectorNumber(72, 'PartitionEntryLBA')
  // 80 u32 NumberOfPartitionEntries
  const entryCount = sector.readUInt32LE(80)
  if (entryCount < 1 || entryCount > ENTRY_COUNT_MAX)
    throw fail('ERR_GPT_HEADER_INVALID', `announces ${entryCount} entries, expected 1 to ${ENTRY_COUNT_MAX}`)
  // 84 u32 SizeOfPartitionEntry: 128 times a power of two
  const entryBytes = sector.readUInt32LE(84)
  if (entryBytes < ENTRY_BYTES_MIN || entryBytes > ENTRY_BYTES_MAX || (entryBytes & (entryBytes - 1)) !== 0) {
    throw fail(
      'ERR_GPT_HEADER_INVALID',
      `announces entries of ${entryBytes} bytes, expected ${ENTRY_BYTES_MIN} times a power of two`,
    )
  }
  // 88 u32 PartitionEntryArrayCRC32
  const entriesCrc = sector.readUInt32LE(88)
  return {
    myLba,
    alternateLba,
    firstUsableLba,
    lastUsableLba,
    diskGuid,
    entriesLba,
    entryCount,
    entryBytes,
    entriesCrc,
  }
}

export function hex32(value: number): string {
  return value.toString(16).padStart(8, '0')
}
