/** Production-like images for tests: built by scripts/make-image, kept between runs. See test/fixtures/INDEX.md. */
import { cachedImage } from '../../scripts/make-image/cache.js'
import type { ImageOptions } from '../../scripts/make-image/options.js'

/** The images that most tests want, by name. What each proves: test/fixtures/INDEX.md. */
export const STANDARD_IMAGES = {
  'cl-generic': { distro: 'container-linux' },
  'cl-generic-lbzip2': { distro: 'container-linux', compress: 'lbzip2' },
  'cl-generic-pbzip2': { distro: 'container-linux', compress: 'pbzip2' },
  'cl-rackspace': { distro: 'container-linux', oem: 'rackspace' },
  'cl-openstack': { distro: 'container-linux', variant: 'vm', oem: 'openstack', format: 'qcow2', compress: 'lbzip2' },
  'cl-openstack-qcow2': { distro: 'container-linux', variant: 'vm', oem: 'openstack', format: 'qcow2' },
  'cl-onmetal': { distro: 'container-linux', variant: 'onmetal' },
  'fl-ext4': { distro: 'flatcar', release: '2765.2.6' },
  'fl-layout-a': { distro: 'flatcar', release: '3510.2.8' },
  'fl-openstack': { distro: 'flatcar', variant: 'vm', oem: 'openstack', format: 'qcow2' },
  'fl-btrfs-usr': { distro: 'flatcar', release: '3815.2.0', oem: 'openstack' },
  'fl-layout-b': { distro: 'flatcar', layout: 'B', oem: 'openstack' },
} as const satisfies Readonly<Record<string, ImageOptions>>

export type StandardImage = keyof typeof STANDARD_IMAGES

/**
 * @param wanted a standard image's name, or options of make-image (small, raw and uncompressed unless said)
 * @returns a path that no test may write to
 */
export async function fixtureImage(wanted: StandardImage | ImageOptions): Promise<string> {
  return await cachedImage(typeof wanted === 'string' ? STANDARD_IMAGES[wanted] : wanted)
}
