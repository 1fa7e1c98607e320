/**
 * How a qcow2 image is refused: damaged, or sound and not ours to edit. Every hint names the way around.
 */
import { ImageError, UnsupportedError } from '../../errors.js'

export const CONVERT_HINT = 'make a plain one: qemu-img convert -O qcow2 IN OUT'

/** @param what a clause without a subject: `the L1 table lies at byte 7, …` */
export function invalidImage(
  what: string,
  hint = 'download the image again and check its size and digest',
): ImageError {
  return new ImageError('ERR_QCOW2_INVALID', `the qcow2 image is damaged or cut off: ${what}`, { hint })
}

/** @param what a predicate of "the qcow2 image": `has a backing file` */
export function unsupportedImage(what: string, hint = CONVERT_HINT): UnsupportedError {
  return new UnsupportedError('ERR_QCOW2_UNSUPPORTED', `the qcow2 image ${what}, which is not supported`, { hint })
}
