import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { ChainSegment } from '#src/codec/bzip2/chain.js'
import { flipBit } from '../../support/bits.js'
import { compress } from '../../support/bzip2.js'
import { craftBlock, craftStream } from '../../support/bzip2-craft.js'
import { blocksOf, layOut, phaseBlock } from '../../support/bzip2-layout.js'
import { chainOf, readAtOf } from '../../support/chains.js'
import { rejectsWithCode } from '../../support/errors.js'
import { falseMagicBlock, longBlock } from '../../support/false-magics.js'
import { noise, prose } from '../../support/random.js'

const ZEROS = blocksOf(Buffer.alloc(500_000), 1, 'lbzip2')
const DENSE = blocksOf(Buffer.concat([noise(150_000), prose(150_000)]), 1, 'bzip2')
const EMPTY = { level: 3, blocks: [] }
const FILE = layOut([
  EMPTY,
  { level: 1, blocks: [phaseBlock(3), ...DENSE, ...ZEROS] },
  EMPTY,
  { level: 9, blocks: [...ZEROS, phaseBlock(6), ...DENSE] },
  EMPTY,
])

/** A segment in the words of a layout. */
function plain({ startBit, endBit, rawLength, crc }: ChainSegment) {
  return Array.from(startBit, (bit, block) => ({
    startBit: bit,
    endBit: endBit[block],
    rawLength: rawLength[block],
    crc: crc[block],
  }))
}

const LAID_OUT = FILE.blocks.map(({ startBit, endBit, rawLength, crc }) => ({ startBit, endBit, rawLength, crc }))

describe('a walk along the chain', () => {
  it('finds every block, header and footer of a file and ends at its end', () => {
    const segment = chainOf(FILE.bytes).chain.walk('start of file', Number.POSITIVE_INFINITY)
    expect(plain(segment)).toEqual(LAID_OUT)
    expect(segment.stop).toEqual({ kind: 'end' })
    expect(segment.marks.filter(({ kind }) => kind === 'header')).toMatchObject(
      FILE.streams.map(({ level }) => ({ level })),
    )
    expect(segment.marks.filter(({ kind }) => kind === 'footer')).toMatchObject(
      FILE.streams.map(({ footerBit, combinedCrc }) => ({ bit: footerBit, combinedCrc })),
    )
    expect(segment.marks.map(({ afterBlocks }) => afterBlocks)).toEqual(
      FILE.streams.flatMap((_, stream) => [
        FILE.blocks.filter((block) => block.stream < stream).length,
        FILE.blocks.filter((block) => block.stream <= stream).length,
      ]),
    )
  })

  it('stops before the first block that begins at or behind a bit, whatever the bit', () => {
    const { chain } = chainOf(FILE.bytes)
    fc.assert(
      fc.property(fc.nat(FILE.bytes.length * 8), fc.nat(FILE.blocks.length - 1), (until, from) => {
        const startBit = FILE.blocks[from]!.startBit
        const segment = chain.walk({ bit: startBit }, until)
        const expected = LAID_OUT.filter((block) => block.startBit >= startBit && block.startBit < until)
        expect(plain(segment)).toEqual(expected)
        const next = LAID_OUT.find((block) => block.startBit >= Math.max(until, startBit))
        expect(segment.stop).toEqual(next === undefined ? { kind: 'end' } : { kind: 'block', bit: next.startBit })
      }),
      { numRuns: 60 },
    )
  })

  it('takes padding bits that are not zero, as bzip2 does', () => {
    const file = layOut([{ level: 1, blocks: [phaseBlock(3)] }])
    const end = file.streams[0]!.footerBit + 80
    expect(end % 8).not.toBe(0)
    for (let bit = end; bit < file.bytes.length * 8; bit++) {
      const { stop } = chainOf(flipBit(file.bytes, bit)).chain.walk('start of file', Number.POSITIVE_INFINITY)
      expect(stop).toEqual({ kind: 'end' })
    }
  })

  it.each<[string, Buffer, object]>([
    ['a byte behind the last stream', Buffer.concat([FILE.bytes, Buffer.alloc(1)]), { kind: 'trailing' }],
    ['half a header behind it', Buffer.concat([FILE.bytes, Buffer.from('BZ')]), { kind: 'trailing' }],
    ['a header of level 0', Buffer.concat([FILE.bytes, Buffer.from('BZh0xxxxxxxxxx')]), { kind: 'trailing' }],
    [
      'a header and nothing more',
      Buffer.concat([FILE.bytes, Buffer.from('BZh9')]),
      { kind: 'fault', fault: 'cut-off' },
    ],
    ['a header without a magic', Buffer.concat([FILE.bytes, Buffer.from('BZh9xxxxxxxxxx')]), { fault: 'magic' }],
    ['a footer without its last byte', FILE.bytes.subarray(0, -1), { kind: 'fault', fault: 'cut-off' }],
  ])('stops with a reason at %s', (_, bytes, stop) => {
    expect(chainOf(bytes).chain.walk('start of file', Number.POSITIVE_INFINITY).stop).toMatchObject(stop)
  })

  it('tells of a block of 900 kB in a stream of any level by its text; the map compares it with the level', () => {
    const [block] = blocksOf(noise(890_000), 9, 'bzip2')
    const segment = chainOf(layOut([{ level: 1, blocks: [block!] }]).bytes).chain.walk('start of file', 1e9)
    expect(segment.textLength[0]).toBeGreaterThan(800_000)
    expect(segment.marks[0]).toMatchObject({ level: 1 })
  })

  it('decodes a block that takes more than the MiB that is read ahead', () => {
    const long = longBlock(700_000)
    expect(long.piece.bitLength / 8).toBeGreaterThan(1 << 20)
    const file = layOut([{ level: 9, blocks: [...DENSE, long, ...ZEROS] }])
    expect(plain(chainOf(file.bytes).chain.walk('start of file', Number.POSITIVE_INFINITY))).toEqual(
      file.blocks.map(({ startBit, endBit, rawLength, crc }) => ({ startBit, endBit, rawLength, crc })),
    )
  })

  it('throws what the file says when the nth read fails, for every n, and is right again afterwards', async () => {
    for (let nth = 1; ; nth++) {
      let reads = 0
      const readAt = readAtOf(FILE.bytes)
      const { chain } = chainOf(FILE.bytes, (target, position) => {
        if (++reads === nth) throw Object.assign(new Error('injected'), { code: 'EIO' })
        return readAt(target, position)
      })
      const walk = () => chain.walk('start of file', Number.POSITIVE_INFINITY)
      try {
        walk()
        break
      } catch (error) {
        await rejectsWithCode(Promise.reject(error), 'ERR_IO')
      }
      expect(plain(walk())).toEqual(LAID_OUT)
    }
  })

  it('says that the file became shorter when the nth read is short, for every n', async () => {
    for (let nth = 1; ; nth++) {
      let reads = 0
      const readAt = readAtOf(FILE.bytes)
      const { chain } = chainOf(FILE.bytes, (target, position) =>
        ++reads === nth ? readAt(target.subarray(0, -1), position) : readAt(target, position),
      )
      const walk = () => chain.walk('start of file', Number.POSITIVE_INFINITY)
      let failed = false
      try {
        walk()
      } catch (error) {
        failed = true
        await rejectsWithCode(Promise.reject(error), 'ERR_IO')
      }
      if (!failed) break
      expect(plain(walk())).toEqual(LAID_OUT)
    }
  })
})

describe('a search', () => {
  it('finds the first block that begins in a range of bits, and walks to the end of the range', () => {
    const { chain } = chainOf(FILE.bytes)
    const total = FILE.bytes.length * 8
    fc.assert(
      fc.property(fc.nat(total), fc.nat(total), (a, b) => {
        const [from, until] = [Math.min(a, b), Math.max(a, b)]
        const expected = LAID_OUT.filter(({ startBit }) => startBit >= from && startBit < until)
        const segment = chain.findAndWalk(from, until)
        expect(segment === undefined ? [] : plain(segment)).toEqual(expected)
      }),
      { numRuns: 60 },
    )
  })

  it('finds a block at the very first and not at the last bit of a range', () => {
    const { chain } = chainOf(FILE.bytes)
    for (const { startBit } of FILE.blocks) {
      expect(chain.findAndWalk(startBit, startBit + 1)?.startBit[0]).toBe(startBit)
      expect(chain.findAndWalk(startBit - 7, startBit)).toBeUndefined()
    }
  })

  it.each(['block', 'footer'] as const)('is not taken in by the %s magic inside a block', (magic) => {
    const crafted = falseMagicBlock(magic, 20_000, 40)
    const file = layOut([{ level: 9, blocks: [phaseBlock(1), crafted, ...ZEROS] }])
    const segment = chainOf(file.bytes).chain.findAndWalk(file.blocks[1]!.startBit + 1, file.bytes.length * 8)
    expect(segment?.startBit[0]).toBe(file.blocks[2]!.startBit)
  })

  it('gives up after sixteen false beginnings, and not after fifteen', () => {
    for (const [count, found] of [
      [15, true],
      [16, false],
    ] as const) {
      const blocks = Array.from({ length: count }, (_, index) => falseMagicBlock('block', 400, 20 + index))
      // Every crafted block begins in the range as well: only their insides are looked at here.
      const inner = Buffer.concat([
        noise(20),
        ...blocks.map(({ piece }) => Buffer.from(piece.bytes.subarray(8))),
        layOut([{ level: 9, blocks: ZEROS }]).bytes,
      ])
      expect(chainOf(inner).chain.findAndWalk(0, inner.length * 8) !== undefined, `${count}`).toBe(found)
    }
  })

  it('finds a block that begins in any of the last bytes of what is scanned at a time', () => {
    // 256 KiB at a time; the phases shift the second block over the border.
    const bits = noise(262_144 - 60)
    for (let shift = 0; shift < 24; shift++) {
      const file = Buffer.concat([bits, noise(shift, 3), layOut([{ level: 1, blocks: ZEROS }]).bytes.subarray(4)])
      const at = (bits.length + shift) * 8
      expect(chainOf(file).chain.findAndWalk(0, file.length * 8)?.startBit[0]).toBe(at)
    }
  })
})

describe('levelAt', () => {
  it('knows BZh1 to BZh9 and nothing else', () => {
    for (let level = 1; level <= 9; level++) expect(chainOf(compress(noise(10), level)).chain.levelAt(0)).toBe(level)
    for (const other of ['BZh0', 'BZh:', 'BZH9', 'BZ09', 'bzh9'])
      expect(chainOf(Buffer.from(`${other}more`)).chain.levelAt(0)).toBeUndefined()
    expect(craftStream([craftBlock([2, 3])]).toString('latin1', 0, 4)).toBe('BZh9')
  })
})
