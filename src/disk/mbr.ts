/**
 * The sector before the GPT: a protective MBR, or the hybrid one of images until Flatcar 4230. Read for `inspect` only.
 *
 * Source: UEFI Specification 2.10, section 5.2; coreos/seismograph cgpt for the hybrid form (slot 1 is the ESP).
 */
import type { ByteDevice } from '../byte-device.js'
import { SECTOR_BYTES } from '../units.js'

export type MbrKind = 'protective' | 'hybrid' | 'none'

const TYPE_UNUSED = 0x00
const TYPE_GPT_PROTECTIVE = 0xee

export async function readMbrKind(disk: ByteDevice): Promise<MbrKind> {
  const sector = await disk.read(0, SECTOR_BYTES)
  // 510 u16 signature
  if (sector.readUInt16LE(510) !== 0xaa55) return 'none'
  // 446 four entries of 16 bytes; 4 u8 type
  const types = [0, 1, 2, 3].map((index) => sector.readUInt8(446 + 16 * index + 4))
  if (!types.includes(TYPE_GPT_PROTECTIVE)) return 'none'
  return types.every((type) => type === TYPE_UNUSED || type === TYPE_GPT_PROTECTIVE) ? 'protective' : 'hybrid'
}
