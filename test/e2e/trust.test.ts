/** Who vouches for an image, through the command line: what is bad is never baked, and what is good lets a bake be quick. */
import { execFileSync } from 'node:child_process'
import { appendFileSync, copyFileSync, mkdtempSync, readdirSync, writeFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { BakeReport, InspectReport, KeysReport, VerifyReport } from '../../dist/index.js'
import { runCli } from '../support/command-line.js'
import { makeTestKeys, retireTestKeys, type TestKeys } from '../support/gpg.js'
import { fixtureImage } from '../support/images.js'
import { makeSmallDisk } from '../support/small-disk.js'
import { temporaryDirectory } from '../support/temp.js'

const directory = temporaryDirectory()
/** Nobody's own keyring. */
const env = { XDG_CONFIG_HOME: join(directory, 'config'), XDG_CACHE_HOME: join(directory, 'cache') }
const FORMS = {
  plain: undefined,
  bzip2: ['bzip2', '-zc'],
  lbzip2: ['lbzip2', '-zc'],
  pbzip2: ['pbzip2', '-zc', '-b5'],
} as const
type Form = keyof typeof FORMS
const images = new Map<Form, { readonly path: string; readonly signature: Buffer }>()
let keys: TestKeys

beforeAll(() => {
  keys = makeTestKeys(directory)
  const plain = makeSmallDisk(join(directory, 'image.bin'))
  for (const form of Object.keys(FORMS) as Form[]) {
    const command = FORMS[form]
    const path = command === undefined ? plain : join(directory, `${form}.bin.bz2`)
    if (command !== undefined) {
      const [program, ...flags] = command
      writeFileSync(path, execFileSync(program, [...flags, plain], { maxBuffer: 1 << 30 }))
    }
    images.set(form, { path, signature: keys.gpg.sign(path, keys.expired, '2014-03-01') })
  }
  retireTestKeys(keys)
})
afterAll(() => keys[Symbol.dispose]())

/** An image in a directory of its own, with its signature. */
function lay(form: Form, beside: Readonly<Record<string, string | Buffer>> = {}): string {
  const { path, signature } = images.get(form)!
  const image = join(mkdtempSync(join(directory, 'place-')), basename(path))
  copyFileSync(path, image)
  for (const [suffix, content] of Object.entries({ sig: signature, ...beside }))
    writeFileSync(`${image}.${suffix}`, content)
  return image
}

const cli = (...args: readonly string[]) => runCli([...args, '--no-cache'], { env })
const namesBeside = (image: string): string[] => readdirSync(join(image, '..')).sort()

describe('a signed image', () => {
  it.each(Object.keys(FORMS) as Form[])('is baked (%s); with one byte more it is not', async (form) => {
    const image = lay(form)
    const flags = ['--template', 'rackspace', '--key', keys.files.bot, '--verify', 'require', '--json']
    const { exitCode, stdout, stderr } = await cli(image, ...flags)
    expect(exitCode, stderr).toBe(0)
    const report = JSON.parse(stdout) as BakeReport
    expect(report.image.verification).toMatchObject({
      status: 'signature',
      covers: 'image',
      signer: {
        primaryFingerprint: keys.bot,
        keyFingerprint: keys.expired,
        expiredSince: '2014-09-07T12:00:00.000Z',
      },
    })

    const longer = lay(form)
    appendFileSync(longer, '\0')
    const before = namesBeside(longer)
    for (const words of [['bake'], ['plan']]) {
      const failed = await cli(...words, longer, ...flags)
      expect(failed.exitCode, failed.stdout).toBe(3)
      expect(JSON.parse(failed.stdout)).toMatchObject({
        error: { code: 'ERR_SIGNATURE_BAD', details: { why: 'mismatch' } },
      })
    }
    expect(namesBeside(longer)).toEqual(before)
  })

  it('is found from its end, as one with a digest is; without its key it is decoded and checked whole', async () => {
    const image = join(mkdtempSync(join(directory, 'place-')), 'image.bin.bz2')
    copyFileSync(await fixtureImage('cl-generic-lbzip2'), image)
    writeFileSync(`${image}.sig`, keys.gpg.sign(image, keys.own))
    const inspect = async (keyring: string | undefined): Promise<InspectReport> => {
      const flags = ['inspect', image, '--json', '--no-cache', '--release', 'container-linux:2512.3.0']
      const { exitCode, stdout, stderr } = await runCli(flags, { env: { ...env, OEM_BAKE_KEYRING: keyring } })
      expect(exitCode, stderr).toBe(0)
      return JSON.parse(stdout) as InspectReport
    }
    const said = async (keyring: string | undefined) => {
      const { codec, verification } = (await inspect(keyring)).image
      return [codec.kind === 'bzip2' && codec.index, verification.status]
    }
    expect(await said(keys.files.own)).toEqual(['tail', 'signature'])
    expect(await said(keys.files.stranger)).toEqual(['full', 'unverified'])
    expect(await said(undefined)).toEqual(['full', 'unverified'])
  })

  it('is not looked at with --verify off, not even a bad signature; that is said in the report and as a warning', async () => {
    const image = lay('plain', { sig: '' })
    expect((await cli('inspect', image)).exitCode).toBe(3)
    const { exitCode, stdout, stderr } = await cli('inspect', image, '--verify', 'off')
    expect(exitCode).toBe(0)
    expect(stdout).toContain('origin      NOT VERIFIED: nobody was asked')
    expect(stderr).toContain('warning: image.bin is not verified: --verify off')
    expect((await cli('inspect', image, '--verify', 'off', '--key', keys.files.bot)).exitCode).toBe(2)
  })

  it('says so in text', async () => {
    const { stdout } = await cli('inspect', lay('plain'), '--key', keys.files.bot)
    expect(stdout).toMatch(/^origin {6}signed: .*image\.bin\.sig, by a key that is not a vendor's .*Test Buildbot/m)
  })
})

describe('oem-bake verify', () => {
  it('takes any file, and ends with 0 for a good signature', async () => {
    const file = join(directory, 'version.txt')
    writeFileSync(file, 'COREOS_BUILD=2512\n')
    writeFileSync(`${file}.sig`, keys.gpg.sign(file, keys.own))
    const { exitCode, stdout } = await runCli(['verify', file, '--key', keys.files.own], { env })
    expect(exitCode).toBe(0)
    expect(stdout).toContain(`signed by   ${keys.own}, Release Engineer <me@example.org>\n`)
    expect(stdout).toMatch(/^verdict {5}good, by a key that is not a vendor's$/m)
    const report = JSON.parse(
      (await runCli(['verify', file, '--key', keys.files.own, '--json'], { env })).stdout,
    ) as VerifyReport
    expect(report).toMatchObject({ verified: true, image: { path: file, sizeBytes: 18 }, digests: {} })
  })

  it('ends with 3 when nobody vouches, and prints the digests that it took', async () => {
    const image = lay('plain', { sha256: execFileSync('sha256sum', [images.get('plain')!.path]) })
    const { exitCode, stdout, stderr } = await runCli(['verify', image], { env })
    expect(exitCode).toBe(3)
    expect(stdout).toMatch(/^SHA-256 {5}as in .*image\.bin\.sha256$/m)
    expect(stdout).toContain('verdict     UNVERIFIED')
    expect(stderr).toContain('UNVERIFIED')
    expect((await runCli(['verify', image, '--verify', 'require'], { env })).exitCode).toBe(3)
    expect((await runCli(['verify', image, '--verify', 'off'], { env })).exitCode).toBe(2)
    expect((await runCli(['verify'], { env })).exitCode).toBe(2)
  })
})

describe('oem-bake keys', () => {
  it('adds, lists and examines what signatures are then checked with', async () => {
    const own = { ...env, XDG_CONFIG_HOME: join(directory, 'fresh') }
    const keysCli = (...words: readonly string[]) => runCli(['keys', ...words], { env: own })
    expect(await keysCli()).toMatchObject({ exitCode: 0, stdout: expect.stringContaining('no keys') })
    expect(await keysCli('doctor')).toMatchObject({
      exitCode: 3,
      stdout: expect.stringContaining('problem: there are no keys'),
    })
    expect(await keysCli('add', keys.files.bot)).toMatchObject({
      exitCode: 0,
      stdout: expect.stringContaining(`${keys.bot}  added as`),
    })
    expect(await keysCli('add', keys.files.bot)).toMatchObject({
      exitCode: 0,
      stdout: expect.stringContaining('was there'),
    })
    const listed = (await keysCli('list')).stdout
    expect(listed).toContain(`${keys.bot}  not a vendor's`)
    expect(listed).toMatch(new RegExp(`${keys.expired} +expired +2013-09-07 to 2014-09-07`))
    expect(listed).toMatch(new RegExp(`${keys.revoked} +revoked`))
    const examined = await keysCli('doctor', '--json')
    expect(examined.exitCode).toBe(0)
    expect((JSON.parse(examined.stdout) as KeysReport).findings.map(({ severity }) => severity)).toEqual([
      'note',
      'note',
      'note',
    ])
    const { exitCode } = await runCli(['verify', lay('plain')], { env: own })
    expect(exitCode).toBe(0)
  })

  it.each([['frobnicate'], ['add'], ['list', 'x'], ['add', 'x', '--key', 'y'], ['list', 'x', 'y']])(
    'refuses %j',
    async (...words) => {
      const { exitCode, stderr } = await runCli(['keys', ...words], { env })
      expect(exitCode, stderr).toBe(2)
    },
  )
})
