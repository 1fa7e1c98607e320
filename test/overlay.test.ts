import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { MemoryDevice } from '#src/byte-device.js'
import { Overlay, PAGE_BYTES } from '#src/overlay.js'
import { extent } from '#src/units.js'
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

  it('reads what lies below once, to compare: not before pages are written whole, nor page by page', async () => {
    const memory = new MemoryDevice(BELOW)
    const asked: [offset: number, length: number][] = []
    const overlay = new Overlay({
      size: memory.size,
      read: async (offset, length) => {
        asked.push([offset, length])
        return memory.read(offset, length)
      },
    })
    await overlay.write(PAGE_BYTES, Buffer.alloc(3 * PAGE_BYTES))
    expect(asked).toEqual([])
    await overlay.changedExtents()
    expect(asked).toEqual([[PAGE_BYTES, 3 * PAGE_BYTES]])
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

  it('refuses what lies beyond its end, and does not grow by itself', async () => {
    const overlay = new Overlay(new MemoryDevice(BELOW))
    await rejectsWithCode(overlay.write(SIZE - 1, Buffer.alloc(2)), 'ERR_INTERNAL')
    await rejectsWithCode(overlay.read(SIZE, 1), 'ERR_INTERNAL')
  })
})

describe('an Overlay that grows', () => {
  const growth = fc.record({
    kind: fc.constantFrom('read', 'write', 'restore', 'grow'),
    offset: fc.nat(SIZE + 5 * PAGE_BYTES),
    length: fc.nat(3 * PAGE_BYTES),
    fill: fc.nat(255),
  })

  it('is a plain array of bytes that gets longer by zeros; the added part is changed, whatever is in it', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(growth, { maxLength: 25 }), async (steps) => {
        const overlay = new Overlay(new MemoryDevice(Buffer.from(BELOW)))
        let model = Buffer.from(BELOW)
        for (const { kind, offset: wantedOffset, length: wanted, fill } of steps) {
          const offset = Math.min(wantedOffset, model.length)
          const length = Math.min(wanted, model.length - offset)
          if (kind === 'grow') {
            overlay.grow(model.length + (wanted >> 1))
            model = Buffer.concat([model, Buffer.alloc(wanted >> 1)])
          } else if (kind === 'read') {
            expect((await overlay.read(offset, length)).equals(model.subarray(offset, offset + length))).toBe(true)
            const into = Buffer.alloc(length, 0xaa)
            await overlay.readInto(offset, into)
            expect(into.equals(model.subarray(offset, offset + length))).toBe(true)
          } else {
            const below = Buffer.concat([BELOW, Buffer.alloc(model.length - SIZE)])
            const bytes = kind === 'write' ? Buffer.alloc(length, fill) : below.subarray(offset, offset + length)
            await overlay.write(offset, bytes)
            bytes.copy(model, offset)
          }
        }
        expect(overlay.size).toBe(model.length)
        expect((await overlay.read(0, model.length)).equals(model)).toBe(true)
        const expected = differingPages(model.subarray(0, SIZE))
        if (model.length > SIZE) {
          const last = expected.at(-1)
          if (last !== undefined && last.offset + last.length === SIZE) last.length += model.length - SIZE
          else expected.push({ offset: SIZE, length: model.length - SIZE })
        }
        expect(await overlay.changedExtents()).toEqual(expected)
      }),
      { numRuns: 300 },
    )
  })

  it('differs wherever there is nothing below', async () => {
    const overlay = new Overlay(new MemoryDevice(BELOW))
    overlay.grow(SIZE + 10)
    expect(await overlay.differs(extent(SIZE - 5, 5))).toBe(false)
    expect(await overlay.differs(extent(SIZE - 5, 6))).toBe(true)
    expect(await overlay.differs(extent(SIZE + 5, 5))).toBe(true)
  })

  it('keeps a write that was under way when it grew', async () => {
    const overlay = new Overlay(new MemoryDevice(BELOW))
    const writing = overlay.write(SIZE - 4, Buffer.from('last'))
    overlay.grow(SIZE + 4)
    await overlay.write(SIZE, Buffer.from('more'))
    await writing
    expect((await overlay.read(SIZE - 4, 8)).toString()).toBe('lastmore')
  })

  it('never shrinks', async () => {
    const overlay = new Overlay(new MemoryDevice(BELOW))
    await rejectsWithCode(() => overlay.grow(SIZE - 1), 'ERR_INTERNAL')
    overlay.grow(SIZE)
    expect(await overlay.changedExtents()).toEqual([])
  })
})
