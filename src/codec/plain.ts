/**
 * The codec of images that are not compressed: the file is the decoded image.
 *
 * Encoding is a sparse copy through the overlay; the check reads the copy back and compares it byte for byte.
 */
import { createHash } from 'node:crypto'
import { open } from 'node:fs/promises'
import { type ByteDevice, FileDevice } from '../byte-device.js'
import { fileError, PostCheckError, throwIfCancelled } from '../errors.js'
import { InOrderComparison, readInOrder } from '../in-order.js'
import type { RunContext } from '../progress.js'
import { copyToSparseFile } from '../sparse-file.js'
import type { Workspace } from '../temp.js'
import type { VerifiedImage } from '../trust/verify.js'
import type { DecodedImage } from './codec.js'

export function openPlain(image: VerifiedImage, workspace: Workspace, context: RunContext): DecodedImage {
  let editable: Promise<string> | undefined
  return {
    codec: { kind: 'plain' },
    device: image.device,
    path: image.path,
    editablePath: () => {
      const path = workspace.path('editable.img')
      editable ??= copyToSparseFile(image.device, path, 'decode', context).then(() => path)
      return editable
    },
    encode: async (edited, target) => {
      await copyToSparseFile(edited, target, 'encode', context)
      await sync(target)
      return undefined
    },
    check: (edited, target) => comparePlain(edited, target, context),
    // The file belongs to the opened image.
    [Symbol.asyncDispose]: async () => undefined,
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

async function comparePlain(edited: ByteDevice, target: string, context: RunContext): Promise<string> {
  const handle = await open(target, 'r').catch((error) => {
    throw fileError(error, `read back ${target}`)
  })
  try {
    const { size } = await handle.stat()
    if (size !== edited.size) {
      throw new PostCheckError('ERR_CHECK_OUTPUT', `the written image has ${size} bytes, expected ${edited.size}`)
    }
    const written = new FileDevice(handle, size, target)
    const hash = createHash('sha256')
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
      hash.update(bytes)
      context.report({ kind: 'progress', phase: 'check', doneBytes: offset + bytes.length, totalBytes: size })
    }
    return hash.digest('hex')
  } catch (error) {
    throw fileError(error, `read back ${target}`)
  } finally {
    await handle.close().catch(() => undefined)
  }
}
