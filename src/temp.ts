/**
 * The run's own directory: everything temporary lives in it, so that one removal cleans up after any end.
 *
 * It lies beside the output (or in `--tmp-dir`), so that the finished file moves by rename. After a SIGKILL it stays
 * behind; its name carries the mark of the process (`process-mark.ts`), and the next run in the same place removes it once that
 * process is gone. The module is the one importer of `tmp`, which makes the directory with mode 0700 and
 * removes it even when the process leaves through `process.exit`.
 */
import { randomBytes } from 'node:crypto'
import { readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import tmp from 'tmp'
import { fileError } from './errors.js'
import { isRunning, ownMark } from './process-mark.js'

const PREFIX = '.oem-bake-'
/** `.oem-bake-<mark>-<random>` */
const NAME = /^\.oem-bake-(\d+-\d+-[0-9a-f]+)-[A-Za-z0-9]+$/

export interface Workspace {
  /** Absolute path of the run's own directory. */
  readonly directory: string
  /** A path inside it; nothing is created. */
  path(name: string): string
}

/**
 * Makes the directory; disposing of it removes the directory with all that is in it.
 *
 * @param parent an existing directory; a relative path is taken from the working directory
 * @throws ERR_PERMISSION | ERR_NO_SPACE | ERR_NOT_FOUND when the directory can't be made
 */
export async function openWorkspace(parent: string): Promise<Workspace & AsyncDisposable> {
  await removeLeftovers(parent)
  tmp.setGracefulCleanup()
  const { name: directory } = makeDirectory(parent)
  return {
    directory,
    path: (name) => join(directory, name),
    // `rm` makes the retries that `tmp` does not, for a child that is still ending. Clean-up never hides an error.
    [Symbol.asyncDispose]: () => rm(directory, { recursive: true, force: true, maxRetries: 3 }).catch(() => undefined),
  }
}

function makeDirectory(parent: string): tmp.DirResult {
  try {
    return tmp.dirSync({
      tmpdir: parent,
      // Not `template`: that refuses a parent with two dots in it, and fills in an XXXXXX of the parent's own name.
      name: `${PREFIX}${ownMark()}-${randomBytes(6).toString('hex')}`,
      mode: 0o700,
      unsafeCleanup: true,
    })
  } catch (error) {
    throw fileError(error, `make a working directory in ${parent}`)
  }
}

/** Removes directories of runs that no longer exist. A directory that can't be removed is left for its owner. */
async function removeLeftovers(parent: string): Promise<void> {
  const names = await readdir(parent).catch(() => [])
  for (const name of names) {
    const mark = NAME.exec(name)?.[1]
    if (mark === undefined || isRunning(mark)) continue
    await rm(join(parent, name), { recursive: true, force: true }).catch(() => undefined)
  }
}
