/**
 * The input file: opened once, read-only, and known again at the end.
 *
 * First stage of the pipeline. The image is never opened for writing anywhere, and every later read goes through this
 * handle, so a file that is swapped under its name can't mix into the bake; that, and a file that is written to while we
 * read, is noticed by `assertUnchanged` before anything is published.
 */
import { constants } from 'node:fs'
import { type FileHandle, open, stat } from 'node:fs/promises'
import { basename, resolve } from 'node:path'
import { FileDevice } from '../byte-device.js'
import { fileError, ImageError, RefusedError, saysAbsent, VerificationError } from '../errors.js'

/** What tells two states of a file apart without reading it. */
interface Fingerprint {
  readonly device: bigint
  readonly inode: bigint
  readonly sizeBytes: bigint
  readonly modifiedNs: bigint
}

/** An image file that is open for reading. */
export interface OpenedImage extends AsyncDisposable {
  readonly stage: 'opened'
  /** Absolute path as asked for. */
  readonly path: string
  readonly name: string
  readonly handle: FileHandle
  readonly device: FileDevice
  /**
   * @throws ERR_SOURCE_CHANGED when the file is not the one that was opened, byte for byte as far as its times tell; or when
   * its name leads to another one by now
   */
  assertUnchanged(): Promise<void>
  /**
   * Whether a path names this very file.
   *
   * @throws ERR_IO | ERR_PERMISSION when that can't be found out
   */
  isSameFile(path: string): Promise<boolean>
}

/**
 * Opens the image; disposing of it closes the file.
 *
 * @param named where it was named, for whoever has to look there again
 * @throws ERR_NOT_FOUND | ERR_PERMISSION | ERR_IO from the filesystem
 * @throws ERR_NOT_A_REGULAR_FILE for directories, devices, pipes and sockets
 * @throws ERR_IMAGE_EMPTY for a file of no bytes
 */
export async function openImage(path: string, named = 'the image is the first argument'): Promise<OpenedImage> {
  const absolute = resolve(path)
  await assertRegularFile(path, named)
  // O_NONBLOCK: a pipe put in place of the file since the check would otherwise block the open for ever.
  const handle = await open(absolute, constants.O_RDONLY | constants.O_NONBLOCK).catch((error) => {
    throw fileError(error, `open ${path}`, 'check the path and its permissions')
  })
  try {
    const fingerprint = await fingerprintOf(path, handle)
    if (fingerprint.sizeBytes === 0n) {
      throw new ImageError('ERR_IMAGE_EMPTY', `${path} is empty: expected a disk image, found 0 bytes`, {
        hint: 'download the image again',
      })
    }
    return {
      stage: 'opened',
      path: absolute,
      name: basename(absolute),
      handle,
      device: new FileDevice(handle, Number(fingerprint.sizeBytes), path),
      assertUnchanged: () => assertUnchanged(path, handle, fingerprint),
      isSameFile: async (other) => {
        const found = await stat(other, { bigint: true }).catch((error) => {
          if (saysAbsent(error)) return undefined
          // Not knowing is no answer: a name that is the image's could be given to the output.
          throw fileError(error, `look at ${other}`)
        })
        return found !== undefined && found.dev === fingerprint.device && found.ino === fingerprint.inode
      },
      [Symbol.asyncDispose]: () => handle.close().catch(() => undefined),
    }
  } catch (error) {
    await handle.close().catch(() => undefined)
    throw error
  }
}

async function assertRegularFile(path: string, named: string): Promise<void> {
  const found = await stat(path).catch((error) => {
    throw fileError(error, `open ${path}`, `check the path; ${named}`)
  })
  if (found.isFile()) return
  const kind = found.isDirectory()
    ? 'a directory'
    : found.isFIFO()
      ? 'a pipe'
      : found.isBlockDevice()
        ? 'a block device'
        : 'not a regular file'
  throw new RefusedError('ERR_NOT_A_REGULAR_FILE', `${path} is ${kind}: expected an image file`, {
    hint: found.isDirectory()
      ? 'name the image file inside it'
      : 'save the image to a file first; it has to be read more than once',
  })
}

async function fingerprintOf(path: string, handle: FileHandle): Promise<Fingerprint> {
  const found = await handle.stat({ bigint: true }).catch((error) => {
    throw fileError(error, `look at ${path}`, 'check the disk, then run the same command again')
  })
  return { device: found.dev, inode: found.ino, sizeBytes: found.size, modifiedNs: found.mtimeNs }
}

/** The bake is of the file that was opened, whole; but whoever put another in its place wants that one to be baked. */
async function assertStillNamed(path: string, opened: Fingerprint): Promise<void> {
  const now = await stat(path, { bigint: true }).catch((error) => {
    if (saysAbsent(error)) return undefined
    throw fileError(error, `look at ${path}`, 'check the disk, then run the same command again')
  })
  if (now === undefined || (now.dev === opened.device && now.ino === opened.inode)) return
  throw new VerificationError('ERR_SOURCE_CHANGED', `another file took the place of ${path} while it was being read`, {
    hint: 'run the same command again, for the file that is there now',
  })
}

async function assertUnchanged(path: string, handle: FileHandle, before: Fingerprint): Promise<void> {
  await assertStillNamed(path, before)
  const now = await fingerprintOf(path, handle)
  // Not the change time: it also moves for a chmod or a new hard link, which change no byte.
  const same = now.sizeBytes === before.sizeBytes && now.modifiedNs === before.modifiedNs
  if (same) return
  throw new VerificationError('ERR_SOURCE_CHANGED', `${path} was written to while it was being read`, {
    hint: 'wait until the download or copy is complete, then run the same command again',
    details: { sizeBefore: String(before.sizeBytes), sizeNow: String(now.sizeBytes) },
  })
}
