/** Places where a bake works that others use at the same time, or that take less than it wants. */
import { execFileSync } from 'node:child_process'
import { chmodSync, cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { rename } from 'node:fs/promises'
import { join } from 'node:path'
import { beforeEach, describe, expect, it } from 'vitest'
import { compressFile } from '../support/bzip2-file.js'
import { type RunResult, runCli, runEnvironment, startCli } from '../support/command-line.js'
import { memoryDirectory } from '../support/memory.js'
import { noise } from '../support/random.js'
import { readableCopy, UNPRIVILEGED_UID } from '../support/readable-copy.js'
import { makeSmallDisk } from '../support/small-disk.js'
import { sha256File } from '../support/snapshot.js'
import { temporaryDirectory } from '../support/temp.js'

const directory = temporaryDirectory()
const inMemory = memoryDirectory()
const checkout = readableCopy(temporaryDirectory())
const raw = makeSmallDisk(join(directory, 'image.img'), { data: noise(1 << 20) })
const compressed = compressFile(raw)
let place = ''
let places = 0
beforeEach(() => {
  place = join(directory, `place-${places++}`)
  for (const name of ['', 'tmp', 'cache', 'out']) mkdirSync(join(place, name))
})

const environment = () => ({ ...runEnvironment(join(place, 'tmp')), XDG_CACHE_HOME: join(place, 'cache') })
const output = () => join(place, 'out', 'edition.img')
const bake = (image: string, id: string, ...flags: readonly string[]): Promise<RunResult> =>
  runCli([image, '--oem-id', id, '--output', output(), ...flags], { env: environment() })

const SIDE_BY_SIDE = ['edition.img', 'edition.img.manifest.json', 'edition.img.sha256']
const expected = new Map<string, string>()

/** Digest of an undisturbed bake's output. */
async function expectedOf(image: string, id: string): Promise<string> {
  const key = `${id} ${image}`
  const known = expected.get(key)
  if (known !== undefined) return known
  const path = join(mkdtempSync(join(place, 'expected-')), 'edition.img')
  const { exitCode, stderr } = await runCli([image, '--oem-id', id, '--output', path], { env: environment() })
  expect(exitCode, stderr).toBe(0)
  const digest = sha256File(path)
  expected.set(key, digest)
  return digest
}

/** The output is one of those, and what lies beside it is about that one. */
function assertWhole(digests: readonly string[]): void {
  const digest = sha256File(output())
  expect(digests).toContain(digest)
  expect(readdirSync(join(place, 'out')).sort()).toEqual(SIDE_BY_SIDE)
  execFileSync('sha256sum', ['--check', '--quiet', '--strict', 'edition.img.sha256'], { cwd: join(place, 'out') })
  const manifest = JSON.parse(readFileSync(`${output()}.manifest.json`, 'utf8')) as { output: { sha256: string } }
  expect(manifest.output.sha256).toBe(digest)
}

describe.each([
  ['raw', raw],
  ['bzip2', compressed],
])('two bakes to one output at once (%s)', (_, image) => {
  it('one of them wins, whole; the other is told that the output exists', async () => {
    const whole = { ec2: await expectedOf(image, 'ec2'), packet: await expectedOf(image, 'packet') }
    const results = await Promise.all([bake(image, 'ec2'), bake(image, 'packet')])
    expect(results.map(({ exitCode }) => exitCode).sort()).toEqual([0, 8])
    const [winner, loser] = results[0]?.exitCode === 0 ? (['ec2', 1] as const) : (['packet', 0] as const)
    assertWhole([whole[winner]])
    expect(results[loser]?.stderr).toMatch(/^error: the output .*edition\.img.* exists already$/m)
  })

  it('with --force the output is one of the two, whole, and what lies beside it is about that one', async () => {
    const whole = [await expectedOf(image, 'ec2'), await expectedOf(image, 'packet')]
    const results = await Promise.all([bake(image, 'ec2', '--force'), bake(image, 'packet', '--force')])
    // Who comes while the other one is publishing may be told so.
    expect(results.map(({ exitCode }) => exitCode)).toContain(0)
    for (const { exitCode, stderr } of results) expect([0, 8], stderr).toContain(exitCode)
    assertWhole(whole)
  })
})

describe('temporary files on another filesystem than the output', () => {
  it.each([
    ['raw', raw],
    ['bzip2', compressed],
  ])('give the same output, and stay nowhere (%s)', async (_, image) => {
    const whole = await expectedOf(image, 'ec2')
    const { exitCode, stderr } = await bake(image, 'ec2', '--tmp-dir', inMemory)
    expect(exitCode, stderr).toBe(0)
    assertWhole([whole])
    expect(readdirSync(inMemory)).toEqual([])
  })
})

describe('a cache directory that can not be written', () => {
  it.each([
    ['is a file', () => writeFileSync(join(place, 'cache', 'oem-bake'), 'a file')],
    [
      'may not be written',
      () => {
        mkdirSync(join(place, 'cache', 'oem-bake'))
        chmodSync(join(place, 'cache', 'oem-bake'), 0o555)
      },
    ],
  ])('costs nothing but time: it %s', async (_, spoil) => {
    const whole = await expectedOf(compressed, 'ec2')
    rmSync(join(place, 'cache'), { recursive: true })
    mkdirSync(join(place, 'cache'))
    spoil()
    for (const name of ['', 'tmp', 'out']) chmodSync(join(place, name), 0o777)
    chmodSync(directory, 0o755)
    // Root may write anywhere.
    const { exitCode, stderr } = await runCli([compressed, '--oem-id', 'ec2', '--output', output()], {
      env: environment(),
      uid: UNPRIVILEGED_UID,
      checkout,
    })
    expect(exitCode, stderr).toBe(0)
    expect(stderr).not.toContain('cache')
    expect(sha256File(output())).toBe(whole)
  })
})

describe('a limit to the size of files (RLIMIT_FSIZE)', () => {
  it.each([
    ['raw', raw, []],
    ['bzip2', compressed, []],
    ['bzip2, recompressed', compressed, ['--recompress']],
  ] as const)('ends the bake with what to do about it (%s)', async (_, image, flags) => {
    const { exitCode, stderr } = await runCli([image, '--oem-id', 'ec2', '--output', output(), ...flags], {
      env: environment(),
      through: ['prlimit', '--fsize=500000'],
    })
    expect(exitCode, stderr).toBe(7)
    expect(stderr).toMatch(/^error: could not write .*finished.*the file may not be that big \(EFBIG\)$/m)
    expect(stderr).toContain('ulimit -f')
    expect(readdirSync(join(place, 'out'))).toEqual([])
  })
})

describe('an image that another file takes the place of while it is read', () => {
  it.each([
    ['raw', raw],
    ['bzip2', compressed],
  ])('is not baked: ERR_SOURCE_CHANGED (%s)', async (_, original) => {
    const image = join(place, 'image')
    const other = join(place, 'other')
    cpSync(original, image)
    cpSync(raw, other)
    const run = startCli([image, '--oem-id', 'ec2', '--output', output(), '--json', '--progress', 'json'], {
      env: environment(),
    })
    let replaced: Promise<void> | undefined
    run.child.stderr?.on('data', () => {
      if (run.stderr().includes('"phase":"read-oem"')) replaced ??= rename(other, image)
    })
    const { exitCode, stdout } = await run.ended
    await replaced
    expect(exitCode, stdout).toBe(3)
    expect(stdout).toContain('ERR_SOURCE_CHANGED')
    expect(stdout).toContain('took the place of')
    expect(readdirSync(join(place, 'out'))).toEqual([])
  })
})
