import { writeFileSync } from 'node:fs'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { indexWhole } from '#src/codec/bzip2/full-index.js'
import type { OemBakeError } from '#src/errors.js'
import { BZIP2_PROGRAMS, compress } from '../../support/bzip2.js'
import { withFile } from '../../support/bzip2-files.js'
import { blocksOf, type LaidOutFile, layOut, phaseBlock, takeApart } from '../../support/bzip2-layout.js'
import { plainLayout, plainMap } from '../../support/chains.js'
import { testContext } from '../../support/context.js'
import { rejectsWithCode } from '../../support/errors.js'
import { falseMagicBlock } from '../../support/false-magics.js'
import { noise, prose } from '../../support/random.js'
import { imageContent } from '../../support/splice-cases.js'
import { temporaryDirectory } from '../../support/temp.js'
import { threadCount } from '../../support/threads.js'
import { forEachOf } from '../../support/verified.js'

const directory = temporaryDirectory()

const index = (bytes: Buffer, rangeBytes?: number, context = testContext()) =>
  withFile(directory, bytes, (file) => indexWhole(file, context, rangeBytes))

async function expectMapped(file: LaidOutFile, rangeBytes?: number): Promise<void> {
  const map = await index(file.bytes, rangeBytes)
  expect(plainMap(map)).toEqual(plainLayout(file))
  expect(map.rawEnd).toBe(file.decoded.length)
}

const SMALL = Array.from({ length: 40 }, (_, nth) => phaseBlock(nth % 8, nth))
const EMPTY = { level: 1, blocks: [] }
const MANY = layOut([
  { level: 1, blocks: SMALL.slice(0, 15) },
  EMPTY,
  EMPTY,
  { level: 9, blocks: [...blocksOf(noise(90_000), 1, 'bzip2'), ...SMALL.slice(15)] },
  EMPTY,
])

describe('the full index', () => {
  it.each(BZIP2_PROGRAMS)('maps what %s writes, at levels 1 and 9', async (program) => {
    for (const level of [1, 9])
      await expectMapped(layOut(takeApart(compress(imageContent(level, 'full'), level, program))))
  })

  it('maps the same however small the ranges of the workers are: blocks begin in, end in and reach over them', async () => {
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 700, max: 100_000 }), (rangeBytes) => expectMapped(MANY, rangeBytes)),
      { numRuns: 12 },
    )
  })

  it('maps blocks that begin at the very borders of ranges', async () => {
    const starts = MANY.blocks.filter(({ startBit }) => startBit % 8 === 0).map(({ startBit }) => startBit / 8)
    expect(starts.length).toBeGreaterThan(2)
    for (const start of starts.slice(1, 6)) {
      await expectMapped(MANY, start)
      await expectMapped(MANY, start + 1)
      if (start > 700) await expectMapped(MANY, start - 1)
    }
  })

  it.each(['block', 'footer'] as const)(
    'is not taken in by the %s magic in a block at the border of a range',
    async (magic) => {
      // The magic lies at the same place of each file, whatever the range: before, on and behind its border.
      const crafted = falseMagicBlock(magic, 6000, 3000)
      const file = layOut([{ level: 9, blocks: [SMALL[1]!, crafted, ...SMALL.slice(2, 20)] }])
      const at = Math.floor(file.blocks[1]!.startBit / 8) + 4 + 32 + 3000
      await forEachOf(
        [at - 200, at - 60, at - 8, at, at + 1, at + 60, at + 200],
        (range) => expectMapped(file, range),
        1,
      )
    },
  )

  it('maps a file with a false magic every few hundred bytes', async () => {
    const blocks = Array.from({ length: 50 }, (_, nth) =>
      falseMagicBlock(nth % 2 ? 'block' : 'footer', 300, 100, nth % 8),
    )
    const file = layOut([{ level: 9, blocks }])
    await expectMapped(file)
    await expectMapped(file, 2000)
  })

  it('maps a file of nothing but empty streams, and one without any block at all', async () => {
    await expectMapped(layOut([EMPTY]))
    await expectMapped(layOut(Array.from({ length: 300 }, () => EMPTY)), 1000)
  })

  it.each<[string, Buffer, string]>([
    ['a corrupt block', flipByte(MANY.bytes, MANY.blocks[3]!.startBit / 8 + 60), 'ERR_BZIP2_CORRUPT'],
    ['a corrupt combined CRC', flipByte(MANY.bytes, MANY.streams[0]!.footerBit / 8 + 8), 'ERR_BZIP2_CORRUPT'],
    ['no bytes', Buffer.alloc(0), 'ERR_BZIP2_TRUNCATED'],
    ['nothing but a header', MANY.bytes.subarray(0, 4), 'ERR_BZIP2_TRUNCATED'],
    ['the last byte missing', MANY.bytes.subarray(0, -1), 'ERR_BZIP2_TRUNCATED'],
    ['one byte too many', Buffer.concat([MANY.bytes, Buffer.alloc(1)]), 'ERR_BZIP2_TRAILING_GARBAGE'],
    ['zeros to the next MiB', Buffer.concat([MANY.bytes, Buffer.alloc(1 << 20)]), 'ERR_BZIP2_TRAILING_GARBAGE'],
    ['another stream cut short', Buffer.concat([MANY.bytes, MANY.bytes.subarray(0, 300)]), 'ERR_BZIP2_TRUNCATED'],
  ])('refuses a file with %s, whatever the ranges', async (_, bytes, code) => {
    for (const range of [1 << 20, 5000]) {
      const error = await rejectsWithCode(index(bytes, range), code)
      expect(error.exitCode).toBe(4)
      expect(error.message).toContain('image.bz2')
    }
  })

  it('names the bit where the damaged block begins', async () => {
    for (const block of [MANY.blocks[0]!, MANY.blocks[20]!, MANY.blocks.at(-1)!]) {
      const bytes = flipByte(MANY.bytes, Math.floor(block.startBit / 8) + 70)
      const error = await rejectsWithCode(index(bytes, 4000), 'ERR_BZIP2_CORRUPT')
      expect(error.details).toEqual({ bit: block.startBit })
    }
  })

  it('counts its progress up to the whole file', async () => {
    const context = testContext()
    await index(MANY.bytes, 10_000, context)
    const done = context.events.flatMap((event) => (event.kind === 'progress' ? [event.doneBytes] : []))
    expect(done.at(-1)).toBe(MANY.bytes.length)
    expect(done).toEqual([...done].sort((a, b) => a - b))
  })
})

describe('the workers of the full index', () => {
  const big = layOut([
    { level: 1, blocks: Array.from({ length: 12 }, () => blocksOf(prose(400_000), 1, 'bzip2')).flat() },
  ])

  it('have ended when the index is there, when it fails, and when it is cancelled', async () => {
    await index(MANY.bytes, 5000)
    const before = threadCount()
    await index(MANY.bytes, 5000)
    await expect.poll(threadCount, { timeout: 10_000 }).toBeLessThanOrEqual(before)
    await rejectsWithCode(index(MANY.bytes.subarray(0, -1), 5000), 'ERR_BZIP2_TRUNCATED')
    await expect.poll(threadCount, { timeout: 10_000 }).toBeLessThanOrEqual(before)
    const abort = new AbortController()
    const context = { ...testContext({ signal: abort.signal }), report: () => abort.abort() }
    await rejectsWithCode(index(big.bytes, 10_000, context), 'ERR_CANCELLED')
    await expect.poll(threadCount, { timeout: 10_000 }).toBeLessThanOrEqual(before)
  })

  it('are not started for a run that is cancelled already', async () => {
    await rejectsWithCode(index(MANY.bytes, 5000, testContext({ signal: AbortSignal.abort() })), 'ERR_CANCELLED')
  })

  it('stop at any moment of a cancelled run with ERR_CANCELLED and nothing else', async () => {
    for (let delayMs = 0; delayMs < 60; delayMs += 6) {
      const abort = new AbortController()
      setTimeout(() => abort.abort(), delayMs)
      const failure = await index(big.bytes, 10_000, testContext({ signal: abort.signal })).catch((error) => error)
      if (failure instanceof Error) expect((failure as OemBakeError).code).toBe('ERR_CANCELLED')
    }
  })

  it('say that the file became shorter while they read it', async () => {
    await withFile(directory, MANY.bytes, async (file, path) => {
      writeFileSync(path, MANY.bytes.subarray(0, MANY.bytes.length - 3000))
      const error = await rejectsWithCode(indexWhole(file, testContext(), 5000), 'ERR_IO')
      expect(error.message).toContain('ends at byte')
    })
  })

  it('say that the file can not be read', async () => {
    await withFile(directory, MANY.bytes, async (file) => {
      const error = await rejectsWithCode(indexWhole({ ...file, fd: 1 << 20 }, testContext(), 5000), 'ERR_IO')
      expect(error.details).toEqual({ errno: 'EBADF' })
    })
  })
})

function flipByte(bytes: Buffer, at: number): Buffer {
  const copy = Buffer.from(bytes)
  copy[Math.floor(at)]! ^= 0x10
  return copy
}
