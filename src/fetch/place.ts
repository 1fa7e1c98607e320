/**
 * Puts verified files where the user wants them: what belongs beside the image first, the image last, so that an image that is
 * there has its signature. Nothing that is there already is replaced by something else without `--force`.
 */
import { constants, copyFile, link, open, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileError, RefusedError } from '../errors.js'
import { Names } from '../publish/names.js'
import { openWorkspace } from '../temp.js'

export interface Placement {
  /** Where the files are now; they stay. */
  readonly from: string
  readonly to: string
  readonly sideNames: readonly string[]
  /** Undefined when it is there already. */
  readonly imageName: string | undefined
  readonly force: boolean
}

/**
 * @throws ERR_OUTPUT_EXISTS for a name that something else has; ERR_PERMISSION, ERR_NO_SPACE, ERR_IO
 */
export async function place({ force, from, imageName, sideNames, to }: Placement): Promise<void> {
  await using workspace = await openWorkspace(to)
  const ready: { readonly path: string; readonly finished: string }[] = []
  for (const name of imageName === undefined ? sideNames : [...sideNames, imageName]) {
    const path = join(to, name)
    if (name !== imageName && (await hasContent(path, join(from, name), force))) continue
    const finished = workspace.path(name)
    await provide(join(from, name), finished).catch((error) => {
      throw fileError(error, `write ${path}`)
    })
    ready.push({ path, finished })
  }
  const names = new Names(workspace.path('finished'))
  try {
    for (const { path, finished } of ready)
      if (!force || !(await names.replace(finished, path))) await names.give(finished, path)
  } catch (error) {
    await names.takeBack()
    throw fileError(error, `write to ${to}`)
  }
}

/** Whether a small file is there already, as it should be. */
async function hasContent(path: string, source: string, force: boolean): Promise<boolean> {
  const found = await readFile(path).catch(() => undefined)
  if (found === undefined) return false
  if (found.equals(await readFile(source))) return true
  if (force) return false
  throw new RefusedError('ERR_OUTPUT_EXISTS', `${path} is there already, of another image or release`, {
    hint: 'choose another directory with --directory, or replace it with --force',
  })
}

/** A second name for the same file where the filesystem allows it, else a copy that shares its blocks, else a copy. */
async function provide(source: string, target: string): Promise<void> {
  try {
    await link(source, target)
  } catch {
    await copyFile(source, target, constants.COPYFILE_FICLONE)
    const handle = await open(target, 'r+')
    try {
      await handle.sync()
    } finally {
      await handle.close()
    }
  }
}
