/**
 * The bzip2 codec: the input is read through its block map, and baked by splicing new blocks into a copy of it.
 *
 * Three things go on side by side: the copy of the input to where the output will be, the digest of the input, and the way
 * through its blocks to the edit. The copy is a temporary file: nothing is published before the digest is there and agrees
 * with what was published and signed of the input, where anything was.
 */
import { isDeepStrictEqual } from 'node:util'
import { cacheDirectory } from '../../cache-directory.js'
import { InternalError } from '../../errors.js'
import type { RunContext } from '../../progress.js'
import { FileHash } from '../../source/file-hash.js'
import { InputDigest } from '../../trust/input-digest.js'
import type { VerifiedImage } from '../../trust/verify.js'
import type { DecodedImage, DecodePurpose, ImageNotes, ImageOutput, SizeAnchor } from '../codec.js'
import { compileBlockCodec } from './block-codec.js'
import { BlockDecoder } from './block-decoder.js'
import { BlockDevice } from './block-device.js'
import { BlockIndex } from './block-index.js'
import { BlockReader } from './block-reader.js'
import { BlockChain } from './chain.js'
import { startCopy } from './copy.js'
import type { ImageWriter } from './image-writer.js'
import { IndependentDecoder } from './independent-decoder.js'
import { type CacheEntry, MapCache } from './map-cache.js'
import { readAtFrom } from './read-at.js'
import type { RecompressOptions } from './recompress.js'
import { SplicedImage } from './splice-image.js'

export interface Bzip2Options {
  readonly anchor: SizeAnchor
  /** Most bytes that the image may decode to. */
  readonly limitBytes: number
  /** Use and keep block maps under the user's cache directory. */
  readonly useCache: boolean
}

/**
 * Opens a bzip2 image; disposing of it ends its threads and closes what it opened.
 *
 * @throws ERR_BZIP2_TRUNCATED | ERR_BZIP2_TRAILING_GARBAGE | ERR_BZIP2_CORRUPT with the bit
 * @throws ERR_IMAGE_TOO_LARGE
 * @throws ERR_DIGEST_MISMATCH | ERR_SIGNATURE_BAD when the input is not what its published digest or signature says
 * @throws ERR_COMPRESSOR_MISSING before any work, when it is to be recompressed and nothing can
 */
export async function openBzip2(
  image: VerifiedImage,
  purpose: DecodePurpose,
  { anchor, limitBytes, useCache }: Bzip2Options,
  context: RunContext,
): Promise<DecodedImage> {
  const { fd } = image.handle
  const sizeBytes = image.device.size
  const decoder = new BlockDecoder(compileBlockCodec())
  const chain = new BlockChain(decoder, readAtFrom(fd), sizeBytes, image.name)
  const reader = new BlockReader(chain, decoder, image.name)
  const level = chain.levelAt(0) ?? 9
  const withSha512 = purpose.kind === 'bake' && purpose.tell?.sha512 === true
  const recompress = purpose.kind === 'bake' ? purpose.recompress : undefined
  const recompressed = (target: string, itsContext: RunContext): Promise<ImageWriter> =>
    prepareRecompression({ target, level: recompress?.level ?? level, withSha512 }, itsContext)
  const recompressor =
    purpose.kind === 'bake' && recompress !== undefined ? await recompressed(purpose.target, context) : undefined
  const copy = purpose.kind === 'bake' && recompress === undefined ? await startCopy(image, purpose.target) : undefined
  const { hashing } = image.origin
  // Of the input, too: the output's goes on from where the first change is.
  const hash = new FileHash(
    { ...hashing, withSha512: hashing.withSha512 || (withSha512 && copy !== undefined) },
    context,
  )
  const digest = new InputDigest(image, hash, context)
  const second = copy && new IndependentDecoder(context.signal)
  let spliced: SplicedImage | undefined
  const endThreads = (): Promise<unknown> =>
    Promise.all([hash, second, spliced].map((thread) => thread?.[Symbol.asyncDispose]()))
  const dispose = async (): Promise<void> => {
    await endThreads()
    await copy?.end()
  }
  try {
    const cache = openCache(useCache, context)
    const remembered = await recall(cache, image, digest)
    // A signature vouches only if its key is there, which takes a while to know: not asked where it makes no difference.
    const trusted = image.expected.length > 0 || (remembered?.check !== 'full' && (await image.origin.vouches()))
    const index = await BlockIndex.open(
      { fd, sizeBytes, name: image.name, limitBytes },
      chain,
      reader,
      { anchor, remembered, trusted, settled: () => digest.settled() },
      context,
    )
    const device = new BlockDevice(index, reader, image.name)
    if (copy && second)
      spliced = new SplicedImage({ image, index, copy, hash, digest, withSha512, decoder: second }, context)
    const writer: ImageWriter | undefined = recompressor ?? spliced
    const outputBy = (written: ImageWriter | undefined): ImageOutput => ({
      encode: async (edited) => {
        // A minute of work for nothing, if the input is not what it should be; a splice is done before that is known.
        if (recompress !== undefined) await digest.settled()
        return required(written).encode(edited)
      },
      check: async (edited) => {
        const [digests] = await Promise.all([required(written).check(edited), digest.settled()])
        return digests
      },
    })
    const only = outputBy(writer)
    return {
      get codec() {
        return { kind: 'bzip2' as const, level, index: index.how }
      },
      device,
      notes: remembered?.notes ?? {},
      remember: async (notes) => {
        if (cache === undefined || isKnown(remembered, index, notes)) return
        const { sha256 } = await digest.settled()
        await cache.write({ sha256, sizeBytes }, { ...index.findings, notes })
      },
      settled: () => digest.settled(),
      expectEdit: () => second?.warmUp(),
      encode: only.encode,
      check: async (edited) => {
        const digests = await only.check(edited)
        // Threads take 20 ms to end: they may do so while the image gets its name.
        if (purpose.kind === 'bake' && purpose.others !== true) void endThreads()
        return digests
      },
      another: async (target, itsContext) => {
        if (recompress !== undefined)
          return { ...outputBy(await recompressed(target, itsContext)), [Symbol.asyncDispose]: async () => undefined }
        const itsCopy = await startCopy(image, target)
        const parts = { image, index, copy: itsCopy, hash, digest, withSha512, decoder: required(second) }
        const its = new SplicedImage(parts, itsContext)
        return {
          ...outputBy(its),
          [Symbol.asyncDispose]: async () => {
            await its[Symbol.asyncDispose]()
            await itsCopy.end()
          },
        }
      },
      [Symbol.asyncDispose]: dispose,
    }
  } catch (error) {
    try {
      // What the digest says of the input is the better reason, where there is one.
      if (image.origin.binds) await digest.settled()
    } finally {
      await dispose()
    }
    throw error
  }
}

/** Loaded only here: starting programs costs 80 ms before the first one is started. */
async function prepareRecompression(options: RecompressOptions, context: RunContext): Promise<ImageWriter> {
  const { RecompressedImage } = await import('./recompress.js')
  return RecompressedImage.prepare(options, context)
}

function openCache(useCache: boolean, context: RunContext): MapCache | undefined {
  const directory = useCache ? cacheDirectory(context.env) : undefined
  return directory === undefined ? undefined : new MapCache(directory)
}

/** What the cache knows of this very file. Waits for its digest only if there is something of the same size. */
async function recall(
  cache: MapCache | undefined,
  image: VerifiedImage,
  digest: InputDigest,
): Promise<CacheEntry | undefined> {
  const sizeBytes = image.device.size
  if (cache === undefined || !(await cache.mayKnow(sizeBytes))) return undefined
  // A published digest is as good as the one that is being taken: nothing is published before they have been compared.
  const published = image.expected.find(({ algorithm }) => algorithm === 'sha256')
  const sha256 = published?.hex ?? (await digest.settled()).sha256
  return cache.read({ sha256, sizeBytes })
}

/** Whether an entry has all that would be written. */
function isKnown(entry: CacheEntry | undefined, index: BlockIndex, notes: ImageNotes): boolean {
  return entry !== undefined && index.how === 'cached' && isDeepStrictEqual(entry.notes, notes)
}

function required<T>(ofBake: T | undefined): T {
  if (ofBake === undefined) throw new InternalError('ERR_INTERNAL', 'the image was opened for looking only')
  return ofBake
}
