import { createHash } from 'node:crypto'
import { readFile, truncate, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import type { DecodedImage } from '#src/codec/codec.js'
import { openPlain } from '#src/codec/plain.js'
import { Overlay } from '#src/overlay.js'
import { openWorkspace, type Workspace } from '#src/temp.js'
import { flipBit } from '../support/bits.js'
import { testContext } from '../support/context.js'
import { rejectsWithCode } from '../support/errors.js'
import { withFault } from '../support/faults.js'
import { noise } from '../support/random.js'
import { temporaryDirectory } from '../support/temp.js'
import { withVerifiedImage } from '../support/verified.js'

const directory = temporaryDirectory()
const source = join(directory, 'image.bin')
const IMAGE = Buffer.concat([noise(200_000), Buffer.alloc(2 << 20), noise(200_000, 2)])

async function withPlain(
  run: (decoded: DecodedImage, edited: Overlay, workspace: Workspace) => Promise<void>,
  context = testContext(),
): Promise<void> {
  await writeFile(source, IMAGE)
  await using workspace = await openWorkspace(directory)
  await withVerifiedImage(source, async (image) => {
    await using decoded = openPlain(image, workspace, context)
    const edited = new Overlay(decoded.device)
    await edited.write(150_000, Buffer.alloc(100_000, 5))
    await run(decoded, edited, workspace)
  })
  expect((await readFile(source)).equals(IMAGE)).toBe(true)
}

const EDITED = Buffer.from(IMAGE)
EDITED.fill(5, 150_000, 250_000)

describe('the codec of plain images', () => {
  it('is the file itself', () =>
    withPlain(async (decoded) => {
      expect(decoded.codec).toEqual({ kind: 'plain' })
      expect(decoded.path).toBe(source)
      expect((await decoded.device.read(0, IMAGE.length)).equals(IMAGE)).toBe(true)
    }))

  it('writes the edited bytes, and gives the SHA-256 of what it finds on the disk', () =>
    withPlain(async (decoded, edited, workspace) => {
      const target = workspace.path('finished')
      expect(await decoded.encode(edited, target)).toBeUndefined()
      expect((await readFile(target)).equals(EDITED)).toBe(true)
      expect(await decoded.check(edited, target)).toBe(createHash('sha256').update(EDITED).digest('hex'))
    }))

  it('fails when the disk does not take what was written: the file is synced', () =>
    withPlain(async (decoded, edited, workspace) => {
      const { fired, failure } = await withFault({ kind: 'EIO', nth: 1, operations: ['sync'] }, () =>
        decoded.encode(edited, workspace.path('finished')),
      )
      expect(fired).toBe('sync')
      await rejectsWithCode(Promise.reject(failure), 'ERR_IO')
    }))

  it('makes one copy that may be written, however often it is asked', () =>
    withPlain(async (decoded, _, workspace) => {
      const [first, second] = await Promise.all([decoded.editablePath(), decoded.editablePath()])
      expect(second).toBe(first)
      expect(first.startsWith(workspace.directory)).toBe(true)
      await writeFile(first, 'changed')
      expect(await readFile(await decoded.editablePath(), 'utf8')).toBe('changed')
    }))

  it.each<[string, (target: string) => Promise<void>]>([
    ['the first bit', (target) => writeFile(target, flipBit(EDITED, 0))],
    ['the last bit', (target) => writeFile(target, flipBit(EDITED, EDITED.length * 8 - 1))],
    ['a bit in a hole', (target) => writeFile(target, flipBit(EDITED, 8_000_000))],
    ['one byte less', (target) => truncate(target, EDITED.length - 1)],
    ['one byte more', (target) => truncate(target, EDITED.length + 1)],
    ['nothing at all', (target) => truncate(target, 0)],
  ])('finds that what was written differs in %s', (_, spoil) =>
    withPlain(async (decoded, edited, workspace) => {
      const target = workspace.path('finished')
      await decoded.encode(edited, target)
      await spoil(target)
      await rejectsWithCode(decoded.check(edited, target), 'ERR_CHECK_OUTPUT')
    }),
  )

  it('says ERR_NOT_FOUND when what was written is gone', () =>
    withPlain(async (decoded, edited, workspace) => {
      await rejectsWithCode(decoded.check(edited, workspace.path('nothing')), 'ERR_NOT_FOUND')
    }))

  it('says ERR_IO when the nth operation of the check fails, for every n that matters', () =>
    withPlain(async (decoded, edited, workspace) => {
      const target = workspace.path('finished')
      await decoded.encode(edited, target)
      for (let nth = 1; ; nth++) {
        const { fired, failure } = await withFault({ kind: 'EIO', nth, operations: ['open', 'stat', 'read'] }, () =>
          decoded.check(edited, target),
        )
        if (fired === undefined) break
        await rejectsWithCode(Promise.reject(failure), 'ERR_IO')
      }
    }))

  it('stops the check when the run is cancelled', async () => {
    const abort = new AbortController()
    await withPlain(
      async (decoded, edited, workspace) => {
        const target = workspace.path('finished')
        await decoded.encode(edited, target)
        abort.abort()
        await rejectsWithCode(decoded.check(edited, target), 'ERR_CANCELLED')
      },
      testContext({ signal: abort.signal }),
    )
  })
})
