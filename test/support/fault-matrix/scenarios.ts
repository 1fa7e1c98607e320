/** What is run while its operations fail: every way through the pipeline, on images as small as they come. */
import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll } from 'vitest'
import { compressFile } from '../bzip2-file.js'
import { CHECKOUT, runEnvironment } from '../command-line.js'
import { memoryParent } from '../memory.js'
import { noise } from '../random.js'
import { makeSmallDisk } from '../small-disk.js'
import { buildPreload } from './injected-run.js'

/** Where one run works, all of it empty at first. */
export interface Place {
  readonly directory: string
  readonly out: string
  readonly cache: string
  /** What TMPDIR names. */
  readonly tmp: string
  /** What `--tmp-dir` may name: on another filesystem than the output. */
  readonly elsewhere: string
}

export interface Scenario {
  readonly name: string
  readonly input: string
  readonly args: (place: Place) => readonly string[]
  /** Beside what every run has. */
  readonly env?: (place: Place) => Readonly<Record<string, string>>
  /** Lays down what is there before the run. */
  readonly prepare?: (place: Place) => void
  /** The input is kept in the place, where the run could destroy it. */
  readonly ownInput?: true
  /** A run that nothing disturbs ends so. @default 0 */
  readonly exitCode?: number
}

export const OUTPUT = 'edition.img'

/** Directories of this file's scenarios, removed when the tests are done. */
export interface Ground {
  readonly inputs: string
  readonly places: string
  /** On a disk, where the places are in memory. */
  readonly elsewhere: string
  /** Path of what makes operations fail. */
  readonly preload: string
}

export async function makeGround(): Promise<Ground> {
  const [inputs, places, elsewhere] = [memoryParent(), memoryParent(), tmpdir()].map((parent) =>
    mkdtempSync(join(parent, 'oem-bake-test-faults-')),
  ) as [string, string, string]
  afterAll(() => {
    for (const directory of [inputs, places, elsewhere]) rmSync(directory, { recursive: true, force: true })
  })
  return { inputs, places, elsewhere, preload: await buildPreload(places) }
}

export function makePlace({ elsewhere, places }: Ground): Place {
  const directory = mkdtempSync(join(places, 'run-'))
  const place = {
    directory,
    out: join(directory, 'out'),
    cache: join(directory, 'cache'),
    tmp: join(directory, 'tmp'),
    elsewhere: mkdtempSync(join(elsewhere, 'run-')),
  }
  for (const path of [place.out, place.cache, place.tmp]) mkdirSync(path)
  return place
}

export function removePlace(place: Place): void {
  for (const path of [place.directory, place.elsewhere]) rmSync(path, { recursive: true, force: true })
}

export function environmentOf(place: Pick<Place, 'cache' | 'tmp'>): Readonly<Record<string, string>> {
  return {
    ...runEnvironment(place.tmp),
    XDG_CACHE_HOME: place.cache,
    // Few directories to look for programs in: each is two operations a program.
    PATH: '/usr/bin:/bin',
  }
}

/** An earlier edition, with more beside it than the new one will have. */
const OLDER: Readonly<Record<string, string>> = {
  '': 'the older edition',
  '.sha256': 'its digest',
  '.manifest.json': JSON.stringify({ tool: { name: 'oem-bake' }, output: { name: OUTPUT }, times: {} }),
  '.DIGESTS': 'its digest',
}
const CLOUD_CONFIG = '#cloud-config\nhostname: fault\n'

/** Makes the images; each has a directory of its own, because what lies beside an image counts. */
export function makeScenarios(ground: Ground): readonly Scenario[] {
  const { inputs } = ground
  const inside = (name: string): string => {
    mkdirSync(join(inputs, name))
    return join(inputs, name)
  }
  // Of the raw disk every MiB is read several times over, so it is small; the compressed one has some blocks.
  const raw = makeSmallDisk(join(inside('raw'), 'image.img'), { oemMiB: 5 })
  const dense = makeSmallDisk(join(inside('dense'), 'image.img'), { data: noise(1 << 20) })
  const cloudConfig = join(inputs, 'raw', 'cloud-config.yml')
  writeFileSync(cloudConfig, CLOUD_CONFIG)
  // Too big to be kept in memory.
  const agent = join(inputs, 'raw', 'agent')
  writeFileSync(agent, noise(1_100_000))
  const bzip2 = compressFile(dense)
  const copyTo = (name: string, source: string): string => {
    const path = join(inside(name), source.endsWith('.bz2') ? 'image.img.bz2' : 'image.img')
    cpSync(source, path)
    return path
  }
  const full = copyTo('full', bzip2)
  const remembered = rememberedOf(full, ground)
  const tail = copyTo('tail', bzip2)
  const sha = (algorithm: string): string => createHash(algorithm).update(readFileSync(tail)).digest('hex')
  writeFileSync(
    `${tail}.DIGESTS`,
    `# SHA1 HASH\n${sha('sha1')}  image.img.bz2\n# SHA512 HASH\n${sha('sha512')}  image.img.bz2\n`,
  )
  writeFileSync(`${tail}.sha256`, `${sha('sha256')}  image.img.bz2\n`)
  writeFileSync(join(inputs, 'tail', 'version.txt'), VERSION_TXT)
  const qcow2 = join(inside('qcow2'), 'image.img')
  execFileSync('qemu-img', ['convert', '-q', '-f', 'raw', '-O', 'qcow2', raw, qcow2])
  const qcow2Bzip2 = copyTo('qcow2-bzip2', compressFile(qcow2))

  const bake =
    (input: string, ...flags: readonly string[]) =>
    ({ out }: Place) => [input, '--oem-id', 'ec2', '--output', join(out, OUTPUT), ...flags]
  const older = ({ out }: Place): void => {
    for (const [extension, text] of Object.entries(OLDER)) writeFileSync(join(out, `${OUTPUT}${extension}`), text)
  }
  return [
    {
      name: 'raw',
      input: raw,
      args: bake(raw, '--template', 'rackspace', '--cloud-config', cloudConfig, '--file', `${agent}:/agent:755`),
    },
    { name: 'raw over an older output', input: raw, args: bake(raw, '--force'), prepare: older },
    { name: 'qcow2', input: qcow2, args: bake(qcow2) },
    { name: 'raw.bz2, full index', input: full, args: bake(full) },
    { name: 'raw.bz2, by the tail', input: tail, args: bake(tail) },
    { name: 'raw.bz2 over an older output', input: tail, args: bake(tail, '--force'), prepare: older },
    {
      name: 'raw.bz2, temporary files on another filesystem',
      input: tail,
      args: (place) => [...bake(tail, '--tmp-dir')(place), place.elsewhere],
    },
    {
      name: 'raw.bz2, remembered',
      input: full,
      args: bake(full),
      prepare: ({ cache }) => cpSync(remembered, cache, { recursive: true }),
    },
    { name: 'qcow2.bz2', input: qcow2Bzip2, args: bake(qcow2Bzip2) },
    { name: 'raw.bz2, recompressed', input: full, args: bake(full, '--no-cache', '--recompress') },
    {
      name: 'raw.bz2 to standard output',
      input: tail,
      args: () => [tail, '--oem-id', 'ec2', '--output', '-'],
    },
    {
      name: 'the input as the output',
      input: raw,
      args: ({ directory, out }) => [
        ...[join(directory, 'image.img'), '--oem-id', 'ec2', '--force'],
        ...['--output', join(out, '..', 'image.img')],
      ],
      ownInput: true,
      exitCode: 8,
    },
    { name: 'plan', input: full, args: () => ['plan', full, '--oem-id', 'ec2'] },
    { name: 'inspect', input: qcow2, args: () => ['inspect', qcow2] },
    { name: 'explain', input: raw, args: () => ['explain', raw] },
  ]
}

/** What a run that looks at the image keeps in the cache. */
function rememberedOf(image: string, { places }: Ground): string {
  const place = { tmp: places, cache: join(places, 'remembered') }
  execFileSync(process.execPath, [join(CHECKOUT, 'dist/oem-bake.js'), 'inspect', image], {
    env: { ...process.env, ...environmentOf(place) },
    stdio: 'pipe',
  })
  return place.cache
}

/** As the vendor's lies beside an image. */
const VERSION_TXT = ['BUILD=2512', 'BRANCH=3', 'PATCH=0', 'VERSION=2512.3.0', 'VERSION_ID=2512.3.0', 'BUILD_ID=""']
  .map((line) => `COREOS_${line}\n`)
  .join('')
