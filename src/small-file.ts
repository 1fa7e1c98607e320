/**
 * The small files that lie beside an image: digests, signatures, version.txt.
 *
 * Nobody named them on the command line: they are read because they are there. So one that is absent is no failure, what
 * is no regular file is never waited for, and no more is read than such a file can have.
 */
import { constants } from 'node:fs'
import { type FileHandle, open } from 'node:fs/promises'
import { fileError, isErrnoException } from './errors.js'
import { formatBytes } from './units.js'

export type SmallFile = NoSmallFile | { readonly kind: 'text'; readonly text: string }
export type SmallBytes = NoSmallFile | { readonly kind: 'bytes'; readonly bytes: Buffer }

type NoSmallFile =
  | { readonly kind: 'absent' }
  /** There, but not what it should be; the reason completes a sentence that starts with the path. */
  | { readonly kind: 'unfit'; readonly reason: string }

/** A path through something that is no directory, and a name longer than the filesystem has, can't be there either. */
const ABSENT: ReadonlySet<string | undefined> = new Set(['ENOENT', 'ENOTDIR', 'ENAMETOOLONG'])
const IRREGULAR: NoSmallFile = { kind: 'unfit', reason: 'is not a regular file' }

/**
 * Reads a file as UTF-8.
 *
 * @throws ERR_PERMISSION | ERR_IO
 */
export async function readSmallFile(path: string, limitBytes: number): Promise<SmallFile> {
  const found = await readSmallBytes(path, limitBytes)
  return found.kind === 'bytes' ? { kind: 'text', text: found.bytes.toString('utf8') } : found
}

/**
 * Reads a file as it is.
 *
 * @throws ERR_PERMISSION | ERR_IO
 */
export async function readSmallBytes(path: string, limitBytes: number): Promise<SmallBytes> {
  try {
    // O_NONBLOCK: opening a pipe would otherwise wait for a writer.
    const handle = await open(path, constants.O_RDONLY | constants.O_NONBLOCK)
    try {
      return (await handle.stat()).isFile() ? await readBytes(handle, limitBytes) : IRREGULAR
    } finally {
      await handle.close().catch(() => undefined)
    }
  } catch (error) {
    const errno = isErrnoException(error) ? error.code : undefined
    if (ABSENT.has(errno)) return { kind: 'absent' }
    // A socket can't be opened at all.
    if (errno === 'ENXIO') return IRREGULAR
    throw fileError(error, `read ${path}`, 'make it readable, or move it away from the image')
  }
}

async function readBytes(handle: FileHandle, limitBytes: number): Promise<SmallBytes> {
  // One byte more than allowed, so that a file that is too big shows; its size in `stat` may be out of date.
  const buffer = Buffer.alloc(limitBytes + 1)
  let length = 0
  while (length < buffer.length) {
    const { bytesRead } = await handle.read(buffer, length, buffer.length - length, length)
    if (bytesRead === 0) return { kind: 'bytes', bytes: buffer.subarray(0, length) }
    length += bytesRead
  }
  return { kind: 'unfit', reason: `has more than ${formatBytes(limitBytes)}` }
}
