/**
 * How large an image may become: what keeps a file of a few kilobytes from being decoded for days.
 *
 * 45 bytes of bzip2 can stand for 45 MB, and a qcow2 header can claim any size. The limit is on decoded bytes and on the
 * virtual disk, and is looked at while decoding, wherever a size is claimed or found: the block map as it grows
 * (`codec/bzip2/full-index.ts`), a size that an image's own header declares (`block-index.ts`), a remembered one, the file
 * itself where nothing is compressed, the qcow2 header. Everything else is bounded by these: partitions lie within the
 * disk, an encoder is given what was decoded, a new block holds 4 MiB at most.
 */
import { ImageError } from './errors.js'
import { formatBytes } from './units.js'

/** Twice the largest image of either vendor (Azure: 31 GiB). */
export const DEFAULT_SIZE_LIMIT_BYTES = 64 * 2 ** 30

/**
 * @param what the size is of: `image.bin.bz2, decoded,`
 * @throws ERR_IMAGE_TOO_LARGE
 */
export function assertSizeWithin(limitBytes: number, sizeBytes: number, what: string): void {
  if (sizeBytes <= limitBytes) return
  throw new ImageError(
    'ERR_IMAGE_TOO_LARGE',
    `${what} has ${formatBytes(sizeBytes)} or more, and at most ${formatBytes(limitBytes)} are taken`,
    {
      hint: `if the image is meant to be that large: --max-size ${Math.ceil(sizeBytes / 2 ** 30) * 2}GiB`,
      details: { limitBytes, sizeBytes },
    },
  )
}
