/**
 * The digest of the input, compared with those that were published: the point that nothing passes unproven.
 */
import type { RunContext } from '../progress.js'
import type { Digests, FileHash } from '../source/file-hash.js'
import { digestMismatch, type ExpectedDigest } from './digests.js'
import type { VerifiedImage } from './verify.js'

/** Whether SHA-512, the slower one, has to be taken. */
export function wantsSha512(expected: readonly ExpectedDigest[]): boolean {
  return expected.some(({ algorithm }) => algorithm === 'sha512')
}

export class InputDigest {
  readonly #settled: Promise<Digests>
  readonly #context: RunContext
  #isSettled = false

  /** Begins to hash. */
  constructor(image: VerifiedImage, hash: FileHash, context: RunContext) {
    this.#context = context
    this.#settled = this.#take(image, hash)
    // Waited for when it is needed, not before.
    this.#settled.catch(() => undefined)
  }

  /**
   * The digests, once they are known to be as published.
   *
   * @throws ERR_DIGEST_MISMATCH, ERR_IO
   */
  async settled(): Promise<Digests> {
    if (!this.#isSettled) this.#context.report({ kind: 'phase', phase: 'hash' })
    return this.#settled
  }

  async #take(image: VerifiedImage, hash: FileHash): Promise<Digests> {
    const digests = await hash.whole(image.handle.fd, image.device.size)
    for (const expected of image.expected) {
      const found = digests[expected.algorithm] ?? ''
      if (found !== expected.hex) throw digestMismatch(image.name, expected, found)
    }
    this.#isSettled = true
    return digests
  }
}
