import { createHash } from 'node:crypto'
import { type FileHandle, open, truncate } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { FileHash } from '#src/source/file-hash.js'
import { testContext } from '../support/context.js'
import { rejectsWithCode } from '../support/errors.js'
import { memoryDirectory } from '../support/memory.js'
import { noise } from '../support/random.js'
import { threadCount } from '../support/threads.js'

const directory = memoryDirectory()
let files = 0
const MIB = 1 << 20
/** What the hash keeps states of. */
const STEP = 4 * MIB

async function withFile<T>(bytes: Buffer, run: (handle: FileHandle, path: string) => Promise<T>): Promise<T> {
  const path = join(directory, `file-${files++}`)
  await using handle = await open(path, 'wx+')
  await handle.write(bytes, 0, bytes.length, 0)
  return await run(handle, path)
}

const digest = (algorithm: string, bytes: Buffer) => createHash(algorithm).update(bytes).digest('hex')

describe('FileHash', () => {
  it.each([0, 1, MIB - 1, MIB, MIB + 1, STEP - 1, STEP, STEP + 1, 2 * STEP, 2 * STEP + 12345])(
    'gives the digests of a file of %d bytes, and SHA-512 only when it is asked for',
    async (length) => {
      const bytes = noise(length)
      await withFile(bytes, async (handle) => {
        for (const withSha512 of [false, true]) {
          await using hash = new FileHash({ withSha512 }, testContext())
          expect(await hash.whole(handle.fd, length)).toEqual({
            sha256: digest('sha256', bytes),
            ...(withSha512 ? { sha512: digest('sha512', bytes) } : {}),
          })
        }
      })
    },
  )

  it('gives the digests of a file with a new tail, from any byte on, longer or shorter, again and again', async () => {
    const size = 2 * STEP
    const bytes = noise(size)
    await withFile(bytes, async (handle) => {
      await using hash = new FileHash({ withSha512: true }, testContext())
      await hash.whole(handle.fd, size)
      for (const kept of [0, 1, STEP - 1, STEP, STEP + 1, size - 1, size]) {
        for (const tail of [noise(0), noise(1, 2), noise(MIB + 3, 3)]) {
          const edited = Buffer.concat([bytes.subarray(0, kept), tail])
          await handle.truncate(kept)
          await handle.write(tail, 0, tail.length, kept)
          expect(await hash.withNewTail(handle.fd, kept, edited.length), `${kept}+${tail.length}`).toEqual({
            sha256: digest('sha256', edited),
            sha512: digest('sha512', edited),
          })
          await handle.write(bytes, 0, size, 0)
          await handle.truncate(size)
        }
      }
    })
  })

  it('says that a file ends early, and hashes the next one as if nothing had been', async () => {
    await withFile(noise(1000), async (handle) => {
      await using hash = new FileHash({ withSha512: false }, testContext())
      const error = await rejectsWithCode(hash.whole(handle.fd, 1001), 'ERR_IO')
      expect(error.message).toContain('1000')
      expect((await hash.whole(handle.fd, 1000)).sha256).toBe(digest('sha256', noise(1000)))
    })
  })

  it('says that a file can not be read', async () => {
    await using hash = new FileHash({ withSha512: false }, testContext())
    const error = await rejectsWithCode(hash.whole(1 << 20, 10, '/some/image'), 'ERR_IO')
    expect(error.message).toMatch(/^could not hash \/some\/image: /)
    expect(error.details).toEqual({ errno: 'EBADF' })
  })

  it('says that a file became shorter before its new tail was hashed', async () => {
    await withFile(noise(5000), async (handle, path) => {
      await using hash = new FileHash({ withSha512: false }, testContext())
      await hash.whole(handle.fd, 5000)
      await truncate(path, 100)
      await rejectsWithCode(hash.withNewTail(handle.fd, 4000, 5000), 'ERR_IO')
    })
  })

  it('refuses a new tail of nothing, and takes files that are asked for at once one after the other', async () => {
    await withFile(noise(3 * MIB), async (handle) => {
      await using hash = new FileHash({ withSha512: false }, testContext())
      await rejectsWithCode(hash.withNewTail(handle.fd, 0, 10), 'ERR_IO')
      const first = hash.whole(handle.fd, 3 * MIB)
      const tails = [2 * MIB, 3 * MIB].map((size) => hash.withNewTail(handle.fd, MIB, size))
      const [whole, ...others] = await Promise.all([first, ...tails])
      expect(whole?.sha256).toBe(digest('sha256', noise(3 * MIB)))
      expect(others.map(({ sha256 }) => sha256)).toEqual(
        [2 * MIB, 3 * MIB].map((size) => digest('sha256', noise(3 * MIB).subarray(0, size))),
      )
    })
  })

  it('throws ERR_CANCELLED when the run is cancelled, then and later, and ends its thread', async () => {
    await withFile(noise(1000), async (handle) => {
      {
        await using first = new FileHash({ withSha512: false }, testContext())
        await first.whole(handle.fd, 1000)
      }
      const before = threadCount()
      {
        const abort = new AbortController()
        await using hash = new FileHash({ withSha512: true }, testContext({ signal: abort.signal }))
        // Seconds of hashing.
        await handle.truncate(2048 * MIB)
        const digests = hash.whole(handle.fd, 2048 * MIB)
        digests.catch(() => undefined)
        const waiting = hash.withNewTail(handle.fd, 0, 10).catch((error) => error)
        abort.abort()
        expect(await waiting).toMatchObject({ code: 'ERR_CANCELLED' })
        await rejectsWithCode(hash.withNewTail(handle.fd, 0, 10), 'ERR_CANCELLED')
      }
      await expect.poll(threadCount, { timeout: 10_000 }).toBeLessThanOrEqual(before)
    })
  })

  it('tells how far it is, up to the size', async () => {
    const context = testContext()
    await withFile(noise(40 * MIB), async (handle) => {
      await using hash = new FileHash({ withSha512: false }, context)
      await hash.whole(handle.fd, 40 * MIB)
    })
    const told = context.events.flatMap((event) => (event.kind === 'progress' ? [event] : []))
    expect(told.length).toBeGreaterThan(1)
    for (const { phase, doneBytes, totalBytes } of told) {
      expect([phase, totalBytes]).toEqual(['hash', 40 * MIB])
      expect(doneBytes).toBeLessThanOrEqual(40 * MIB)
    }
  })
})
