/** What has to be known of an image to tell whether it is the one that a manifest describes. */
import { basename, resolve } from 'node:path'
import type { RunContext } from '../progress.js'
import type { ImageRequest } from '../request.js'
import type { KnownFile } from '../source/digest-file.js'
import { FileHash } from '../source/file-hash.js'
import { openImage } from '../source/source.js'
import { verifyOrigin } from '../trust/verify.js'

/**
 * Of an image that is to be baked, verified as a bake would verify it: an edition that is kept is no reason to be silent about it.
 *
 * @throws what opening, reading and verifying it throws
 */
async function knowInput(request: ImageRequest, context: RunContext): Promise<KnownFile> {
  await using opened = await openImage(request.image)
  const { device, handle, name, origin } = await verifyOrigin(opened, request, context)
  await using hash = new FileHash(origin.hashing, { ...context, report: () => undefined })
  const digests = await hash.whole(handle.fd, device.size, opened.path)
  await origin.judge(digests)
  await opened.assertUnchanged()
  return { name, sizeBytes: device.size, ...digests }
}

/** The images of a batch; each is read once for all jobs that ask the same of it. */
export class KnownInputs {
  readonly #known = new Map<string, Promise<KnownFile>>()

  /** Its name and path, before it is read. */
  static place({ image }: ImageRequest): { readonly name: string; readonly path: string } {
    return { name: basename(image), path: resolve(image) }
  }

  /** @throws what {@link knowInput} throws, for each that asks */
  know(request: ImageRequest, context: RunContext): Promise<KnownFile> {
    const { digests, keys, signature, verify } = request
    const asked = JSON.stringify([resolve(request.image), verify, signature, digests, keys])
    const known = this.#known.get(asked) ?? knowInput(request, context)
    this.#known.set(asked, known)
    return known
  }
}
