/**
 * The two image files, decoded side by side: block by block where both are bzip2, else each by itself.
 */
import type { ByteDevice } from '../byte-device.js'
import { Bzip2Pair, decodeWhole, type MatchedFile } from '../codec/bzip2/pair.js'
import { assertNotPacked } from '../codec/open.js'
import { GPT_SIZE_ANCHOR } from '../disk/gpt/size-anchor.js'
import type { RunContext } from '../progress.js'
import { sniff } from '../source/sniff.js'
import type { OpenedImage } from '../source/source.js'
import type { ComparisonReport, ProvedImage } from './proof.js'

/** One of the two; `name` is for messages. */
export type ImageFile = Pick<OpenedImage, 'device' | 'handle' | 'name'>

export interface DecodedPair {
  readonly compression: { readonly original: ProvedImage['compression']; readonly baked: ProvedImage['compression'] }
  readonly by: ComparisonReport['by']
  /** The original, decoded. */
  readonly original: ByteDevice
  /** The baked image, decoded as far as it has to be when it may differ from a decoded offset on. */
  match(rawOffset: number): Promise<MatchedFile>
}

/**
 * @param limitBytes most that either may decode to
 * @param vouchedFor somebody vouches for the original's bytes, and `settled` throws when they are not those
 * @throws ERR_CODEC_UNSUPPORTED, ERR_NOT_AN_IMAGE, ERR_IMAGE_TOO_LARGE, ERR_BZIP2_*
 */
export async function decodePair(
  original: ImageFile,
  baked: ImageFile,
  limitBytes: number,
  trust: { readonly vouchedFor: boolean; readonly settled: () => Promise<unknown> },
  context: RunContext,
): Promise<DecodedPair> {
  const compressed = (image: ImageFile) => compressedFile(image, limitBytes)
  const compression = { original: await compressionOf(original), baked: await compressionOf(baked) }
  if (compression.original === 'bzip2' && compression.baked === 'bzip2') {
    const options = { anchor: GPT_SIZE_ANCHOR, ...trust }
    const pair = await Bzip2Pair.open(compressed(original), compressed(baked), options, context)
    return { compression, by: 'blocks', original: pair.original, match: (rawOffset) => pair.match(rawOffset) }
  }
  const decode = async (image: ImageFile, kind: ProvedImage['compression']): Promise<ByteDevice> =>
    kind === 'bzip2' ? await decodeWhole(compressed(image), context) : image.device
  const decoded = await decode(original, compression.original)
  return {
    compression,
    by: 'bytes',
    original: decoded,
    match: async () => ({ device: await decode(baked, compression.baked), same: [], everyBlock: true }),
  }
}

async function compressionOf(image: ImageFile): Promise<ProvedImage['compression']> {
  const kind = await sniff(image.device)
  if (kind === 'bzip2') return 'bzip2'
  assertNotPacked(kind, image)
  return 'none'
}

function compressedFile({ device, handle, name }: ImageFile, limitBytes: number) {
  return { fd: handle.fd, sizeBytes: device.size, name, limitBytes }
}
