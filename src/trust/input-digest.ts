/**
 * The digest of the input, compared with those that were published: the point that nothing passes unproven.
 *
 * What is hashed is either the input itself or the copy of it that becomes the output; with a copy, the digest also proves
 * that the copy is whole.
 */
import type { RunContext } from '../progress.js'
import type { Digests, FileHash } from '../source/file-hash.js'
import { digestMismatch, type ExpectedDigest } from './digests.js'
import type { VerifiedImage } from './verify.js'

/** The file that is hashed. */
export interface Hashed {
  readonly fd: number
  /**
   * Settles when the file is whole; absent for one that is. The hash does not follow the writing: whether a file grows
   * before or after its data is there is each filesystem's own affair.
   */
  readonly written?: Promise<void> | undefined
}

/** Whether SHA-512, the slower one, has to be taken. */
export function wantsSha512(expected: readonly ExpectedDigest[]): boolean {
  return expected.some(({ algorithm }) => algorithm === 'sha512')
}

export class InputDigest {
  readonly #settled: Promise<Digests>
  readonly #context: RunContext
  #isSettled = false

  /** Begins to hash. */
  constructor(image: VerifiedImage, hash: FileHash, hashed: Hashed, context: RunContext) {
    this.#context = context
    this.#settled = this.#take(image, hash, hashed)
    // Waited for when it is needed, not before.
    this.#settled.catch(() => undefined)
  }

  /**
   * The digests, once they are known to be as published.
   *
   * @throws ERR_DIGEST_MISMATCH, ERR_IO; ERR_NO_SPACE when the copy did not fit
   */
  async settled(): Promise<Digests> {
    if (!this.#isSettled) this.#context.report({ kind: 'phase', phase: 'hash' })
    return this.#settled
  }

  async #take(image: VerifiedImage, hash: FileHash, { fd, written }: Hashed): Promise<Digests> {
    await written
    const digests = await hash.whole(fd, image.device.size)
    for (const expected of image.expected) {
      const found = digests[expected.algorithm] ?? ''
      if (found !== expected.hex) throw digestMismatch(image.name, expected, found)
    }
    this.#isSettled = true
    return digests
  }
}
