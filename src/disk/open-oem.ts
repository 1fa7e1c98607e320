/**
 * From a decoded image to its OEM partition: the two stages that every verb that looks into an image goes through.
 */
import type { DecodedImage, ImageNotes } from '../codec/codec.js'
import { openDisk } from './disk.js'
import { type LocatedOem, locateOem } from './locate-oem.js'
import { RememberedReads } from './remembered-reads.js'

export interface OpenedOem {
  readonly located: LocatedOem
  /** What a later run on the same file need not find out again. */
  readonly notes: ImageNotes
}

/**
 * @param limitBytes most that the virtual disk may have
 * @throws what `openDisk` and `locateOem` throw
 */
export async function openOem(decoded: Pick<DecodedImage, 'device' | 'notes'>, limitBytes: number): Promise<OpenedOem> {
  const reads = new RememberedReads(decoded.device, decoded.notes)
  const disk = await openDisk({ device: reads, notes: decoded.notes }, limitBytes)
  const located = await locateOem(disk)
  return { located, notes: { ...disk.notes, ...reads.finish() } }
}
