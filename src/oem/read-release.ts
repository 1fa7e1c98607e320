/**
 * Finds out which release an image is: what was asked for, else what version.txt beside it says, else what USR-A says of
 * itself. USR-A comes last because it has to be decoded for it.
 */
import type { FilesystemReader } from '../engine/engine.js'
import { type ImageRelease, parseOsRelease, parseReleaseArgument, USR_RELEASE_PATHS } from './release.js'

const CONTENT_LIMIT_BYTES = 64 << 10

/** What is said of the release outside the image. */
export interface ReleaseSources {
  /** `--release`: `container-linux:2512.3.0`. */
  readonly requested: string | undefined
  /** What version.txt says; undefined when there is none. */
  readonly beside: ImageRelease | undefined
}

/**
 * @param withUsr lends a reader of USR-A, or gives undefined when there is none
 * @throws ERR_USAGE when `requested` is no release
 */
export async function readRelease(
  { requested, beside }: ReleaseSources,
  withUsr: <T>(use: (usr: FilesystemReader) => Promise<T>) => Promise<T | undefined>,
): Promise<ImageRelease> {
  if (requested !== undefined) return parseReleaseArgument(requested)
  if (beside?.kind === 'known') return beside
  const inside = (await withUsr(readUsrRelease)) ?? unknown('USR-A could not be read by this engine')
  if (inside.kind === 'known' || beside === undefined) return inside
  return unknown(`${inside.reason}; ${beside.reason}`)
}

async function readUsrRelease(usr: FilesystemReader): Promise<ImageRelease> {
  for (const path of USR_RELEASE_PATHS) {
    const content = await usr.read(path, CONTENT_LIMIT_BYTES)
    if (content === undefined) continue
    const release = parseOsRelease(content.toString('utf8'))
    if (release.kind === 'known') return release
  }
  return unknown(`USR-A holds none of ${USR_RELEASE_PATHS.join(', ')}`)
}

function unknown(reason: string): ImageRelease {
  return { kind: 'unknown', reason }
}
