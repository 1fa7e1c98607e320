/** Proofs of bakes that are what they should be, in every form of image, and what is said of them. */
import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { prove } from '../../dist/index.js'
import { judge, partitionRange } from '../e2e/outside.js'
import { runCli } from '../support/command-line.js'
import { rejectsWithCode } from '../support/errors.js'
import { expectFalse, falsities } from '../support/falsities.js'
import { makeTestKeys, type TestKeys } from '../support/gpg.js'
import { bakeOf, FORMS, inForm, proveDisk, proveJson } from '../support/prove.js'
import { DiskPatcher } from '../support/small-disk.js'
import { temporaryDirectory } from '../support/temp.js'

const directory = temporaryDirectory()
const path = (name: string): string => join(directory, name)
const disk = path('disk')
const sha256 = (bytes: Buffer): string => createHash('sha256').update(bytes).digest('hex')

beforeAll(async () => {
  proveDisk(disk)
  await bakeOf(disk, path('disk.baked'))
})

describe('a proof of a bake', () => {
  it.each(FORMS)('holds for %s, and names both files and what changed', async (form) => {
    const image = inForm(disk, form, path(form))
    const baked = await bakeOf(image, path(`${form}.baked`))
    const report = await prove({ original: image, baked })
    expect(report).toMatchObject({ holds: true, outside: { identical: true, differingSectors: 0, first: [] } })
    expect(report.reason).toBeUndefined()
    expect(report.original).toMatchObject({ path: image, sha256: sha256(readFileSync(image)) })
    expect(report.baked).toMatchObject({ path: baked, sha256: sha256(readFileSync(baked)) })
    expect(report.comparison).toEqual({ by: form.endsWith('bzip2') ? 'blocks' : 'bytes', everyBlockChecked: true })
    expect(report.files?.map(({ change, path: where }) => `${change} ${where}`)).toEqual([
      'added /.oem-bake.json',
      'added /base',
      'added /base/default.ign',
      'added /bin',
      'added /bin/coreos-setup-environment',
      'added /cloud-config.yml',
      'changed /grub.cfg',
      'added /oem-release',
    ])
  })

  it('gives the digests that debugfs finds, and the places that sgdisk does', async () => {
    const report = await prove({ original: disk, baked: path('disk.baked') })
    const range = partitionRange(disk, 6)
    expect(report.oemPartition).toMatchObject({
      number: 6,
      firstSector: range.offset / 512,
      sectors: range.length / 512,
    })
    const cat = (image: string, file: string) =>
      sha256(judge('debugfs', ['-R', `cat ${file}`, `${image}?offset=${range.offset}`]))
    expect(report.files).toContainEqual({
      path: '/grub.cfg',
      change: 'changed',
      before: expect.objectContaining({ kind: 'file', mode: 0o644, sha256: cat(disk, '/grub.cfg') }),
      after: expect.objectContaining({ kind: 'file', mode: 0o644, sha256: cat(path('disk.baked'), '/grub.cfg') }),
    })
  })

  it('holds between forms: a disk and its edition, whatever each is packed in', async () => {
    for (const [before, after] of [
      ['raw', 'lbzip2'],
      ['pbzip2', 'qcow2'],
      ['qcow2', 'qcow2 with compressed clusters lbzip2'],
    ] as const) {
      const original = inForm(disk, before, path('original'))
      const baked = inForm(path('disk.baked'), after, path('baked'))
      const report = await prove({ original, baked })
      expect(report, `${before} and ${after}`).toMatchObject({ holds: true, comparison: { by: 'bytes' } })
      expect(report.files).toHaveLength(8)
    }
  })

  it('holds for an edition that was compressed anew, with other blocks', async () => {
    const original = inForm(disk, 'lbzip2', path('original'))
    const baked = inForm(path('disk.baked'), 'bzip2', path('baked'))
    const report = await prove({ original, baked })
    expect(report).toMatchObject({ holds: true, comparison: { by: 'blocks', everyBlockChecked: true } })
  })

  it('holds for an image and itself, without a look at any file', async () => {
    const report = await prove({ original: disk, baked: disk })
    expect(report).toMatchObject({ holds: true, files: [], oemPartition: { differingSectors: 0 } })
    expect(report.engine).toBeUndefined()
  })

  it('tells modes, owners, links and what is gone', async () => {
    const baked = path('modes')
    copyFileSync(path('disk.baked'), baked)
    const { offset } = partitionRange(disk, 6)
    const edits = [
      'sif grub.cfg mode 0100600',
      'sif oem-release uid 7',
      'rm cloud-config.yml',
      'symlink link /grub.cfg',
    ]
    execFileSync('debugfs', ['-w', '-f', '-', `${baked}?offset=${offset}`], { input: edits.join('\n'), stdio: 'pipe' })
    const report = await prove({ original: path('disk.baked'), baked })
    expect(report.holds).toBe(true)
    expect(report.files).toMatchObject([
      { path: '/cloud-config.yml', change: 'removed', before: { kind: 'file' } },
      { path: '/grub.cfg', change: 'changed', before: { mode: 0o644 }, after: { mode: 0o600 } },
      { path: '/link', change: 'added', after: { kind: 'symlink', target: '/grub.cfg' } },
      { path: '/oem-release', change: 'changed', before: { uid: 0 }, after: { uid: 7 } },
    ])
  })

  it('is printed for people with both digests of each file', async () => {
    const { exitCode, stdout } = await runCli(['prove', disk, path('disk.baked')])
    expect(exitCode).toBe(0)
    const json = await proveJson(disk, path('disk.baked'))
    expect(json.exitCode).toBe(0)
    const report = await prove({ original: disk, baked: path('disk.baked') })
    expect(json.report).toEqual(JSON.parse(JSON.stringify(report)))
    const grub = report.files?.find((file) => file.path === '/grub.cfg')
    if (grub?.change !== 'changed') throw new Error('grub.cfg was changed')
    expect(stdout).toContain(`before  0644 0:0 ${grub.before.sha256}\n`)
    expect(stdout).toContain(`after   0644 0:0 ${grub.after.sha256}\n`)
    const { firstSector, sectors } = report.oemPartition
    expect(stdout).toContain(
      `Identical outside the OEM partition (sectors ${firstSector} to ${firstSector + sectors - 1})`,
    )
    expect(stdout).toMatch(/^origin {6}UNVERIFIED/m)
    expect(stdout).toMatch(/\nPROVED: nothing but the OEM partition differs\n$/)
  })
})

describe('a proof of a signed original', () => {
  let keys: TestKeys
  beforeAll(() => {
    keys = makeTestKeys(directory)
  })
  afterAll(() => keys[Symbol.dispose]())

  /** Large enough for a beginning that need not be decoded. */
  const signed = (name: string): string => {
    const image = inForm(disk, 'lbzip2', path(name))
    writeFileSync(`${image}.sig`, keys.gpg.sign(image, keys.own))
    return image
  }

  it('names the signer, and leaves alone what both have before the OEM partition', async () => {
    const image = signed('signed')
    const baked = await bakeOf(image, path('signed.baked'))
    const report = await prove({ original: image, baked, keys: [keys.files.own] })
    expect(report).toMatchObject({
      holds: true,
      verification: { status: 'signature', signer: { primaryFingerprint: keys.own } },
      comparison: { by: 'blocks', everyBlockChecked: false },
    })
    const unsigned = await prove({ original: image, baked, verify: 'off' })
    expect(unsigned).toMatchObject({ holds: true, comparison: { everyBlockChecked: true } })
    expect(unsigned.files).toEqual(report.files)
  })

  it('is false all the same for one bit before, in or behind what is decoded, whatever the bzip2 program', async () => {
    const image = signed('signed-too')
    const request = { keys: [keys.files.own] }
    for (const [nth, falsity] of falsities(disk, 0, '').entries()) {
      if (nth % 2 === 0) continue
      const pair = { original: image, bakedDisk: path('disk.baked'), work: path('work'), request }
      await expectFalse(pair, nth % 3 === 0 ? 'bzip2' : 'lbzip2', falsity)
    }
  })

  it('is an error when the signature is of other bytes, whatever else is the matter', async () => {
    const image = signed('signed-other')
    const bytes = readFileSync(image)
    bytes[bytes.length >> 1]! ^= 4
    writeFileSync(image, bytes)
    await rejectsWithCode(
      prove({ original: image, baked: path('disk.baked'), keys: [keys.files.own] }),
      'ERR_SIGNATURE_BAD',
    )
  })

  it('wants the signature, when it is told to', async () => {
    await rejectsWithCode(prove({ original: disk, baked: path('disk.baked'), verify: 'require' }), 'ERR_UNVERIFIED')
  })
})

describe('what can not be proved', () => {
  it('is a usage error without two images', async () => {
    await expect(runCli(['prove', disk])).resolves.toMatchObject({
      exitCode: 2,
      stderr: expect.stringContaining('no second image was named'),
    })
    await expect(runCli(['prov', disk, disk])).resolves.toMatchObject({
      exitCode: 2,
      stderr: expect.stringContaining('did you mean oem-bake prove?'),
    })
  })

  it('is an error that names the image: one without a partition table, a damaged one, another digest', async () => {
    const text = path('not-an-image')
    writeFileSync(text, 'this is not an image\n'.repeat(100))
    const failure = await rejectsWithCode(prove({ original: text, baked: disk }), 'ERR_NOT_AN_IMAGE')
    expect(failure.message).toContain('not-an-image')
    await rejectsWithCode(prove({ original: disk, baked: text }), 'ERR_NOT_AN_IMAGE')

    const broken = path('broken-table')
    copyFileSync(disk, broken)
    using patcher = new DiskPatcher(broken)
    patcher.flipBit(512 + 60)
    const table = await rejectsWithCode(prove({ original: broken, baked: disk }), 'ERR_GPT_HEADER_CRC')
    expect(table.message).toContain('broken-table: ')

    const packed = inForm(disk, 'lbzip2', path('packed'))
    writeFileSync(path('cut'), readFileSync(packed).subarray(0, -100))
    const cut = await rejectsWithCode(prove({ original: packed, baked: path('cut') }), 'ERR_BZIP2_TRUNCATED')
    expect(cut.message).toContain('cut')

    mkdirSync(path('other'))
    writeFileSync(path('other/packed'), readFileSync(packed).subarray(0, -100))
    const sameName = await rejectsWithCode(
      prove({ original: packed, baked: path('other/packed') }),
      'ERR_BZIP2_TRUNCATED',
    )
    expect(sameName.message).toContain(path('other/packed'))

    copyFileSync(packed, path('digested'))
    writeFileSync(path('digested.sha256'), `${'0'.repeat(64)}  digested\n`)
    await rejectsWithCode(prove({ original: path('digested'), baked: packed }), 'ERR_DIGEST_MISMATCH')
  })

  it('ends when it is told to', async () => {
    const abort = new AbortController()
    abort.abort()
    await rejectsWithCode(prove({ original: disk, baked: disk }, { signal: abort.signal }), 'ERR_CANCELLED')
  })
})
