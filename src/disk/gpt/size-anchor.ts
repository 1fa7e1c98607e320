/**
 * How a raw disk image tells its own size: the primary GPT header names the sector of the backup, which is the last one,
 * and the backup says of itself where it lies. Both under their CRCs.
 *
 * With it a codec can count from the end of a compressed image. An image whose backup is not in its last sector (Flatcar's
 * Exoscale images) does not confirm, and is decoded from the front.
 */
import type { SizeAnchor } from '../../codec/codec.js'
import { OemBakeError } from '../../errors.js'
import { type Lba, lba, SECTOR_BYTES } from '../../units.js'
import { type GptHeader, parseGptHeader } from './header.js'

const PRIMARY_LBA = lba(1)

export const GPT_SIZE_ANCHOR: SizeAnchor = {
  headBytes: 2 * SECTOR_BYTES,
  endBytes: SECTOR_BYTES,
  declaredSize: (head) => {
    const header = headerAt(head.subarray(SECTOR_BYTES), PRIMARY_LBA)
    return header === undefined ? undefined : (header.alternateLba + 1) * SECTOR_BYTES
  },
  confirms: (end, size) => {
    const header = headerAt(end, lba(size / SECTOR_BYTES - 1))
    return header !== undefined && header.alternateLba === PRIMARY_LBA
  },
}

/** The header, if the sector holds a valid one of that place. */
function headerAt(sector: Buffer, at: Lba): GptHeader | undefined {
  try {
    return parseGptHeader(sector, at, at === PRIMARY_LBA ? 'primary' : 'backup')
  } catch (error) {
    if (error instanceof OemBakeError) return undefined
    throw error
  }
}
