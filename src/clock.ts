/**
 * The clock of what is written into an image: never the wall clock, as long as anything else is known.
 *
 * `SOURCE_DATE_EPOCH` is the convention of reproducible-builds.org. Without it, the time of the OEM filesystem's last
 * write, which on a vendor's image is the vendor's build: the same image and request then give the same bytes.
 */
import type { Filesystem } from './disk/filesystem/probe.js'
import { UsageError } from './errors.js'

/** ext stores 32-bit seconds; with 128-byte inodes there is no room for more. */
const SECONDS_MAX = 2 ** 31 - 1

/**
 * @param requested seconds since 1970, from the request
 * @throws ERR_USAGE when the request or the environment holds no whole number of seconds that ext can store
 */
export function clockFor(
  requested: number | undefined,
  env: Readonly<Record<string, string | undefined>>,
  filesystem: Filesystem,
): number {
  const asked = requestedClock(requested, env)
  if (asked !== undefined) return asked
  // The field is 32 bits without a sign: a damaged or far future one is no clock.
  if (filesystem.kind === 'ext' && filesystem.lastWrittenSeconds > 0 && filesystem.lastWrittenSeconds <= SECONDS_MAX)
    return filesystem.lastWrittenSeconds
  return Math.floor(Date.now() / 1000)
}

/**
 * The clock that somebody set: whoever does wants the same bytes every time.
 *
 * @throws ERR_USAGE
 */
export function requestedClock(
  requested: number | undefined,
  env: Readonly<Record<string, string | undefined>>,
): number | undefined {
  if (requested !== undefined) return assertSeconds(requested, 'the time asked for')
  const fromEnvironment = env.SOURCE_DATE_EPOCH
  if (fromEnvironment === undefined || fromEnvironment === '') return undefined
  return assertSeconds(/^\d+$/.test(fromEnvironment) ? Number(fromEnvironment) : Number.NaN, 'SOURCE_DATE_EPOCH')
}

function assertSeconds(value: number, what: string): number {
  if (Number.isSafeInteger(value) && value >= 0 && value <= SECONDS_MAX) return value
  throw new UsageError('ERR_USAGE', `${what} is not a whole number of seconds since 1970, from 0 to ${SECONDS_MAX}`, {
    hint: 'for example: SOURCE_DATE_EPOCH=$(git log -1 --format=%ct)',
  })
}
