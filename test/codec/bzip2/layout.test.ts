import { execFileSync } from 'node:child_process'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { MemoryDevice } from '#src/byte-device.js'
import { type Bzip2Layout, readBzip2Layout } from '#src/codec/bzip2/layout.js'
import { BZIP2_PROGRAMS, compress, referenceHits } from '../../support/bzip2.js'
import { type CraftedBlock, craftBlock, craftStream } from '../../support/bzip2-craft.js'
import { testContext } from '../../support/context.js'
import { rejectsWithCode } from '../../support/errors.js'
import { noise, prose } from '../../support/random.js'

const layoutOf = (bytes: Buffer): Promise<Bzip2Layout> =>
  readBzip2Layout(new MemoryDevice(bytes), 'x.bz2', testContext())

/** Bytes as symbols of a crafted block, so that the block's data holds them. */
const HEAD = [10, 50, 20, 40, 30]
const FALSE_END = [...HEAD, 0x17, 0x72, 0x45, 0x38, 0x50, 0x90, 0xc1, 0xc2, 0xc3, 0xc4, 60, 70]
const FALSE_BLOCK = [...HEAD, 0x31, 0x41, 0x59, 0x26, 0x53, 0x59, 0xc1, 0xc2, 0xc3, 0xc4, 60, 70]
/** The end of a stream, a header and a block: what looks most like the border between two streams. */
const FALSE_BORDER = [
  ...HEAD,
  0x17,
  0x72,
  0x45,
  0x38,
  0x50,
  0x90,
  1,
  2,
  3,
  4,
  0x42,
  0x5a,
  0x68,
  0x39,
  0x31,
  0x41,
  0x59,
  0x26,
  0x53,
  0x59,
  9,
  9,
  9,
  9,
]

describe('readBzip2Layout', () => {
  it.each([1, 2, 3, 4, 5, 6, 7, 8, 9])('reads level %d and counts its blocks', async (level) => {
    // One block takes level * 100 000 bytes, less a few.
    const layout = await layoutOf(compress(noise(250_000), level))
    expect(layout).toMatchObject({ level, streams: 1, blocks: Math.ceil(250_000 / (level * 100_000 - 19)) })
    expect(layout.denseBytes).toBeGreaterThanOrEqual(250_000)
  })

  it.each(BZIP2_PROGRAMS)('reads what %s writes', async (program) => {
    const layout = await layoutOf(compress(prose(2_000_000), 9, program))
    expect(layout.level).toBe(9)
    expect(layout.blocks).toBeGreaterThanOrEqual(3)
    expect(layout.streams).toBe(program === 'pbzip2' ? 3 : 1)
  })

  it.each(BZIP2_PROGRAMS)('reads an empty stream of %s', async (program) => {
    expect(await layoutOf(compress(Buffer.alloc(0), 9, program))).toEqual({
      level: 9,
      streams: 1,
      blocks: 0,
      denseBytes: 0,
    })
  })

  it('reads streams of different levels, with empty ones first, in the middle and last', async () => {
    const empty = compress(Buffer.alloc(0), 3)
    const file = Buffer.concat([
      empty,
      compress(Buffer.from('one'), 1),
      empty,
      empty,
      compress(prose(300_000), 2, 'lbzip2'),
      compress(Buffer.from('three'), 9, 'pbzip2'),
      empty,
    ])
    expect(await layoutOf(file)).toMatchObject({ level: 3, streams: 7 })
  })

  it('does not take a long run for dense data', async () => {
    const layout = await layoutOf(compress(Buffer.alloc(200 << 20), 9, 'lbzip2'))
    expect(layout.blocks).toBeGreaterThan(2)
    expect(layout.denseBytes).toBe(0)
  })

  it('calls every true prefix of a stream truncated', async () => {
    for (const file of [
      compress(Buffer.from('hello, world')),
      compress(Buffer.alloc(0)),
      compress(prose(120_000), 1),
    ]) {
      for (let length = 4; length < file.length; length += file.length > 1000 ? 97 : 1) {
        const error = await rejectsWithCode(layoutOf(file.subarray(0, length)), 'ERR_BZIP2_TRUNCATED')
        expect(error.details).toMatchObject({ streamOffset: 0, sizeBytes: length })
      }
    }
  })

  it('calls a file truncated or trailed whose second stream is cut anywhere', async () => {
    const first = compress(Buffer.from('hello'))
    const second = compress(Buffer.from('world'))
    for (let length = 1; length < second.length; length++) {
      const code = length < 4 ? 'ERR_BZIP2_TRAILING_GARBAGE' : 'ERR_BZIP2_TRUNCATED'
      await rejectsWithCode(layoutOf(Buffer.concat([first, second.subarray(0, length)])), code)
    }
  })

  it.each<[string, Buffer]>([
    ['one zero', Buffer.alloc(1)],
    ['zeros up to a sector', Buffer.alloc(470)],
    ['a megabyte of zeros', Buffer.alloc(1 << 20)],
    ['a newline', Buffer.from('\n')],
    ['text', Buffer.from('<html>502 Bad Gateway</html>\n')],
    ['another kind of file', Buffer.concat([Buffer.from([0x1f, 0x8b, 8, 0]), noise(100)])],
    ['a stream without its header', compress(Buffer.from('world')).subarray(4)],
    ['a header of level 0', Buffer.from('BZh0\x31\x41\x59\x26\x53\x59')],
    ['a header without a block', Buffer.from('BZh9 is no header')],
  ])('refuses %s after the last stream, and says where it starts', async (_, extra) => {
    for (const file of [
      compress(Buffer.from('hello')),
      compress(Buffer.alloc(0)),
      Buffer.concat([compress(Buffer.from('hello')), compress(Buffer.from('world'))]),
    ]) {
      const error = await rejectsWithCode(layoutOf(Buffer.concat([file, extra])), 'ERR_BZIP2_TRAILING_GARBAGE')
      expect(error.details).toEqual({ offset: file.length, extraBytes: extra.length })
    }
  })

  it('never accepts random bytes behind a stream', async () => {
    const file = compress(Buffer.from('hello'))
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ minLength: 1, maxLength: 40 }), async (extra) => {
        await rejectsWithCode(layoutOf(Buffer.concat([file, extra])), 'ERR_BZIP2_TRAILING_GARBAGE')
      }),
    )
  })

  it('refuses a file that does not begin with a header', async () => {
    await rejectsWithCode(layoutOf(Buffer.from('BZ')), 'ERR_BZIP2_TRAILING_GARBAGE')
    await rejectsWithCode(layoutOf(noise(100)), 'ERR_BZIP2_TRAILING_GARBAGE')
  })

  it('gets through a file of nothing but magics', async () => {
    const magics = Buffer.concat(Array.from({ length: 50_000 }, () => Buffer.from('314159265359deadbeef', 'hex')))
    const footers = Buffer.concat(Array.from({ length: 50_000 }, () => Buffer.from('177245385090deadbeef', 'hex')))
    await rejectsWithCode(layoutOf(Buffer.concat([Buffer.from('BZh9'), magics])), 'ERR_BZIP2_TRUNCATED')
    // The last of them ends the file, so only a decoder can tell that it is none.
    expect(await layoutOf(Buffer.concat([Buffer.from('BZh9'), footers]))).toMatchObject({ streams: 1, blocks: 0 })
  })

  it('stops when the run is cancelled', async () => {
    const context = testContext({ signal: AbortSignal.abort() })
    await rejectsWithCode(readBzip2Layout(new MemoryDevice(compress(Buffer.from('x'))), 'x', context), 'ERR_CANCELLED')
  })

  it('counts the bytes it has read, up to all of them', async () => {
    const context = testContext()
    const file = compress(noise(5 << 20), 9, 'lbzip2')
    await readBzip2Layout(new MemoryDevice(file), 'x', context)
    const counted = context.events.flatMap((event) => (event.kind === 'progress' ? [event.doneBytes] : []))
    expect(counted).toEqual([4 << 20, file.length])
  })
})

describe('magics that appear by chance', () => {
  const around = craftBlock([100, 90, 120, 80, 130])

  it('are there: every program decodes the crafted blocks to what the textbook says', () => {
    for (const symbols of [FALSE_END, FALSE_BLOCK, FALSE_BORDER]) {
      const block = craftBlock(symbols, 3)
      const file = craftStream([around, block, around])
      expect(referenceHits(file).length).toBeGreaterThan(3 + 1)
      for (const program of BZIP2_PROGRAMS) {
        const decoded = execFileSync(program, ['-dc'], { input: file })
        expect(decoded.equals(Buffer.concat([around.decoded, block.decoded, around.decoded])), program).toBe(true)
      }
    }
  })

  const streams = (block: CraftedBlock) => [craftStream([block]), craftStream([around, block, around])]

  it('do not end a stream, at any phase', async () => {
    for (let spare = 0; spare < 8; spare++) {
      // The false magic splits one block's bits, which changes no count.
      for (const [index, file] of streams(craftBlock(FALSE_END, spare)).entries())
        expect(await layoutOf(file)).toMatchObject({ streams: 1, blocks: index === 0 ? 1 : 3 })
    }
  })

  it('do not make a sound file unsound, whatever they look like', async () => {
    for (const symbols of [FALSE_END, FALSE_BLOCK, FALSE_BORDER])
      for (let spare = 0; spare < 8; spare++)
        for (const file of streams(craftBlock(symbols, spare)))
          for (const whole of [
            file,
            Buffer.concat([file, compress(Buffer.from('next'))]),
            Buffer.concat([compress(Buffer.from('before')), file]),
          ])
            expect((await layoutOf(whole)).streams).toBeGreaterThan(0)
  })

  it('do not hide that a file is cut', async () => {
    for (const symbols of [FALSE_END, FALSE_BLOCK, FALSE_BORDER])
      for (let spare = 0; spare < 8; spare++)
        for (const file of streams(craftBlock(symbols, spare)))
          for (const length of [file.length - 1, file.length - 5, file.length - 12])
            await rejectsWithCode(layoutOf(file.subarray(0, length)), 'ERR_BZIP2_TRUNCATED')
  })

  it('do not hide that something follows the last stream', async () => {
    for (const symbols of [FALSE_END, FALSE_BLOCK, FALSE_BORDER])
      for (let spare = 0; spare < 8; spare++)
        for (const file of streams(craftBlock(symbols, spare)))
          for (const extra of [Buffer.alloc(1), Buffer.from('\n'), noise(50)])
            await expect(layoutOf(Buffer.concat([file, extra]))).rejects.toMatchObject({
              code: expect.stringMatching(/^ERR_BZIP2_(TRAILING_GARBAGE|TRUNCATED)$/),
            })
  })
})
