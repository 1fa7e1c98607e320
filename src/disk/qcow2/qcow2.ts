/**
 * A qcow2 image as a virtual disk.
 *
 * In the pipeline: decoded bytes → tables read and checked → sectors under an overlay; and back: the sectors that changed
 * → changes of the file's own bytes → checked again. All in memory, and only what changed of it: no copy of the image, no
 * other program. QEMU's own reader and `qemu-img check` judge the results, in tests.
 */
import type { ByteDevice } from '../../byte-device.js'
import type { ImageNotes } from '../../codec/codec.js'
import { Overlay } from '../../overlay.js'
import { assertSizeWithin } from '../../size-limit.js'
import type { VirtualDisk } from '../disk.js'
import { assertChange } from './assert-change.js'
import { assertEdited } from './assert-edited.js'
import { openChecked } from './check.js'
import { editQcow2 } from './edit.js'
import { readQcow2, readQcow2Header } from './image.js'
import { Qcow2VirtualDevice } from './virtual-device.js'

/** Name of the note that a file's tables are sound, and its value: to be changed when `check.ts` learns to look for more. */
const NOTE = 'qcow2-tables'
const CHECKED = '1'

/**
 * @param device the whole qcow2 file; read on demand for as long as the disk is used
 * @param limitBytes most that the virtual disk may have
 * @param notes of an earlier run on the same file: what has been checked once is not checked again
 * @throws ERR_QCOW2_INVALID when it is damaged or cut off; ERR_QCOW2_UNSUPPORTED when it does not stand alone
 * @throws ERR_IMAGE_TOO_LARGE before any table is read
 */
export async function openQcow2(
  device: ByteDevice,
  limitBytes = Number.POSITIVE_INFINITY,
  notes: ImageNotes = {},
): Promise<VirtualDisk> {
  const { virtualBytes } = await readQcow2Header(device)
  assertSizeWithin(limitBytes, virtualBytes, 'the virtual disk of the qcow2 image')
  const isSound = notes[NOTE] === CHECKED
  const image = await (isSound ? readQcow2 : openChecked)(device)
  const clusters = new Qcow2VirtualDevice(image)
  const sectors = new Overlay(clusters)
  return {
    format: 'qcow2',
    sectors,
    clusters,
    notes: { [NOTE]: CHECKED },
    edited: async () => {
      const changed = await sectors.changedExtents()
      const edited = await editQcow2(image, sectors, changed)
      if (changed.length > 0) await (isSound ? assertChange : assertEdited)(image, edited, sectors, changed)
      return edited
    },
    // The device belongs to whoever opened it.
    [Symbol.asyncDispose]: async () => undefined,
  }
}
