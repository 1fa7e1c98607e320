/**
 * Finds out which release an image is: what was asked for, else what version.txt beside it says, else what an earlier run
 * read from the same file, else what USR-A says of itself. USR-A comes last because it has to be decoded for it.
 */
import { basename } from 'node:path'
import type { FilesystemReader } from '../../engine/engine.js'
import { UsageError } from '../../errors.js'
import {
  type ImageRelease,
  parseOsRelease,
  parseReleaseArgument,
  releaseArgument,
  USR_RELEASE_PATHS,
} from './release.js'
import { readVersionTxt } from './version-txt.js'

const CONTENT_LIMIT_BYTES = 64 << 10
/** Name of the note that carries the release from one run to the next. */
const NOTE = 'release'

/**
 * The release, as far as it is known without looking into the image; `unknown` with the reason else.
 *
 * @param requested `--release`: `container-linux:2512.3.0`
 * @param notes of an earlier run on the same file
 * @throws ERR_USAGE when `requested` is no release
 */
export async function toldRelease(
  requested: string | undefined,
  imagePath: string,
  notes: Readonly<Record<string, string>>,
): Promise<ImageRelease> {
  if (requested !== undefined) return parseReleaseArgument(requested)
  const beside = await readVersionTxt(imagePath)
  if (beside?.kind === 'known') return beside
  const note = notes[NOTE]
  if (note !== undefined) return { ...parseReleaseArgument(note), from: 'image' }
  return beside ?? unknown('')
}

/**
 * What an edition is called with its release: `2512.3.0.rackspace`.
 *
 * @throws ERR_USAGE when the release is not known
 */
export function editionLabel(edition: string, release: ImageRelease, imagePath: string): string {
  // A `+`, as builds that are no releases have it, is a blank to some servers.
  if (release.kind === 'known') return `${release.version.replaceAll('+', '-')}.${edition}`
  throw new UsageError('ERR_USAGE', `--label: it is not known which release ${basename(imagePath)} is`, {
    hint: 'name it with --release, or put the version.txt of its release beside it',
  })
}

/** What an edition is called, as far as that is known before the image is read: its label may be for the image to tell. */
export async function nameBeforehand(
  edition: string,
  { label, release: requested }: { readonly label?: boolean; readonly release?: string },
  imagePath: string,
): Promise<string | undefined> {
  if (label !== true) return edition
  const release = await toldRelease(requested, imagePath, {})
  return release.kind === 'known' ? editionLabel(edition, release, imagePath) : undefined
}

/**
 * Reads the release from the image.
 *
 * @param told what is known already
 * @param withUsr lends a reader of USR-A, or gives undefined when there is none
 */
export async function readRelease(
  told: ImageRelease,
  withUsr: <T>(use: (usr: FilesystemReader) => Promise<T>) => Promise<T | undefined>,
): Promise<ImageRelease> {
  if (told.kind === 'known') return told
  const inside = (await withUsr(readUsrRelease)) ?? unknown('USR-A could not be read by this engine')
  if (inside.kind === 'known' || told.reason === '') return inside
  return unknown(`${inside.reason}; ${told.reason}`)
}

/** What is worth knowing again about the same file: only what the file says itself. */
export function releaseNotes(
  release: ImageRelease,
  before: Readonly<Record<string, string>>,
): Readonly<Record<string, string>> {
  return release.kind === 'known' && release.from === 'image' ? { ...before, [NOTE]: releaseArgument(release) } : before
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
