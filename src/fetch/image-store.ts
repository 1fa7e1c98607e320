/**
 * Images that were downloaded and verified, under the user's cache directory, by what their publisher says of them.
 *
 * An entry is a directory with the image and what lay beside it. It appears by rename when all of it is there; whoever takes it
 * verifies it anew, so that one which was changed since is as good as none.
 */
import { readdir, rename, rm, stat, utimes } from 'node:fs/promises'
import { join } from 'node:path'

/** Images take some 300 MB each. */
const ENTRIES_MAX = 8
const KEY = /^[0-9a-f]{64}$/

export class ImageStore {
  /** Absolute path. */
  readonly directory: string

  constructor(directory: string) {
    this.directory = directory
  }

  entry(key: string): string {
    return join(this.directory, key)
  }

  async has(key: string, imageName: string): Promise<boolean> {
    return stat(join(this.entry(key), imageName)).then(
      (found) => found.isFile(),
      () => false,
    )
  }

  async remove(key: string): Promise<void> {
    await rm(this.entry(key), { recursive: true, force: true })
  }

  /**
   * Makes a directory an entry; one that is there already is as good.
   *
   * @throws the file system's own errors
   */
  async keep(key: string, directory: string): Promise<void> {
    await rename(directory, this.entry(key)).catch(async (error) => {
      if (!(await stat(this.entry(key)).catch(() => undefined))?.isDirectory()) throw error
    })
    await this.touch(key)
    await this.#removeOldest()
  }

  /** The entry was of use: it is not the oldest any more. */
  async touch(key: string): Promise<void> {
    const now = new Date()
    await utimes(this.entry(key), now, now).catch(() => undefined)
  }

  async #removeOldest(): Promise<void> {
    const names = (await readdir(this.directory)).filter((name) => KEY.test(name))
    if (names.length <= ENTRIES_MAX) return
    const dated = await Promise.all(
      names.map(async (name) => ({ name, usedMs: (await stat(this.entry(name))).mtimeMs })),
    )
    dated.sort((a, b) => b.usedMs - a.usedMs)
    for (const { name } of dated.slice(ENTRIES_MAX)) await this.remove(name)
  }
}
