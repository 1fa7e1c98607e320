import { open, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  FileDevice,
  MemoryDevice,
  piecesOf,
  WindowDevice,
  type WritableByteDevice,
  writeWhole,
} from '#src/byte-device.js'
import { extent } from '#src/units.js'
import { rejectsWithCode } from './support/errors.js'
import { withFault } from './support/faults.js'
import { noise } from './support/random.js'
import { temporaryDirectory } from './support/temp.js'

const directory = temporaryDirectory()
const CONTENT = noise(10_000)

async function withFile<T>(
  run: (device: FileDevice, path: string) => Promise<T>,
  sizeBytes = CONTENT.length,
): Promise<T> {
  const path = join(directory, 'device')
  await writeFile(path, CONTENT)
  const handle = await open(path, 'r+')
  try {
    return await run(new FileDevice(handle, sizeBytes, 'the file'), path)
  } finally {
    await handle.close()
  }
}

const OUTSIDE: readonly [number, number][] = [
  [-1, 1],
  [0, 10_001],
  [10_000, 1],
  [0.5, 1],
  [0, -1],
  [2 ** 53, 1],
  [Number.NaN, 1],
]

describe.each<[string, (run: (device: WritableByteDevice) => Promise<void>) => Promise<void>]>([
  ['FileDevice', (run) => withFile(run)],
  ['MemoryDevice', (run) => run(new MemoryDevice(Buffer.from(CONTENT)))],
  [
    'WindowDevice',
    (run) =>
      run(
        new WindowDevice(new MemoryDevice(Buffer.concat([noise(700, 2), CONTENT, noise(50, 3)])), extent(700, 10_000)),
      ),
  ],
])('%s', (_, withDevice) => {
  it('reads what is there, at any place', () =>
    withDevice(async (device) => {
      for (const [offset, length] of [
        [0, 10_000],
        [1, 1],
        [9_999, 1],
        [10_000, 0],
        [4_095, 4_098],
      ] as const)
        expect(await device.read(offset, length)).toEqual(CONTENT.subarray(offset, offset + length))
    }))

  it('reads back what was written and nothing else', () =>
    withDevice(async (device) => {
      await device.write(4_000, noise(200, 9))
      const expected = Buffer.from(CONTENT)
      noise(200, 9).copy(expected, 4_000)
      expect(await device.read(0, 10_000)).toEqual(expected)
    }))

  it('rejects ranges that do not lie inside, as a promise', () =>
    withDevice(async (device) => {
      for (const [offset, length] of OUTSIDE) {
        const reading = device.read(offset, length)
        expect(reading).toBeInstanceOf(Promise)
        await rejectsWithCode(reading, 'ERR_INTERNAL')
      }
      const writing = device.write(9_999, Buffer.alloc(2))
      expect(writing).toBeInstanceOf(Promise)
      await rejectsWithCode(writing, 'ERR_INTERNAL')
    }))

  it('gives a buffer that belongs to the caller', () =>
    withDevice(async (device) => {
      ;(await device.read(0, 100)).fill(0)
      expect(await device.read(0, 100)).toEqual(CONTENT.subarray(0, 100))
    }))
})

describe('WindowDevice', () => {
  it('leaves every byte around it as it was', async () => {
    const bytes = Buffer.from(CONTENT)
    await new WindowDevice(new MemoryDevice(bytes), extent(512, 512)).write(0, Buffer.alloc(512))
    expect(bytes.subarray(0, 512)).toEqual(CONTENT.subarray(0, 512))
    expect(bytes.subarray(1024)).toEqual(CONTENT.subarray(1024))
    expect(bytes.subarray(512, 1024)).toEqual(Buffer.alloc(512))
  })

  it('refuses a window that reaches beyond the device', async () => {
    await rejectsWithCode(() => new WindowDevice(new MemoryDevice(Buffer.alloc(10)), extent(5, 6)), 'ERR_INTERNAL')
  })
})

describe('FileDevice', () => {
  it('says ERR_IO when the file is shorter than it was', () =>
    withFile(async (device) => {
      await rejectsWithCode(device.read(9_990, 20), 'ERR_IO')
    }, 20_000))

  it('reads and writes whole although the kernel takes half at a time', async () => {
    for (let nth = 1; nth <= 2; nth++) {
      const { fired, failure } = await withFault({ kind: 'short', nth, operations: ['read', 'write'] }, () =>
        withFile(async (device) => {
          expect(await device.read(0, 10_000)).toEqual(CONTENT)
          await device.write(0, CONTENT)
          expect(await device.read(0, 10_000)).toEqual(CONTENT)
        }),
      )
      expect(failure).toBeUndefined()
      expect(fired).toBe(nth === 1 ? 'read' : 'write')
    }
  })

  it.each([
    ['EIO', 'ERR_IO'],
    ['ENOSPC', 'ERR_NO_SPACE'],
    ['EACCES', 'ERR_PERMISSION'],
    ['nothing', 'ERR_IO'],
  ] as const)('turns a failing call (%s) into %s', async (kind, code) => {
    const reading = await withFault({ kind, nth: 1, operations: ['read'] }, () =>
      withFile((device) => device.read(0, 10)),
    )
    await rejectsWithCode(Promise.reject(reading.failure), code)
    const writing = await withFault({ kind, nth: 1, operations: ['write'] }, () =>
      withFile((device) => device.write(0, CONTENT)),
    )
    await rejectsWithCode(Promise.reject(writing.failure), code)
  })
})

describe('writeWhole', () => {
  it('writes at the offset and nowhere else', async () => {
    const path = join(directory, 'whole')
    await writeFile(path, CONTENT)
    const handle = await open(path, 'r+')
    await writeWhole(handle, 100, Buffer.from('abc'), path)
    await handle.close()
    const expected = Buffer.from(CONTENT)
    expected.write('abc', 100)
    expect(await readFile(path)).toEqual(expected)
  })
})

describe('piecesOf', () => {
  it('covers a range without gap or overlap, in pieces of at most the size asked for', () => {
    fc.assert(
      fc.property(fc.nat(10_000), fc.nat(10_000), fc.integer({ min: 1, max: 3_000 }), (offset, length, pieceBytes) => {
        let next = offset
        for (const piece of piecesOf(extent(offset, length), pieceBytes)) {
          expect(piece.offset).toBe(next)
          expect(piece.length).toBeGreaterThan(0)
          expect(piece.length).toBeLessThanOrEqual(pieceBytes)
          next += piece.length
        }
        expect(next).toBe(offset + length)
      }),
    )
  })
})
