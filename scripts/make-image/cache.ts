/**
 * Images made once and kept: compressing a disk of 4.7 GB takes longer than most tests.
 *
 * An image's directory is named by a digest of its plan and of this folder's sources, so that a change to the generator
 * makes new images. Files appear by rename; two processes that want the same image at once may both build it, and one
 * result stays. Nothing is ever removed: deleting `node_modules/.cache/oem-bake-images` is always safe.
 */
import { createHash, randomUUID } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { access, chmod, mkdir, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { makeImage } from './make-image.js'
import { type ImageOptions, type ImagePlan, planImage } from './options.js'

const CACHE = join(import.meta.dirname, '..', '..', 'node_modules', '.cache', 'oem-bake-images')

/** Builds of this process that are under way, by path. */
const underWay = new Map<string, Promise<string>>()

/**
 * @returns the path of an image that must not be changed; copy it with `cp --sparse=always` to work on it
 * @throws as {@link makeImage}
 */
export async function cachedImage(options: ImageOptions): Promise<string> {
  const plan = planImage(options)
  const path = join(CACHE, digest(plan), fileName(plan))
  const current = underWay.get(path) ?? build(plan, path).finally(() => underWay.delete(path))
  underWay.set(path, current)
  return await current
}

async function build(plan: ImagePlan, path: string): Promise<string> {
  if (await exists(path)) return path
  const directory = join(path, '..')
  await mkdir(directory, { recursive: true })
  const unfinished = join(directory, `.${randomUUID()}`)
  try {
    await makeImage({ ...plan, output: unfinished })
    await chmod(unfinished, 0o444)
    await rename(unfinished, path)
  } finally {
    await rm(unfinished, { force: true })
  }
  return path
}

/** As the vendors name their files, so that a look at the cache tells what is what. */
function fileName(plan: ImagePlan): string {
  const vendor = plan.distro === 'flatcar' ? 'flatcar' : 'coreos'
  const type = plan.oem === 'empty' ? '' : `${plan.oem}_`
  const format = plan.format === 'raw' ? 'bin' : 'img'
  return `${vendor}_production_${type}image.${format}${plan.compress === 'none' ? '' : '.bz2'}`
}

function digest(plan: ImagePlan): string {
  const hash = createHash('sha256').update(JSON.stringify(plan))
  for (const name of readdirSync(import.meta.dirname).sort()) {
    hash.update(name).update(readFileSync(join(import.meta.dirname, name)))
  }
  return hash.digest('hex').slice(0, 16)
}

async function exists(path: string): Promise<boolean> {
  return await access(path).then(
    () => true,
    () => false,
  )
}
