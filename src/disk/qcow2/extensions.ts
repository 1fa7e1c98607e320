/**
 * Header extensions: a list of typed blobs behind the header, in the first cluster.
 *
 * Source: QEMU docs/interop/qcow2.rst, section "Header extensions". Unknown ones may be ignored. The one that may not is
 * the bitmaps extension: dirty bitmaps own clusters, and an edit that does not update them would turn those into leaks
 * and the bitmaps into lies. No vendor ships them, so such an image is refused.
 */
import { invalidImage, unsupportedImage } from './failure.js'
import type { Qcow2Header } from './header.js'

const END = 0x00000000
const BITMAPS = 0x23852875

/**
 * @param first the first cluster of the file, or all of the file if that is shorter
 * @throws ERR_QCOW2_INVALID when an extension runs out of the first cluster
 * @throws ERR_QCOW2_UNSUPPORTED for dirty bitmaps
 */
export function assertExtensions(first: Buffer, header: Qcow2Header): void {
  let at = header.headerBytes
  while (at + 8 <= first.length) {
    // 0 u32 type
    const type = first.readUInt32BE(at)
    // 4 u32 length of the data, which is padded to a multiple of 8
    const length = first.readUInt32BE(at + 4)
    if (type === END) return
    if (type === BITMAPS) throw unsupportedImage('holds dirty bitmaps', 'drop them: qemu-img convert -O qcow2 IN OUT')
    if (at + 8 + length > first.length)
      throw invalidImage(`the header extension at byte ${at} has ${length} bytes, more than the first cluster holds`)
    at += 8 + Math.ceil(length / 8) * 8
  }
}
