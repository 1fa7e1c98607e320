import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import {
  chmodSync,
  chownSync,
  existsSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  unlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { endianness } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { joinSegments } from '#src/codec/bzip2/block-map.js'
import { type CacheEntry, type CacheKey, formatEntry, MapCache, parseEntry } from '#src/codec/bzip2/map-cache.js'
import { flipBit } from '../../support/bits.js'
import { layOut, phaseBlock } from '../../support/bzip2-layout.js'
import { chainOf } from '../../support/chains.js'
import { withFault } from '../../support/faults.js'
import { temporaryDirectory } from '../../support/temp.js'

const parent = temporaryDirectory()
const newDirectory = () => join(mkdtempSync(join(parent, 'cache-')), 'oem-bake')

const SMALL = Array.from({ length: 6 }, (_, nth) => phaseBlock(nth, nth))
const FILE = layOut([
  { level: 1, blocks: SMALL.slice(0, 3) },
  { level: 4, blocks: [] },
  { level: 9, blocks: SMALL.slice(3) },
])
const KEY: CacheKey = { sha256: 'a'.repeat(64), sizeBytes: FILE.bytes.length }
const ENTRY: CacheEntry = entry('full')

function entry(check: 'tail' | 'full'): CacheEntry {
  const { chain } = chainOf(FILE.bytes)
  const cut = FILE.blocks[4]!
  const [head, tail, whole] = [
    chain.walk('start of file', FILE.blocks[1]!.startBit),
    chain.walk({ bit: cut.startBit }, Number.POSITIVE_INFINITY),
    chain.walk('start of file', Number.POSITIVE_INFINITY),
  ]
  const rawSize = FILE.decoded.length
  const maps =
    check === 'full'
      ? [joinSegments([whole], { rawStart: 0 }, 'image')]
      : [joinSegments([head], { rawStart: 0 }, 'image'), joinSegments([tail], { rawEnd: rawSize }, 'image')]
  return { check, rawSize, maps, notes: { release: '3510.2.8', 'with "quotes"\nand lines': 'ü' } }
}

const pathOf = (directory: string, { sha256, sizeBytes }: CacheKey = KEY) =>
  join(directory, `${sha256}-${sizeBytes}.map`)

/** The bytes with a header of our making, and a digest that fits. */
function sealed(bytes: Buffer, change: (header: Record<string, unknown>) => object, extra = Buffer.alloc(0)): Buffer {
  const end = bytes.indexOf('\n')
  const header = JSON.parse(bytes.toString('utf8', 0, end)) as Record<string, unknown>
  const body = Buffer.concat([
    Buffer.from(JSON.stringify(change(header))),
    bytes.subarray(end, bytes.length - 32),
    extra,
  ])
  return Buffer.concat([body, createHash('sha256').update(body).digest()])
}

describe('a cache entry', () => {
  it.each(['full', 'tail'] as const)('is the same after it was written and read, from a %s check', async (check) => {
    const directory = newDirectory()
    const cache = new MapCache(directory)
    expect(await cache.read(KEY)).toBeUndefined()
    await cache.write(KEY, entry(check))
    expect(await cache.read(KEY)).toEqual(entry(check))
    expect(await new MapCache(directory).read(KEY)).toEqual(entry(check))
    expect(readdirSync(directory)).toEqual([`${KEY.sha256}-${KEY.sizeBytes}.map`])
    expect(statSync(pathOf(directory)).mode & 0o777).toBe(0o600)
    expect(statSync(directory).mode & 0o777).toBe(0o700)
  })

  it('is replaced by a later one', async () => {
    const cache = new MapCache(newDirectory())
    await cache.write(KEY, entry('tail'))
    await cache.write(KEY, { ...ENTRY, notes: {} })
    expect(await cache.read(KEY)).toEqual({ ...ENTRY, notes: {} })
  })

  it('is nothing when it is cut at any byte, or has one more', () => {
    const bytes = formatEntry(KEY, ENTRY)
    for (let length = 0; length < bytes.length; length++)
      expect(parseEntry(bytes.subarray(0, length), KEY), `${length} bytes`).toBeUndefined()
    expect(parseEntry(Buffer.concat([bytes, Buffer.alloc(1)]), KEY)).toBeUndefined()
    expect(parseEntry(bytes, KEY)).toEqual(ENTRY)
  })

  it('is nothing when any one bit of it is another', () => {
    const bytes = formatEntry(KEY, ENTRY)
    fc.assert(
      fc.property(fc.nat(bytes.length * 8 - 1), (bit) => {
        expect(parseEntry(flipBit(bytes, bit), KEY)).toBeUndefined()
      }),
      { numRuns: 500 },
    )
  })

  const bytes = formatEntry(KEY, ENTRY)
  it.each<[string, Buffer]>([
    ['of another format', sealed(bytes, (header) => ({ ...header, format: 2 }))],
    ['of no format', sealed(bytes, (header) => ({ ...header, format: undefined }))],
    [
      'of a machine of the other byte order',
      sealed(bytes, (header) => ({ ...header, byteOrder: endianness() === 'LE' ? 'BE' : 'LE' })),
    ],
    ['of another digest', sealed(bytes, (header) => ({ ...header, sha256: 'b'.repeat(64) }))],
    ['of another size', sealed(bytes, (header) => ({ ...header, sizeBytes: 1 }))],
    ['without maps', sealed(bytes, (header) => ({ ...header, maps: undefined }))],
    [
      'with more blocks than bytes',
      sealed(bytes, (header) => ({ ...header, maps: [{ rawStart: 0, blocks: 1e9, streams: [] }] })),
    ],
    ['with more bytes than blocks', sealed(bytes, (header) => header, Buffer.alloc(8))],
    ['that is not JSON', withDigest(Buffer.from('{"format": 1\n'))],
    ['that is JSON of something else', withDigest(Buffer.from('[1, 2, 3]\n'))],
    ['that is null', withDigest(Buffer.from('null\n'))],
    ['of no bytes', Buffer.alloc(0)],
    ['of nothing but a digest', withDigest(Buffer.alloc(0))],
    ['of the file itself', FILE.bytes],
  ])('is ignored and then replaced when it is one %s', async (_, spoilt) => {
    const directory = newDirectory()
    mkdirSync(directory)
    const cache = new MapCache(directory)
    writeFileSync(pathOf(directory), spoilt, { mode: 0o600 })
    expect(await cache.read(KEY)).toBeUndefined()
    await cache.write(KEY, ENTRY)
    expect(await cache.read(KEY)).toEqual(ENTRY)
  })

  it.each<[string, (path: string) => void]>([
    ['that others may write', (path) => chmodSync(path, 0o602)],
    ['that its group may write', (path) => chmodSync(path, 0o620)],
    ['that belongs to somebody else', (path) => chownSync(path, 1234, 1234)],
    ['that is a directory', (path) => replaced(path, () => mkdirSync(path))],
    ['that is a pipe', (path) => replaced(path, () => execFileSync('mkfifo', ['-m', '600', path]))],
    ['that points nowhere', (path) => replaced(path, () => symlinkSync('/nowhere', path))],
    ['that points to an endless file', (path) => replaced(path, () => symlinkSync('/dev/zero', path))],
  ])('is ignored when it is one %s', async (_, spoil) => {
    const directory = newDirectory()
    const cache = new MapCache(directory)
    await cache.write(KEY, ENTRY)
    expect(await cache.read(KEY)).toBeDefined()
    spoil(pathOf(directory))
    expect(await cache.read(KEY)).toBeUndefined()
    // Never an error: at worst the next run finds nothing again.
    await cache.write(KEY, ENTRY)
  })

  it('of one file under the name of another is ignored', async () => {
    const directory = newDirectory()
    const cache = new MapCache(directory)
    await cache.write(KEY, ENTRY)
    const other = { ...KEY, sha256: 'c'.repeat(64) }
    linkSync(pathOf(directory), pathOf(directory, other))
    expect(await cache.read(other)).toBeUndefined()
  })
})

describe('a cache', () => {
  it('may know a file when there is an entry for one of its size', async () => {
    const cache = new MapCache(newDirectory())
    expect(await cache.mayKnow(KEY.sizeBytes)).toBe(false)
    await cache.write(KEY, ENTRY)
    expect(await cache.mayKnow(KEY.sizeBytes)).toBe(true)
    expect(await cache.mayKnow(KEY.sizeBytes + 1)).toBe(false)
  })

  it('keeps the latest 64 entries and touches nothing else in its directory', async () => {
    const directory = newDirectory()
    const cache = new MapCache(directory)
    const keyOf = (nth: number) => ({ sha256: nth.toString(16).padStart(64, '0'), sizeBytes: 100 + nth })
    mkdirSync(directory)
    writeFileSync(join(directory, 'README'), 'not ours')
    for (let nth = 0; nth < 70; nth++) {
      await cache.write(keyOf(nth), ENTRY)
      const path = pathOf(directory, keyOf(nth))
      if (nth < 69) utimesSync(path, 1_000_000 + nth, 1_000_000 + nth)
    }
    const left = readdirSync(directory)
    expect(left).toHaveLength(64 + 1)
    expect(left).toContain('README')
    for (let nth = 0; nth < 70; nth++)
      expect(left.includes(`${keyOf(nth).sha256}-${100 + nth}.map`), `entry ${nth}`).toBe(nth >= 6)
  })

  it('works for two runs at once', async () => {
    const directory = newDirectory()
    await Promise.all(Array.from({ length: 20 }, () => new MapCache(directory).write(KEY, ENTRY)))
    expect(await new MapCache(directory).read(KEY)).toEqual(ENTRY)
    expect(readdirSync(directory)).toHaveLength(1)
  })

  it.each<[string, () => string]>([
    [
      'lies below a link to nowhere',
      () => {
        const directory = newDirectory()
        symlinkSync('/nowhere/else', directory)
        return join(directory, 'oem-bake')
      },
    ],
    ['is a file', () => '/dev/null'],
    ['lies below a file', () => '/dev/null/oem-bake'],
    [
      'is on a disk that is read-only',
      () => {
        const directory = newDirectory()
        mkdirSync(directory)
        execFileSync('mount', ['-t', 'tmpfs', '-o', 'ro', 'tmpfs', directory])
        return directory
      },
    ],
  ])('whose directory %s knows nothing, keeps nothing and throws nothing', async (_, make) => {
    const directory = make()
    const cache = new MapCache(directory)
    try {
      expect(await cache.mayKnow(KEY.sizeBytes)).toBe(false)
      expect(await cache.read(KEY)).toBeUndefined()
      await cache.write(KEY, ENTRY)
      expect(await cache.read(KEY)).toBeUndefined()
    } finally {
      if (existsSync(directory) && directory.startsWith(parent)) execFileSync('umount', [directory])
    }
  })

  it.each(['EIO', 'ENOSPC', 'EACCES', 'short', 'nothing'] as const)(
    'throws nothing when the nth operation fails with %s, for every n, and leaves no half an entry',
    async (kind) => {
      for (let nth = 1; ; nth++) {
        const directory = newDirectory()
        const cache = new MapCache(directory)
        const { fired, failure } = await withFault(
          { kind, nth, operations: ['open', 'write', 'rename', 'writeFile', 'stat'] },
          () => cache.write(KEY, ENTRY),
        )
        expect(failure).toBeUndefined()
        const read = await cache.read(KEY)
        if (read !== undefined) expect(read).toEqual(ENTRY)
        if (fired === undefined) break
      }
    },
  )
})

function withDigest(body: Buffer): Buffer {
  return Buffer.concat([body, createHash('sha256').update(body).digest()])
}

function replaced(path: string, make: () => void): void {
  expect(readFileSync(path).length).toBeGreaterThan(0)
  unlinkSync(path)
  make()
}
