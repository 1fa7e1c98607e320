/**
 * An image that was named by its URL: fetched, verified and kept in the cache, and read there from then on.
 *
 * What is baked of it lands in the working directory, as it would beside an image that was downloaded there.
 */
import { isUrl } from '../fetch/publisher.js'
import type { RunContext } from '../progress.js'
import type { ImageRequest } from '../request.js'

/** @throws what `fetchImage` throws */
export async function withLocalImage<Request extends ImageRequest>(
  request: Request,
  context: RunContext,
): Promise<Request & { readonly outputDirectory?: string }> {
  if (!isUrl(request.image)) return request
  // The HTTP client is much to load for an image that lies here.
  const { fetchImage } = await import('../fetch/fetch.js')
  const { cache, digests, image: source, keys, signature, verify } = request
  const { image } = await fetchImage(
    {
      source,
      ...(verify && { verify }),
      ...(signature && { signature }),
      ...(digests && { digests }),
      ...(keys && { keys }),
      ...(cache !== undefined && { cache }),
    },
    context,
  )
  return { ...request, image: image.path, outputDirectory: process.cwd() }
}
