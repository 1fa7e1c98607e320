import { describe, expect, it } from 'vitest'
import { chainBroken, corrupt } from '#src/codec/bzip2/damage.js'
import { flipBit } from '../../support/bits.js'
import { compress } from '../../support/bzip2.js'
import {
  assertFlipRefusedByDigest,
  assertFlipSeen,
  indexVerdictOf,
  isPadding,
  placesIn,
  VARIED,
  verdictOf,
} from '../../support/bzip2-damage.js'
import { blocksOf, type LaidOutFile, layOut, phaseBlock, takeApart } from '../../support/bzip2-layout.js'
import { memoryDirectory } from '../../support/memory.js'
import { prose } from '../../support/random.js'

const directory = memoryDirectory()

const SMALL = layOut(takeApart(compress(Buffer.from('oem oem'))))
const STREAMS = layOut([
  { level: 1, blocks: [phaseBlock(3), ...blocksOf(Buffer.alloc(120_000), 1, 'bzip2')] },
  { level: 2, blocks: [] },
  { level: 1, blocks: [phaseBlock(6), ...blocksOf(prose(1000), 1, 'bzip2')] },
])

describe('a file cut at any byte', () => {
  it.each<[string, LaidOutFile]>([
    ['one stream', SMALL],
    ['three streams', STREAMS],
  ])('is refused, but where a stream ends: %s', (_, { bytes, streams }) => {
    const ends = streams.map(({ footerBit }) => Math.ceil((footerBit + 80) / 8))
    for (let length = 1; length < bytes.length; length++) {
      const found = verdictOf(bytes.subarray(0, length))
      const behind = length - Math.max(0, ...ends.filter((end) => end <= length))
      // A whole number of streams is a whole file: nothing but a digest or the disk's own size can tell.
      if (behind === 0) expect(found, `${length}`).toBe('taken')
      // Up to three bytes of a header are not one.
      else expect(found, `${length}`).toBe(behind < 4 ? 'ERR_BZIP2_TRAILING_GARBAGE' : 'ERR_BZIP2_TRUNCATED')
    }
  })

  it('is refused by the full index', async () => {
    for (let length = 4; length < SMALL.bytes.length; length++)
      expect(await indexVerdictOf(SMALL.bytes.subarray(0, length), directory)).toBe('ERR_BZIP2_TRUNCATED')
  })
})

describe('a file with one bit the other way', () => {
  it.each<[string, LaidOutFile]>([
    ['one stream', SMALL],
    [
      'three streams',
      layOut([{ level: 1, blocks: [phaseBlock(3)] }, { level: 2, blocks: [] }, ...takeApart(SMALL.bytes)]),
    ],
  ])('is refused for any bit, but padding and what changes nothing by the word of bzip2: %s', (_, file) => {
    let harmless = 0
    for (let bit = 0; bit < file.bytes.length * 8; bit++) {
      const found = verdictOf(flipBit(file.bytes, bit))
      if (isPadding(file, bit)) expect(found, `padding ${bit}`).toBe('taken')
      else if (!assertFlipSeen(file, bit, found)) harmless++
    }
    // The level, and what a table has that no selector names: crafted blocks have a whole one.
    expect(harmless).toBeLessThan(file.bytes.length * 8 * 0.3)
  })

  it('is found out two thousand times in a file of many blocks', () => {
    const found = placesIn(VARIED, 2000).filter((bit) =>
      assertFlipSeen(VARIED, bit, verdictOf(flipBit(VARIED.bytes, bit))),
    )
    expect(found.length).toBeGreaterThan(1980)
  })

  it('is found out by the full index, and by the digest in tail mode (test/full/damage.test.ts: two thousand times)', async () => {
    for (const bit of placesIn(VARIED, 40)) {
      assertFlipSeen(VARIED, bit, await indexVerdictOf(flipBit(VARIED.bytes, bit), directory))
      await assertFlipRefusedByDigest(VARIED, bit, directory)
    }
  })
})

describe('the words for damage', () => {
  it('name the file, the bit and the byte', () => {
    const error = corrupt('image.bz2', 83, 'it is bad')
    expect(error.message).toBe('image.bz2 is damaged at bit 83 (byte 10): it is bad')
    expect(error.details).toEqual({ bit: 83 })
    expect(error.hint).toContain('download the image again')
  })

  it('count the bytes behind the last stream', () => {
    const stop = { kind: 'trailing', bit: 800 } as const
    expect(chainBroken('x', stop, 101)).toMatchObject({
      code: 'ERR_BZIP2_TRAILING_GARBAGE',
      details: { offset: 100, extraBytes: 1 },
    })
    expect(chainBroken('x', stop, 101).message).toContain('1 more byte after')
    expect(chainBroken('x', stop, 105).message).toContain('5 more bytes after')
  })

  it('tell a cut file from a corrupt one', () => {
    const fault = (name: 'cut-off' | 'crc' | 'too-big') => chainBroken('x', { kind: 'fault', fault: name, bit: 8 }, 50)
    expect(fault('cut-off')).toMatchObject({ code: 'ERR_BZIP2_TRUNCATED', details: { bit: 8, sizeBytes: 50 } })
    expect(fault('crc')).toMatchObject({ code: 'ERR_BZIP2_CORRUPT', details: { bit: 8 } })
    expect(fault('too-big')).toMatchObject({ code: 'ERR_BZIP2_CORRUPT' })
  })
})
