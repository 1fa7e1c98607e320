/** Several editions of one image in one run, against bakes of each alone. */
import { copyFileSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { bake, bakeEditions, type EditionsReport } from 'oem-bake'
import { beforeAll, describe, expect, it } from 'vitest'
import { fixtureImage } from '../support/images.js'
import { readManifest } from '../support/manifests.js'
import { makeSmallDisk } from '../support/small-disk.js'
import { temporaryDirectory } from '../support/temp.js'
import { judge, oemBake, oemBakeJson, sha256 } from './outside.js'

const directory = temporaryDirectory()
const newPlace = (): string => mkdtempSync(join(directory, 'place-'))
const namesIn = (place: string): readonly string[] => readdirSync(place).sort()
const images = { bz2: '', raw: '', small: '' }
const RELEASE = 'container-linux:2512.3.0'

beforeAll(async () => {
  images.bz2 = await fixtureImage('cl-openstack')
  images.raw = makeSmallDisk(join(directory, 'image.bin'), { oemFiles: {} })
  images.small = `${images.raw}.bz2`
  writeFileSync(images.small, judge('bzip2', ['-9c', images.raw]))
})

/** A template of one variable. */
function templateIn(place: string, name: string, variable: string, more = '', distros = ''): string {
  const path = join(place, name)
  mkdirSync(path)
  writeFileSync(
    join(path, 'template.yml'),
    `name: ${name}
title: ${name}
description: For tests.
oem_id: ec2
${distros}variables:
  ${variable}: {type: string, description: whatever${more}}
files:
  - {path: /${variable}.yml, source: file.yml, format: yaml}
`,
  )
  writeFileSync(join(path, 'file.yml'), `value: $\{{${variable}}}\n`)
  return path
}

const codesOf = (report: EditionsReport): readonly (string | undefined)[] =>
  report.editions.map((edition) => ('error' in edition ? edition.error.code : undefined))

describe('editions of one run', () => {
  it.each([
    ['small', { with: ['manifest', 'digests', 'provenance'] }],
    ['small', { recompress: { level: 1 } }],
    ['raw', {}],
    ['bz2', {}],
  ] as const)('are those of single bakes, byte for byte: %s, %j', async (kind, options) => {
    const [apart, together] = [newPlace(), newPlace()]
    const templates = ['rackspace', 'gce']
    const image = images[kind]
    const same = { image, engine: 'embedded', sourceDateEpoch: 1_500_000_000, ...options } as const
    for (const template of templates) await bake({ ...same, template, outputDirectory: apart })
    const report = await bakeEditions({ ...same, templates, outputDirectory: together })
    expect(report.editions.map(({ template }) => template)).toEqual(templates)
    expect(codesOf(report)).toEqual([undefined, undefined])
    expect(namesIn(together)).toEqual(namesIn(apart))
    expect(namesIn(together)).not.toHaveLength(0)
    for (const name of namesIn(apart))
      expect([name, sha256(join(together, name))]).toEqual([name, sha256(join(apart, name))])
  })

  it('have manifests that differ from those of single bakes by their times only', async () => {
    const [apart, together] = [newPlace(), newPlace()]
    const { output } = await bake({ image: images.small, template: 'gce', outputDirectory: apart })
    await bakeEditions({ image: images.small, templates: ['rackspace', 'gce'], outputDirectory: together })
    const manifestIn = (place: string) => {
      const { times, ...rest } = readManifest(join(place, `${output.path.slice(apart.length + 1)}.manifest.json`))
      return { rest, timed: times !== undefined }
    }
    expect(manifestIn(together)).toEqual(manifestIn(apart))
    expect(manifestIn(together).timed).toBe(true)
  })

  it('leave the others when one fails, and nothing of that one', async () => {
    const place = newPlace()
    writeFileSync(join(place, 'image.gce.bin'), 'taken')
    const report = await bakeEditions({
      ...{ image: images.raw, release: RELEASE, outputDirectory: place },
      templates: ['rackspace', 'gce', 'ec2'],
      with: [],
    })
    expect(codesOf(report)).toEqual([undefined, 'ERR_OUTPUT_EXISTS', undefined])
    expect(namesIn(place)).toEqual(['image.ec2.bin', 'image.gce.bin', 'image.rackspace.bin'])
    expect(readFileSync(join(place, 'image.gce.bin'), 'utf8')).toBe('taken')
  })

  it('all fail with the image, and nothing is published', async () => {
    const place = newPlace()
    const image = join(place, 'image.bin')
    copyFileSync(images.raw, image)
    writeFileSync(join(place, 'image.bin.sha256'), `${'0'.repeat(64)}  image.bin\n`)
    await expect(bakeEditions({ image, release: RELEASE, templates: ['rackspace', 'ec2'] })).rejects.toMatchObject({
      code: 'ERR_DIGEST_MISMATCH',
    })
    expect(namesIn(place)).toEqual(['image.bin', 'image.bin.sha256'])
  })

  it.each(['read-oem', 'edit', 'encode', 'check'] as const)(
    'end and leave nothing when cancelled at %s',
    async (phase) => {
      const place = newPlace()
      const abort = new AbortController()
      const baking = bakeEditions(
        { image: images.raw, release: RELEASE, templates: ['rackspace', 'ec2', 'gce'], outputDirectory: place },
        {
          signal: abort.signal,
          onProgress: (event) => {
            if (event.kind === 'phase' && event.phase === phase) abort.abort()
          },
        },
      )
      await expect(baking).rejects.toMatchObject({ code: 'ERR_CANCELLED' })
      expect(namesIn(place)).toEqual([])
    },
  )

  it('share variables: each takes those that it has, and one that nobody has is refused', async () => {
    const place = newPlace()
    const templates = [templateIn(place, 'one', 'red'), templateIn(place, 'two', 'blue')]
    const request = { image: images.raw, release: RELEASE, templates, outputDirectory: place, with: [] }
    const report = await bakeEditions({ ...request, variables: { red: 'r', blue: 'b' } })
    expect(codesOf(report)).toEqual([undefined, undefined])
    await expect(
      bakeEditions({ ...request, force: true, variables: { red: 'r', blue: 'b', green: 'g' } }),
    ).rejects.toMatchObject({ code: 'ERR_VARIABLE_UNKNOWN' })
    await expect(bakeEditions({ ...request, force: true, variables: { red: 'r' } })).rejects.toMatchObject({
      code: 'ERR_VARIABLE_MISSING',
    })
  })

  it('of `all` are those made for the release; what lacks a value is skipped by name', async () => {
    const place = newPlace()
    const own = join(place, 'templates')
    mkdirSync(own)
    templateIn(own, 'needy', 'red')
    templateIn(own, 'ready', 'blue', ', default: b')
    templateIn(own, 'strange', 'pink', ', default: p', 'distros: [{distro: flatcar, from: 2605}]\n')
    const env = { ...process.env, OEM_BAKE_TEMPLATES: own }
    const request = { image: images.raw, templates: 'all', outputDirectory: place, with: [] } as const
    const report = await bakeEditions({ ...request, release: 'container-linux:681.2.0' }, { env })
    expect(report.skipped).toEqual([{ template: 'needy', reason: expect.stringContaining('red') }])
    expect(report.editions.map(({ template }) => template)).toEqual(['ready'])
    const image = makeSmallDisk(join(place, 'unknown.bin'), { osRelease: 'ID=somebody\n' })
    await expect(bakeEditions({ ...request, image }, { env })).rejects.toMatchObject({
      code: 'ERR_USAGE',
      hint: expect.stringContaining('--release'),
    })
  })
})

describe('what is wrong for all of several editions', () => {
  it.each([
    ['a key that gpg does not have', { sign: 'nobody@example.com' }, {}, 'ERR_SIGNING_KEY'],
    ['a clock that is none', {}, { SOURCE_DATE_EPOCH: 'abc' }, 'ERR_USAGE'],
  ] as const)('%s, is told once, before the image is read', async (_, more, env, code) => {
    const place = newPlace()
    const phases: string[] = []
    await expect(
      bakeEditions(
        { image: images.raw, release: RELEASE, templates: ['gce', 'ec2'], outputDirectory: place, ...more },
        {
          env: { ...process.env, GNUPGHOME: place, ...env },
          onProgress: (event) => void (event.kind === 'phase' && phases.push(event.phase)),
        },
      ),
    ).rejects.toMatchObject({ code })
    expect(phases).toEqual([])
  })

  it('a booted image, is told once', async () => {
    const place = newPlace()
    const image = join(place, 'image.bin')
    copyFileSync(images.raw, image)
    judge('sgdisk', ['-G', image])
    const { exitCode, stderr } = await oemBake([image, '-t', 'ec2', '-t', 'gce', '-t', 'packet', '--release', RELEASE])
    expect(exitCode).toBe(8)
    expect(stderr.toString().match(/has been booted before/g)).toHaveLength(1)
  })

  it('names that are taken, are all told before the image is read', async () => {
    const place = newPlace()
    for (const name of ['ec2', 'gce']) writeFileSync(join(place, `image.${name}.bin`), 'taken')
    const phases: string[] = []
    const report = await bakeEditions(
      { image: images.raw, release: RELEASE, templates: ['gce', 'ec2'], outputDirectory: place },
      { onProgress: (event) => void (event.kind === 'phase' && phases.push(event.phase)) },
    )
    expect(codesOf(report)).toEqual(['ERR_OUTPUT_EXISTS', 'ERR_OUTPUT_EXISTS'])
    expect(phases).toEqual([])
  })

  it('a template of one’s own that lacks a file, is skipped by `all`, and nobody’s provider is left out', async () => {
    const place = newPlace()
    rmSync(join(templateIn(place, 'broken', 'colour', ', default: red'), 'file.yml'))
    const { editions, skipped } = await bakeEditions(
      { image: images.raw, release: RELEASE, templates: 'all', outputDirectory: place, with: [] },
      { env: { ...process.env, OEM_BAKE_TEMPLATES: place } },
    )
    expect(skipped).toEqual([{ template: 'broken', reason: expect.stringContaining('file.yml does not exist') }])
    expect(editions.map(({ template }) => template)).toContain('rackspace')
    expect(editions.map(({ template }) => template)).not.toContain('custom')
  })
})

describe('oem-bake with several templates', () => {
  const flags = (place: string) => [images.raw, '--release', RELEASE, '--with', 'none', '--output-dir', place]

  it('prints a path a line, and as JSON a report for each', async () => {
    const place = newPlace()
    const { exitCode, stdout } = await oemBake([...flags(place), '-t', 'rackspace', '-t', 'ec2'])
    expect({ exitCode, stdout }).toEqual({
      exitCode: 0,
      stdout: Buffer.from(`${join(place, 'image.rackspace.bin')}\n${join(place, 'image.ec2.bin')}\n`),
    })
    const document = await oemBakeJson<{ editions: readonly { template: string; output: { sha256: string } }[] }>([
      ...flags(place),
      ...['-t', 'rackspace', '-t', 'ec2', '--force'],
    ])
    expect(document.editions.map(({ output, template }) => [template, output.sha256])).toEqual([
      ['rackspace', sha256(join(place, 'image.rackspace.bin'))],
      ['ec2', sha256(join(place, 'image.ec2.bin'))],
    ])
  })

  it('tells the one that failed, and ends with its exit code', async () => {
    const place = newPlace()
    writeFileSync(join(place, 'image.rackspace.bin'), '')
    const run = await oemBake([...flags(place), '-t', 'rackspace', '-t', 'ec2'])
    expect(run).toMatchObject({ exitCode: 8, stdout: Buffer.from(`${join(place, 'image.ec2.bin')}\n`) })
    expect(run.stderr).toMatch(/^rackspace: error: .*image\.rackspace\.bin/m)
  })
})
