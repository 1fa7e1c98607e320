import { mkdtempSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { open, readFile, truncate, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { findBzip2Programs } from '#src/codec/bzip2/programs.js'
import { decodeImage } from '#src/codec/open.js'
import type { OemBakeError } from '#src/errors.js'
import { Overlay } from '#src/overlay.js'
import { flipBit } from '../../support/bits.js'
import { BZIP2_PROGRAMS, compress, environmentWith } from '../../support/bzip2.js'
import { blocksOf, bunzip2, layOut, phaseBlock, takeApart } from '../../support/bzip2-layout.js'
import { anchorOf, NO_ANCHOR } from '../../support/chains.js'
import { childNames } from '../../support/children.js'
import { testContext } from '../../support/context.js'
import { type Opening, withOpenedBzip2 } from '../../support/decoders.js'
import { digestsOf } from '../../support/digests.js'
import { rejectsWithCode } from '../../support/errors.js'
import { type Operation, withFault } from '../../support/faults.js'
import { noise, prose } from '../../support/random.js'
import { LAYOUTS, fileOf as layoutOf } from '../../support/splice-cases.js'
import { temporaryDirectory } from '../../support/temp.js'
import { threadCount } from '../../support/threads.js'
import { withVerifiedImage } from '../../support/verified.js'

const directory = temporaryDirectory()

/** Dense in the middle, so that the tail index has something to leave out. */
const FILE = layOut([
  {
    level: 1,
    blocks: [
      phaseBlock(2),
      ...blocksOf(noise(400_000), 1, 'bzip2'),
      ...blocksOf(Buffer.alloc(400_000), 1, 'lbzip2'),
      ...blocksOf(prose(250_000), 1, 'bzip2'),
      ...blocksOf(Buffer.alloc(300_000), 1, 'bzip2'),
    ],
  },
])
const ANCHOR = anchorOf(FILE.decoded)
const EDIT_AT = 900_000
const EDITED_BLOCK = FILE.blocks.find(({ rawOffset, rawLength }) => rawOffset + rawLength > EDIT_AT)!
const EDITED = Buffer.from(FILE.decoded)
EDITED.write('an edit', EDIT_AT)

/** The three ways of finding the blocks. */
const WAYS: readonly (readonly ['full' | 'tail' | 'cached', () => Opening])[] = [
  ['full', () => ({ directory, purpose: 'bake' })],
  ['tail', () => ({ directory, purpose: 'bake', digest: 'right', anchor: ANCHOR })],
  ['cached', () => ({ ...cachedOpening(), purpose: 'bake' })],
]

function cachedOpening(): Opening {
  const env = { ...process.env, XDG_CACHE_HOME: mkdtempSync(join(directory, 'cache-')) }
  return { directory, useCache: true, context: testContext({ env }) }
}

async function fillCache(opening: Opening): Promise<void> {
  if (opening.useCache)
    await withOpenedBzip2(FILE.bytes, { ...opening, purpose: 'look' }, (decoded) => decoded.remember({}))
}

async function editOf(device: ConstructorParameters<typeof Overlay>[0]): Promise<Overlay> {
  const edited = new Overlay(device)
  await edited.write(EDIT_AT, Buffer.from('an edit'))
  return edited
}

describe('the choice of program', () => {
  it('is lbzip2 before pbzip2 before bzip2, of those that are there', async () => {
    const names = async (programs: readonly string[]) =>
      (await findBzip2Programs(testContext({ env: environmentWith(directory, programs) }))).map(({ name }) => name)
    expect(await names(['bzip2', 'pbzip2', 'lbzip2'])).toEqual(['lbzip2', 'pbzip2', 'bzip2'])
    expect(await names(['bzip2', 'pbzip2'])).toEqual(['pbzip2', 'bzip2'])
    expect(await names([])).toEqual([])
  })

  it('refuses to recompress before any work when no program can write bzip2, but not to look or to splice', async () => {
    const context = testContext({ env: environmentWith(directory, []) })
    const error = await rejectsWithCode(
      withOpenedBzip2(FILE.bytes, { directory, purpose: { recompress: 9 }, context }, async () => undefined),
      'ERR_COMPRESSOR_MISSING',
    )
    expect(error.hint).toContain('apt-get install lbzip2')
    expect(context.events).toEqual([])
    for (const purpose of ['look', 'bake'] as const)
      await withOpenedBzip2(FILE.bytes, { directory, purpose, context }, async ({ codec }) =>
        expect(codec).toEqual({ kind: 'bzip2', level: 1, index: 'full' }),
      )
  })
})

describe.each(WAYS)('a bake by the %s index', (how, opening) => {
  it('writes a file that decodes to the edited bytes, and gives its SHA-256 and SHA-512', async () => {
    const own = opening()
    await fillCache(own)
    await withOpenedBzip2(FILE.bytes, own, async (decoded, target) => {
      const edited = await editOf(decoded.device)
      expect(await decoded.encode(edited)).toBeUndefined()
      expect(decoded.codec).toEqual({ kind: 'bzip2', level: 1, index: how })
      const told = await decoded.check(edited)
      const written = readFileSync(target)
      expect(told).toEqual(digestsOf(written))
      expect(bunzip2(written).equals(EDITED)).toBe(true)
      expect(decoded.codec).toMatchObject({ index: how })
    })
  })

  it('gives the very input when nothing was edited, or what was edited was put back', async () => {
    const own = opening()
    await fillCache(own)
    for (const restored of [false, true]) {
      await withOpenedBzip2(FILE.bytes, own, async (decoded, target) => {
        const edited = await editOf(decoded.device)
        if (restored) await edited.write(EDIT_AT, FILE.decoded.subarray(EDIT_AT, EDIT_AT + 7))
        const image = restored ? edited : new Overlay(decoded.device)
        await decoded.encode(image)
        expect(await decoded.check(image)).toEqual(digestsOf(FILE.bytes))
        expect(readFileSync(target).equals(FILE.bytes)).toBe(true)
      })
    }
  })

  it('leaves no thread and no open file behind, whether it ends well, fails or is left half way', async () => {
    const own = opening()
    await fillCache(own)
    await withOpenedBzip2(FILE.bytes, own, async () => undefined)
    const before = threadCount()
    await withOpenedBzip2(FILE.bytes, own, async (decoded) => {
      const edited = await editOf(decoded.device)
      await decoded.encode(edited)
      await decoded.check(edited)
    })
    await withOpenedBzip2(FILE.bytes, own, async (decoded) => decoded.encode(await editOf(decoded.device)))
    await withOpenedBzip2(FILE.bytes, own, async () => {
      throw new Error('left half way')
    }).catch(() => undefined)
    await rejectsWithCode(
      withOpenedBzip2(FILE.bytes.subarray(0, -1), own, async () => undefined),
      'ERR_BZIP2_TRUNCATED',
    )
    await expect.poll(threadCount, { timeout: 10_000 }).toBeLessThanOrEqual(before)
  })

  it.each<[string, (written: Buffer) => Buffer]>([
    ['a bit of the new block', (written) => flipBit(written, EDITED_BLOCK.startBit + 900)],
    ['a bit of a block behind it', (written) => flipBit(written, (written.length - 60) * 8)],
    ['a bit of the combined CRC', (written) => flipBit(written, (written.length - 3) * 8)],
    ['the last byte cut off', (written) => written.subarray(0, -1)],
    ['one byte more', (written) => Buffer.concat([written, Buffer.alloc(1)])],
    ['no bytes at all', () => Buffer.alloc(0)],
    ['the input, as it was', () => FILE.bytes],
    ['noise of the same length', (written) => noise(written.length)],
  ])('finds in the check that what was written is something else: %s', async (_, spoil) => {
    const own = opening()
    await fillCache(own)
    await withOpenedBzip2(FILE.bytes, own, async (decoded, target) => {
      const edited = await editOf(decoded.device)
      await decoded.encode(edited)
      const written = await readFile(target)
      const handle = await open(target, 'r+')
      const spoilt = spoil(written)
      await handle.truncate(spoilt.length)
      await handle.write(spoilt, 0, spoilt.length, 0)
      await handle.close()
      await rejectsWithCode(decoded.check(edited), 'ERR_CHECK_OUTPUT')
    })
  })

  it('is stopped with ERR_CANCELLED at every moment that it reports, and leaves nothing behind', async () => {
    const own = opening()
    await fillCache(own)
    let moments = 0
    for (let nth = 1; ; nth++) {
      const abort = new AbortController()
      const base = own.context ?? testContext()
      let seen = 0
      const context = { ...base, signal: abort.signal, report: () => void (++seen === nth && abort.abort()) }
      const failure = await withOpenedBzip2(FILE.bytes, { ...own, context }, async (decoded) => {
        const edited = await editOf(decoded.device)
        await decoded.encode(edited)
        await decoded.check(edited)
      }).catch((error) => error as OemBakeError)
      if (failure instanceof Error) expect(failure.code, `${nth}: ${failure.stack}`).toBe('ERR_CANCELLED')
      if (seen < nth) break
      moments++
    }
    expect(moments).toBeGreaterThan(1)
  })

  it('is stopped at any time', async () => {
    const own = opening()
    await fillCache(own)
    for (let delayMs = 0; delayMs < 120; delayMs += 12) {
      const abort = new AbortController()
      setTimeout(() => abort.abort(), delayMs)
      const context = { ...(own.context ?? testContext()), signal: abort.signal }
      const failure = await withOpenedBzip2(FILE.bytes, { ...own, context }, async (decoded) => {
        const edited = await editOf(decoded.device)
        await decoded.encode(edited)
        await decoded.check(edited)
      }).catch((error) => error as OemBakeError)
      if (failure instanceof Error) expect(failure.code, failure.stack).toBe('ERR_CANCELLED')
    }
  })

  it.each([
    ['EIO', 'ERR_IO'],
    ['ENOSPC', 'ERR_NO_SPACE'],
    ['EACCES', 'ERR_PERMISSION'],
    ['nothing', 'ERR_IO'],
  ] as const)(
    'fails with the error of the machine when the nth file operation fails (%s), for every n',
    async (kind, code) => {
      const own = opening()
      await fillCache(own)
      const operations =
        kind === 'nothing' ? (['read', 'write'] as const) : (['read', 'write', 'sync', 'truncate', 'stat'] as const)
      const seen = new Set<Operation>()
      for (let nth = 1; ; nth++) {
        const { fired, failure } = await withOpenedBzip2(FILE.bytes, own, async (decoded) => {
          const edited = await editOf(decoded.device)
          return await withFault({ kind, nth, operations }, async () => {
            await decoded.encode(edited)
            await decoded.check(edited)
          })
        })
        if (fired === undefined) break
        seen.add(fired)
        await rejectsWithCode(Promise.reject(failure), code)
      }
      expect(seen.has('write')).toBe(true)
    },
  )

  it('writes every byte although reads and writes come in halves', async () => {
    const own = opening()
    await fillCache(own)
    for (let nth = 1; nth < 6; nth++) {
      await withOpenedBzip2(FILE.bytes, own, async (decoded, target) => {
        const edited = await editOf(decoded.device)
        const { failure } = await withFault({ kind: 'short', nth, operations: ['read', 'write'] }, async () => {
          await decoded.encode(edited)
          await decoded.check(edited)
        })
        expect(failure).toBeUndefined()
        expect(bunzip2(readFileSync(target)).equals(EDITED)).toBe(true)
      })
    }
  })
})

describe('a file without its right digest', () => {
  it('never passes its check, however the blocks are found', async () => {
    for (const anchor of [ANCHOR, NO_ANCHOR]) {
      const error = await rejectsWithCode(
        withOpenedBzip2(FILE.bytes, { directory, purpose: 'bake', digest: 'wrong', anchor }, async (decoded) => {
          const edited = await editOf(decoded.device)
          await decoded.encode(edited)
          await decoded.check(edited)
        }),
        'ERR_DIGEST_MISMATCH',
      )
      expect(error.exitCode).toBe(3)
    }
  })

  it('is not recompressed', async () => {
    for (const anchor of [ANCHOR, NO_ANCHOR]) {
      const purpose = { recompress: undefined }
      const error = await rejectsWithCode(
        withOpenedBzip2(FILE.bytes, { directory, purpose, digest: 'wrong', anchor }, async (decoded, target) => {
          const edited = await editOf(decoded.device)
          try {
            await decoded.encode(edited)
          } finally {
            expect(() => readFileSync(target)).toThrow()
          }
        }),
        'ERR_DIGEST_MISMATCH',
      )
      expect(error.exitCode).toBe(3)
    }
  })

  it('is refused when somebody only looked at it', async () => {
    await rejectsWithCode(
      withOpenedBzip2(FILE.bytes, { directory, digest: 'wrong', anchor: ANCHOR }, async (decoded) => {
        await decoded.device.read(0, 100)
        await decoded.settled()
      }),
      'ERR_DIGEST_MISMATCH',
    )
  })
})

describe('a block behind the edit that is corrupt', () => {
  const last = FILE.blocks.at(-1)!
  const corrupt = flipBit(FILE.bytes, last.startBit + 60)
  // Behind the blocks that a tail index looks at for its anchor and the edit, there is none: a dense one in the middle.
  const dense = flipBit(FILE.bytes, FILE.blocks[2]!.startBit + 5000)
  const bake = (file: Buffer, opening: Partial<Opening>) =>
    withOpenedBzip2(file, { directory, purpose: 'bake', anchor: ANCHOR, ...opening }, async (decoded) => {
      const edited = await editOf(decoded.device)
      await decoded.encode(edited)
      return await decoded.check(edited)
    })

  it.each<[string, Buffer]>([
    ['behind the edit', corrupt],
    ['in the dense part before it', dense],
  ])('fails with exit code 4 in full mode, and with 3 by the digest of the good file: %s', async (_, file) => {
    expect((await rejectsWithCode(bake(file, {}), 'ERR_BZIP2_CORRUPT')).exitCode).toBe(4)
    expect((await rejectsWithCode(bake(file, { digest: 'wrong' }), 'ERR_DIGEST_MISMATCH')).exitCode).toBe(3)
  })
})

describe('recompression', () => {
  it.each(BZIP2_PROGRAMS)(
    'with %s writes a file of the level asked for that decodes to the edited bytes',
    async (program) => {
      const context = testContext({ env: environmentWith(directory, [program]) })
      for (const [recompress, level] of [
        [undefined, 1],
        [3, 3],
      ] as const) {
        await withOpenedBzip2(FILE.bytes, { directory, purpose: { recompress }, context }, async (decoded, target) => {
          const edited = await editOf(decoded.device)
          expect(await decoded.encode(edited)).toBe(program)
          const written = readFileSync(target)
          expect(written.toString('latin1', 0, 4)).toBe(`BZh${level}`)
          expect(bunzip2(written).equals(EDITED)).toBe(true)
          expect(await decoded.check(edited)).toEqual(digestsOf(written))
        })
      }
      expect(childNames()).toEqual([])
    },
  )

  it.each<[string, (written: Buffer) => Buffer]>([
    ['a bit of a block', (written) => flipBit(written, written.length * 4)],
    ['the last bytes cut off', (written) => written.subarray(0, -20)],
    ['other content of the same length', () => compress(noise(EDITED.length), 9)],
    ['one byte less', () => compress(EDITED.subarray(0, -1), 9)],
    ['one byte more', () => compress(Buffer.concat([EDITED, Buffer.alloc(1)]), 9)],
    ['the image without the edit', () => FILE.bytes],
    ['no bytes at all', () => compress(Buffer.alloc(0))],
    ['something else entirely', () => noise(1000)],
  ])('finds in the check that what was written differs: %s', async (_, spoil) => {
    await withOpenedBzip2(FILE.bytes, { directory, purpose: { recompress: 1 } }, async (decoded, target) => {
      const edited = await editOf(decoded.device)
      await decoded.encode(edited)
      await writeFile(target, spoil(await readFile(target)))
      await rejectsWithCode(decoded.check(edited), 'ERR_CHECK_OUTPUT')
      await truncate(target, 0)
      await rejectsWithCode(decoded.check(edited), 'ERR_CHECK_OUTPUT')
    })
  })
})

describe('the cache of a bake', () => {
  it('remembers the map and the notes of a file for the next run', async () => {
    const opening = cachedOpening()
    const run = (notes?: Record<string, string>) =>
      withOpenedBzip2(FILE.bytes, opening, async (decoded) => {
        if (notes !== undefined) await decoded.remember(notes)
        return { ...decoded.codec, notes: decoded.notes }
      })
    expect(await run({ release: '1.2.3' })).toMatchObject({ index: 'full', notes: {} })
    expect(await run({ release: '4.5.6' })).toMatchObject({ index: 'cached', notes: { release: '1.2.3' } })
    expect(await run()).toMatchObject({ index: 'cached', notes: { release: '4.5.6' } })
  })

  it('of a tail index does not serve the file without its digest, and becomes one of a full check', async () => {
    const opening = { ...cachedOpening(), anchor: ANCHOR }
    const run = (digest?: 'right') =>
      withOpenedBzip2(FILE.bytes, { ...opening, digest }, async (decoded) => {
        const { codec } = decoded
        await decoded.remember({})
        return codec.kind === 'bzip2' ? codec.index : codec.kind
      })
    expect(await run('right')).toBe('tail')
    expect(await run('right')).toBe('cached')
    expect(await run()).toBe('full')
    expect(await run()).toBe('cached')
    expect(await run('right')).toBe('cached')
  })

  it('does not serve another file of the same size', async () => {
    const opening = cachedOpening()
    const other = flipBit(FILE.bytes, FILE.bytes.length * 8 - 1)
    await withOpenedBzip2(FILE.bytes, opening, (decoded) => decoded.remember({ release: '1.2.3' }))
    await withOpenedBzip2(other, opening, async ({ codec, notes }) => {
      expect(codec).toMatchObject({ index: 'full' })
      expect(notes).toEqual({})
    }).catch((error: OemBakeError) => expect(error.code).toBe('ERR_BZIP2_CORRUPT'))
  })

  it('that was spoilt is ignored and written again', async () => {
    const opening = cachedOpening()
    const folder = join(String(opening.context?.env.XDG_CACHE_HOME), 'oem-bake')
    const run = () =>
      withOpenedBzip2(FILE.bytes, opening, async (decoded) => {
        const { codec } = decoded
        await decoded.remember({})
        return codec.kind === 'bzip2' ? codec.index : codec.kind
      })
    expect(await run()).toBe('full')
    const [name] = readdirSync(folder)
    for (const spoil of [(bytes: Buffer) => bytes.subarray(0, -1), (bytes: Buffer) => flipBit(bytes, 4000)]) {
      writeFileSync(join(folder, name!), spoil(readFileSync(join(folder, name!))))
      expect(await run()).toBe('full')
      expect(await run()).toBe('cached')
    }
  })

  it.each<[string, Record<string, string | undefined>]>([
    ['no HOME', { HOME: undefined, XDG_CACHE_HOME: undefined }],
    ['a home that can not be written', { HOME: '/dev/null', XDG_CACHE_HOME: undefined }],
  ])('is done without where there is %s', async (_, env) => {
    const context = testContext({ env: { ...process.env, ...env } })
    for (let runs = 0; runs < 2; runs++)
      await withOpenedBzip2(FILE.bytes, { directory, useCache: true, context }, async (decoded) => {
        expect(decoded.codec).toMatchObject({ index: 'full' })
        await decoded.remember({ release: '1.2.3' })
      })
  })
})

describe('every layout', () => {
  it.each(LAYOUTS)('gives the very input when nothing was edited: %s', async (layout) => {
    for (const program of BZIP2_PROGRAMS) {
      const file = layoutOf({ program, level: 1, layout, phase: 5 })
      for (const digest of ['right', undefined] as const) {
        await withOpenedBzip2(
          file.bytes,
          { directory, purpose: 'bake', digest, anchor: anchorOf(file.decoded) },
          async (decoded, target) => {
            await decoded.encode(new Overlay(decoded.device))
            expect(await decoded.check(new Overlay(decoded.device))).toEqual(digestsOf(file.bytes))
            expect(readFileSync(target).equals(file.bytes)).toBe(true)
          },
        )
      }
    }
  })

  it('of no bytes gives itself back', async () => {
    const empty = layOut(takeApart(compress(Buffer.alloc(0))))
    await withOpenedBzip2(empty.bytes, { directory, purpose: 'bake' }, async (decoded, target) => {
      expect(decoded.device.size).toBe(0)
      await decoded.encode(new Overlay(decoded.device))
      expect(await decoded.check(new Overlay(decoded.device))).toEqual(digestsOf(empty.bytes))
      expect(readFileSync(target).equals(empty.bytes)).toBe(true)
    })
  })
})

describe('decodeImage', () => {
  const opened = async (name: string, bytes: Buffer) => {
    const folder = mkdtempSync(join(directory, 'open-'))
    const path = join(folder, name)
    await writeFile(path, bytes)
    return await withVerifiedImage(path, async (image) => {
      const options = { anchor: NO_ANCHOR, limitBytes: Number.POSITIVE_INFINITY, useCache: false }
      await using decoded = await decodeImage(image, { kind: 'look' }, options, testContext())
      return decoded.codec.kind
    })
  }

  it('goes by the bytes and never by the name', async () => {
    expect(await opened('image.img', compress(noise(1000)))).toBe('bzip2')
    expect(await opened('image.img.bz2', noise(1000))).toBe('plain')
  })

  it.each<[string, Buffer, string]>([
    ['gzip', Buffer.from([0x1f, 0x8b, 8, 0]), 'gzip -dk'],
    ['xz', Buffer.from('\xfd7zXZ\0', 'latin1'), 'xz -dk'],
    ['zstd', Buffer.from([0x28, 0xb5, 0x2f, 0xfd]), 'zstd -d'],
    ['zip', Buffer.from('PK\x03\x04'), 'unzip'],
    ['lz4', Buffer.from([4, 0x22, 0x4d, 0x18]), 'lz4 -d'],
    ['tar', Buffer.concat([Buffer.from('name'), Buffer.alloc(253), Buffer.from('ustar')]), 'tar -xf'],
  ])('names %s, and says how to unpack it', async (kind, head, command) => {
    const error = await rejectsWithCode(
      opened('image.img.bz2', Buffer.concat([head, noise(500)])),
      'ERR_CODEC_UNSUPPORTED',
    )
    expect(error.details).toEqual({ found: kind })
    expect(error.hint).toContain(command)
  })

  it('refuses a saved error page', async () => {
    await rejectsWithCode(opened('image.img.bz2', Buffer.from('<html>404 Not Found</html>\n')), 'ERR_NOT_AN_IMAGE')
  })

  it('gives a sensible code to a file cut inside its header', async () => {
    for (const length of [1, 2, 3])
      await rejectsWithCode(opened('x.bz2', Buffer.from('BZh').subarray(0, length)), 'ERR_NOT_AN_IMAGE')
    for (const length of [4, 7, 9, 10])
      await rejectsWithCode(opened('x.bz2', compress(noise(100)).subarray(0, length)), 'ERR_BZIP2_TRUNCATED')
  })

  it('never calls a file bzip2 whose header is damaged in any bit', async () => {
    const file = compress(noise(100))
    for (let bit = 0; bit < 32; bit++) {
      const kind = await opened('x.bz2', flipBit(file, bit)).catch((error: OemBakeError) => error.code)
      // The level's own bits may still give a level: then the decoder has the say.
      if (bit < 24) expect(kind, `bit ${bit}`).toBe('plain')
      else expect(kind, `bit ${bit}`).toMatch(/^(plain|bzip2|ERR_BZIP2_CORRUPT)$/)
    }
  })
})
