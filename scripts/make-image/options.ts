/**
 * What an image can be asked to be, and what follows from it.
 *
 * A release decides most of the rest: file systems, MBR and layout changed with the major number, so an image that mixes
 * eras can't be asked for. Sources: coreos/scripts and flatcar/scripts, `build_library/disk_layout.json`,
 * `build_library/disk_util` and `build_library/vm_image_util.sh`; flatcar/scripts commits 07cc8512ef (layout B),
 * fb396e642f (end of the hybrid MBR), bc97e15c3c (btrfs OEM).
 */
import { UsageError } from '#src/errors.js'

export const DISTROS = ['container-linux', 'flatcar'] as const
export const LAYOUTS = ['A', 'B'] as const
export const VARIANTS = ['base', 'vm', 'azure', 'vagrant', 'onmetal'] as const
export const OEM_SETS = ['empty', 'openstack', 'ami', 'rackspace'] as const
export const SIZES = ['small', 'full'] as const
export const FORMATS = ['raw', 'qcow2'] as const
export const COMPRESSORS = ['none', 'lbzip2', 'bzip2', 'pbzip2'] as const

export type Distro = (typeof DISTROS)[number]
/** Column A or B of the partition table: before and since Flatcar 4487. */
export type Layout = (typeof LAYOUTS)[number]
/** Which layout of disk_layout.json: they differ in the size of ROOT, `onmetal` also in partition 7. */
export type Variant = (typeof VARIANTS)[number]
/** Which vendor files the OEM partition holds. */
export type OemSet = (typeof OEM_SETS)[number]
export type Size = (typeof SIZES)[number]
export type Format = (typeof FORMATS)[number]
export type Compressor = (typeof COMPRESSORS)[number]

/** What was asked for; everything but the distribution has a default. */
export interface ImageOptions {
  readonly distro: Distro
  /** @default the release's own */
  readonly layout?: Layout | undefined
  /** @default 2512.3.0 for Container Linux, 3760.2.0 for Flatcar layout A, 4593.0.0 for layout B */
  readonly release?: string | undefined
  /** @default 'base' */
  readonly variant?: Variant | undefined
  /** @default 'empty' */
  readonly oem?: OemSet | undefined
  /** @default 'small' */
  readonly size?: Size | undefined
  /** @default 'raw' */
  readonly format?: Format | undefined
  /** @default 'none' */
  readonly compress?: Compressor | undefined
  /** @default 1 */
  readonly seed?: number | undefined
}

/** The same with nothing left open. Two images with equal plans, made on one machine, are equal. */
export interface ImagePlan {
  readonly distro: Distro
  readonly layout: Layout
  readonly release: string
  readonly major: number
  readonly variant: Variant
  readonly oem: OemSet
  readonly size: Size
  readonly format: Format
  readonly compress: Compressor
  readonly seed: number
  readonly usrFilesystem: 'ext2' | 'btrfs'
  readonly oemFilesystem: 'ext4' | 'btrfs'
  readonly mbr: 'hybrid' | 'protective'
  /** Clusters inside the qcow2 file are compressed too. */
  readonly compressedClusters: boolean
  /** The vendor's files come with a system extension instead of an old OEM package. */
  readonly sysext: boolean
  /** Every time stamp in the image, in seconds since 1970. */
  readonly epochSeconds: number
}

/** Flatcar's first major number with each change. */
const FIRST_MAJOR = { btrfsOem: 2955, btrfsUsr: 3794, protectiveMbr: 4277, layoutB: 4487 } as const
/** The first branch after 2023-09-12, when qcow2 images got compressed clusters. */
const FIRST_COMPRESSED_CLUSTERS = 3745
/** The first branch whose OEM is a system extension. */
const FIRST_SYSEXT: Readonly<Record<OemSet, number>> = {
  empty: Number.POSITIVE_INFINITY,
  rackspace: Number.POSITIVE_INFINITY,
  ami: 3745,
  openstack: 3760,
}
/** Flatcar dropped rackspace here. */
const LAST_RACKSPACE = 4721

const DEFAULT_RELEASE = { 'container-linux': '2512.3.0', A: '3760.2.0', B: '4593.0.0' } as const

/** When the sample releases were built, near enough: 2020-05-22, 2024-02-12, 2026-01-13. */
const EPOCHS = { 'container-linux': 1590105600, A: 1707696000, B: 1768262400 } as const

/** @throws ERR_USAGE when the wishes contradict each other */
export function planImage(options: ImageOptions): ImagePlan {
  const release = options.release ?? defaultRelease(options)
  const major = parseMajor(release)
  const isFlatcar = options.distro === 'flatcar'
  const layout: Layout = isFlatcar && major >= FIRST_MAJOR.layoutB ? 'B' : 'A'
  if (options.layout !== undefined && options.layout !== layout) {
    throw new UsageError(
      'ERR_USAGE',
      `${options.distro} ${release} was published in layout ${layout}; layout ${options.layout} was asked for`,
      { hint: isFlatcar ? 'layout B starts with Flatcar 4487.0.0' : 'Container Linux only ever had layout A' },
    )
  }
  const oem = options.oem ?? 'empty'
  if (isFlatcar && oem === 'rackspace' && major > LAST_RACKSPACE) {
    throw new UsageError('ERR_USAGE', `Flatcar ${release} has no rackspace image: it was dropped in 4722`, {
      hint: 'use a release below 4722',
    })
  }
  const variant = options.variant ?? 'base'
  if (variant === 'onmetal' && layout === 'B') {
    throw new UsageError('ERR_USAGE', `the onmetal variant is made in layout A only, found layout ${layout}`, {
      hint: 'use a release below 4487',
    })
  }
  const seed = options.seed ?? 1
  if (!Number.isSafeInteger(seed) || seed < 0) {
    throw new UsageError('ERR_USAGE', `the seed must be a whole number of at least 0, found ${seed}`)
  }
  return {
    distro: options.distro,
    layout,
    release,
    major,
    variant,
    oem,
    size: options.size ?? 'small',
    format: options.format ?? 'raw',
    compress: options.compress ?? 'none',
    seed,
    usrFilesystem: isFlatcar && major >= FIRST_MAJOR.btrfsUsr ? 'btrfs' : 'ext2',
    oemFilesystem: isFlatcar && major >= FIRST_MAJOR.btrfsOem ? 'btrfs' : 'ext4',
    mbr: isFlatcar && major >= FIRST_MAJOR.protectiveMbr ? 'protective' : 'hybrid',
    compressedClusters: isFlatcar && major >= FIRST_COMPRESSED_CLUSTERS,
    sysext: isFlatcar && major >= FIRST_SYSEXT[oem],
    epochSeconds: EPOCHS[isFlatcar ? layout : 'container-linux'],
  }
}

function defaultRelease(options: ImageOptions): string {
  return options.distro === 'container-linux'
    ? DEFAULT_RELEASE['container-linux']
    : DEFAULT_RELEASE[options.layout ?? 'A']
}

function parseMajor(release: string): number {
  const match = /^(\d{3,4})\.\d+\.\d+$/.exec(release)
  if (match?.[1] === undefined) {
    throw new UsageError('ERR_USAGE', `a release is MAJOR.MINOR.PATCH, found '${release}'`, {
      hint: 'for example 2512.3.0 or 3760.2.0',
    })
  }
  return Number(match[1])
}
