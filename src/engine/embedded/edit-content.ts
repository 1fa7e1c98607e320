/**
 * Pieces of a file's new content, from memory or from a file on this machine.
 */
import { open } from 'node:fs/promises'
import { FileDevice } from '../../byte-device.js'
import { fileError, UsageError } from '../../errors.js'
import type { FileContent } from '../engine.js'

export function contentBytes(content: FileContent): number {
  return content.kind === 'bytes' ? content.bytes.length : content.sizeBytes
}

/** @throws ERR_INPUT_FILE when the file is no longer what was planned, ERR_NOT_FOUND | ERR_PERMISSION | ERR_IO */
export async function readContent(content: FileContent, offset: number, length: number): Promise<Uint8Array> {
  if (content.kind === 'bytes') return content.bytes.subarray(offset, offset + length)
  const { path, sizeBytes } = content
  const fail = (error: unknown): never => {
    throw fileError(error, `read ${path}`)
  }
  const handle = await open(path).catch(fail)
  try {
    const { size } = await handle.stat().catch(fail)
    if (size !== sizeBytes) {
      throw new UsageError('ERR_INPUT_FILE', `${path} has ${size} bytes, and had ${sizeBytes} when it was looked at`, {
        hint: 'make sure that nothing else writes it, then run the same command again',
        details: { path },
      })
    }
    return await new FileDevice(handle, size, path).read(offset, length)
  } finally {
    await handle.close().catch(() => undefined)
  }
}
