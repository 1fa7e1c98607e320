import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type MagicHit, MagicScanner } from '#src/codec/bzip2/scan.js'
import { BitWriter, bitsOf } from '../../support/bits.js'
import { BLOCK_MAGIC, compress, END_OF_STREAM_MAGIC, referenceHits } from '../../support/bzip2.js'
import { noise, piecesAt, prose } from '../../support/random.js'

function scan(pieces: readonly Buffer[]): MagicHit[] {
  const scanner = new MagicScanner()
  return [...pieces.flatMap((piece) => scanner.push(piece)), ...scanner.finish()]
}

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

const cuts = fc.array(fc.nat(1000), { maxLength: 8 })

describe('MagicScanner', () => {
  it.each(MAGICS)('finds exactly the %s magic that was put at any bit, wherever the file is cut', (kind, magic) => {
    fc.assert(
      fc.property(
        fc.uint8Array({ minLength: 10, maxLength: 60 }),
        fc.nat(1000),
        fc.integer({ min: 0, max: 2 ** 32 - 1 }),
        cuts,
        (around, place, crc, cutAt) => {
          const bitOffset = place % (around.length * 8 - 80 + 1)
          const bytes = planted(magic, crc, bitOffset, Buffer.from(around))
          expect(scan(piecesAt(bytes, cutAt))).toEqual([{ kind, bitOffset, crc }])
        },
      ),
      { numRuns: 2000 },
    )
  })

  it.each(MAGICS)(
    'finds a %s magic at each of the eight phases, across each border between two pieces',
    (kind, magic) => {
      for (let phase = 0; phase < 8; phase++) {
        const bitOffset = 80 + phase
        const bytes = planted(magic, 0xdeadbeef, bitOffset, noise(40))
        for (let cut = 0; cut <= bytes.length; cut++)
          expect(scan(piecesAt(bytes, [cut])), `phase ${phase}, cut ${cut}`).toEqual([
            { kind, bitOffset, crc: 0xdeadbeef },
          ])
      }
    },
  )

  it.each(MAGICS)('finds a %s magic in the first and in the last bits of a file', (kind, magic) => {
    const alone = new BitWriter().put(magic, 48).put(7, 32).toBuffer()
    expect(scan([alone])).toEqual([{ kind, bitOffset: 0, crc: 7 }])
    expect(scan(piecesAt(alone, [1, 2, 3, 4, 5, 6, 7, 8, 9]))).toEqual([{ kind, bitOffset: 0, crc: 7 }])
    for (let phase = 0; phase < 8; phase++) {
      const atEnd = new BitWriter().put(0, phase).put(magic, 48).put(7, 32).toBuffer()
      expect(scan([atEnd])).toEqual([{ kind, bitOffset: phase, crc: 7 }])
    }
  })

  it('finds no magic whose CRC the file cuts off', () => {
    for (const [, magic] of MAGICS) {
      for (let phase = 0; phase < 8; phase++) {
        const whole = new BitWriter().put(0, phase).put(magic, 48).put(0xffffffff, 32).toBuffer()
        for (let length = 0; length < whole.length; length++) expect(scan([whole.subarray(0, length)])).toEqual([])
      }
    }
  })

  it('finds magics that stand back to back', () => {
    const writer = new BitWriter().put(1, 3)
    for (let count = 0; count < 20; count++) writer.put(MAGICS[count % 2]![1], 48).put(count, 32)
    const bytes = writer.toBuffer()
    expect(scan([bytes])).toEqual(referenceHits(bytes))
    expect(scan([bytes])).toHaveLength(20)
  })

  it('finds no magic in which one bit is wrong', () => {
    for (const [, magic] of MAGICS)
      for (let bit = 0n; bit < 48n; bit++) expect(scan([planted(magic ^ (1n << bit), 1, 13, noise(30))])).toEqual([])
  })

  it.each([1, 5, 9])(
    'agrees with the plain search on what bzip2 -%d writes: whole, byte by byte, at random cuts',
    (level) => {
      const bytes = Buffer.concat([
        compress(prose(400_000), level),
        compress(noise(150_000), level),
        compress(Buffer.alloc(0)),
      ])
      const expected = referenceHits(bytes)
      expect(expected.length).toBeGreaterThan(4)
      expect(scan([bytes])).toEqual(expected)
      expect(scan(Array.from(bytes.subarray(0), (_, index) => bytes.subarray(index, index + 1)))).toEqual(expected)
      fc.assert(
        fc.property(fc.array(fc.nat(bytes.length), { maxLength: 30 }), (cutAt) => {
          expect(scan(piecesAt(bytes, cutAt))).toEqual(expected)
        }),
        { numRuns: 25 },
      )
    },
  )

  it('counts bits exactly beyond 2^32', () => {
    // 600 MiB in pieces of zeros, then a magic: more bits than 32 can count.
    const zeros = Buffer.alloc(60 << 20)
    const scanner = new MagicScanner()
    for (let count = 0; count < 10; count++) expect(scanner.push(zeros)).toEqual([])
    const hits = [
      ...scanner.push(new BitWriter().put(0, 5).put(BLOCK_MAGIC, 48).put(1, 32).toBuffer()),
      ...scanner.finish(),
    ]
    expect(hits).toEqual([{ kind: 'block', bitOffset: 600 * 2 ** 20 * 8 + 5, crc: 1 }])
  })

  it('gives out what it has found before the file has ended', () => {
    const scanner = new MagicScanner()
    const bytes = planted(BLOCK_MAGIC, 1, 3, noise(60))
    expect(scanner.push(bytes)).toHaveLength(1)
    expect(scanner.finish()).toEqual([])
  })

  it('says nothing about no bytes', () => {
    expect(scan([])).toEqual([])
    expect(scan([Buffer.alloc(0), Buffer.alloc(0)])).toEqual([])
  })
})
