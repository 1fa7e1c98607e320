/**
 * The full-size images that everything is measured on: which there are, and having them made.
 *
 * Made once and kept: the raw ones and the plain qcow2 where tests find them, too (scripts/make-image/cache.ts), the qcow2
 * with compressed clusters from the plain one, as Flatcar has published them since 2023. Each lies in two directories,
 * both with the version.txt that vendors put there: in one with its digest beside it, in the other without.
 */
import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { access, copyFile, link, mkdir, rename, rm, writeFile } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { cachedImage } from '../scripts/make-image/cache.js'
import { diskLayout, partitionRegion, type Region } from '../scripts/make-image/layout.js'
import { type ImageOptions, planImage } from '../scripts/make-image/options.js'
import { IMAGES, MADE } from './paths.js'
import { run } from './programs.js'

export interface BenchImage {
  readonly id: string
  readonly title: string
  readonly content: { readonly kind: 'raw' } | { readonly kind: 'qcow2'; readonly clusters: 'plain' | 'compressed' }
  readonly options: ImageOptions
  /** Of the OEM partition, on the virtual disk. */
  readonly oem: Region
}

/** With its digest beside it, or not. */
export type Place = 'digest' | 'bare'

const RAW: ImageOptions = { distro: 'container-linux', size: 'full' }
const OPENSTACK: ImageOptions = {
  distro: 'container-linux',
  size: 'full',
  variant: 'vm',
  oem: 'openstack',
  format: 'qcow2',
  compress: 'lbzip2',
}

export const BENCH_IMAGES: readonly BenchImage[] = [
  image('lbzip2', 'raw, lbzip2', { kind: 'raw' }, { ...RAW, compress: 'lbzip2' }),
  image('bzip2', 'raw, bzip2', { kind: 'raw' }, { ...RAW, compress: 'bzip2' }),
  image('pbzip2', 'raw, pbzip2', { kind: 'raw' }, { ...RAW, compress: 'pbzip2' }),
  image('qcow2', 'qcow2, lbzip2', { kind: 'qcow2', clusters: 'plain' }, OPENSTACK),
  image('qcow2-c', 'qcow2 with compressed clusters, lbzip2', { kind: 'qcow2', clusters: 'compressed' }, OPENSTACK),
]

function image(id: string, title: string, content: BenchImage['content'], options: ImageOptions): BenchImage {
  return { id, title, content, options, oem: partitionRegion(diskLayout(planImage(options)), 6) }
}

/** Where an image lies once it has been {@link placeImage | placed}. */
export function imagePath({ id, content }: BenchImage, place: Place): string {
  const name = content.kind === 'raw' ? 'coreos_production_image.bin.bz2' : 'coreos_production_openstack_image.img.bz2'
  return join(IMAGES, id, place, name)
}

/** Makes an image, or finds it made, and puts it into its two places with what belongs beside it. */
export async function placeImage(wanted: BenchImage): Promise<void> {
  console.error(`${wanted.title}: making the image, if it isn't there; that takes up to five minutes, once`)
  const plain = await cachedImage(wanted.options)
  const { content } = wanted
  const made =
    content.kind === 'qcow2' && content.clusters === 'compressed' ? await withCompressedClusters(plain) : plain
  const { release } = planImage(wanted.options)
  const sha256 = await sha256Of(made)
  for (const place of ['digest', 'bare'] as const) {
    const path = imagePath(wanted, place)
    await rm(dirname(path), { recursive: true, force: true })
    await mkdir(dirname(path), { recursive: true })
    // A copy where the two directories are on different filesystems.
    await link(made, path).catch(() => copyFile(made, path))
    await writeFile(join(dirname(path), 'version.txt'), `COREOS_VERSION=${release}\nCOREOS_VERSION_ID=${release}\n`)
    if (place === 'digest') await writeFile(`${path}.sha256`, `${sha256}  ${basename(path)}\n`)
  }
}

/** The same disk with zlib inside its clusters. Kept by the name that the cache has for the plain one. */
async function withCompressedClusters(plain: string): Promise<string> {
  const directory = join(MADE, basename(dirname(plain)))
  const path = join(directory, basename(plain))
  if (await exists(path)) return path
  await mkdir(directory, { recursive: true })
  const decoded = join(directory, 'decoded')
  const converted = join(directory, 'converted')
  const unfinished = join(directory, 'unfinished')
  const script = `lbzip2 -dc "$0" > "$1"
    qemu-img convert -f qcow2 -O qcow2 -c -o compat=0.10 "$1" "$2"
    lbzip2 -zc "$2" > "$3"`
  await run('bash', ['-ec', script, plain, decoded, converted, unfinished])
  await rename(unfinished, path)
  for (const name of [decoded, converted]) await rm(name)
  return path
}

export async function sha256Of(path: string): Promise<string> {
  const hash = createHash('sha256')
  await pipeline(createReadStream(path, { highWaterMark: 1 << 20 }), hash)
  return hash.digest('hex')
}

async function exists(path: string): Promise<boolean> {
  return await access(path).then(
    () => true,
    () => false,
  )
}
