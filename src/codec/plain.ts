/**
 * The codec of images that are not compressed: the file is the decoded image.
 *
 * Encoding is a sparse copy through the overlay; the check reads the copy back and compares it byte for byte.
 */
import { createHash } from 'node:crypto'
import { open } from 'node:fs/promises'
import { type ByteDevice, FileDevice } from '../byte-device.js'
import { fileError, PostCheckError, throwIfCancelled, UsageError } from '../errors.js'
import { InOrderComparison, readInOrder } from '../in-order.js'
import type { RunContext } from '../progress.js'
import { type Digests, FileHash } from '../source/file-hash.js'
import { copyToSparseFile } from '../sparse-file.js'
import { InputDigest } from '../trust/input-digest.js'
import type { VerifiedImage } from '../trust/verify.js'
import type { DecodedImage, DecodePurpose, ImageOutput } from './codec.js'

export async function openPlain(
  image: VerifiedImage,
  purpose: DecodePurpose,
  context: RunContext,
): Promise<DecodedImage> {
  if (purpose.kind === 'bake' && purpose.recompress !== undefined) {
    throw new UsageError('ERR_USAGE', `${image.name} is not compressed, so it can't be recompressed`, {
      hint: 'leave --recompress and --level out',
    })
  }
  const tell = purpose.kind === 'bake' ? purpose.tell : undefined
  // Where nothing has to agree with it, and none is to be told, the file is read only where the bake needs it.
  const hash =
    image.origin.binds || tell?.inputDigest === true ? new FileHash(image.origin.hashing, context) : undefined
  const digest = hash && new InputDigest(image, hash, context)
  const outputTo = (target: string, itsContext: RunContext): ImageOutput => ({
    encode: async (edited) => {
      // Where nobody has said what it should be, it is told beside the copy; it need not be known before.
      if (image.origin.binds) await digest?.settled()
      await copyToSparseFile(edited, target, 'encode', itsContext)
      await sync(target)
      return undefined
    },
    check: (edited) => comparePlain(edited, target, tell?.sha512 ?? false, itsContext),
  })
  return {
    ...outputTo(purpose.kind === 'bake' ? purpose.target : '', context),
    codec: { kind: 'plain' },
    device: image.device,
    notes: {},
    remember: async () => undefined,
    settled: async () => digest?.settled(),
    expectEdit: () => undefined,
    another: async (target, itsContext) => ({
      ...outputTo(target, itsContext),
      [Symbol.asyncDispose]: async () => undefined,
    }),
    // The file belongs to the opened image.
    [Symbol.asyncDispose]: async () => hash?.[Symbol.asyncDispose](),
  }
}

async function sync(path: string): Promise<void> {
  try {
    const handle = await open(path, 'r+')
    await handle.sync().finally(() => handle.close())
  } catch (error) {
    throw fileError(error, `write ${path}`)
  }
}

async function comparePlain(
  edited: ByteDevice,
  target: string,
  withSha512: boolean,
  context: RunContext,
): Promise<Digests> {
  const handle = await open(target, 'r').catch((error) => {
    throw fileError(error, `read back ${target}`)
  })
  try {
    const { size } = await handle.stat()
    if (size !== edited.size) {
      throw new PostCheckError('ERR_CHECK_OUTPUT', `the written image has ${size} bytes, expected ${edited.size}`)
    }
    const written = new FileDevice(handle, size, target)
    const sha256 = createHash('sha256')
    const sha512 = withSha512 ? createHash('sha512') : undefined
    const comparison = new InOrderComparison(edited)
    for await (const { offset, bytes } of readInOrder(written)) {
      throwIfCancelled(context.signal)
      if (!(await comparison.matches(bytes))) {
        throw new PostCheckError(
          'ERR_CHECK_OUTPUT',
          `the written image differs from what was meant near byte ${offset}`,
          { hint: 'check the disk and the memory of this machine; nothing was published' },
        )
      }
      sha256.update(bytes)
      sha512?.update(bytes)
      context.report({ kind: 'progress', phase: 'check', doneBytes: offset + bytes.length, totalBytes: size })
    }
    return { sha256: sha256.digest('hex'), ...(sha512 === undefined ? {} : { sha512: sha512.digest('hex') }) }
  } catch (error) {
    throw fileError(error, `read back ${target}`)
  } finally {
    await handle.close().catch(() => undefined)
  }
}
