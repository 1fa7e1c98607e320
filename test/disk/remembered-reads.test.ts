import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type ByteDevice, MemoryDevice } from '#src/byte-device.js'
import { RememberedReads } from '#src/disk/remembered-reads.js'
import { byteLength } from '#src/units.js'
import { noise } from '../support/random.js'

const SIZE = 100_000
const BYTES = noise(SIZE)

/** A device that counts what is read of it. */
class CountedDevice extends MemoryDevice {
  reads = 0
  override async read(offset: number, length: number): Promise<Buffer> {
    this.reads++
    return super.read(offset, length)
  }
}

const range = fc.record({ offset: fc.nat(SIZE), length: fc.nat(5000) })
const within = ({ offset, length }: { offset: number; length: number }): [number, number] => [
  offset,
  Math.min(length, SIZE - offset),
]

async function expectRight(device: ByteDevice & Pick<RememberedReads, 'readInto'>, offset: number, length: number) {
  const right = BYTES.subarray(offset, offset + length)
  expect((await device.read(offset, length)).equals(right), `${offset}+${length}`).toBe(true)
  const target = Buffer.alloc(length)
  await device.readInto(offset, target)
  expect(target.equals(right), `into ${offset}+${length}`).toBe(true)
}

describe('RememberedReads', () => {
  it('gives the bytes below, and in the next run what was read before without reading it again', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(range, { maxLength: 8 }), fc.array(range, { maxLength: 4 }), async (first, others) => {
        const recording = new RememberedReads(new MemoryDevice(BYTES), {})
        for (const read of first) await expectRight(recording, ...within(read))
        const notes = recording.finish()
        for (const read of others) await expectRight(recording, ...within(read))

        const below = new CountedDevice(BYTES)
        const again = new RememberedReads(below, notes)
        for (const read of first) await expectRight(again, ...within(read))
        expect(below.reads).toBe(0)
        expect(again.finish()).toEqual(notes)
        for (const read of others) await expectRight(again, ...within(read))
      }),
    )
  })

  it('remembers what was missing, too, when a later run read more', async () => {
    const first = new RememberedReads(new MemoryDevice(BYTES), {})
    await first.read(0, 512)
    const second = new RememberedReads(new MemoryDevice(BYTES), first.finish())
    await second.read(512, 512)
    const below = new CountedDevice(BYTES)
    const third = new RememberedReads(below, second.finish())
    await expectRight(third, 0, 512)
    await expectRight(third, 512, 512)
    expect(below.reads).toBe(0)
  })

  it('hands out copies: who writes into one changes nothing of what comes next', async () => {
    const device = new RememberedReads(new MemoryDevice(BYTES), {})
    const bytes = await device.read(0, 512)
    bytes.fill(0)
    const again = await device.read(0, 512)
    again.fill(0)
    await expectRight(device, 0, 512)
  })

  it('keeps no note of more than 1 MiB', async () => {
    const size = (1 << 20) + 1
    const device = new RememberedReads(new MemoryDevice(Buffer.alloc(size)), {})
    await device.read(0, size)
    expect(device.finish()).toEqual({})
  })

  it.each([
    ['empty', ''],
    ['of another format', '2 0+1 AwA='],
    ['of no reads', '1'],
    ['with a place that is none', '1 a+b AwA='],
    ['with a place outside of the file', `1 ${SIZE}+1 YwAA`],
    ['with a negative place', '1 -1+1 YwAA'],
    ['of fewer bytes than it says', '1 0+2 YwAA'],
    ['of more bytes than it says', '1 0+0 YwAA'],
    ['that is not base64 of anything deflated', '1 0+1 ????'],
  ])('takes a note %s for none', async (_, note) => {
    const device = new RememberedReads(new MemoryDevice(BYTES), { 'reads-to-oem': note })
    expect(device.size).toBe(byteLength(SIZE))
    await expectRight(device, 0, 10)
    await expectRight(device, SIZE - 1, 1)
  })
})
