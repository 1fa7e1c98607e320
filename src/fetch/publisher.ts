/**
 * Where the distributions publish, and what their images are called there.
 *
 * `https://<channel>.release.<host>/<arch>-usr/<version>/<file>`, with `current` in place of a version for the newest one; a
 * mirror holds the same from `<arch>-usr` on. Names and suffixes: coreos/scripts and flatcar/scripts,
 * build_library/vm_image_util.sh and release_util.sh; flatcar/scripts, ci-automation/vms.sh. Listed are the forms that a bake
 * can read; any other file of a release has a URL of its own, which `fetch` takes as well.
 */
import { UsageError } from '../errors.js'
import { nearestName } from '../oem/nearest.js'
import type { Distro } from '../oem/release/release.js'
import { atPath, basicAuthorization, shown, shownText } from './address.js'

/** A release directory and a file in it, as asked for. */
export interface PublishedName {
  readonly distro: Distro
  readonly channel: string
  readonly arch: string
  /** `openstack`; `generic` for the image without a platform. */
  readonly platform: string
  /** `current`, or the version. */
  readonly version: string
  /** Stands for `https://<channel>.release.<host>`. */
  readonly mirror?: string
}

interface Publisher {
  readonly channels: readonly string[]
  readonly archs: readonly string[]
  readonly host: string
  readonly prefix: string
  readonly suffixes: ReadonlyMap<string, string>
}

const suffixes = (bySuffix: Readonly<Record<string, string>>): ReadonlyMap<string, string> =>
  new Map(
    Object.entries(bySuffix).flatMap(([suffix, platforms]) =>
      platforms.split(' ').map((name) => [name, suffix] as const),
    ),
  )

const PUBLISHERS: Readonly<Record<Distro, Publisher>> = {
  'container-linux': {
    channels: ['stable', 'beta', 'alpha'],
    archs: ['amd64'],
    host: 'core-os.net',
    prefix: 'coreos_production',
    suffixes: suffixes({
      '.bin.bz2': 'generic ami rackspace cloudstack digitalocean packet vmware_raw xen',
      '.img.bz2':
        'openstack openstack_mini brightbox qemu qemu_uefi qemu_uefi_secure rackspace_onmetal exoscale cloudsigma',
    }),
  },
  flatcar: {
    channels: ['stable', 'beta', 'alpha', 'lts'],
    archs: ['amd64', 'arm64'],
    host: 'flatcar-linux.net',
    prefix: 'flatcar_production',
    suffixes: suffixes({
      '.bin.bz2': 'generic ami digitalocean hetzner cloudstack vmware_raw packet',
      '.img.bz2': 'openstack openstack_mini brightbox qemu qemu_uefi qemu_uefi_secure nutanix cloudsigma',
      '.img': 'proxmoxve stackit oraclecloud',
      '.qcow2': 'scaleway kubevirt exoscale',
    }),
  },
}

export const DISTROS = ['container-linux', 'flatcar'] as const

/** LTS has a `current-YYYY` for each of its lines. */
const VERSION = /^(?:current(?:-\d{4})?|\d+\.\d+\.\d+(?:[+-][0-9A-Za-z.+-]+)?)$/

/**
 * The URL of an image.
 *
 * @throws ERR_USAGE for what the distribution does not have
 */
export function urlOf({ arch, channel, distro, mirror, platform, version }: PublishedName): URL {
  const publisher = PUBLISHERS[distro]
  assertOneOf('channel', channel, publisher.channels, distro)
  assertOneOf('arch', arch, publisher.archs, distro)
  const suffix = publisher.suffixes.get(platform)
  if (suffix === undefined) throw unknown('platform', platform, [...publisher.suffixes.keys()], distro)
  if (!VERSION.test(version)) {
    throw new UsageError('ERR_USAGE', `--version ${version}: expected current, or a version such as 2512.3.0`, {
      hint: '--version current',
    })
  }
  const kind = platform === 'generic' ? '' : `_${platform}`
  const base = parseUrl(mirror ?? `https://${channel}.release.${publisher.host}/`, '--mirror')
  // A `+`, as builds that are no releases have it, means a blank to some servers.
  return atPath(
    base,
    `${withSlash(base.pathname)}${arch}-usr/${encodeURIComponent(version)}/${publisher.prefix}${kind}_image${suffix}`,
  )
}

/** @param what the flag or word that it is from @throws ERR_USAGE */
export function parseUrl(text: string, what: string): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined
  if (url === undefined || (url.protocol !== 'https:' && url.protocol !== 'http:')) {
    throw new UsageError('ERR_USAGE', `${what} ${shownText(text)} is no http or https URL`, {
      hint: 'write it as https://host/path',
    })
  }
  if ((url.username !== '' || url.password !== '') && basicAuthorization(url) === undefined) {
    throw new UsageError('ERR_USAGE', `${what} ${shown(url)} has a user name or password that can't be sent`, {
      hint: 'write a % in one as %25; a user name can have no colon',
    })
  }
  return url
}

/** Whether the image was named by a URL and not by a path. */
export function isUrl(image: string): boolean {
  return /^https?:\/\//i.test(image)
}

/** The part of the path that says `current`, if there is one. */
export const CURRENT = /\/current(?:-\d{4})?\//

function withSlash(path: string): string {
  return path.endsWith('/') ? path : `${path}/`
}

function assertOneOf(what: string, found: string, known: readonly string[], distro: Distro): void {
  if (!known.includes(found)) throw unknown(what, found, known, distro)
}

function unknown(what: string, found: string, known: readonly string[], distro: Distro): UsageError {
  const nearest = nearestName(found, known)
  return new UsageError(
    'ERR_USAGE',
    `${distro} has no ${what} ${found}: expected one of ${[...known].sort().join(', ')}`,
    {
      hint: nearest === undefined ? `--${what} ${known[0]}` : `did you mean --${what} ${nearest}?`,
    },
  )
}
