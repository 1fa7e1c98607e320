/**
 * From what was asked for to one file of one release. `current` is another release tomorrow, or in the next second: it is asked
 * once which one it is, by its version.txt, and everything is then taken from that release's own directory.
 */
import { MachineError } from '../errors.js'
import type { ImageRelease } from '../oem/release/release.js'
import { parseVersionTxt } from '../oem/release/version-txt.js'
import { atPath, shown } from './address.js'
import { downloadSmall, notPublished } from './download.js'
import type { HttpClient } from './http.js'
import { CURRENT } from './publisher.js'
import type { RetryPolicy } from './retry.js'
import type { SideFile } from './side-files.js'

/** One file of one release. */
export interface ResolvedImage {
  readonly url: URL
  readonly name: string
  readonly release: ImageRelease
  /** Undefined when the directory has none. */
  readonly versionTxt: SideFile | undefined
}

const LIMIT_BYTES = 64 << 10
const VERSION_TXT = 'version.txt'

/**
 * @param name of the file, as it is to be called here
 * @throws ERR_NOT_PUBLISHED when it can't be told which release `current` is
 * @throws ERR_NETWORK, also for a directory of another release than its name says
 */
export async function resolveImage(
  client: HttpClient,
  asked: URL,
  name: string,
  policy: RetryPolicy,
  signal: AbortSignal,
): Promise<ResolvedImage> {
  const versionUrl = atPath(asked, new URL(VERSION_TXT, asked).pathname)
  const bytes = await downloadSmall(client, versionUrl, LIMIT_BYTES, policy, signal)
  const isCurrent = CURRENT.test(asked.pathname)
  if (bytes === undefined && isCurrent) throw notPublished(versionUrl)
  const release: ImageRelease =
    bytes === undefined
      ? { kind: 'unknown', reason: `the server has no ${shown(versionUrl)}` }
      : parseVersionTxt(bytes.toString('utf8'))
  const versionTxt = bytes && { name: VERSION_TXT, url: versionUrl, bytes }
  if (!isCurrent) return { url: asked, name, release, versionTxt }
  if (release.kind === 'unknown') {
    throw new MachineError(
      'ERR_NETWORK',
      `could not tell which release ${shown(versionUrl)} is of: ${release.reason}`,
      {
        hint: 'name one with --version',
      },
    )
  }
  const url = atPath(asked, asked.pathname.replace(CURRENT, `/${encodeURIComponent(release.version)}/`))
  return { url, name, release, versionTxt }
}
