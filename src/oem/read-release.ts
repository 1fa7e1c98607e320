/**
 * Finds out which release an image is: what was asked for, else what USR-A says of itself.
 */
import type { FilesystemReader } from '../engine/engine.js'
import { type ImageRelease, parseOsRelease, parseReleaseArgument, USR_RELEASE_PATHS } from './release.js'

const CONTENT_LIMIT_BYTES = 64 << 10

/**
 * @param requested `container-linux:2512.3.0`
 * @param withUsr lends a reader of USR-A, or gives undefined when there is none
 * @throws ERR_USAGE when `requested` is no release
 */
export async function readRelease(
  requested: string | undefined,
  withUsr: <T>(use: (usr: FilesystemReader) => Promise<T>) => Promise<T | undefined>,
): Promise<ImageRelease> {
  if (requested !== undefined) return parseReleaseArgument(requested)
  const found = await withUsr(async (usr): Promise<ImageRelease> => {
    for (const path of USR_RELEASE_PATHS) {
      const content = await usr.read(path, CONTENT_LIMIT_BYTES)
      if (content === undefined) continue
      const release = parseOsRelease(content.toString('utf8'))
      if (release.kind === 'known') return release
    }
    return { kind: 'unknown', reason: `USR-A holds none of ${USR_RELEASE_PATHS.join(', ')}` }
  })
  return found ?? { kind: 'unknown', reason: 'USR-A could not be read by this engine' }
}
