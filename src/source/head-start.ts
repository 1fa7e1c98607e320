/**
 * A file that is hashed before anybody has asked: from its name on the command line, while the program is still being loaded.
 *
 * What has been hashed when the question comes counts only if that is about the same file in the same state (device, inode, size, time
 * of the last write); anything else, and any failure, and nothing has happened. In the hash worker.
 */
import { createHash, type Hash } from 'node:crypto'
import { type BigIntStats, constants, fstat } from 'node:fs'
import { open } from 'node:fs/promises'
import { promisify } from 'node:util'
import { feed } from './hash-feed.js'

export interface HashedStart {
  /** Of the bytes before `offset`. */
  readonly sha256: Hash
  readonly offset: number
}

const stat = promisify<number, { bigint: true }, BigIntStats>(fstat)

export class HeadStart {
  #isWanted = true
  readonly #hashed: Promise<(HashedStart & { readonly of: BigIntStats }) | undefined>

  /** @param before told before each piece: what comes before it has been hashed */
  constructor(path: string, before: (sha256: Hash, offset: number) => void) {
    this.#hashed = this.#hash(path, before).catch(() => undefined)
  }

  /** Stops hashing. @returns what there is, if it is of this open file */
  async endFor(fd: number, sizeBytes: number): Promise<HashedStart | undefined> {
    this.#isWanted = false
    const hashed = await this.#hashed
    if (hashed === undefined) return undefined
    const now = await stat(fd, { bigint: true })
    const { dev, ino, size, mtimeNs } = hashed.of
    const same = now.dev === dev && now.ino === ino && now.size === size && now.mtimeNs === mtimeNs
    return same && size === BigInt(sizeBytes) ? hashed : undefined
  }

  async #hash(
    path: string,
    before: (sha256: Hash, offset: number) => void,
  ): Promise<(HashedStart & { readonly of: BigIntStats }) | undefined> {
    // O_NONBLOCK: a pipe would block for ever.
    const handle = await open(path, constants.O_RDONLY | constants.O_NONBLOCK)
    try {
      const of = await handle.stat({ bigint: true })
      if (!of.isFile()) return undefined
      const sha256 = createHash('sha256')
      const take = (bytes: Buffer, offset: number): void => {
        before(sha256, offset)
        sha256.update(bytes)
      }
      const offset = await feed(handle.fd, 0, Number(of.size), take, () => this.#isWanted)
      return { sha256, offset, of }
    } finally {
      await handle.close()
    }
  }
}
