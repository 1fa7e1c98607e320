/**
 * Giving names, one after the other, and taking them back when one can't be given.
 *
 * What is cleared or replaced is kept in the working directory, which goes when the run ends: until then it can come back.
 * Taking back ends at the first step that can't be undone: what was done before that one fits what is there now, and not
 * what was there. It touches no name that another run has given meanwhile: with `--force`, two may publish at once.
 */
import { link, open, rename, stat, unlink } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { fileError, isErrnoException } from '../errors.js'
import { outputExists } from './free-names.js'

/** Filesystems without hard links say one of these. */
const NO_LINKS = new Set(['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS', 'EMLINK'])

export class Names {
  readonly #workDirectory: string
  /** How to undo each step; the last one first. */
  readonly #undo: (() => Promise<void>)[] = []
  #kept = 0

  /** @param finished a file in the working directory */
  constructor(finished: string) {
    this.#workDirectory = dirname(finished)
  }

  /** Takes a file away from its name, if it has one still. */
  clear(path: string): Promise<void> {
    return publishing(path, async () => {
      const aside = this.#nextAside()
      const wasThere = await rename(path, aside).then(() => true, unless('ENOENT'))
      if (wasThere) this.#undo.push(() => linkNew(aside, path))
    })
  }

  /**
   * Puts a file in the place of the one that has the name.
   *
   * @returns false when nothing has the name; nothing was done then
   */
  replace(finished: string, path: string): Promise<boolean> {
    return publishing(path, async () => {
      const aside = this.#nextAside()
      const kept = await link(path, aside).then(
        () => true,
        (error) => {
          if (isErrnoException(error) && error.code === 'ENOENT') return undefined
          if (hasNoLinks(error)) return false
          throw error
        },
      )
      if (kept === undefined) return false
      const ours = await stat(finished, { bigint: true })
      await rename(finished, path)
      this.#undo.push(async () => {
        if (!kept) throw new Error(`${path} was replaced, and the old file is gone`)
        const now = await stat(path, { bigint: true })
        if (now.dev !== ours.dev || now.ino !== ours.ino) throw new Error(`${path} was replaced by another run`)
        await rename(aside, path)
      })
      return true
    })
  }

  /** Gives a name that nobody has. @throws ERR_OUTPUT_EXISTS */
  give(finished: string, path: string): Promise<void> {
    return publishing(path, async () => {
      await linkNew(finished, path)
      this.#undo.push(() => unlink(path))
    })
  }

  /** Undoes what was done, as far as that goes. Never fails: there is a better error to tell. */
  async takeBack(): Promise<void> {
    for (const undo of this.#undo.reverse()) {
      try {
        await undo()
      } catch {
        return
      }
    }
  }

  #nextAside(): string {
    return join(this.#workDirectory, `replaced-${this.#kept++}`)
  }
}

async function publishing<T>(path: string, step: () => Promise<T>): Promise<T> {
  try {
    return await step()
  } catch (error) {
    throw fileError(error, `publish ${path}`)
  }
}

/** For a step that is done already when it fails so. */
function unless(errno: string): (error: unknown) => false {
  return (error) => {
    if (isErrnoException(error) && error.code === errno) return false
    throw error
  }
}

async function linkNew(finished: string, path: string): Promise<void> {
  try {
    await link(finished, path)
  } catch (error) {
    if (isErrnoException(error) && error.code === 'EEXIST') throw outputExists(path)
    if (!hasNoLinks(error)) throw error
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

function hasNoLinks(error: unknown): boolean {
  return isErrnoException(error) && error.code !== undefined && NO_LINKS.has(error.code)
}
