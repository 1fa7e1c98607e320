/**
 * What a publisher puts beside an image: the signature and the digests, each signed in its turn. All are small, any may be
 * missing; what they are worth is judged with the image, not here.
 */
import { createHash } from 'node:crypto'
import { atPath } from './address.js'
import { downloadSmall } from './download.js'
import type { HttpClient } from './http.js'
import type { RetryPolicy } from './retry.js'

export interface SideFile {
  readonly name: string
  readonly url: URL
  readonly bytes: Buffer
}

/** Signatures and digest files of one image are a few KB; an error page that pretends to be one is no more. */
const LIMIT_BYTES = 256 << 10
const SUFFIXES = ['.sig', '.DIGESTS', '.DIGESTS.asc', '.DIGESTS.sig'] as const

export async function downloadSideFiles(
  client: HttpClient,
  image: URL,
  imageName: string,
  policy: RetryPolicy,
  signal: AbortSignal,
): Promise<readonly SideFile[]> {
  const found = await Promise.all(
    SUFFIXES.map(async (suffix) => {
      const url = atPath(image, `${image.pathname}${suffix}`)
      const bytes = await downloadSmall(client, url, LIMIT_BYTES, policy, signal)
      return bytes && { name: `${imageName}${suffix}`, url, bytes }
    }),
  )
  return found.filter((file) => file !== undefined)
}

/**
 * What the publisher says of the image's bytes, as a name for them; undefined when nothing is said. Another image has another
 * signature and other digests, so two images never share one.
 */
export function contentKey(files: readonly SideFile[]): string | undefined {
  if (files.length === 0) return undefined
  const hash = createHash('sha256')
  for (const { name, bytes } of files) hash.update(`${name} ${bytes.length}\n`).update(bytes)
  return hash.digest('hex')
}
