/**
 * The entries of a FAT directory: short names, and the long ones that stand before them in pieces.
 *
 * Source: Microsoft, "FAT: General Overview of On-Disk Format", version 1.03 (2000), sections "FAT Directory Structure"
 * and "FAT Long Directory Entries". A long name counts only if all its pieces are there, in order, with the checksum of the
 * short name that follows; otherwise only the short one does, as in Windows.
 */
import { FAT_ENTRY_BYTES } from './volume.js'

export interface FatEntry {
  /** `GRUB.CFG`, as stored. */
  readonly shortName: string
  /** Undefined where the short name is the name. */
  readonly longName: string | undefined
  readonly isDirectory: boolean
  /** First cluster; 0 for an empty file, and where `..` means the root. */
  readonly cluster: number
}

const END = 0x00
const DELETED = 0xe5
/** What a name begins with whose first byte is 0xE5. */
const DELETED_STAND_IN = 0x05
const ATTRIBUTE_VOLUME_ID = 0x08
const ATTRIBUTE_DIRECTORY = 0x10
/** Read-only, hidden, system and volume id at once: a piece of a long name. */
const ATTRIBUTE_LONG_NAME = 0x0f
const ATTRIBUTE_MASK = 0x3f
/** In the ordinal of the piece that comes first, which is the last one of the name. */
const LAST_PIECE = 0x40
/** "A long name can contain more than 8 characters, … 255 at most": 20 pieces of 13. */
const PIECES_MAX = Math.ceil(255 / 13)

/** Whether a directory ends within these bytes: what lies behind the mark was never written. */
export function hasEnd(bytes: Buffer): boolean {
  for (let at = 0; at < bytes.length; at += FAT_ENTRY_BYTES) if (bytes[at] === END) return true
  return false
}

export function parseFatDirectory(bytes: Buffer): readonly FatEntry[] {
  const entries: FatEntry[] = []
  let pending: LongName | undefined
  for (let at = 0; at + FAT_ENTRY_BYTES <= bytes.length; at += FAT_ENTRY_BYTES) {
    const entry = bytes.subarray(at, at + FAT_ENTRY_BYTES)
    const first = entry.readUInt8(0)
    if (first === END) break
    // 11 u8 DIR_Attr
    const attributes = entry.readUInt8(11) & ATTRIBUTE_MASK
    if (first !== DELETED && attributes === ATTRIBUTE_LONG_NAME) {
      pending = withPiece(pending, entry)
      continue
    }
    if (first !== DELETED && (attributes & ATTRIBUTE_VOLUME_ID) === 0) {
      entries.push({
        shortName: shortName(entry),
        longName: pending?.missing === 0 && pending.checksum === checksum(entry) ? pending.text : undefined,
        isDirectory: (attributes & ATTRIBUTE_DIRECTORY) !== 0,
        // 20 u16 DIR_FstClusHI, 26 u16 DIR_FstClusLO
        cluster: entry.readUInt16LE(20) * 0x10000 + entry.readUInt16LE(26),
      })
    }
    pending = undefined
  }
  return entries
}

/** Pieces come from the end of the name to its beginning. */
interface LongName {
  readonly text: string
  readonly checksum: number
  /** How many pieces are still to come. */
  readonly missing: number
}

function withPiece(before: LongName | undefined, entry: Buffer): LongName | undefined {
  // 0 u8 LDIR_Ord, 13 u8 LDIR_Chksum
  const ordinal = entry.readUInt8(0)
  const sum = entry.readUInt8(13)
  const number = ordinal & ~LAST_PIECE
  if (number < 1 || number > PIECES_MAX) return undefined
  const isFirst = (ordinal & LAST_PIECE) !== 0
  if (!isFirst && (before?.missing !== number || before.checksum !== sum)) return undefined
  return { text: pieceText(entry) + (isFirst ? '' : (before?.text ?? '')), checksum: sum, missing: number - 1 }
}

/** 1 u16[5] LDIR_Name1, 14 u16[6] LDIR_Name2, 28 u16[2] LDIR_Name3: UTF-16, after the name a NUL and then 0xFFFF. */
function pieceText(entry: Buffer): string {
  const text = [entry.subarray(1, 11), entry.subarray(14, 26), entry.subarray(28, 32)]
    .map((part) => part.toString('utf16le'))
    .join('')
  const end = text.indexOf('\0')
  return end === -1 ? text : text.slice(0, end)
}

/** 0 u8[11] DIR_Name: eight and three, padded with blanks. */
function shortName(entry: Buffer): string {
  const stored = entry.toString('latin1', 0, 8).trimEnd()
  const base = entry.readUInt8(0) === DELETED_STAND_IN ? `\xe5${stored.slice(1)}` : stored
  const extension = entry.toString('latin1', 8, 11).trimEnd()
  return extension === '' ? base : `${base}.${extension}`
}

function checksum(entry: Buffer): number {
  let sum = 0
  for (const byte of entry.subarray(0, 11)) sum = (((sum & 1) << 7) + (sum >> 1) + byte) & 0xff
  return sum
}
