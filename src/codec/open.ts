/**
 * Chooses the codec from the file's first bytes, never from its name.
 */
import { ImageError, UnsupportedError } from '../errors.js'
import type { RunContext } from '../progress.js'
import { assertSizeWithin } from '../size-limit.js'
import { type FileKind, sniff } from '../source/sniff.js'
import type { VerifiedImage } from '../trust/verify.js'
import { type Bzip2Options, openBzip2 } from './bzip2/bzip2.js'
import type { DecodedImage, DecodePurpose } from './codec.js'
import { openPlain } from './plain.js'

/** How to get from a compressed file that we can't read to one that we can. */
const UNPACK: Partial<Record<FileKind, string>> = {
  gzip: 'gzip -dk',
  xz: 'xz -dk',
  zstd: 'zstd -d',
  zip: 'unzip',
  lz4: 'lz4 -d',
  tar: 'tar -xf',
}

/**
 * Opens the decoded image; disposing of it closes what was opened.
 *
 * @throws ERR_CODEC_UNSUPPORTED for a compressor or archive that is recognised but not read
 * @throws ERR_IMAGE_TOO_LARGE
 * @throws ERR_NOT_AN_IMAGE for text, such as a saved error page
 */
export async function decodeImage(
  image: VerifiedImage,
  purpose: DecodePurpose,
  options: Bzip2Options,
  context: RunContext,
): Promise<DecodedImage> {
  const kind = await sniff(image.device)
  if (kind === 'bzip2') return openBzip2(image, purpose, options, context)
  assertNotPacked(kind, image)
  assertSizeWithin(options.limitBytes, image.device.size, image.name)
  return openPlain(image, purpose, context)
}

/**
 * A file is no archive, and nothing that only we can't unpack.
 *
 * @throws ERR_CODEC_UNSUPPORTED, ERR_NOT_AN_IMAGE
 */
export function assertNotPacked(kind: FileKind, image: { readonly name: string }): void {
  const unpack = UNPACK[kind]
  if (unpack !== undefined) {
    throw new UnsupportedError(
      'ERR_CODEC_UNSUPPORTED',
      `${image.name} is ${kind}, which is not supported yet: expected bzip2, or an image that is not compressed`,
      {
        hint: `${unpack} ${image.name}, then bake what comes out of it`,
        details: { found: kind },
      },
    )
  }
  if (kind === 'web page or text') {
    throw new ImageError(
      'ERR_NOT_AN_IMAGE',
      `${image.name} is not a disk image: it begins with text, perhaps a saved error page`,
      {
        hint: `look at it with: head ${image.name}`,
      },
    )
  }
}
