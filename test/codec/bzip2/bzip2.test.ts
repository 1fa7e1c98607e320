import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { mkdirSync, mkdtempSync, readdirSync } from 'node:fs'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { openBzip2 } from '#src/codec/bzip2/bzip2.js'
import { WORKER_DECODER } from '#src/codec/bzip2/decode.js'
import { findBzip2Programs } from '#src/codec/bzip2/programs.js'
import { decodeImage } from '#src/codec/open.js'
import type { OemBakeError } from '#src/errors.js'
import { Overlay } from '#src/overlay.js'
import { openWorkspace } from '#src/temp.js'
import { flipBit } from '../../support/bits.js'
import { BZIP2_PROGRAMS, compress, environmentWith } from '../../support/bzip2.js'
import { childNames } from '../../support/children.js'
import { testContext } from '../../support/context.js'
import { DECODERS, environmentOf, withOpenedBzip2 } from '../../support/decoders.js'
import { rejectsWithCode } from '../../support/errors.js'
import { type Operation, withFault } from '../../support/faults.js'
import { noise, prose } from '../../support/random.js'
import { temporaryDirectory } from '../../support/temp.js'
import { withVerifiedImage } from '../../support/verified.js'

const directory = temporaryDirectory()

describe('the choice of program', () => {
  it('is lbzip2 before pbzip2 before bzip2, of those that are there', async () => {
    const names = async (programs: readonly string[]) =>
      (await findBzip2Programs(testContext({ env: environmentWith(directory, programs) }))).map(({ name }) => name)
    expect(await names(['bzip2', 'pbzip2', 'lbzip2'])).toEqual(['lbzip2', 'pbzip2', 'bzip2'])
    expect(await names(['bzip2', 'pbzip2'])).toEqual(['pbzip2', 'bzip2'])
    expect(await names([])).toEqual([])
  })

  it('refuses a bake before any work when no program can write bzip2, but not a look', async () => {
    const context = testContext({ env: environmentOf(directory, WORKER_DECODER) })
    const file = compress(Buffer.from('hello'))
    const error = await rejectsWithCode(
      withOpenedBzip2(file, { directory, decoder: WORKER_DECODER, intent: 'bake', context }, async () => undefined),
      'ERR_COMPRESSOR_MISSING',
    )
    expect(error.hint).toContain('apt-get install lbzip2')
    expect(context.events).toEqual([])
    await withOpenedBzip2(file, { directory, decoder: WORKER_DECODER }, async ({ codec }) =>
      expect(codec).toEqual({ kind: 'bzip2', level: 9, streams: 1, blocks: 1, decoder: WORKER_DECODER }),
    )
  })
})

describe.each(DECODERS)('openBzip2 with %s', (decoder) => {
  it('decodes to a file with holes', () =>
    withOpenedBzip2(
      compress(Buffer.concat([noise(10_000), Buffer.alloc(3_000_000), noise(1000)])),
      { directory, decoder },
      async ({ device, path }) => {
        expect(device.size).toBe(3_011_000)
        expect(Number(execFileSync('stat', ['-c', '%b', path])) * 512).toBeLessThanOrEqual(4096 * 5)
      },
    ))

  it('tells the phases and counts up to the whole file', async () => {
    const context = testContext({ env: environmentOf(directory, decoder) })
    const file = compress(noise(400_000))
    await withOpenedBzip2(file, { directory, decoder, context }, async () => undefined)
    expect(context.events.filter(({ kind }) => kind === 'phase')).toEqual([
      { kind: 'phase', phase: 'scan', detail: 'image.bz2' },
      { kind: 'phase', phase: 'decode', detail: decoder },
    ])
    expect(context.events.at(-1)).toMatchObject({ phase: 'decode', doneBytes: file.length, totalBytes: file.length })
  })
})

describe('a bake', () => {
  const IMAGE = Buffer.concat([prose(300_000), Buffer.alloc(300_000), noise(50_000)])
  const IMAGE_FILE = compress(IMAGE)

  it.each(BZIP2_PROGRAMS)(
    'with %s writes a file of the same level that decodes to the edited bytes',
    async (program) => {
      await withOpenedBzip2(
        compress(IMAGE, 3),
        { directory, decoder: program, intent: 'bake' },
        async (decoded, workspace) => {
          expect(decoded.codec).toMatchObject({ level: 3, decoder: program })
          expect(await decoded.editablePath()).toBe(decoded.path)
          const edited = new Overlay(decoded.device)
          await edited.write(299_000, Buffer.from('an edit'))
          const expected = Buffer.from(IMAGE)
          expected.write('an edit', 299_000)
          const target = workspace.path('finished')
          expect(await decoded.encode(edited, target)).toBe(program)
          const written = await readFile(target)
          expect(written.toString('latin1', 0, 4)).toBe('BZh3')
          expect(execFileSync('bzip2', ['-dc'], { input: written, maxBuffer: 1 << 30 }).equals(expected)).toBe(true)
          expect(await decoded.check(edited, target)).toBe(createHash('sha256').update(written).digest('hex'))
        },
      )
    },
  )

  it.each<[string, (written: Buffer) => Buffer]>([
    ['a bit of a block', (written) => flipBit(written, written.length * 4)],
    ['the last bytes cut off', (written) => written.subarray(0, -20)],
    ['other content of the same length', () => compress(noise(IMAGE.length), 9)],
    ['one byte less', () => compress(IMAGE.subarray(0, -1), 9)],
    ['one byte more', () => compress(Buffer.concat([IMAGE, Buffer.alloc(1)]), 9)],
    ['no bytes at all', () => compress(Buffer.alloc(0))],
    ['something else entirely', () => noise(1000)],
  ])('finds in the check that what was written differs: %s', async (_, spoil) => {
    for (const decoder of ['lbzip2', 'bzip2'] as const) {
      await withOpenedBzip2(IMAGE_FILE, { directory, decoder, intent: 'bake' }, async (decoded, workspace) => {
        const target = workspace.path('finished')
        await decoded.encode(decoded.device, target)
        await writeFile(target, spoil(await readFile(target)))
        await rejectsWithCode(decoded.check(decoded.device, target), 'ERR_CHECK_OUTPUT')
      })
    }
  })
})

describe('failing file operations', () => {
  it.each([
    ['EIO', 'ERR_IO'],
    ['ENOSPC', 'ERR_NO_SPACE'],
    ['EACCES', 'ERR_PERMISSION'],
  ] as const)('end the decoding with the error of the machine, whichever fails with %s', async (kind, code) => {
    const file = compress(Buffer.concat([noise(300_000), Buffer.alloc(100_000), noise(10_000)]))
    const seen = new Set<Operation>()
    for (let nth = 1; ; nth++) {
      // The folder and its source are made before the fault is laid.
      const folder = mkdtempSync(join(directory, 'fault-'))
      const path = join(folder, 'image.bz2')
      await writeFile(path, file)
      const context = testContext({ env: environmentOf(directory, 'bzip2') })
      const { fired, failure } = await withVerifiedImage(path, async (image) => {
        await using workspace = await openWorkspace(folder)
        return await withFault({ kind, nth, operations: ['open', 'read', 'write', 'truncate', 'statfs'] }, async () => {
          await using decoded = await openBzip2(image, 'look', workspace, context)
          await decoded.device.read(0, decoded.device.size)
        })
      })
      expect(readdirSync(folder)).toEqual(['image.bz2'])
      if (fired === undefined) break
      seen.add(fired)
      // The very last read of a stream only finds the end of the file; a fault there changes nothing else.
      await rejectsWithCode(Promise.reject(failure), code)
    }
    expect(seen).toEqual(new Set(['read', 'statfs', 'open', 'write', 'truncate']))
    expect(childNames()).toEqual([])
  })
})

describe('decodeImage', () => {
  const opened = async (name: string, bytes: Buffer) => {
    const folder = mkdtempSync(join(directory, 'open-'))
    const path = join(folder, name)
    await writeFile(path, bytes)
    await using workspace = await openWorkspace(folder)
    return await withVerifiedImage(path, async (image) => {
      await using decoded = await decodeImage(image, 'look', workspace, testContext())
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

  it('is told the free space before it decodes', async () => {
    const small = join(directory, 'small')
    mkdirSync(small)
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=1m', 'tmpfs', small])
    try {
      const path = join(directory, 'dense.bz2')
      await writeFile(path, compress(noise(2_500_000), 9, 'lbzip2'))
      await using workspace = await openWorkspace(small)
      const context = testContext()
      await withVerifiedImage(path, async (image) => {
        const error = await rejectsWithCode(decodeImage(image, 'look', workspace, context), 'ERR_NO_SPACE')
        expect(error.details).toMatchObject({ neededBytes: 2_700_000 })
        expect(context.events).not.toContainEqual(expect.objectContaining({ phase: 'decode' }))
      })
    } finally {
      execFileSync('umount', [small])
    }
  })
})
