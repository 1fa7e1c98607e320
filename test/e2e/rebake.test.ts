/**
 * Bakes of baked images, and the way back, through the command line and on whole images: bytes where bytes are promised, and
 * trees as debugfs sees them.
 */
import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { beforeAll, describe, expect, it } from 'vitest'
import type { BakeReport, ExplainReport, InspectReport, PlanReport } from '../../dist/index.js'
import { fixtureImage } from '../support/images.js'
import { noise } from '../support/random.js'
import { temporaryDirectory } from '../support/temp.js'
import {
  cutOut,
  decodeSparse,
  extTree,
  firstDifferenceOutside,
  judge,
  oemBake,
  oemBakeJson,
  partitionRange,
  sha256,
  type TreeEntry,
} from './outside.js'

const directory = temporaryDirectory()
let count = 0
const newPath = (name: string): string => {
  const path = join(directory, String(count++))
  mkdirSync(path)
  return join(path, name)
}

const OPTIONS = ['--engine', 'embedded', '--verify', 'off', '--quiet']

async function make(name: string, ...words: readonly string[]): Promise<string> {
  const output = newPath(name)
  const { exitCode, stderr } = await oemBake([...words, ...OPTIONS, '--output', output])
  if (exitCode !== 0) throw new Error(stderr)
  return output
}

async function failure(...words: readonly string[]): Promise<readonly [number | null, string]> {
  const { exitCode, stdout } = await oemBake([...words, ...OPTIONS, '--json'])
  const { error } = JSON.parse(stdout.toString()) as {
    readonly error: { readonly code: string; readonly hint: string }
  }
  expect(error.hint).not.toBe('')
  return [exitCode, error.code]
}

/** A disk as raw as sgdisk and debugfs want it. */
function rawDisk(image: string): string {
  const decoded = image.endsWith('.bz2') ? decodeSparse('bzip2', image, newPath('decoded')) : image
  const raw = newPath('disk.raw')
  judge('qemu-img', ['convert', '-O', 'raw', decoded, raw])
  return raw
}

function treeOf(image: string): readonly TreeEntry[] {
  const raw = rawDisk(image)
  const oem = cutOut(raw, partitionRange(raw, 6), newPath('oem'))
  judge('e2fsck', ['-fn', oem])
  return extTree(oem)
}

const identical = (one: string, other: string): boolean =>
  firstDifferenceOutside(one, other, { offset: 0, length: 0 }) === undefined

/** A qcow2 copy of an image with its OEM partition changed by debugfs. */
function changed(image: string, ...commands: readonly string[]): string {
  const raw = rawDisk(image)
  const range = partitionRange(raw, 6)
  const oem = cutOut(raw, range, newPath('oem'))
  judge('debugfs', ['-w', '-f', '-', oem], `${commands.join('\n')}\n`)
  judge('dd', [
    ...[`if=${oem}`, `of=${raw}`, 'bs=1M', 'conv=notrunc', 'status=none'],
    ...['oflag=seek_bytes', `seek=${range.offset}`],
  ])
  const copy = newPath('changed.qcow2')
  judge('qemu-img', ['convert', '-O', 'qcow2', raw, copy])
  return copy
}

describe('of a vendor image in bzip2', () => {
  let original: string
  let rackspace: string
  beforeAll(async () => {
    original = await fixtureImage('cl-openstack')
    rackspace = await make('image.rackspace.img.bz2', original, '-t', 'rackspace')
  })

  it('the same bake again gives the same bytes, all of them', async () => {
    expect(identical(await make('again.img.bz2', rackspace, '-t', 'rackspace'), rackspace)).toBe(true)
  })

  it('another bake with the original gives the tree that it gives of the original, its history too', async () => {
    const alone = treeOf(await make('ec2.img.bz2', original, '-t', 'ec2', '--existing', 'merge'))
    const words = ['-t', 'ec2', '--existing', 'merge', '--original', original]
    const after = treeOf(await make('then.img.bz2', rackspace, ...words))
    expect(after).toEqual(alone)
    expect(alone.map(({ path }) => path)).toContain('/.oem-bake.json')
    expect(alone.map(({ path }) => path)).toContain('/base/README')
  })

  it('another bake without the original says what is gone', async () => {
    const report = await oemBakeJson<PlanReport>(['plan', rackspace, '-t', 'ec2', '--existing', 'merge'])
    const gone = report.plan.findings.find(({ rule }) => rule === 'original-files-gone')
    expect(gone?.message).toContain('/base/README')
    expect(gone?.hint).toContain('--original')
  })

  it('unbake gives the original tree, under a name that is neither', async () => {
    const image = join(dirname(newPath('x')), 'coreos_image.rackspace.img.bz2')
    copyFileSync(rackspace, image)
    const report = await oemBakeJson<BakeReport>(['unbake', image, '--original', original, '--with', 'all'])
    expect(basename(report.output.path)).toBe('coreos_image.unbaked.img.bz2')
    const provenance = readFileSync(`${report.output.path}.provenance.json`, 'utf8')
    expect(JSON.parse(provenance).predicate.buildDefinition.resolvedDependencies).toContainEqual({
      name: basename(original),
      digest: { sha256: sha256(original) },
    })
    expect(treeOf(report.output.path)).toEqual(treeOf(original))
    const manifest = JSON.parse(judge('cat', [`${report.output.path}.manifest.json`]).toString())
    expect(manifest.request).toMatchObject({ unbake: true, original: basename(original) })
    // Twice is once too much.
    expect(await failure('unbake', report.output.path, '--original', original)).toEqual([8, 'ERR_NOT_BAKED'])
  })

  it('plan, inspect and explain tell who baked it', async () => {
    const baked = { kind: 'oem-bake', template: { name: 'rackspace' }, edited: [], missing: [] }
    const plan = await oemBakeJson<PlanReport>(['plan', rackspace, '-t', 'rackspace'])
    expect(plan.plan.history.before).toMatchObject(baked)
    expect(plan.plan.edits).toEqual([])
    const inspected = await oemBakeJson<InspectReport>(['inspect', rackspace])
    expect(inspected.oem.bakedBy).toMatchObject(baked)
    expect((await oemBakeJson<ExplainReport>(['explain', rackspace])).bakedBy).toMatchObject(baked)
    expect((await oemBakeJson<InspectReport>(['inspect', original])).oem.bakedBy).toBeUndefined()
    const { stdout } = await oemBake(['inspect', rackspace])
    expect(stdout.toString()).toMatch(
      /^baked {7}by oem-bake \d\S*, template rackspace: 5 files, 4 of before replaced or removed$/m,
    )
  })

  it('unbake --plan says what would change, and writes nothing', async () => {
    const report = await oemBakeJson<PlanReport>(['unbake', rackspace, '--original', original, '--plan'])
    const actions = Object.fromEntries(report.plan.changes.map(({ action, path }) => [path, action]))
    expect(actions).toMatchObject({ '/.oem-bake.json': 'remove', '/cloud-config.yml': 'remove', '/base/README': 'add' })
    expect('output' in report).toBe(false)
  })

  it('an original that is not the one is refused', async () => {
    const other = await fixtureImage('fl-ext4')
    expect(await failure('unbake', rackspace, '--original', other)).toEqual([8, 'ERR_ORIGINAL_MISMATCH'])
    const ec2 = await make('ec2.img.bz2', original, '-t', 'ec2')
    expect(await failure('unbake', rackspace, '--original', ec2)).toEqual([8, 'ERR_ORIGINAL_MISMATCH'])
    expect(await failure('unbake', rackspace, '--original', rackspace)).toEqual([2, 'ERR_USAGE'])
    expect(await failure('unbake', rackspace)).toEqual([2, 'ERR_USAGE'])
    expect(await failure('unbake', rackspace, '--original', join(directory, 'nowhere'))).toEqual([7, 'ERR_NOT_FOUND'])
    expect(await failure('unbake', original, '--original', rackspace)).toEqual([8, 'ERR_NOT_BAKED'])
  })
})

describe('of an image with links, owners and big files that nobody knows', () => {
  const big = join(directory, 'big')
  const agent = join(directory, 'agent')
  let original: string
  let baked: string
  beforeAll(async () => {
    writeFileSync(big, noise(3 << 20))
    writeFileSync(agent, noise(2 << 20, 'agent'))
    original = changed(
      await fixtureImage('cl-openstack-qcow2'),
      'rm /base/README',
      'rm /base/default.ign',
      'rmdir /base',
      'rm /grub.cfg',
      'rm /oem-release',
      'mkdir /lib64',
      'sif /lib64 mode 040700',
      `write ${big} /lib64/big`,
      'sif /lib64/big mode 0100750',
      'sif /lib64/big uid 500',
      'symlink /lib64/link big',
      `symlink /lib64/long ${'x'.repeat(100)}`,
    )
    baked = await make(
      'baked.bin',
      original,
      '-t',
      'ec2',
      '--existing',
      'replace',
      '--file',
      `${agent}:/bin/agent:0755`,
    )
  })

  it('a bake takes them away, and the same again gives the same bytes, the big file not written anew', async () => {
    expect(treeOf(baked).map(({ path }) => path)).not.toContain('/lib64')
    const again = ['-t', 'ec2', '--existing', 'replace', '--file', `${agent}:/bin/agent:0755`]
    expect(identical(await make('again.qcow2', baked, ...again), baked)).toBe(true)
  })

  it('unbake brings all of it back', async () => {
    const tree = treeOf(await make('back.qcow2', 'unbake', baked, '--original', original))
    expect(tree).toEqual(treeOf(original))
    expect(tree.find(({ path }) => path === '/lib64/big')).toMatchObject({ mode: '0750', owner: '500:0' })
    expect(tree.filter(({ kind }) => kind === 'symlink')).toHaveLength(2)
  })

  it('another bake brings back what it leaves', async () => {
    const words = ['-t', 'rackspace', '--existing', 'merge']
    const after = treeOf(await make('then.qcow2', baked, ...words, '--original', original))
    expect(after).toEqual(treeOf(await make('alone.qcow2', original, ...words)))
  })

  it('what somebody changed since stops a bake and an unbake until he says what becomes of it', async () => {
    const edited = changed(baked, 'rm /grub.cfg', `write ${agent} /grub.cfg`)
    expect(await failure(edited, '-t', 'ec2')).toEqual([8, 'ERR_OEM_EDITED_FILES'])
    expect(await failure('unbake', edited, '--original', original)).toEqual([8, 'ERR_OEM_EDITED_FILES'])
    const tree = treeOf(await make('back.qcow2', 'unbake', edited, '--original', original, '--existing', 'replace'))
    expect(tree).toEqual(treeOf(original))
  })

  it('a history that is damaged is told, and one of a newer oem-bake refused', async () => {
    const text = join(directory, 'history')
    writeFileSync(text, '{"oemBakeHistory": 1}')
    const damaged = changed(baked, 'rm /.oem-bake.json', `write ${text} /.oem-bake.json`)
    expect((await oemBakeJson<InspectReport>(['inspect', damaged])).oem.bakedBy?.kind).toBe('damaged')
    expect(await failure('unbake', damaged, '--original', original)).toEqual([8, 'ERR_NOT_BAKED'])
    writeFileSync(text, '{"oemBakeHistory": 2, "version": "9.9.9"}')
    const newer = changed(baked, 'rm /.oem-bake.json', `write ${text} /.oem-bake.json`)
    expect((await oemBakeJson<InspectReport>(['inspect', newer])).oem.bakedBy?.kind).toBe('newer')
    expect(await failure(newer, '-t', 'ec2')).toEqual([8, 'ERR_HISTORY_NEWER'])
    expect(await failure('unbake', newer, '--original', original)).toEqual([8, 'ERR_HISTORY_NEWER'])
  })
})
