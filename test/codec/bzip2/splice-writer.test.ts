import { open, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { MemoryDevice } from '#src/byte-device.js'
import { SpliceWriter } from '#src/codec/bzip2/splice-writer.js'
import { BitAppender, cutBits } from '../../support/bit-pieces.js'
import { BitWriter, bitsOf } from '../../support/bits.js'
import { rejectsWithCode } from '../../support/errors.js'
import { withFault } from '../../support/faults.js'
import { memoryDirectory } from '../../support/memory.js'
import { noise } from '../../support/random.js'

const directory = memoryDirectory()
let files = 0

/** Writes into a new file that begins with these bytes; gives what the file holds in the end. */
async function written(before: Buffer, bit: number, write: (writer: SpliceWriter) => Promise<void>): Promise<Buffer> {
  const path = join(directory, `file-${files++}`)
  const handle = await open(path, 'wx+')
  try {
    const kept = Math.floor(bit / 8)
    await handle.write(before, 0, kept, 0)
    const writer = new SpliceWriter(handle, path, bit, before[kept] ?? 0)
    await write(writer)
    await writer.finish()
  } finally {
    await handle.close()
  }
  return await readFile(path)
}

const SOURCE = noise(3000)
const DEVICE = new MemoryDevice(SOURCE)
const SOURCE_BITS = bitsOf(SOURCE)
const OTHER = noise(100, 'other')
const OTHER_BITS = bitsOf(OTHER)

describe('SpliceWriter', () => {
  it('writes any bits from any bit on, and copies those of the input that have the phase', async () => {
    const piece = fc.tuple(fc.boolean(), fc.nat(2000), fc.nat(700))
    await fc.assert(
      fc.asyncProperty(fc.nat(99), fc.array(piece, { maxLength: 8 }), async (bit, pieces) => {
        const before = noise(20, bit)
        const expected = new BitWriter().bits(bitsOf(before).slice(0, bit))
        const bytes = await written(before, bit, async (writer) => {
          for (const [isCopy, start, length] of pieces) {
            expect(writer.position).toBe(expected.length)
            // The first bit from there on with the phase of the position.
            const from = isCopy ? start + ((((expected.length - start) % 8) + 8) % 8) : start
            if (isCopy) await writer.copy(DEVICE, from, from + length)
            else {
              const cut = cutBits(SOURCE, from, from + length)
              await writer.append(cut.bytes, cut.bitLength)
            }
            expected.bits(SOURCE_BITS.slice(from, from + length))
          }
          await writer.align()
        })
        expect(bytes.equals(expected.toBuffer())).toBe(true)
      }),
      { numRuns: 400 },
    )
  })

  it('leaves out what is there already, whatever the phases at both ends', async () => {
    await fc.assert(
      fc.asyncProperty(fc.nat(90), fc.nat(200), fc.integer({ min: 17, max: 3000 }), fc.nat(50), async (...bits) => {
        const [first, replaced, left, last] = bits
        const from = first + replaced
        const to = from + left
        const path = join(directory, `file-${files++}`)
        await writeFile(path, SOURCE)
        const handle = await open(path, 'r+')
        try {
          const writer = new SpliceWriter(handle, path, first, SOURCE[Math.floor(first / 8)] ?? 0)
          await writer.append(OTHER, replaced)
          await writer.skip(DEVICE, to)
          expect(writer.position).toBe(to)
          await writer.append(OTHER, last)
          await writer.copy(DEVICE, to + last, Math.ceil((to + last) / 8) * 8)
          await writer.finish()
        } finally {
          await handle.close()
        }
        const expected = new BitWriter()
          .bits(SOURCE_BITS.slice(0, first))
          .bits(OTHER_BITS.slice(0, replaced))
          .bits(SOURCE_BITS.slice(from, to))
          .bits(OTHER_BITS.slice(0, last))
          .bits(SOURCE_BITS.slice(to + last))
        expect((await readFile(path)).equals(expected.toBuffer())).toBe(true)
      }),
      { numRuns: 300 },
    )
  })

  it('writes more than its buffer of a MiB, appended and copied, at every phase', async () => {
    const large = noise(2_500_000, 7)
    const device = new MemoryDevice(large)
    for (let phase = 0; phase < 8; phase++) {
      const head = noise(1, phase)
      const bits = large.length * 8 - 16
      const bytes = await written(head, phase, async (writer) => {
        await writer.copy(device, phase, bits)
        await writer.align()
        const cut = cutBits(large, 3, bits - phase)
        await writer.append(cut.bytes, cut.bitLength)
        await writer.align()
      })
      expect(bytes.subarray(1, large.length - 2).equals(large.subarray(1, -2)), `copy at ${phase}`).toBe(true)
      const plain = (of: Buffer, from: number, to: number) => new BitAppender().append(cutBits(of, from, to)).toBuffer()
      const appended = plain(bytes, bits, bits + bits - phase - 3)
      expect(appended.equals(plain(large, 3, bits - phase)), `append at ${phase}`).toBe(true)
    }
  })

  it('refuses to copy bits of another phase, and to end inside a byte', async () => {
    await rejectsWithCode(
      written(SOURCE, 9, (writer) => writer.copy(DEVICE, 10, 100)),
      'ERR_INTERNAL',
    )
    await rejectsWithCode(
      written(SOURCE, 0, (writer) => writer.append(SOURCE, 13)),
      'ERR_INTERNAL',
    )
    expect(
      await written(SOURCE, 9, async (writer) => {
        await writer.copy(DEVICE, 10, 10)
        await writer.align()
      }),
    ).toHaveLength(2)
  })

  it.each([
    ['ENOSPC', 'ERR_NO_SPACE'],
    ['EIO', 'ERR_IO'],
    ['nothing', 'ERR_IO'],
  ] as const)('says so when a write fails with %s', async (kind, code) => {
    const { failure } = await withFault({ kind, nth: 2, operations: ['write'] }, () =>
      written(SOURCE, 80, (writer) => writer.append(SOURCE, SOURCE.length * 8)),
    )
    await rejectsWithCode(Promise.reject(failure), code)
  })
})
