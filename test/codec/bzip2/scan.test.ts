import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type MagicHit, magicsIn, SPAN_BYTES } from '#src/codec/bzip2/scan.js'
import { BitWriter, bitsOf } from '../../support/bits.js'
import { BLOCK_MAGIC, compress, END_OF_STREAM_MAGIC, referenceHits } from '../../support/bzip2.js'
import { noise, prose } from '../../support/random.js'

const scan = (bytes: Buffer, base = 0): MagicHit[] => [...magicsIn(bytes, base)]

const MAGICS = [
  ['block', BLOCK_MAGIC],
  ['end-of-stream', END_OF_STREAM_MAGIC],
] as const

/** A magic and its CRC written over random bytes, from any bit on. */
function planted(magic: bigint, crc: number, bitOffset: number, around: Buffer): Buffer {
  const bits = bitsOf(around)
  const inserted = new BitWriter().put(magic, 48).put(crc, 32).toString()
  return new BitWriter().bits(bits.slice(0, bitOffset) + inserted + bits.slice(bitOffset + 80)).toBuffer()
}

/** What the plain search finds that begins at least a span before the end. */
const expectedIn = (bytes: Buffer): MagicHit[] =>
  referenceHits(bytes).filter(({ bitOffset }) => Math.floor(bitOffset / 8) + SPAN_BYTES <= bytes.length)

describe('magicsIn', () => {
  it.each(MAGICS)('finds exactly the %s magic that was put at any bit', (kind, magic) => {
    fc.assert(
      fc.property(
        fc.uint8Array({ minLength: 11, maxLength: 60 }),
        fc.nat(1000),
        fc.integer({ min: 0, max: 2 ** 32 - 1 }),
        (around, place, crc) => {
          const bitOffset = place % ((around.length - SPAN_BYTES + 1) * 8)
          const bytes = planted(magic, crc, bitOffset, Buffer.from(around))
          expect(scan(bytes)).toEqual([{ kind, bitOffset, crc }])
        },
      ),
      { numRuns: 2000 },
    )
  })

  it.each(MAGICS)('leaves out a %s magic that begins less than a span before the end, and no other', (kind, magic) => {
    for (let phase = 0; phase < 8; phase++) {
      for (let before = 0; before < 3; before++) {
        const bytes = planted(magic, 7, before * 8 + phase, noise(before + SPAN_BYTES))
        expect(scan(bytes)).toEqual([{ kind, bitOffset: before * 8 + phase, crc: 7 }])
        expect(scan(bytes.subarray(0, -1))).toEqual([])
      }
    }
  })

  it('finds magics that stand back to back', () => {
    const writer = new BitWriter().put(1, 3)
    for (let count = 0; count < 20; count++) writer.put(MAGICS[count % 2]![1], 48).put(count, 32)
    const bytes = writer.put(0, 32).toBuffer()
    expect(scan(bytes)).toEqual(referenceHits(bytes))
    expect(scan(bytes)).toHaveLength(20)
  })

  it('finds no magic in which one bit is wrong', () => {
    for (const [, magic] of MAGICS)
      for (let bit = 0n; bit < 48n; bit++) expect(scan(planted(magic ^ (1n << bit), 1, 13, noise(30)))).toEqual([])
  })

  it.each([1, 5, 9])('agrees with the plain search on what bzip2 -%d writes, whole and in stretches', (level) => {
    const bytes = Buffer.concat([
      compress(prose(400_000), level),
      compress(noise(150_000), level),
      compress(Buffer.alloc(0)),
    ])
    const expected = expectedIn(bytes)
    expect(expected.length).toBeGreaterThanOrEqual(4)
    expect(scan(bytes)).toEqual(expected)
    fc.assert(
      fc.property(fc.nat(bytes.length), fc.nat(bytes.length), (a, b) => {
        const [from, to] = [Math.min(a, b), Math.max(a, b)]
        const inside = expected.filter(({ bitOffset }) => {
          const byte = Math.floor(bitOffset / 8)
          return byte >= from && byte + SPAN_BYTES <= to
        })
        expect(scan(bytes.subarray(from, to), from)).toEqual(inside)
      }),
      { numRuns: 25 },
    )
  })

  it('counts bits exactly beyond 2^32', () => {
    const base = 600 * 2 ** 20
    const bytes = new BitWriter().put(0, 5).put(BLOCK_MAGIC, 48).put(1, 32).put(0, 11).toBuffer()
    expect(scan(bytes, base)).toEqual([{ kind: 'block', bitOffset: base * 8 + 5, crc: 1 }])
  })

  it('gives out what it has found before it looks on', () => {
    const bytes = Buffer.concat([planted(BLOCK_MAGIC, 1, 3, noise(60)), Buffer.alloc(1 << 20)])
    const hits = magicsIn(bytes, 0)
    expect(hits.next().value).toEqual({ kind: 'block', bitOffset: 3, crc: 1 })
  })

  it('says nothing about fewer bytes than a magic can take', () => {
    for (let length = 0; length < SPAN_BYTES; length++) expect(scan(Buffer.alloc(length, 0x31))).toEqual([])
  })
})
