import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { appendFileSync, copyFileSync, renameSync, utimesSync, writeFileSync } from 'node:fs'
import { type FileHandle, open } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { FileHash } from '#src/source/file-hash.js'
import { HASH_THREAD } from '#src/source/hash-thread.js'
import { HeadStart } from '#src/source/head-start.js'
import { testContext } from '../support/context.js'
import { memoryDirectory } from '../support/memory.js'
import { noise } from '../support/random.js'

const directory = memoryDirectory()
let files = 0
const MIB = 1 << 20
const BYTES = noise(9 * MIB + 123)

function newFile(bytes = BYTES): string {
  const path = join(directory, `file-${files++}`)
  writeFileSync(path, bytes)
  // Old: a write of now has another time for certain.
  utimesSync(path, 1e9, 1e9)
  return path
}

const sha256 = (bytes: Buffer): string => createHash('sha256').update(bytes).digest('hex')

/** A head start that has come beyond some bytes of the file. */
async function startedOn(path: string, beyond: number): Promise<HeadStart> {
  return await new Promise((resolve) => {
    const started: HeadStart = new HeadStart(path, (_, offset) => {
      if (offset >= beyond) resolve(started)
    })
  })
}

async function withHandle<T>(path: string, use: (handle: FileHandle) => Promise<T>): Promise<T> {
  await using handle = await open(path)
  return await use(handle)
}

describe('HeadStart', () => {
  it('has hashed what it says that it has, and stops in the middle when it is asked', async () => {
    const path = newFile()
    const start = await startedOn(path, 2 * MIB)
    const hashed = await withHandle(path, ({ fd }) => start.endFor(fd, BYTES.length))
    expect(hashed?.offset).toBeGreaterThanOrEqual(2 * MIB)
    expect(hashed?.offset).toBeLessThan(BYTES.length)
    expect(hashed?.sha256.digest('hex')).toBe(sha256(BYTES.subarray(0, hashed?.offset)))
  })

  it.each<[string, (path: string) => string]>([
    ['another file of the same bytes', (path) => copyOf(path)],
    [
      'the same name, another file',
      (path) => {
        renameSync(copyOf(path), path)
        return path
      },
    ],
    [
      'the same file, written to since',
      (path) => {
        writeFileSync(path, noise(BYTES.length, 2))
        return path
      },
    ],
    [
      'the same file, longer by now',
      (path) => {
        appendFileSync(path, 'x')
        return path
      },
    ],
  ])('counts for nothing where the question is about %s', async (_, change) => {
    const path = newFile()
    const start = await startedOn(path, 2 * MIB)
    const asked = change(path)
    expect(await withHandle(asked, async (handle) => start.endFor(handle.fd, (await handle.stat()).size))).toBe(
      undefined,
    )
  })

  it.each([
    ['a pipe', () => pipe()],
    ['a directory', () => directory],
    ['nothing at all', () => join(directory, 'absent')],
  ])('is none on %s, and does not wait for it', async (_, name) => {
    const start = new HeadStart(name(), () => undefined)
    expect(await withHandle('/dev/null', ({ fd }) => start.endFor(fd, 0))).toBe(undefined)
  })
})

function copyOf(path: string): string {
  copyFileSync(path, `${path}.copy`)
  utimesSync(`${path}.copy`, 1e9, 1e9)
  return `${path}.copy`
}

function pipe(): string {
  const path = join(directory, 'pipe')
  execFileSync('mkfifo', [path])
  return path
}

describe('FileHash after a head start', () => {
  it.each<[string, (path: string) => string]>([
    ['of the file', (path) => path],
    ['of another file', () => newFile(noise(BYTES.length, 3))],
    ['of no file', () => join(directory, 'absent')],
  ])('%s gives the digests of the file, and of one with a new tail', async (_, early) => {
    const path = newFile()
    for (const withSha512 of [false, true]) {
      HASH_THREAD.startEarly({ kind: 'head start', path: early(path) })
      await using hash = new FileHash({ withSha512 }, testContext())
      await withHandle(path, async ({ fd }) => {
        expect((await hash.whole(fd, BYTES.length)).sha256).toBe(sha256(BYTES))
        const tail = noise(1000, 4)
        const edited = Buffer.concat([BYTES.subarray(0, 7 * MIB + 1), tail])
        await withHandle(newFile(edited), async (other) => {
          expect((await hash.withNewTail(other.fd, 7 * MIB + 1, edited.length)).sha256).toBe(sha256(edited))
        })
      })
    }
  })
})
