/**
 * An image, or an original, that was named by its URL: fetched, verified and kept in the cache, and read there from then on.
 *
 * What is baked of it lands in the working directory, as it would beside an image that was downloaded there, unless the request
 * names another.
 */
import { isUrl } from '../fetch/publisher.js'
import type { RunContext } from '../progress.js'
import type { ImageRequest } from '../request.js'

/** @throws what `fetchImage` throws */
export async function withLocalImage<
  Request extends ImageRequest & { readonly original?: string; readonly outputDirectory?: string },
>(request: Request, context: RunContext): Promise<Request & { readonly outputDirectory?: string }> {
  const { digests, image, original, outputDirectory = process.cwd(), signature } = request
  // A signature or digest file that the request names is the image's.
  const named = { ...(signature && { signature }), ...(digests && { digests }) }
  return {
    ...request,
    ...(isUrl(image) && { image: await fetched(image, named, request, context), outputDirectory }),
    ...(original !== undefined && isUrl(original) && { original: await fetched(original, {}, request, context) }),
  }
}

/** @returns its path in the cache */
async function fetched(
  source: string,
  named: Pick<ImageRequest, 'signature' | 'digests'>,
  { cache, keys, verify }: ImageRequest,
  context: RunContext,
): Promise<string> {
  // The HTTP client is much to load for an image that lies here.
  const { fetchImage } = await import('../fetch/fetch.js')
  const { image } = await fetchImage(
    {
      source,
      ...named,
      ...(verify && { verify }),
      ...(keys && { keys }),
      ...(cache !== undefined && { cache }),
    },
    context,
  )
  return image.path
}
