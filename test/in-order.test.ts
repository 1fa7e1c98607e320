import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type ByteDevice, MemoryDevice } from '#src/byte-device.js'
import { MachineError } from '#src/errors.js'
import { InOrderComparison, readInOrder } from '#src/in-order.js'
import { Overlay } from '#src/overlay.js'
import { byteLength } from '#src/units.js'
import { rejectsWithCode } from './support/errors.js'
import { noise, piecesAt } from './support/random.js'

/** Reads only: what `fill` does for devices that can't take a buffer. */
function plainDevice(bytes: Buffer): ByteDevice {
  const memory = new MemoryDevice(bytes)
  return { size: memory.size, read: (offset, length) => memory.read(offset, length) }
}

async function gather(device: ByteDevice, pieceBytes: number): Promise<Buffer> {
  const copies: Buffer[] = []
  for await (const { offset, bytes } of readInOrder(device, pieceBytes)) {
    expect(offset).toBe(copies.reduce((sum, copy) => sum + copy.length, 0))
    copies.push(Buffer.from(bytes))
  }
  return Buffer.concat(copies)
}

describe('readInOrder', () => {
  it('gives every byte once, in order, whatever the piece size', async () => {
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 0, max: 300 }), fc.integer({ min: 1, max: 64 }), async (length, piece) => {
        const bytes = noise(length, length)
        expect(await gather(plainDevice(bytes), piece)).toEqual(bytes)
      }),
    )
  })

  it('leaves a piece alone until the next one is asked for, although that is being read already', async () => {
    const bytes = noise(64)
    for await (const piece of readInOrder(plainDevice(bytes), 16)) {
      await new Promise((resolve) => setImmediate(resolve))
      expect(piece.bytes).toEqual(bytes.subarray(piece.offset, piece.offset + 16))
    }
  })

  it('sees what was written to an overlay, at every cut', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.nat(9000),
        fc.uint8Array({ minLength: 1, maxLength: 5000 }),
        fc.integer({ min: 1000, max: 9000 }),
        async (offset, edit, piece) => {
          const below = noise(3 * 4096 + 1700)
          const overlay = new Overlay(new MemoryDevice(below))
          await overlay.write(offset, edit)
          const expected = Buffer.from(below)
          expected.set(edit, offset)
          expect(await gather(overlay, piece)).toEqual(expected)
        },
      ),
      { numRuns: 50 },
    )
  })

  it('fails at the piece that could not be read, and with its error', async () => {
    const device: ByteDevice = {
      size: byteLength(48),
      read: async (offset, length) => {
        if (offset === 32) throw new MachineError('ERR_IO', 'broken at 32')
        return Buffer.alloc(length)
      },
    }
    const seen: number[] = []
    await rejectsWithCode(async () => {
      for await (const piece of readInOrder(device, 16)) seen.push(piece.offset)
    }, 'ERR_IO')
    expect(seen).toEqual([0, 16])
  })
})

describe('InOrderComparison', () => {
  const BYTES = noise(3 << 20, 'compare')

  it('finds equal bytes equal, however they are cut', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.nat(BYTES.length), { maxLength: 12 }), async (cuts) => {
        const comparison = new InOrderComparison(plainDevice(BYTES))
        for (const piece of piecesAt(BYTES, cuts)) expect(await comparison.matches(piece)).toBe(true)
        expect(comparison.complete).toBe(true)
      }),
      { numRuns: 20 },
    )
  })

  it('finds a single other bit, wherever it is', async () => {
    await fc.assert(
      fc.asyncProperty(fc.nat(BYTES.length - 1), fc.nat(7), async (at, bit) => {
        const other = Buffer.from(BYTES)
        other[at] = (other[at] ?? 0) ^ (1 << bit)
        expect(await new InOrderComparison(plainDevice(BYTES)).matches(other)).toBe(false)
      }),
      { numRuns: 20 },
    )
  })

  it('refuses one byte too many, and is not complete with one too few', async () => {
    const comparison = new InOrderComparison(plainDevice(BYTES))
    expect(await comparison.matches(BYTES.subarray(0, -1))).toBe(true)
    expect(comparison.complete).toBe(false)
    expect(await comparison.matches(BYTES.subarray(-1))).toBe(true)
    expect(comparison.complete).toBe(true)
    expect(await comparison.matches(Buffer.of(0))).toBe(false)
  })
})
