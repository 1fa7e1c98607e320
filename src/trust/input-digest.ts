/**
 * The digest of the input, compared with those that were published, and with what was signed: the point that nothing passes
 * unproven.
 */
import type { RunContext } from '../progress.js'
import type { Digests, FileHash } from '../source/file-hash.js'
import type { VerifiedImage } from './verify.js'

export class InputDigest {
  readonly #settled: Promise<Digests>
  readonly #context: RunContext
  #isSettled = false

  /**
   * Begins to hash.
   *
   * @param hash made with `image.origin.hashing`
   */
  constructor(image: VerifiedImage, hash: FileHash, context: RunContext) {
    this.#context = context
    this.#settled = this.#take(image, hash)
    // Waited for when it is needed, not before.
    this.#settled.catch(() => undefined)
  }

  /**
   * The digests, once the image is known to be what was published and signed.
   *
   * @throws ERR_DIGEST_MISMATCH, ERR_SIGNATURE_BAD, ERR_SIGNATURE_KEY_UNKNOWN, ERR_IO
   */
  async settled(): Promise<Digests> {
    if (!this.#isSettled) this.#context.report({ kind: 'phase', phase: 'hash' })
    return this.#settled
  }

  async #take(image: VerifiedImage, hash: FileHash): Promise<Digests> {
    const digests = await hash.whole(image.handle.fd, image.device.size, image.path)
    await image.origin.judge(digests)
    this.#isSettled = true
    return digests
  }
}
