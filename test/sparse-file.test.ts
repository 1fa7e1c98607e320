import { type FileHandle, open, readFile, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { FileDevice, MemoryDevice } from '#src/byte-device.js'
import { PIECE_BYTES } from '#src/in-order.js'
import { copyToSparseFile, SparseWriter } from '#src/sparse-file.js'
import { testContext } from './support/context.js'
import { rejectsWithCode } from './support/errors.js'
import { type Operation, withFault } from './support/faults.js'
import { noise, piecesAt } from './support/random.js'
import { temporaryDirectory } from './support/temp.js'

const directory = temporaryDirectory()
const PAGE = 4096
let files = 0
const newPath = () => join(directory, `file-${files++}`)

async function withNewFile<T>(run: (handle: FileHandle, path: string) => Promise<T>): Promise<T> {
  const path = newPath()
  const handle = await open(path, 'wx')
  try {
    return await run(handle, path)
  } finally {
    await handle.close()
  }
}

async function write(pieces: readonly Buffer[]): Promise<{ path: string; bytes: number }> {
  return withNewFile(async (handle, path) => {
    const writer = new SparseWriter(handle, path)
    let position = 0
    for (const piece of pieces) {
      await writer.append(piece)
      position += piece.length
      expect(writer.position).toBe(position)
    }
    return { path, bytes: await writer.finish() }
  })
}

/** Bytes in pages that hold something, counted the plain way. */
function dataBytes(content: Buffer): number {
  let bytes = 0
  for (let at = 0; at < content.length; at += PAGE)
    if (content.subarray(at, at + PAGE).some((byte) => byte !== 0)) bytes += PAGE
  return bytes
}

/** Some pages of noise, some of zeros, some all zeros but one byte, and an odd end. */
const content = fc
  .tuple(
    fc.array(fc.constantFrom('noise', 'zero', 'zero', 'last byte', 'first byte'), { maxLength: 30 }),
    fc.nat(PAGE - 1),
    fc.boolean(),
  )
  .map(([pages, tail, noisyTail]) =>
    Buffer.concat([
      ...pages.map((kind, index) => {
        if (kind === 'noise') return noise(PAGE, index)
        const page = Buffer.alloc(PAGE)
        if (kind !== 'zero') page[kind === 'last byte' ? PAGE - 1 : 0] = 1
        return page
      }),
      noisyTail ? noise(tail) : Buffer.alloc(tail),
    ]),
  )

describe('SparseWriter', () => {
  it('writes the same bytes whatever the pieces are, and nothing for a page of zeros', async () => {
    await fc.assert(
      fc.asyncProperty(content, fc.array(fc.nat(30 * PAGE), { maxLength: 20 }), async (bytes, cuts) => {
        const written = await write(piecesAt(bytes, cuts))
        expect(written.bytes).toBe(bytes.length)
        expect((await readFile(written.path)).equals(bytes)).toBe(true)
        expect((await stat(written.path)).blocks * 512).toBeLessThanOrEqual(dataBytes(bytes))
      }),
      { numRuns: 150 },
    )
  })

  it('keeps holes and bytes right across the size at which it writes', async () => {
    const bytes = Buffer.alloc(3 * PIECE_BYTES + 5000)
    for (const at of [0, PIECE_BYTES - 1, PIECE_BYTES, 2 * PIECE_BYTES + 7, bytes.length - 1]) bytes[at] = 1
    for (const pieceBytes of [1000, PAGE, 900_000, PIECE_BYTES, PIECE_BYTES + 1, bytes.length]) {
      const cuts = Array.from({ length: Math.floor(bytes.length / pieceBytes) }, (_, index) => (index + 1) * pieceBytes)
      const { path } = await write(piecesAt(bytes, cuts))
      expect((await readFile(path)).equals(bytes), `pieces of ${pieceBytes}`).toBe(true)
      expect((await stat(path)).blocks * 512).toBeLessThanOrEqual(5 * PAGE)
    }
  })

  it('takes no blocks for a gigabyte of zeros', async () => {
    const zeros = Buffer.alloc(16 << 20)
    const { path } = await write(Array.from({ length: 64 }, () => zeros))
    expect(await stat(path)).toMatchObject({ size: 2 ** 30, blocks: 0 })
  })

  it('writes a file of no bytes', async () => {
    const { path, bytes } = await write([])
    expect(bytes).toBe(0)
    expect((await stat(path)).size).toBe(0)
  })
})

const IMAGE = Buffer.concat([noise(300_000), Buffer.alloc(PIECE_BYTES), noise(900_000), Buffer.alloc(100)])

describe('copyToSparseFile', () => {
  it('copies every byte, and counts them', async () => {
    const context = testContext()
    const path = newPath()
    await copyToSparseFile(new MemoryDevice(IMAGE), path, 'encode', context)
    expect((await readFile(path)).equals(IMAGE)).toBe(true)
    expect(context.events.at(-1)).toEqual({
      kind: 'progress',
      phase: 'encode',
      doneBytes: IMAGE.length,
      totalBytes: IMAGE.length,
    })
  })

  it('replaces no file', async () => {
    const path = newPath()
    await writeFile(path, 'precious')
    await rejectsWithCode(copyToSparseFile(new MemoryDevice(IMAGE), path, 'encode', testContext()), 'ERR_IO')
    expect(await readFile(path, 'utf8')).toBe('precious')
  })

  it('throws ERR_CANCELLED in the middle', async () => {
    const abort = new AbortController()
    const context = { ...testContext({ signal: abort.signal }), report: () => abort.abort() }
    await rejectsWithCode(copyToSparseFile(new MemoryDevice(IMAGE), newPath(), 'encode', context), 'ERR_CANCELLED')
  })

  it.each([
    ['EIO', 'ERR_IO'],
    ['ENOSPC', 'ERR_NO_SPACE'],
    ['EACCES', 'ERR_PERMISSION'],
  ] as const)(
    'says so when the nth operation fails with %s, for every n, and leaves the source as it was',
    async (kind, code) => {
      const source = newPath()
      await writeFile(source, IMAGE)
      const handle = await open(source, 'r')
      const seen = new Set<Operation>()
      for (let nth = 1; ; nth++) {
        const { fired, failure } = await withFault(
          { kind, nth, operations: ['open', 'read', 'write', 'truncate', 'close'] },
          () => copyToSparseFile(new FileDevice(handle, IMAGE.length, source), newPath(), 'encode', testContext()),
        )
        if (fired === undefined) break
        seen.add(fired)
        await rejectsWithCode(Promise.reject(failure), code)
      }
      await handle.close()
      expect([...seen]).toEqual(['open', 'read', 'write', 'truncate', 'close'])
      expect((await readFile(source)).equals(IMAGE)).toBe(true)
    },
  )

  it('copies every byte although reads and writes come in halves', async () => {
    const source = newPath()
    await writeFile(source, IMAGE)
    const handle = await open(source, 'r')
    for (let nth = 1; ; nth++) {
      const path = newPath()
      const { fired, failure } = await withFault({ kind: 'short', nth, operations: ['read', 'write'] }, () =>
        copyToSparseFile(new FileDevice(handle, IMAGE.length, source), path, 'encode', testContext()),
      )
      expect(failure).toBeUndefined()
      expect((await readFile(path)).equals(IMAGE)).toBe(true)
      if (fired === undefined) break
    }
    await handle.close()
  })
})
