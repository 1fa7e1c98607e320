/**
 * The fault matrix's outside judge: strace makes the kernel itself give the error, so nothing of ours decides what failed or
 * how it looks. A handful of system calls; each is one that a bake can't do without.
 */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { compressFile } from '../support/bzip2-file.js'
import { type RunResult, runCli, runEnvironment } from '../support/command-line.js'
import { memoryDirectory } from '../support/memory.js'
import { noise } from '../support/random.js'
import { makeSmallDisk } from '../support/small-disk.js'
import { sha256File } from '../support/snapshot.js'

const directory = memoryDirectory()
const raw = makeSmallDisk(join(directory, 'image.img'), { oemMiB: 5 })
const compressed = compressFile(makeSmallDisk(join(directory, 'dense.img'), { data: noise(1 << 20) }))
const before = new Map([raw, compressed].map((path) => [path, sha256File(path)]))
const untouched = readdirSync(directory).sort()

interface Traced extends RunResult {
  /** That strace made fail. */
  readonly calls: readonly string[]
}

/**
 * @param injection as strace takes it: `fsync:error=EIO:when=1`; it counts the calls of each thread by themselves
 * @param of which calls count: `-P PATH` for those about a file
 */
async function bakeWith(image: string, injection: string, of: readonly string[] = []): Promise<Traced> {
  const log = join(directory, 'strace.log')
  const [call] = injection.split(':')
  const result = await runCli([image, '--oem-id', 'ec2', '--output', join(directory, 'edition'), '--no-cache'], {
    // One thread does what is asked of the kernel: which of several comes to its third call would be chance.
    env: { ...runEnvironment(directory), UV_THREADPOOL_SIZE: '1' },
    through: ['strace', '-f', '-qq', '-o', log, '-e', `trace=${call}`, '-e', `inject=${injection}`, ...of],
  })
  const calls = readFileSync(log, 'utf8')
    .split('\n')
    .filter((line) => line.endsWith('(INJECTED)'))
  return { ...result, calls }
}

interface Injection {
  readonly image: string
  readonly injection: string
  readonly of?: readonly string[]
  readonly reason: 'EIO' | 'no space left'
}

const OF_IMAGE = ['-P', compressed] as const
const OF_DIRECTORY = ['-P', directory] as const
const INJECTIONS: readonly Injection[] = [
  { image: raw, injection: 'pwrite64:error=ENOSPC:when=1', reason: 'no space left' },
  { image: raw, injection: 'fsync:error=EIO:when=1', reason: 'EIO' },
  { image: raw, injection: 'link:error=EIO:when=1', reason: 'EIO' },
  { image: raw, injection: 'fsync:error=EIO', of: OF_DIRECTORY, reason: 'EIO' },
  { image: compressed, injection: 'copy_file_range,sendfile:error=ENOSPC:when=1', reason: 'no space left' },
  { image: compressed, injection: 'fdatasync:error=ENOSPC:when=1', reason: 'no space left' },
  { image: compressed, injection: 'pread64:error=EIO:when=1', of: OF_IMAGE, reason: 'EIO' },
  { image: compressed, injection: 'pread64:error=EIO:when=3+', of: OF_IMAGE, reason: 'EIO' },
]

describe('a system call that fails, by strace', () => {
  it.each(INJECTIONS)('$injection ends the bake of $image, and there is no output', async (injected) => {
    const { image, injection, of, reason } = injected
    const { calls, exitCode, stderr } = await bakeWith(image, injection, of)
    expect(calls.length, stderr).toBeGreaterThan(0)
    expect(exitCode, stderr).toBe(7)
    expect(stderr.split('\n').filter((line) => line.startsWith('error: '))).toHaveLength(1)
    expect(stderr).toMatch(new RegExp(`^error: could not .*${reason}`, 'm'))
    expect(readdirSync(directory).sort()).toEqual([...untouched, 'strace.log'].sort())
    expect(sha256File(image)).toBe(before.get(image))
  })
})
