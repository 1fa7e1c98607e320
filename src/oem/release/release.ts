/**
 * Which distribution and release an image is: what every table under `oem/` is looked up by.
 *
 * The branch is the first number of a version (2512 of 2512.3.0): days since 2013-07-01 on the main line, and what the
 * vendors cut releases from. Sources: systemd os-release(5) for the grammar; coreos/scripts and flatcar/scripts
 * set_lsb_release for the keys, and for `share/<distro>/release` which says the same in `<DISTRO>_RELEASE_VERSION`.
 * Files are parsed, never sourced.
 */
import { UsageError } from '../../errors.js'
import { suggestName } from '../nearest.js'

export type Distro = 'container-linux' | 'flatcar'

export interface KnownRelease {
  readonly kind: 'known'
  readonly distro: Distro
  /** As the distribution writes it: `2512.3.0`, `4799.0.0+nightly-20260801-2100`. */
  readonly version: string
  readonly branch: number
  /** Told by the user, by the unsigned version.txt beside the image, or by the image itself. */
  readonly from: 'request' | 'version.txt' | 'image'
}

export type ImageRelease = KnownRelease | { readonly kind: 'unknown'; readonly reason: string }

/**
 * Where the release stands on the USR partition, whose root is /usr. `lib` was a symlink to `lib64` on older releases,
 * and engines do not follow symlinks.
 */
export const USR_RELEASE_PATHS: readonly string[] = [
  '/lib/os-release',
  '/lib64/os-release',
  '/share/flatcar/release',
  '/share/coreos/release',
]

const DISTROS: readonly Distro[] = ['container-linux', 'flatcar']
const VERSION = /^(\d{1,5})\.\d{1,5}\.\d{1,5}(?:[+-][0-9A-Za-z.+_-]+)?$/
const ARGUMENT_HINT = 'write --release container-linux:2512.3.0 or --release flatcar:3510.2.8'

/**
 * Parses `--release`.
 *
 * @throws ERR_USAGE
 */
export function parseReleaseArgument(text: string): KnownRelease {
  const separator = text.indexOf(':')
  const name = separator === -1 ? text : text.slice(0, separator)
  const version = separator === -1 ? '' : text.slice(separator + 1)
  const distro = DISTROS.find((known) => known === name)
  if (distro === undefined) {
    throw new UsageError(
      'ERR_USAGE',
      `release ${JSON.stringify(text)} does not start with a distribution that is known`,
      {
        hint: `${suggestName(name, DISTROS, 'distributions')}; ${ARGUMENT_HINT}`,
      },
    )
  }
  const branch = branchOf(version)
  if (branch === undefined) {
    throw new UsageError(
      'ERR_USAGE',
      `release ${JSON.stringify(text)} has no full version after the colon: three numbers, found ${JSON.stringify(version)}`,
      { hint: ARGUMENT_HINT },
    )
  }
  return { kind: 'known', distro, version, branch, from: 'request' }
}

/** Parses os-release or `share/<distro>/release`; whatever does not tell becomes `unknown` with the reason. */
export function parseOsRelease(text: string): ImageRelease {
  const values = parseAssignments(text)
  const byId = distroOfId(values.get('ID'))
  const distro =
    byId ??
    (values.has('FLATCAR_RELEASE_VERSION')
      ? 'flatcar'
      : values.has('COREOS_RELEASE_VERSION')
        ? 'container-linux'
        : undefined)
  if (distro === undefined) {
    const id = values.get('ID')
    return {
      kind: 'unknown',
      reason: id === undefined ? 'os-release has no ID' : `os-release says ID=${id}, expected coreos or flatcar`,
    }
  }
  const version =
    values.get('VERSION_ID') ??
    values.get('VERSION') ??
    values.get('FLATCAR_RELEASE_VERSION') ??
    values.get('COREOS_RELEASE_VERSION') ??
    ''
  const branch = branchOf(version)
  if (branch === undefined) {
    return { kind: 'unknown', reason: `os-release has no usable version, found ${JSON.stringify(version)}` }
  }
  return { kind: 'known', distro, version, branch, from: 'image' }
}

/** As `--release` takes it. */
export function releaseArgument({ distro, version }: KnownRelease): string {
  return `${distro}:${version}`
}

/** For people: `Flatcar 3510.2.8`, `an unknown release`. */
export function formatRelease(release: ImageRelease): string {
  return release.kind === 'known' ? `${formatDistro(release.distro)} ${release.version}` : 'an unknown release'
}

export function formatDistro(distro: Distro): string {
  return distro === 'flatcar' ? 'Flatcar' : 'Container Linux'
}

function distroOfId(id: string | undefined): Distro | undefined {
  return id === 'coreos' ? 'container-linux' : id === 'flatcar' ? 'flatcar' : undefined
}

/** The first number of a full version; undefined for what is none. */
export function branchOf(version: string): number | undefined {
  const branch = VERSION.exec(version)?.[1]
  return branch === undefined ? undefined : Number(branch)
}

/** The assignments of os-release(5); of several with one name the last counts, as in a shell. */
export function parseAssignments(text: string): ReadonlyMap<string, string> {
  const values = new Map<string, string>()
  for (const line of text.split(/\r?\n/)) {
    const match = /^([A-Za-z_][A-Za-z0-9_]*)=(.*)$/.exec(line.trim())
    if (match?.[1] !== undefined && match[2] !== undefined) values.set(match[1], unquote(match[2]))
  }
  return values
}

function unquote(text: string): string {
  const single = /^'([^']*)'$/.exec(text)
  if (single?.[1] !== undefined) return single[1]
  const double = /^"(.*)"$/.exec(text)
  return (double?.[1] ?? text).replace(/\\(["$`\\])/g, '$1')
}
