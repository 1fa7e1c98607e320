/**
 * A partition as a sparse file that a hypervisor can open, and the way back of what was changed in it.
 *
 * The partition's device may be a window into a decoded stream, with no file of its own, and what an appliance does to
 * a filesystem before it fails must not reach it. So the appliance gets a sparse copy, and afterwards the copy is
 * compared with the device: only pages that differ are written, however much of the copy was rewritten in between.
 */
import { open } from 'node:fs/promises'
import { FileDevice, piecesOf, type WritableByteDevice } from '../../byte-device.js'
import { fileError, throwIfCancelled } from '../../errors.js'
import { PIECE_BYTES } from '../../in-order.js'
import { PAGE_BYTES } from '../../overlay.js'
import { type Extent, extent } from '../../units.js'

/**
 * Writes the copy's differing pages to the device, runs of them at once.
 *
 * @returns how many bytes were written
 */
export async function writeBackChanges(path: string, device: WritableByteDevice, signal: AbortSignal): Promise<number> {
  const handle = await open(path, 'r').catch((error) => {
    throw fileError(error, `read ${path}`)
  })
  try {
    const copy = new FileDevice(handle, device.size, path)
    let writtenBytes = 0
    for (const piece of piecesOf(extent(0, device.size), PIECE_BYTES)) {
      throwIfCancelled(signal)
      const [after, before] = [
        await copy.read(piece.offset, piece.length),
        await device.read(piece.offset, piece.length),
      ]
      for (const run of pageRuns(after.length, (from, to) => after.compare(before, from, to, from, to) !== 0)) {
        await device.write(piece.offset + run.offset, after.subarray(run.offset, run.offset + run.length))
        writtenBytes += run.length
      }
    }
    return writtenBytes
  } finally {
    await handle.close()
  }
}

/** Runs of wanted pages in a piece that starts on a page; the last page may be short. */
export function* pageRuns(length: number, isWanted: (from: number, to: number) => boolean): Generator<Extent> {
  let start: number | undefined
  for (let from = 0; from < length; from += PAGE_BYTES) {
    const wanted = isWanted(from, Math.min(from + PAGE_BYTES, length))
    if (wanted) start ??= from
    else if (start !== undefined) {
      yield extent(start, from - start)
      start = undefined
    }
  }
  if (start !== undefined) yield extent(start, length - start)
}
