import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { MemoryDevice } from '#src/byte-device.js'
import { Overlay, PAGE_BYTES } from '#src/overlay.js'
import { rejectsWithCode } from './support/errors.js'
import { noise } from './support/random.js'

/** Not a whole number of pages, so that the last one is short. */
const SIZE = 6 * PAGE_BYTES + 1234
const BELOW = noise(SIZE)

/** Half-open ranges of the pages that differ, merged: the plain way. */
function differingPages(bytes: Buffer): { offset: number; length: number }[] {
  const ranges: { offset: number; length: number }[] = []
  for (let offset = 0; offset < SIZE; offset += PAGE_BYTES) {
    const end = Math.min(SIZE, offset + PAGE_BYTES)
    if (bytes.subarray(offset, end).equals(BELOW.subarray(offset, end))) continue
    const previous = ranges.at(-1)
    if (previous !== undefined && previous.offset + previous.length === offset) previous.length += end - offset
    else ranges.push({ offset, length: end - offset })
  }
  return ranges
}

const step = fc.record({
  kind: fc.constantFrom('read', 'write', 'restore'),
  offset: fc.nat(SIZE),
  length: fc.nat(3 * PAGE_BYTES),
  fill: fc.nat(255),
})

describe('Overlay', () => {
  it('is a plain array of bytes, whatever is read and written in whatever order', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 25 }), async (steps) => {
        const below = Buffer.from(BELOW)
        const overlay = new Overlay(new MemoryDevice(below))
        const model = Buffer.from(BELOW)
        for (const { kind, offset, length: wanted, fill } of steps) {
          const length = Math.min(wanted, SIZE - offset)
          if (kind === 'read') {
            expect((await overlay.read(offset, length)).equals(model.subarray(offset, offset + length))).toBe(true)
            continue
          }
          const bytes = kind === 'write' ? Buffer.alloc(length, fill) : BELOW.subarray(offset, offset + length)
          await overlay.write(offset, bytes)
          bytes.copy(model, offset)
        }
        expect((await overlay.read(0, SIZE)).equals(model)).toBe(true)
        expect(await overlay.changedExtents()).toEqual(differingPages(model))
        expect(below.equals(BELOW)).toBe(true)
      }),
      { numRuns: 300 },
    )
  })

  it('does not call a page changed that was written with what it held', async () => {
    const overlay = new Overlay(new MemoryDevice(BELOW))
    await overlay.write(0, BELOW)
    expect(await overlay.changedExtents()).toEqual([])
  })

  it('does not call a page changed that was written back to its old content', async () => {
    const overlay = new Overlay(new MemoryDevice(BELOW))
    await overlay.write(5000, Buffer.alloc(10))
    expect(await overlay.changedExtents()).toEqual([{ offset: 4096, length: 4096 }])
    await overlay.write(5000, BELOW.subarray(5000, 5010))
    expect(await overlay.changedExtents()).toEqual([])
  })

  it('keeps both of two writes to one page that run at the same time', async () => {
    const slow = {
      size: new MemoryDevice(BELOW).size,
      read: async (offset: number, length: number) => {
        await new Promise((resolve) => setImmediate(resolve))
        return Buffer.from(BELOW.subarray(offset, offset + length))
      },
    }
    const overlay = new Overlay(slow)
    await Promise.all([overlay.write(10, Buffer.from('left')), overlay.write(2000, Buffer.from('right'))])
    expect((await overlay.read(10, 4)).toString()).toBe('left')
    expect((await overlay.read(2000, 5)).toString()).toBe('right')
  })

  it('keeps what was written when the caller uses its buffer again', async () => {
    const overlay = new Overlay(new MemoryDevice(BELOW))
    const bytes = Buffer.from('mine')
    await overlay.write(0, bytes)
    bytes.fill(0)
    expect((await overlay.read(0, 4)).toString()).toBe('mine')
  })

  it('refuses to grow', async () => {
    const overlay = new Overlay(new MemoryDevice(BELOW))
    await rejectsWithCode(overlay.write(SIZE - 1, Buffer.alloc(2)), 'ERR_INTERNAL')
    await rejectsWithCode(overlay.read(SIZE, 1), 'ERR_INTERNAL')
  })
})
