import { createHash } from 'node:crypto'
import { readFile, rm, truncate, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import type { DecodedImage } from '#src/codec/codec.js'
import { openPlain } from '#src/codec/plain.js'
import { Overlay } from '#src/overlay.js'
import { openWorkspace } from '#src/temp.js'
import { flipBit } from '../support/bits.js'
import { testContext } from '../support/context.js'
import { digestsOf } from '../support/digests.js'
import { rejectsWithCode } from '../support/errors.js'
import { withFault } from '../support/faults.js'
import { noise } from '../support/random.js'
import { temporaryDirectory } from '../support/temp.js'
import { threadCount } from '../support/threads.js'
import { withVerifiedImage } from '../support/verified.js'

const directory = temporaryDirectory()
const source = join(directory, 'image.bin')
const IMAGE = Buffer.concat([noise(200_000), Buffer.alloc(2 << 20), noise(200_000, 2)])

async function withPlain(
  run: (decoded: DecodedImage, edited: Overlay, target: string) => Promise<void>,
  context = testContext(),
  tell?: { readonly inputDigest: boolean; readonly sha512: boolean },
): Promise<void> {
  await writeFile(source, IMAGE)
  await using workspace = await openWorkspace(directory)
  await withVerifiedImage(source, async (image) => {
    const target = workspace.path('finished')
    const purpose = { kind: 'bake', target, recompress: undefined, ...(tell === undefined ? {} : { tell }) } as const
    await using decoded = await openPlain(image, purpose, context)
    const edited = new Overlay(decoded.device)
    await edited.write(150_000, Buffer.alloc(100_000, 5))
    await run(decoded, edited, target)
  })
  expect((await readFile(source)).equals(IMAGE)).toBe(true)
}

async function withDigest(text: string, run: () => Promise<void>): Promise<void> {
  await writeFile(`${source}.sha512`, `${createHash('sha512').update(text).digest('hex')}  image.bin\n`)
  await writeFile(`${source}.sha256`, `${createHash('sha256').update(IMAGE).digest('hex')}  image.bin\n`)
  try {
    await run()
  } finally {
    await rm(`${source}.sha512`)
    await rm(`${source}.sha256`)
  }
}

const EDITED = Buffer.from(IMAGE)
EDITED.fill(5, 150_000, 250_000)

describe('the codec of plain images', () => {
  it('tells the digest of the input, and SHA-512 of the output, when it is to', () =>
    withPlain(
      async (decoded, edited) => {
        await decoded.encode(edited)
        expect(await decoded.check(edited)).toEqual(digestsOf(EDITED))
        expect(await decoded.settled()).toEqual({ sha256: digestsOf(IMAGE).sha256 })
      },
      testContext(),
      { inputDigest: true, sha512: true },
    ))

  it('is the file itself', () =>
    withPlain(async (decoded) => {
      expect(decoded.codec).toEqual({ kind: 'plain' })
      expect(decoded.notes).toEqual({})
      expect((await decoded.device.read(0, IMAGE.length)).equals(IMAGE)).toBe(true)
      await decoded.settled()
      await decoded.remember({ release: '1.2.3' })
      expect(decoded.notes).toEqual({})
    }))

  it('writes the edited bytes, and gives the SHA-256 of what it finds on the disk', () =>
    withPlain(async (decoded, edited, target) => {
      expect(await decoded.encode(edited)).toBeUndefined()
      expect((await readFile(target)).equals(EDITED)).toBe(true)
      expect(await decoded.check(edited)).toEqual({ sha256: createHash('sha256').update(EDITED).digest('hex') })
    }))

  it('can not be recompressed', async () => {
    await writeFile(source, IMAGE)
    await withVerifiedImage(source, async (image) => {
      const purpose = { kind: 'bake', target: join(directory, 'target'), recompress: { level: 9 } } as const
      const error = await rejectsWithCode(openPlain(image, purpose, testContext()), 'ERR_USAGE')
      expect(error.hint).toContain('--recompress')
    })
  })

  it('writes nothing of an image that is not the one of its digests, all of which count', () =>
    withDigest('something else', () =>
      withPlain(async (decoded, edited, target) => {
        await rejectsWithCode(decoded.settled(), 'ERR_DIGEST_MISMATCH')
        await rejectsWithCode(decoded.encode(edited), 'ERR_DIGEST_MISMATCH')
        await expect(readFile(target)).rejects.toThrow()
      }),
    ))

  it('leaves no thread behind when it has taken a digest, or was left before it was taken', async () => {
    await withPlain(async () => undefined)
    const before = threadCount()
    await withDigest('something else', async () => {
      await withPlain(async () => undefined)
      await withPlain(async (decoded) => void (await decoded.settled().catch(() => undefined)))
    })
    await expect.poll(threadCount, { timeout: 10_000 }).toBeLessThanOrEqual(before)
  })

  it('fails when the disk does not take what was written: the file is synced', () =>
    withPlain(async (decoded, edited) => {
      const { fired, failure } = await withFault({ kind: 'EIO', nth: 1, operations: ['sync'] }, () =>
        decoded.encode(edited),
      )
      expect(fired).toBe('sync')
      await rejectsWithCode(Promise.reject(failure), 'ERR_IO')
    }))

  it.each<[string, (target: string) => Promise<void>]>([
    ['the first bit', (target) => writeFile(target, flipBit(EDITED, 0))],
    ['the last bit', (target) => writeFile(target, flipBit(EDITED, EDITED.length * 8 - 1))],
    ['a bit in a hole', (target) => writeFile(target, flipBit(EDITED, 8_000_000))],
    ['one byte less', (target) => truncate(target, EDITED.length - 1)],
    ['one byte more', (target) => truncate(target, EDITED.length + 1)],
    ['nothing at all', (target) => truncate(target, 0)],
  ])('finds that what was written differs in %s', (_, spoil) =>
    withPlain(async (decoded, edited, target) => {
      await decoded.encode(edited)
      await spoil(target)
      await rejectsWithCode(decoded.check(edited), 'ERR_CHECK_OUTPUT')
    }),
  )

  it('says ERR_NOT_FOUND when what was written is gone', () =>
    withPlain(async (decoded, edited) => {
      await rejectsWithCode(decoded.check(edited), 'ERR_NOT_FOUND')
    }))

  it('says ERR_IO when the nth operation of the check fails, for every n that matters', () =>
    withPlain(async (decoded, edited) => {
      await decoded.encode(edited)
      for (let nth = 1; ; nth++) {
        const { fired, failure } = await withFault({ kind: 'EIO', nth, operations: ['open', 'stat', 'read'] }, () =>
          decoded.check(edited),
        )
        if (fired === undefined) break
        await rejectsWithCode(Promise.reject(failure), 'ERR_IO')
      }
    }))

  it('stops the check when the run is cancelled', async () => {
    const abort = new AbortController()
    await withPlain(
      async (decoded, edited) => {
        await decoded.encode(edited)
        abort.abort()
        await rejectsWithCode(decoded.check(edited), 'ERR_CANCELLED')
      },
      testContext({ signal: abort.signal }),
    )
  })
})
