/** One block at a time: everything that real encoders write, everything that nobody should. */
import { spawnSync } from 'node:child_process'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { compileBlockCodec } from '#src/codec/bzip2/block-codec.js'
import { BlockDecoder, type BlockFault, INPUT_BYTES } from '#src/codec/bzip2/block-decoder.js'
import { BitWriter, flipBit } from '../../support/bits.js'
import { BLOCK_MAGIC, BZIP2_PROGRAMS, compress } from '../../support/bzip2.js'
import { decodeAt, decodedText, decodeFile, fileOf } from '../../support/bzip2-blocks.js'
import { craftBlock, hostileBlock } from '../../support/bzip2-craft.js'
import { crcOf, decodeWithOracle, undoRandomisation } from '../../support/bzip2-oracle.js'
import { rejectsWithCode } from '../../support/errors.js'
import { noise, prose } from '../../support/random.js'

const decoder = new BlockDecoder(compileBlockCodec())
const HEADER_BITS = 32
const RANDOMISED_BIT = 48 + 32

/** Runs of every length around the limits of the run-length coding, noise, prose, zeros. */
function mixture(length: number): Buffer {
  const pieces: Buffer[] = []
  for (let size = 0, seed = 0; size < length; seed++) {
    const run = Buffer.alloc([1, 2, 3, 4, 5, 6, 254, 255, 256, 258, 259, 260, 263, 264, 5000][seed % 15]!, seed % 7)
    const piece = Buffer.concat([noise(seed * 37, seed), run, prose(seed * 91, seed), Buffer.alloc(seed * 50)])
    pieces.push(piece)
    size += piece.length
  }
  return Buffer.concat(pieces, length)
}

/** The one block of what bzip2 makes of some bytes. */
function blockOf(bytes: Buffer, level = 9): string {
  const blocks = decodeFile(decoder, compress(bytes, level))
  expect(blocks).toHaveLength(1)
  return blocks[0]!.bits
}

function bytesOf(bits: string, phase = 0): Buffer {
  return new BitWriter().put(0, phase).bits(bits).toBuffer()
}

/** What decoder and oracle both say; they must agree. */
function verdict(bytes: Buffer, startBit = 0, level = 9): Buffer | BlockFault {
  const result = decodeAt(decoder, bytes, startBit, level)
  const expected = decodeWithOracle(bytes, startBit, level)
  if (expected.kind === 'fault' || result.kind === 'fault') {
    expect(result).toMatchObject({ kind: 'fault', fault: expected.kind === 'fault' ? expected.fault : 'none' })
    return expected.kind === 'fault' ? expected.fault : Buffer.alloc(0)
  }
  const { endBit, crc, text, decoded } = expected
  expect(result).toEqual({ kind: 'block', endBit, crc, textLength: text.length, rawLength: decoded.length })
  expect(text.equals(decoder.text())).toBe(true)
  return decoded
}

/** Whether bzip2 takes a file with this one block, and what it decodes to. */
function bzip2Says(bits: string, crc: number): Buffer | 'refused' {
  const { status, stdout } = spawnSync('bzip2', ['-dc'], { input: fileOf([{ bits, crc }], 9), maxBuffer: 1 << 28 })
  return status === 0 ? stdout : 'refused'
}

describe('what real encoders write', () => {
  const original = mixture(1_000_000)

  it.each(BZIP2_PROGRAMS)('%s at every level decodes to what it was made of', (program) => {
    for (let level = 1; level <= 9; level++) {
      const blocks = decodeFile(decoder, compress(original, level, program))
      if (level === 1) expect(blocks.length).toBeGreaterThan(5)
      expect(Buffer.concat(blocks.map(({ decoded }) => decoded)).equals(original)).toBe(true)
    }
  })

  it('decodes noise, prose and mixtures as the oracle does, text included', () => {
    for (const bytes of [noise(90_000), prose(90_000), mixture(90_000), Buffer.from([7])]) {
      expect(verdict(compress(bytes, 1), HEADER_BITS, 1)).toEqual(bytes)
    }
  })

  it('finds a block at every bit phase', () => {
    const bytes = mixture(3000)
    const bits = blockOf(bytes)
    for (let phase = 0; phase < 8; phase++) expect(verdict(bytesOf(bits, phase), phase)).toEqual(bytes)
  })

  it('ends exactly where the next block begins', () => {
    const bits = blockOf(mixture(3000))
    const result = decodeAt(decoder, bytesOf(bits + bits), 0, 9)
    expect(result).toMatchObject({ kind: 'block', endBit: bits.length })
  })

  it('decodes 45.9 MB of zeros out of one block', () => {
    // A text of level 9 is 19 bytes short of 900 000: 179 997 runs of 255 bytes, each written as five.
    const zeros = Buffer.alloc(179_997 * 255)
    const file = compress(zeros)
    const result = decodeAt(decoder, file, HEADER_BITS, 9)
    expect(result).toMatchObject({ kind: 'block', textLength: 179_997 * 5, rawLength: zeros.length })
    expect(zeros.equals(decodedText(decoder))).toBe(true)
  })

  it.each([1, 2, 3, 5, 7, 251, 4096, 44_999])('decodes a text of %i bytes repeated', (period) => {
    const bytes = Buffer.alloc(899_980 - (899_980 % period), noise(period))
    const [block] = decodeFile(decoder, compress(bytes))
    expect(block?.decoded.equals(bytes.subarray(0, block.decoded.length))).toBe(true)
    expect(block?.decoded.length).toBeGreaterThan(800_000)
  })

  it('holds the text at the level of the stream, not more', () => {
    const bits = blockOf(noise(150_000), 2)
    expect(decodeAt(decoder, bytesOf(bits), 0, 2).kind).toBe('block')
    expect(decodeAt(decoder, bytesOf(bits), 0, 1)).toMatchObject({ kind: 'fault', fault: 'too-long' })
  })
})

describe('blocks that only a craftsman writes', () => {
  const symbols = Array.from(noise(5000, 'symbols')).map((symbol) => (symbol === 255 ? 7 : symbol))

  it('decodes block data that holds both magics', () => {
    const magics = [...Buffer.from('314159265359177245385090', 'hex')]
    const { bits, decoded, crc } = craftBlock([...symbols.slice(0, 100), ...magics, ...symbols])
    expect(verdict(bytesOf(bits, 3), 3)).toEqual(decoded)
    expect(bzip2Says(bits, crc)).toEqual(decoded)
  })

  it.each([1, 18_002, 30_000])('accepts %i selectors more than needed', (spare) => {
    const { bits, decoded, crc } = craftBlock(symbols, spare)
    expect(verdict(bytesOf(bits))).toEqual(decoded)
    expect(bzip2Says(bits, crc)).toEqual(decoded)
  })

  it('decodes a randomised block as bzip2 does, the whole table round', () => {
    // Neither text has four equal bytes in a row, so both are what they decode to.
    const text = Buffer.from(noise(600_000, 'randomised')).map((byte, at) => (byte & 0xf8) | ((at % 3) << 1))
    const original = Buffer.from(text)
    const randomised = Buffer.from(text)
    undoRandomisation(randomised)
    const crc = crcOf(original)
    const block = blockOf(randomised)
    const bits = block.slice(0, 48) + new BitWriter().put(crc, 32).put(1, 1) + block.slice(RANDOMISED_BIT + 1)
    const result = decodeAt(decoder, bytesOf(bits), 0, 9)
    expect(result).toMatchObject({ kind: 'block', crc, rawLength: original.length })
    expect(original.equals(decodedText(decoder))).toBe(true)
    expect(original.equals(bzip2Says(bits, crc) as Buffer)).toBe(true)
  })

  it('goes round when origPtr is in a short cycle, as bzip2 does', () => {
    let short = 0
    for (const length of [3000, 40_000]) {
      const column = Array.from(noise(length, 'column')).map((byte) => 2 + (byte % 253))
      for (const origin of [0, 1, 2, 3, 1000, length - 1]) {
        const { bits, crc } = withTrueCrc(hostileBlock(column, origin).bits)
        const decoded = verdict(bytesOf(bits))
        expect(bzip2Says(bits, crc)).toEqual(decoded)
        if (periodOf(Buffer.from(decoder.text())) < length) short++
      }
    }
    expect(short).toBeGreaterThan(0)
  })
})

/** How soon a text repeats itself to its end. */
function periodOf(bytes: Buffer): number {
  const { length } = bytes
  for (let period = 1; period < length; period++) {
    if (bytes[period] === bytes[0] && bytes.subarray(period).equals(bytes.subarray(0, length - period))) return period
  }
  return length
}

/** The same block with the CRC of what it decodes to. */
function withTrueCrc(bits: string): { readonly bits: string; readonly crc: number } {
  const found = decodeWithOracle(bytesOf(bits), 0, 9)
  if (found.kind === 'block') return { bits, crc: found.crc }
  if (found.crc === undefined) throw new Error(`not a block: ${found.fault}`)
  return { bits: bits.slice(0, 48) + new BitWriter().put(found.crc, 32) + bits.slice(80), crc: found.crc }
}

interface Parts {
  readonly magic?: bigint
  readonly origPtr?: number
  readonly inUse?: string
  readonly tables?: number
  readonly selectorCount?: number
  readonly selectors?: string
  readonly lengths?: string
  readonly data?: string
}

// The smallest block: byte value 1, three symbols, codes 0 (RUNA), 10 (RUNB), 11 (end of block).
const IN_USE = `1${'0'.repeat(15)}01${'0'.repeat(14)}`
const LENGTHS = ['00001', '0', '100', '0'].join('')
// With byte value 2 as well: RUNA 00, RUNB 01, the other byte 10, end of block 11.
const TWO_IN_USE = `1${'0'.repeat(15)}011${'0'.repeat(13)}`
const TWO_BIT_LENGTHS = '000100000'

function blockBits(parts: Parts = {}): string {
  const { selectorCount = 1, lengths = LENGTHS + LENGTHS } = parts
  const writer = new BitWriter()
    .put(parts.magic ?? BLOCK_MAGIC, 48)
    .put(0, 32)
    .put(0, 1)
    .put(parts.origPtr ?? 0, 24)
  writer
    .bits(parts.inUse ?? IN_USE)
    .put(parts.tables ?? 2, 3)
    .put(selectorCount, 15)
  writer.bits(parts.selectors ?? '0'.repeat(selectorCount)).bits(lengths)
  return writer.bits(parts.data ?? '011').toString()
}

describe('blocks that are not valid', () => {
  it('decodes the smallest block', () => {
    const { bits, crc } = withTrueCrc(blockBits())
    expect(verdict(bytesOf(bits))).toEqual(Buffer.from([1]))
    expect(bzip2Says(bits, crc)).toEqual(Buffer.from([1]))
  })

  it.each<[BlockFault, string, Parts]>([
    ['magic', 'one bit of the magic the other way', { magic: BLOCK_MAGIC ^ 1n }],
    ['no-bytes-in-use', 'no range in use', { inUse: '0'.repeat(16) }],
    ['no-bytes-in-use', 'a range in use without bytes', { inUse: `1${'0'.repeat(31)}` }],
    ['table-count', 'one table', { tables: 1, lengths: LENGTHS }],
    ['table-count', 'no tables', { tables: 0, lengths: '' }],
    ['table-count', 'seven tables', { tables: 7, lengths: LENGTHS.repeat(7) }],
    ['selectors', 'no selectors', { selectorCount: 0 }],
    ['selector', 'a selector beyond the tables', { selectors: '110' }],
    ['selector', 'such a one among those to spare', { selectorCount: 18_003, selectors: `${'0'.repeat(18_002)}110` }],
    ['code-length', 'a code length that starts at 0', { lengths: `00000000${LENGTHS}` }],
    ['code-length', 'a code length that starts at 21', { lengths: `10101000${LENGTHS}` }],
    ['code-length', 'a code length that goes down to 0', { lengths: `0000111000${LENGTHS}` }],
    ['code-length', 'a code length that goes up to 21', { lengths: `1010001000${LENGTHS}` }],
    [
      'selectors-used-up',
      '51 symbols and one selector',
      { inUse: TWO_IN_USE, lengths: TWO_BIT_LENGTHS.repeat(2), data: `${'10'.repeat(51)}11` },
    ],
    ['run', 'a run of 22 digits', { data: `${'0'.repeat(22)}11` }],
    ['code', 'a code that no symbol has', { lengths: `00010000${LENGTHS}`, data: '0011' }],
    ['code', 'a long code that no symbol has', { lengths: `01111000${LENGTHS}`, data: '1'.repeat(40) }],
    ['orig-ptr', 'an origPtr behind the text', { origPtr: 1 }],
    ['orig-ptr', 'no text', { data: '11' }],
    ['run-count', 'four equal bytes at the end', { data: '10011' }],
    ['too-long', 'a run longer than the level', { data: `${'0'.repeat(20)}11` }],
    ['crc', 'another CRC', {}],
  ])('%s: %s', (fault, _title, parts) => {
    const bits = blockBits(parts)
    expect(verdict(bytesOf(bits + '0'.repeat(64)))).toBe(fault)
    expect(bzip2Says(bits, 0)).toBe('refused')
  })

  it('says how far it came', () => {
    const bits = blockBits({ lengths: `00000000${LENGTHS}` })
    const { bit } = decodeAt(decoder, bytesOf(bits, 5), 5, 9) as { bit: number }
    expect(bit).toBe(5 + bits.length - LENGTHS.length - '000'.length - '011'.length)
  })

  it('decodes 50 symbols with one selector', () => {
    const parts = { inUse: TWO_IN_USE, lengths: TWO_BIT_LENGTHS.repeat(2), data: `${'10'.repeat(49)}11` }
    const { bits, crc } = withTrueCrc(blockBits(parts))
    expect(verdict(bytesOf(bits))).toEqual(bzip2Says(bits, crc))
  })

  it('takes a code with more short lengths than there can be as bzip2 does', () => {
    // Two codes of one bit leave nothing for the two of two bits: the other byte 0, end of block 1, runs never.
    const lengths = `00010001100${TWO_BIT_LENGTHS}`
    const { bits, crc } = withTrueCrc(blockBits({ inUse: TWO_IN_USE, lengths, data: '0001' }))
    expect(verdict(bytesOf(bits))).toHaveLength(3)
    expect(verdict(bytesOf(bits))).toEqual(bzip2Says(bits, crc))
  })

  it('is cut off, not slow, when code lengths go up and down for ever', () => {
    const prefix = blockBits({ lengths: '00001', data: '' })
    const steps = prefix + '1011'.repeat(10)
    const edge = Math.ceil(prefix.length / 8) * 8
    decoder.input.fill(Number.parseInt(steps.slice(edge, edge + 8), 2))
    decoder.input.set(bytesOf(steps.slice(0, edge)))
    const half = INPUT_BYTES / 2
    expect(decoder.decode(0, half, 9)).toEqual({ kind: 'fault', fault: 'cut-off', bit: half * 8 })
    expect(decoder.decode(0, INPUT_BYTES, 9)).toEqual({ kind: 'fault', fault: 'too-big', bit: INPUT_BYTES * 8 })
  })

  it('is cut off wherever the input ends, whatever stood behind it before', () => {
    const bytes = bytesOf(blockOf(mixture(2500)))
    const { length } = bytes
    for (const garbage of [0x00, 0xff, 0x55]) {
      for (let cut = 0; cut < length; cut++) {
        decoder.input.fill(garbage, 0, length + 1024)
        decoder.input.set(bytes.subarray(0, cut))
        expect(decoder.decode(0, cut, 9)).toMatchObject({ kind: 'fault', fault: 'cut-off', bit: cut * 8 })
      }
    }
    decoder.input.set(bytes)
    for (let cut = 0; cut < length; cut++) expect(decoder.decode(0, cut, 9)).toMatchObject({ fault: 'cut-off' })
    expect(decoder.decode(0, length, 9).kind).toBe('block')
  })

  it('gives a fault or the same bytes after any flipped bit, as the oracle does', () => {
    const original = mixture(700)
    const bits = blockOf(original)
    const bytes = bytesOf(bits)
    for (let bit = 0; bit < bits.length; bit++) {
      const found = verdict(flipBit(bytes, bit))
      if (typeof found !== 'string') expect(found).toEqual(original)
    }
  })

  it('agrees with the oracle on any data at all', () => {
    const symbol = fc.integer({ min: 0, max: 254 })
    fc.assert(
      fc.property(fc.array(symbol, { minLength: 1, maxLength: 400 }), fc.nat({ max: 500 }), (symbols, origin) => {
        const { bits } = hostileBlock(symbols, origin)
        const found = decodeWithOracle(bytesOf(bits), 0, 9)
        verdict(bytesOf(found.kind === 'fault' && found.crc !== undefined ? withTrueCrc(bits).bits : bits))
      }),
      { numRuns: 300 },
    )
  })

  it('agrees with the oracle on any code lengths', () => {
    const steps = fc.array(fc.constantFrom('0', '0', '100', '110', '10100', '11110'), { minLength: 4, maxLength: 4 })
    const table = fc.tuple(fc.integer({ min: 1, max: 20 }), steps)
    fc.assert(
      fc.property(table, table, fc.array(fc.boolean(), { maxLength: 200 }), ([first, a], [second, b], data) => {
        const start = (length: number) => length.toString(2).padStart(5, '0')
        const lengths = start(first) + a.join('') + start(second) + b.join('')
        const codes = data.map(Number).join('')
        verdict(bytesOf(blockBits({ inUse: TWO_IN_USE, selectorCount: 3, selectors: '0100', lengths, data: codes })))
      }),
      { numRuns: 1000 },
    )
  })
})

it('has no text before the first block and after a fault', () => {
  const fresh = new BlockDecoder(compileBlockCodec())
  expect(fresh.text()).toHaveLength(0)
  expect(decodeAt(fresh, bytesOf(blockOf(Buffer.from('text'))), 0, 9).kind).toBe('block')
  expect(Buffer.from(fresh.text()).toString()).toBe('text')
  expect(fresh.decode(1, 100, 9).kind).toBe('fault')
  expect(fresh.text()).toHaveLength(0)
})

it.each([
  [0, INPUT_BYTES + 1, 9],
  [0, -1, 9],
  [-1, 100, 9],
  [801, 100, 9],
  [0.5, 100, 9],
  [0, 100, 0],
  [0, 100, 10],
])('refuses to decode from bit %f of %i bytes at level %i', async (startBit, length, level) => {
  await rejectsWithCode(() => decoder.decode(startBit, length, level), 'ERR_INTERNAL')
})

it('has room for as many compressed bytes as it says', () => {
  expect(decoder.input).toHaveLength(INPUT_BYTES)
})

it('compiles the module once', () => {
  expect(compileBlockCodec()).toBe(compileBlockCodec())
})
