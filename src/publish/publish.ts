/**
 * The last step: a finished, synced and checked file appears under its name, whole, or not at all.
 *
 * Without `--force` the name is given by link(2), which fails if the name is taken, so that two bakes at once can't
 * overwrite each other; with it by rename(2), which replaces in one step. Then the directory is synced.
 */
import { link, open, rename, unlink } from 'node:fs/promises'
import { fileError, isErrnoException } from '../errors.js'
import { outputExists, type Target } from './target.js'

/** Filesystems without hard links say one of these. */
const NO_LINKS = new Set(['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS', 'EMLINK'])

/**
 * @param finished the file, in the target's own filesystem
 * @throws ERR_OUTPUT_EXISTS when the name was taken meanwhile; ERR_PERMISSION, ERR_NO_SPACE, ERR_IO
 */
export async function publish(finished: string, target: Target): Promise<void> {
  try {
    if (target.force) await rename(finished, target.path)
    else await linkNew(finished, target.path)
  } catch (error) {
    throw fileError(error, `publish ${target.path}`)
  }
  try {
    await syncDirectory(target.directory)
  } catch (error) {
    // A name that may not outlive a power cut is no output. What --force replaced can't come back: the new file stays.
    if (!target.force) await unlink(target.path).catch(() => undefined)
    throw fileError(error, `publish ${target.path}`)
  }
}

async function linkNew(finished: string, path: string): Promise<void> {
  try {
    await link(finished, path)
  } catch (error) {
    if (!isErrnoException(error)) throw error
    if (error.code === 'EEXIST') throw outputExists(path)
    if (error.code === undefined || !NO_LINKS.has(error.code)) throw error
    // No hard links here: claim the name with an empty file that only one can create, then replace it by the rename.
    const claim = await open(path, 'wx').catch((claimError) => {
      throw isErrnoException(claimError) && claimError.code === 'EEXIST' ? outputExists(path) : claimError
    })
    try {
      await claim.close()
      await rename(finished, path)
    } catch (renameError) {
      await unlink(path).catch(() => undefined)
      throw renameError
    }
    return
  }
  // The other name lies in the working directory and goes with it, if not now.
  await unlink(finished).catch(() => undefined)
}

async function syncDirectory(directory: string): Promise<void> {
  // A directory may be written to that may not be read, and so not be opened.
  const handle = await open(directory, 'r').catch((error) => {
    if (isErrnoException(error) && (error.code === 'EACCES' || error.code === 'EPERM')) return undefined
    throw error
  })
  try {
    await handle?.sync()
  } catch (error) {
    // Some network filesystems refuse to sync a directory; the file itself is synced already.
    if (!isErrnoException(error) || (error.code !== 'EINVAL' && error.code !== 'ENOTSUP')) throw error
  } finally {
    await handle?.close().catch(() => undefined)
  }
}
