/** Standard streams that are closed, full or no file to read an image from. /dev/full is the kernel's own full disk. */
import { type ChildProcess, spawn } from 'node:child_process'
import { closeSync, existsSync, openSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { beforeEach, describe, expect, it } from 'vitest'
import { CHECKOUT, runEnvironment } from '../support/command-line.js'
import { makeSmallDisk } from '../support/small-disk.js'
import { sha256File } from '../support/snapshot.js'
import { temporaryDirectory } from '../support/temp.js'

const directory = temporaryDirectory()
const image = makeSmallDisk(join(directory, 'image.img'), { oemMiB: 5 })
const CONTENT = ['--oem-id', 'ec2'] as const
let place = ''
let places = 0
beforeEach(() => {
  place = join(directory, `place-${places++}`)
})

type Stream = 'ignore' | 'pipe' | number

interface Ended {
  readonly exitCode: number | null
  readonly stdout: string
  readonly stderr: string
}

/** Runs with those standard streams; `meddle` may do something to the child. */
function run(
  args: readonly string[],
  stdio: readonly [Stream, Stream, Stream],
  meddle: (child: ChildProcess) => void = () => undefined,
): Promise<Ended> {
  const child = spawn(process.execPath, [join(CHECKOUT, 'dist/oem-bake.js'), ...args], {
    stdio: [...stdio],
    env: { ...process.env, ...runEnvironment(directory) },
  })
  const said = { stdout: '', stderr: '' }
  child.stdout?.on('data', (text) => {
    said.stdout += text
  })
  child.stderr?.on('data', (text) => {
    said.stderr += text
  })
  meddle(child)
  return new Promise((resolve) => child.on('close', (exitCode) => resolve({ exitCode, ...said })))
}

async function withFull(args: readonly string[], which: 'stdout' | 'stderr'): Promise<Ended> {
  const full = openSync('/dev/full', 'w')
  try {
    return await run(args, which === 'stdout' ? ['ignore', full, 'pipe'] : ['ignore', 'pipe', full])
  } finally {
    closeSync(full)
  }
}

describe('a full disk behind standard output', () => {
  it.each([
    ['plan', ['plan', image, ...CONTENT]],
    ['plan --json', ['plan', image, ...CONTENT, '--json']],
    ['rules', ['rules']],
    ['bake --output -', [image, ...CONTENT, '--output', '-']],
  ])('is an error of the machine, told in one line: %s', async (_, args) => {
    const { exitCode, stderr } = await withFull(args, 'stdout')
    expect(exitCode, stderr).toBe(7)
    expect(stderr.split('\n').filter((line) => line.startsWith('error: '))).toHaveLength(1)
    expect(stderr).toContain('to standard output: no space left')
    expect(stderr).not.toMatch(/^\s+at /m)
    expect(readdirSync(directory).filter((name) => name.startsWith('.oem-bake-'))).toEqual([])
  })

  it('does not hide what went wrong before', async () => {
    const { exitCode, stderr } = await withFull(['plan', join(directory, 'nowhere'), ...CONTENT, '--json'], 'stdout')
    expect(exitCode).toBe(7)
    expect(stderr).toContain('error: could not open')
  })
})

describe('a standard error that takes nothing', () => {
  it('stops no bake', async () => {
    const { exitCode, stdout } = await withFull([image, ...CONTENT, '--output', place], 'stderr')
    expect([exitCode, stdout]).toEqual([0, `${place}\n`])
    expect(existsSync(place)).toBe(true)
  })

  it('stops no bake when its reader has gone', async () => {
    const { exitCode, stdout } = await run(
      [image, ...CONTENT, '--output', place],
      ['ignore', 'pipe', 'pipe'],
      (child) => child.stderr?.destroy(),
    )
    expect([exitCode, stdout]).toEqual([0, `${place}\n`])
  })
})

describe('a reader that closes standard output early', () => {
  it.each([
    ['plan', ['plan', image, ...CONTENT, '--json']],
    ['bake', [image, ...CONTENT]],
  ])('has read enough: %s', async (verb, args) => {
    const output = verb === 'bake' ? ['--output', place] : []
    const { exitCode, stderr } = await run([...args, ...output], ['ignore', 'pipe', 'pipe'], (child) =>
      child.stdout?.destroy(),
    )
    expect(exitCode, stderr).toBe(0)
    expect(existsSync(place)).toBe(verb === 'bake')
  })

  it('has not got the image that it was sent', async () => {
    const { exitCode, stderr } = await run([image, ...CONTENT, '--output', '-'], ['ignore', 'pipe', 'pipe'], (child) =>
      child.stdout?.once('data', () => child.stdout?.destroy()),
    )
    expect(exitCode, stderr).toBe(7)
    expect(stderr).toMatch(/^error: could not copy .* to standard output: .*EPIPE$/m)
    expect(readdirSync(directory).filter((name) => name.startsWith('.oem-bake-'))).toEqual([])
  })
})

describe('standard input as the image', () => {
  it('is refused when it is a pipe, with what to do instead', async () => {
    const { exitCode, stderr } = await run(['/dev/stdin', ...CONTENT, '--output', place], ['pipe', 'pipe', 'pipe'])
    expect(exitCode).toBe(8)
    // Node's pipes between processes are sockets.
    expect(stderr).toMatch(/^error: \/dev\/stdin is .*: expected an image file$/m)
    expect(stderr).toContain('save the image to a file first')
  })

  it('is refused by the name of -', async () => {
    const { exitCode, stderr } = await run(['-', ...CONTENT, '--output', place], ['pipe', 'pipe', 'pipe'])
    expect(exitCode).toBe(2)
    expect(stderr).toContain('not from standard input')
    expect(stderr).toContain('save the image to a file first')
  })

  it('is as good as any when it is a file', async () => {
    const file = openSync(image, 'r')
    const args = (path: string, output: string) => [path, ...CONTENT, '--output', output]
    const { exitCode, stderr } = await run(args('/dev/stdin', place), [file, 'pipe', 'pipe'])
    closeSync(file)
    expect(exitCode, stderr).toBe(0)
    await run(args(image, `${place}.expected`), ['ignore', 'pipe', 'pipe'])
    expect(sha256File(place)).toBe(sha256File(`${place}.expected`))
  })
})
