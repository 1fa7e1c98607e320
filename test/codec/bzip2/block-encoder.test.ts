/** Whatever is fed comes out again: through our decoder, through the plain one, through the real programs. */
import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { compileBlockCodec } from '#src/codec/bzip2/block-codec.js'
import { BlockDecoder } from '#src/codec/bzip2/block-decoder.js'
import { BlockEncoder, type EncodedBlock, MAX_RAW_BYTES } from '#src/codec/bzip2/block-encoder.js'
import { bitsOf } from '../../support/bits.js'
import { compress } from '../../support/bzip2.js'
import { decodeAt, decodedText, fileOf } from '../../support/bzip2-blocks.js'
import { crcOf, decodeWithOracle } from '../../support/bzip2-oracle.js'
import { rejectsWithCode } from '../../support/errors.js'
import { noise, prose } from '../../support/random.js'

const decoder = new BlockDecoder(compileBlockCodec())
const encoder = new BlockEncoder(compileBlockCodec())

function encode(bytes: Buffer, phase?: number, level = 9): EncodedBlock {
  encoder.begin(level)
  expect(encoder.feed(bytes)).toBe(bytes.length)
  return encoder.finish(phase)
}

/** As many blocks as the bytes need. */
function encodeAll(bytes: Buffer, level: number, phase?: number): EncodedBlock[] {
  const blocks: EncodedBlock[] = []
  for (let at = 0; at < bytes.length; ) {
    encoder.begin(level)
    at += encoder.feed(bytes.subarray(at))
    blocks.push(encoder.finish(phase))
  }
  return blocks
}

function bitsOfBlock({ bytes, bitLength }: EncodedBlock): string {
  const bits = bitsOf(bytes)
  expect(bytes).toHaveLength(Math.ceil(bitLength / 8))
  expect(bits.slice(bitLength)).toBe('0'.repeat(bytes.length * 8 - bitLength))
  return bits.slice(0, bitLength)
}

/** Decodes to these bytes, by our decoder alone. */
function comesBack(block: EncodedBlock, bytes: Buffer, level = 9): void {
  const { bitLength, crc, rawLength } = block
  expect(rawLength).toBe(bytes.length)
  const result = decodeAt(decoder, block.bytes, 0, level)
  expect(result).toMatchObject({ kind: 'block', endBit: bitLength, crc, rawLength })
  expect(decodedText(decoder).equals(bytes)).toBe(true)
}

/** Decodes to these bytes by the plain decoder too, which counts selectors and code lengths. */
function comesBackPlainly(block: EncodedBlock, bytes: Buffer) {
  comesBack(block, bytes)
  const found = decodeWithOracle(block.bytes, 0, 9)
  if (found.kind === 'fault') throw new Error(`the oracle finds ${found.fault}`)
  expect(found.decoded.equals(bytes)).toBe(true)
  expect(crcOf(bytes)).toBe(block.crc)
  return found
}

/** The real programs decode a file of these blocks to these bytes. */
function judgesAgree(blocks: readonly EncodedBlock[], bytes: Buffer, level = 9): void {
  const file = fileOf(
    blocks.map((block) => ({ bits: bitsOfBlock(block), crc: block.crc })),
    level,
  )
  for (const program of ['bzip2', 'lbzip2', 'pbzip2']) {
    expect(execFileSync(program, ['-dc'], { input: file, maxBuffer: 1 << 30 }).equals(bytes)).toBe(true)
  }
}

/** A text of some kind, with its size up to a limit. */
function anyBytes(maxLength: number): fc.Arbitrary<Buffer> {
  const length = fc.integer({ min: 1, max: maxLength })
  const seed = fc.nat({ max: 1000 })
  const runs = fc.array(fc.tuple(fc.nat({ max: 3 }), fc.integer({ min: 1, max: 600 })), { minLength: 1, maxLength: 40 })
  const small = fc.uint8Array({ minLength: 1, maxLength: 12, max: 2 })
  return fc
    .oneof(
      fc.tuple(length, seed).map(([size, from]) => noise(size, from)),
      fc.tuple(length, seed).map(([size, from]) => prose(size, from)),
      fc
        .tuple(length, seed, fc.integer({ min: 1, max: 5 }))
        .map(([size, from, kinds]) => noise(size, from).map((b) => b % kinds)),
      runs.map((list) => Buffer.concat(list.map(([byte, count]) => Buffer.alloc(count, byte)))),
      fc.tuple(small, length).map(([word, size]) => Buffer.alloc(size, word)),
      fc.tuple(small, fc.integer({ min: 1, max: 60 })).map(([word, count]) => Buffer.alloc(word.length * count, word)),
      fc.uint8Array({ minLength: 1, maxLength: 60, max: 1 }),
    )
    .map((bytes) => Buffer.from(bytes).subarray(0, maxLength))
}

describe('what is encoded decodes to the same', () => {
  it('for bytes of any kind, by both decoders', () => {
    fc.assert(
      fc.property(anyBytes(3000), (bytes) => {
        comesBackPlainly(encode(bytes), bytes)
      }),
      { numRuns: 500 },
    )
  })

  it('for every text of up to 8 bytes of two kinds', () => {
    for (let length = 1; length <= 8; length++) {
      for (let pattern = 0; pattern < 2 ** length; pattern++) {
        const bytes = Buffer.from(pattern.toString(2).padStart(length, '0'))
        comesBackPlainly(encode(bytes), bytes)
      }
    }
  })

  it('for each single byte', () => {
    for (let byte = 0; byte < 256; byte++) comesBack(encode(Buffer.from([byte])), Buffer.from([byte]))
  })

  it('for runs of every length around the limits of the run-length coding', () => {
    for (let length = 1; length <= 1030; length++) {
      const bytes = Buffer.alloc(length, 0xaa)
      comesBack(encode(bytes), bytes)
      const between = Buffer.concat([Buffer.from('a'), bytes, Buffer.from('b'), bytes])
      comesBack(encode(between), between)
    }
  })

  it('for all byte values, in any order', () => {
    const ascending = Buffer.from(Array.from({ length: 256 }, (_, byte) => byte))
    for (const bytes of [ascending, Buffer.from(ascending).reverse(), Buffer.concat([ascending, ascending])]) {
      comesBackPlainly(encode(bytes), bytes)
    }
  })

  it.each([1, 2, 3, 4, 5, 7, 64, 1000, 12_345])(
    'for a word of %i bytes repeated, at every rotation of its start',
    (size) => {
      const word = noise(size, 'word')
      for (let repeats = 1; repeats * size < 300_000; repeats = repeats * 3 + 1) {
        const bytes = Buffer.alloc(size * repeats, word)
        comesBack(encode(bytes), bytes)
        for (const start of [1, 2, size - 1, size >> 1]) {
          const rotated = Buffer.concat([bytes.subarray(start % size), bytes.subarray(0, start % size)])
          comesBack(encode(rotated), rotated)
          // No longer a repetition, but nearly one.
          const cut = rotated.subarray(0, rotated.length - 1)
          if (cut.length > 0) comesBack(encode(cut), cut)
        }
      }
    },
  )

  it('for texts that sort badly', () => {
    const fibonacci = ['a', 'ab']
    while (fibonacci[0]!.length < 300_000) fibonacci.unshift(fibonacci[0]! + fibonacci[1]!)
    const texts = [fibonacci[0]!, `${'ab'.repeat(200_000)}c`, `c${'ab'.repeat(200_000)}`, `${'abb'.repeat(90_000)}ab`]
    for (const text of texts) comesBack(encode(Buffer.from(text)), Buffer.from(text))
  })

  it.each([1, 2, 3, 4, 5, 6, 7, 8, 9])('at level %i, in as many blocks as it takes, by the real programs', (level) => {
    const bytes = Buffer.concat([noise(150_000), Buffer.alloc(700_000), prose(400_000), Buffer.alloc(100_000, 'abcde')])
    const blocks = encodeAll(bytes, level)
    expect(blocks.length).toBeGreaterThan(level < 4 ? 2 : 0)
    judgesAgree(blocks, bytes, level)
  })

  it('the same, one block or many, however it is fed', () => {
    fc.assert(
      fc.property(anyBytes(2000), fc.array(fc.nat({ max: 2000 }), { maxLength: 8 }), (bytes, cuts) => {
        const whole = encode(bytes)
        encoder.begin(9)
        const edges = [0, ...cuts.map((cut) => cut % (bytes.length + 1)).sort((a, b) => a - b), bytes.length]
        for (const [index, edge] of edges.slice(1).entries()) {
          expect(encoder.feed(bytes.subarray(edges[index], edge))).toBe(edge - edges[index]!)
        }
        expect(encoder.finish()).toEqual(whole)
      }),
      { numRuns: 200 },
    )
  })
})

describe('a block of a wanted length', () => {
  const SAMPLES: readonly (readonly [string, Buffer])[] = [
    ['two bytes', Buffer.from('ab')],
    ['zeros', Buffer.alloc(50_000)],
    ['prose', prose(30_000)],
    ['noise', noise(90_000)],
  ]
  /** Bits more than it takes without padding. */
  const MORE = [0, 1, 2, 3, 4, 5, 7, 8, 63, 1000, 10_001, 99_999, 16 * 1024 * 8]

  const padded = (bytes: Buffer, wanted: number): EncodedBlock => {
    encoder.begin(9)
    encoder.feed(bytes)
    return encoder.finish(wanted % 8, wanted)
  }

  it.each(SAMPLES)('of %s is exactly that long, and every decoder reads it', (_, bytes) => {
    const { bitLength } = encode(bytes)
    const blocks = MORE.map((more) => padded(bytes, bitLength + more))
    for (const [nth, block] of blocks.entries()) {
      expect(block.bitLength).toBe(bitLength + (MORE[nth] ?? 0))
      comesBackPlainly(block, bytes)
    }
    const file = fileOf(
      blocks.map((block) => ({ bits: bitsOfBlock(block), crc: block.crc })),
      9,
    )
    for (const program of ['bzip2', 'lbzip2', 'pbzip2']) {
      const decoded = execFileSync(program, ['-dc'], { input: file, maxBuffer: 1 << 28 })
      expect(decoded.equals(Buffer.concat(blocks.map(() => bytes))), program).toBe(true)
    }
  })

  it.each([-1, -8, -1000, 16 * 1024 * 8 + 1, 2 ** 31, 2 ** 40])(
    'keeps only the phase when it is %i bits off',
    (off) => {
      const bytes = prose(3000)
      const { bitLength } = encode(bytes)
      const wanted = bitLength + off
      encoder.begin(9)
      encoder.feed(bytes)
      const phase = ((wanted % 8) + 8) % 8
      const block = encoder.finish(phase, wanted)
      expect(block.bitLength % 8).toBe(phase)
      expect(block.bitLength - bitLength).toBeLessThan(8)
      comesBackPlainly(block, bytes)
    },
  )
})

describe('a full block', () => {
  it('of noise fills the level, and has room for seven spare selectors', () => {
    const bytes = noise(900_000)
    for (const phase of [undefined, 0, 1, 2, 3, 4, 5, 6, 7]) {
      encoder.begin(9)
      const taken = encoder.feed(bytes)
      expect(taken).toBeGreaterThan(890_000)
      expect(encoder.feed(bytes.subarray(taken))).toBe(0)
      const block = encoder.finish(phase)
      comesBack(block, bytes.subarray(0, taken))
      expect(selectorCount(block)).toBeLessThanOrEqual(18_002)
      expect(selectorCount(block)).toBeGreaterThan(17_900)
    }
  })

  it('takes 4 MiB of zeros, not more', () => {
    const zeros = Buffer.alloc(MAX_RAW_BYTES + 5)
    encoder.begin(9)
    expect(encoder.feed(zeros)).toBe(MAX_RAW_BYTES)
    expect(encoder.feed(zeros)).toBe(0)
    comesBack(encoder.finish(), zeros.subarray(0, MAX_RAW_BYTES))
  })

  it.each([1, 2, 3, 4, 5, 6])('never takes a byte that it has no room for, with a run of %i at the end', (run) => {
    // Every other byte differs, so the text is as long as the bytes until the run.
    const plain = Buffer.from(noise(100_000 - 251)).map((byte, at) => (byte & 0xfe) | (at & 1))
    for (let before = plain.length - 7; before <= plain.length; before++) {
      const bytes = Buffer.concat([plain.subarray(0, before), Buffer.alloc(run, 'r')])
      encoder.begin(1)
      const taken = encoder.feed(bytes)
      const block = encoder.finish(3)
      comesBack(block, bytes.subarray(0, taken), 1)
      const room = plain.length - before
      // A run of four or more takes five.
      const fits = run <= 3 || room < 5 ? Math.min(run, room, 3) : run
      expect(taken).toBe(before + fits)
    }
  })
})

/** The 15 bits behind the bytes in use. */
function selectorCount(block: EncodedBlock): number {
  const bits = bitsOf(block.bytes.subarray(0, 60))
  const ranges = bits.slice(105, 121).replaceAll('0', '').length
  return Number.parseInt(bits.slice(121 + 16 * ranges + 3, 121 + 16 * ranges + 18), 2)
}

describe('the bit length', () => {
  const samples = [Buffer.from('a'), prose(700), noise(3000), Buffer.alloc(70_000), Buffer.alloc(5000, 'abc')]

  it('has any phase that is asked for, and what it holds stays the same', () => {
    for (const bytes of samples) {
      const lengths = [0, 1, 2, 3, 4, 5, 6, 7].map((phase) => {
        const block = encode(bytes, phase)
        expect(block.bitLength % 8).toBe(phase)
        comesBackPlainly(block, bytes)
        return block.bitLength
      })
      // One of them needs no spare selector, the others one bit more each.
      const plain = encode(bytes).bitLength
      expect(lengths.sort((a, b) => a - b)).toEqual([0, 1, 2, 3, 4, 5, 6, 7].map((spare) => plain + spare))
    }
  })

  it('without a phase has as many selectors as there are groups of symbols', () => {
    const block = encode(Buffer.from('a'))
    expect(selectorCount(block)).toBe(1)
    expect(comesBackPlainly(block, Buffer.from('a')).selectors).toBe(1)
  })

  it('is whatever the real programs take, spare selectors or not', () => {
    const bytes = Buffer.concat(samples)
    const blocks = samples.flatMap((sample, index) => encodeAll(sample, 9, index < 4 ? index * 2 : undefined))
    judgesAgree(blocks, bytes)
  })
})

describe('size', () => {
  const samples: Readonly<Record<string, () => Buffer>> = {
    prose: () => prose(1_000_000),
    noise: () => noise(500_000),
    'noise of few values': () => Buffer.from(noise(1_000_000).map((byte) => byte % 6)),
    'what is mostly zeros': () =>
      Buffer.concat(Array.from({ length: 300 }, (_, seed) => Buffer.concat([noise(200, seed), Buffer.alloc(3000)]))),
    'a program': () => readFileSync(process.execPath).subarray(20_000_000, 22_000_000),
  }

  it.each(Object.keys(samples))("of %s is at most half a percent above that of bzip2's file", (name) => {
    const bytes = samples[name]?.() ?? Buffer.alloc(0)
    const blocks = encodeAll(bytes, 9).map((block) => ({ bits: bitsOfBlock(block), crc: block.crc }))
    expect(fileOf(blocks, 9).length).toBeLessThan(compress(bytes).length * 1.005)
  })

  it('never needs a code of more than 17 bits', () => {
    // Hundreds of symbols that occur once beside two that make up all the rest.
    const bytes = Buffer.from(noise(880_000).map((byte) => byte & 1))
    for (let byte = 2; byte < 256; byte++) bytes[byte * 3000] = byte
    const found = comesBackPlainly(encode(bytes), bytes)
    expect(found.longestCode).toBe(17)
  })
})

describe('use in the wrong order', () => {
  it('is an internal error', async () => {
    const fresh = new BlockEncoder(compileBlockCodec())
    const byte = Buffer.from('a')
    await rejectsWithCode(() => fresh.feed(byte), 'ERR_INTERNAL')
    await rejectsWithCode(() => fresh.finish(), 'ERR_INTERNAL')
    fresh.begin(9)
    await rejectsWithCode(() => fresh.finish(), 'ERR_INTERNAL')
    expect(fresh.feed(Buffer.alloc(0))).toBe(0)
    await rejectsWithCode(() => fresh.finish(), 'ERR_INTERNAL')
    fresh.feed(byte)
    for (const phase of [-1, 8, 0.5]) await rejectsWithCode(() => fresh.finish(phase), 'ERR_INTERNAL')
    fresh.finish()
    await rejectsWithCode(() => fresh.feed(byte), 'ERR_INTERNAL')
    await rejectsWithCode(() => fresh.finish(), 'ERR_INTERNAL')
    for (const level of [0, 10, 1.5]) await rejectsWithCode(() => fresh.begin(level), 'ERR_INTERNAL')
  })

  it('does not happen by beginning twice: what was fed before is dropped', () => {
    encoder.begin(1)
    encoder.feed(Buffer.from('dropped'))
    comesBack(encode(Buffer.from('kept')), Buffer.from('kept'))
  })
})
