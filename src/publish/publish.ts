/**
 * The last step: finished, synced and checked files appear under their names, all of them or none.
 *
 * Several names can't be given in one step, so the order is what keeps a kill at any point from leaving a lie:
 *
 *   nothing there    side files, then the image: an image that is there has all of its side files
 *   with --force     what says something of the old image goes first, then the new image takes its place, then the new
 *                    side files come: an image may stand without them, but never beside those of another one
 *
 * Without `--force` a name is given by link(2), which fails if it is taken, so that two bakes at once can't overwrite each
 * other; with it by rename(2), which replaces in one step. Then the directory is synced. When one step fails, those before
 * it are taken back (`names.ts`), the old files included. One sync for all: filesystems keep the order of names within a
 * directory (journals of ext4 and XFS, transactions of btrfs), and a sync between them would cost a bake some milliseconds.
 * Runs that publish under the same name take turns (`turn.ts`).
 */
import { open } from 'node:fs/promises'
import { fileError, isErrnoException } from '../errors.js'
import { assertNobodyElseVouches, takenSideNames } from './free-names.js'
import { Names } from './names.js'
import type { SideFile } from './side-files.js'
import type { Target } from './target.js'
import { inTurn } from './turn.js'

/** A side file that is written, under a name in the working directory. */
export interface FinishedSideFile extends SideFile {
  readonly finished: string
}

/** All that is to be published; in one working directory, in the target's own filesystem. */
export interface FinishedEdition {
  /** The image. */
  readonly image: string
  readonly sideFiles: readonly FinishedSideFile[]
}

export interface Published {
  /** Names of an earlier edition's side files that were taken away and not given again. */
  readonly removed: readonly string[]
}

/**
 * @throws ERR_OUTPUT_EXISTS when a name was taken meanwhile, ERR_OUTPUT_SIGNED; ERR_PERMISSION, ERR_NO_SPACE, ERR_IO
 */
export function publish(edition: FinishedEdition, target: Target): Promise<Published> {
  return inTurn(target.path, () => publishAlone(edition, target))
}

async function publishAlone({ image, sideFiles }: FinishedEdition, target: Target): Promise<Published> {
  const names = new Names(image)
  try {
    const taken = target.force ? await takenSideNames(target.path) : []
    await assertNobodyElseVouches(target.path, taken)
    for (const path of taken) await names.clear(path)
    const replaces = target.force && (await names.replace(image, target.path))
    for (const { finished, path } of sideFiles) await names.give(finished, path)
    if (!replaces) await names.give(image, target.path)
    await syncDirectory(target.directory)
    return { removed: taken.filter((path) => !sideFiles.some((file) => file.path === path)) }
  } catch (error) {
    // A name that may not outlive a power cut is no output, either.
    await names.takeBack()
    throw fileError(error, `publish ${target.path}`)
  }
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
