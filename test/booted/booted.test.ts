/** Images that have been booted: each sign alone is enough to be refused, and `--allow-booted` goes on record. */
import { existsSync, mkdtempSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeAll, describe, expect, it } from 'vitest'
import type { BakeReport, InspectReport, PlanReport, ProgressEvent } from '../../dist/index.js'
import { bake, inspect, plan } from '../../dist/index.js'
import { judge, sha256 } from '../e2e/outside.js'
import { BOOTED_SIGNS, bootedCopy, signsIn } from '../support/booted.js'
import { rejectsWithCode } from '../support/errors.js'
import { fixtureImage } from '../support/images.js'
import { readManifest } from '../support/manifests.js'
import { makeSmallDisk } from '../support/small-disk.js'
import { temporaryDirectory } from '../support/temp.js'

const directory = temporaryDirectory()
const CONTENT = { template: 'ec2', tmpDir: directory, cache: false } as const
const VENDORS = { coreos: 'cl-generic', flatcar: 'fl-ext4' } as const

const signsOf = ({ image }: Pick<InspectReport, 'image'>, found: string) =>
  image.booted.traces.filter((trace) => trace.found === found).map(({ sign }) => sign)

describe.each(Object.entries(VENDORS) as ['coreos' | 'flatcar', (typeof VENDORS)[keyof typeof VENDORS]][])(
  'an image of %s',
  (vendor, name) => {
    const images = new Map<string, string>()
    let fresh: string
    beforeAll(async () => {
      fresh = await fixtureImage(name)
      for (const sign of BOOTED_SIGNS) images.set(sign, bootedCopy(fresh, directory, vendor, sign))
    })
    const imageWith = (sign: string): string => images.get(sign) ?? ''

    it('shows no sign as published, and is planned', async () => {
      expect(signsIn(fresh, vendor)).toEqual([])
      const report = await plan({ ...CONTENT, image: fresh })
      expect(report.image.booted).toMatchObject({ verdict: 'fresh', allowed: false })
      expect(signsOf(report, 'fresh')).toEqual(BOOTED_SIGNS)
    })

    it.each(BOOTED_SIGNS)('is refused for %s alone, by plan and by bake, which say so', async (sign) => {
      expect(signsIn(imageWith(sign), vendor)).toEqual([sign])
      const output = join(directory, `${vendor}-${sign}.out`)
      for (const attempt of [
        () => plan({ ...CONTENT, image: imageWith(sign) }),
        () => bake({ ...CONTENT, image: imageWith(sign), output }),
      ]) {
        const error = await rejectsWithCode(attempt, 'ERR_IMAGE_BOOTED')
        expect(error.exitCode).toBe(8)
        expect(error.details).toEqual({ signs: [sign] })
        expect(error.hint).toContain('--allow-booted')
      }
      expect(existsSync(output)).toBe(false)
    })

    it.each(BOOTED_SIGNS)('is taken with %s when that is allowed, with a warning and on record', async (sign) => {
      const events: ProgressEvent[] = []
      const request = { ...CONTENT, image: imageWith(sign), allowBooted: true }
      const report: PlanReport = await plan(request, { onProgress: (event) => events.push(event) })
      expect(report.image.booted).toMatchObject({ verdict: 'booted', allowed: true })
      expect(signsOf(report, 'booted')).toEqual([sign])
      expect(events.filter((event) => event.kind === 'warning').map(({ code }) => code)).toContain('IMAGE_BOOTED')
    })

    it('is looked at by inspect, which refuses nothing', async () => {
      const report = await inspect({ image: imageWith('machine-id'), cache: false })
      expect(report.image.booted).toMatchObject({ verdict: 'booted', allowed: false })
    })
  },
)

describe('a bake that is allowed', () => {
  it('has in its report that the image has been booted', async () => {
    const image = makeSmallDisk(join(directory, 'booted.bin'))
    judge('sgdisk', ['--disk-guid=R', image])
    const output = join(directory, 'booted.out')
    const report: BakeReport = await bake({ ...CONTENT, image, output, allowBooted: true })
    expect(report.image.booted).toMatchObject({ verdict: 'booted', allowed: true })
    expect(report.output.sha256).toBe(sha256(output))
    const manifest = readManifest(`${output}.manifest.json`)
    expect(manifest.request.allowBooted).toBe(true)
    expect(manifest.input.booted).toEqual(['disk-guid'])
  })
})

describe('what is not a sign of a boot', () => {
  it('is a mark that is missing where the release had none yet', async () => {
    const image = bootedCopy(
      await fixtureImage('cl-generic'),
      mkdtempSync(join(directory, 'old-')),
      'coreos',
      'first-boot-flag',
    )
    const report = await plan({ ...CONTENT, image, template: 'rackspace', release: 'container-linux:1298.7.0' })
    expect(report.image.booted.verdict).toBe('unknown')
    expect(signsOf(report, 'unknown')).toEqual(['first-boot-flag'])
  })

  it('is that a disk has no EFI system partition and nothing on ROOT', async () => {
    const image = makeSmallDisk(join(directory, 'small.bin'))
    const report = await plan({ ...CONTENT, image })
    expect(report.image.booted).toMatchObject({ verdict: 'unknown', allowed: false })
    expect(signsOf(report, 'unknown')).toEqual(['first-boot-flag', 'machine-id', 'ssh-host-keys'])
  })
})

describe('a compressed image', () => {
  it('is looked into from both ends, and once: the verdict is in the cache the next time', async () => {
    const source = await fixtureImage('cl-generic-lbzip2')
    const image = join(directory, 'tail.bin.bz2')
    symlinkSync(source, image)
    writeFileSync(`${image}.sha256`, `${sha256(source)}  tail.bin.bz2\n`)
    const env = { ...process.env, XDG_CACHE_HOME: join(directory, 'cache') }
    const request = { ...CONTENT, image, release: 'container-linux:2512.3.0', cache: true }
    const first = await plan(request, { env })
    expect(first.image.codec).toMatchObject({ index: 'tail' })
    expect(first.image.booted.verdict).toBe('fresh')
    const second = await plan(request, { env })
    expect(second.image.codec).toMatchObject({ index: 'cached' })
    expect(second.image.booted).toEqual(first.image.booted)
  })
})
