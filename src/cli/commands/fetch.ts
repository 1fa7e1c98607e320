/**
 * `oem-bake fetch [URL]`: an image of a release, verified, and the path of it.
 */

import { UsageError } from '../../errors.js'
import { shownText } from '../../fetch/address.js'
import { fetchImage } from '../../fetch/fetch.js'
import type { DISTROS, PublishedName } from '../../fetch/publisher.js'
import { RETRY_POLICY } from '../../fetch/retry.js'
import { given } from '../../given.js'
import type { RunContext } from '../../progress.js'
import type { TalkFlags } from '../options/talk.js'
import { type TrustFlags, trustRequest } from '../options/trust.js'
import { fetchText } from '../render/fetch.js'
import type { CommandOutput } from '../run.js'

export interface FetchFlags extends TrustFlags, TalkFlags {
  readonly url?: string | undefined
  readonly distro: (typeof DISTROS)[number]
  readonly channel: string
  readonly arch: string
  readonly platform: string
  readonly version: string
  readonly mirror?: string | undefined
  readonly directory: string
  readonly force?: boolean | undefined
  readonly cache?: boolean | undefined
  readonly retries: number
}

/** Flags that say the same as a URL does. */
const NAMING = ['distro', 'channel', 'arch', 'platform', 'version', 'mirror'] as const

/** @param words as typed: a flag with its default value is no contradiction to a URL */
export async function fetch(flags: FetchFlags, words: readonly string[], context: RunContext): Promise<CommandOutput> {
  if (!Number.isInteger(flags.retries) || flags.retries < 0) {
    throw new UsageError('ERR_USAGE', `--retries ${flags.retries}: expected a number of times, 0 or more`, {
      hint: `--retries ${RETRY_POLICY.retries}`,
    })
  }
  const report = await fetchImage(
    given({
      source: flags.url === undefined ? publishedName(flags) : onlyUrl(flags.url, words),
      directory: flags.directory,
      ...trustRequest(flags),
      force: flags.force,
      cache: flags.cache,
      retry: { ...RETRY_POLICY, retries: flags.retries },
    }),
    context,
  )
  if (flags.quiet !== true && flags.json !== true && flags.progress !== 'json') process.stderr.write(fetchText(report))
  return { document: report, text: `${report.image.path}\n` }
}

function publishedName({ arch, channel, distro, mirror, platform, version }: FetchFlags): PublishedName {
  return given({ arch, channel, distro, platform, version, mirror })
}

function onlyUrl(url: string, words: readonly string[]): string {
  const naming = NAMING.find((name) => words.some((word) => word === `--${name}` || word.startsWith(`--${name}=`)))
  if (naming === undefined) return url
  throw new UsageError('ERR_USAGE', `--${naming} names an image, and so does ${shownText(url)}`, {
    hint: 'leave one of them out',
  })
}
