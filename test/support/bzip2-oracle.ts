/**
 * A bzip2 decoder as plain as it gets, for comparison with the fast one: one bit at a time, an array for everything, no
 * tables. It names faults as the fast one does.
 *
 * Source: Joe Tsai, "BZIP2 Format Specification" (2015), section 2.2; where that is silent, what bzip2 1.0.8 does.
 */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { BlockFault } from '#src/codec/bzip2/block-decoder.js'

const MAGIC = '314159265359'
const GROUP_SYMBOLS = 50
const MAX_SELECTORS = 18_002
const MAX_CODE_BITS = 20
const MAX_RUN_DIGITS = 21

/** The format's table, kept once; that its numbers are right is for bzip2 to say. */
const RANDOMISATION = (
  /memory\.data<u16>\(\[([^\]]+)\]/.exec(
    readFileSync(join(import.meta.dirname, '../../src/codec/bzip2/assembly/randomisation.ts'), 'utf8'),
  )?.[1] ?? ''
)
  .split(',')
  .map(Number)
  .filter((distance) => distance > 0)

export interface OracleBlock {
  readonly kind: 'block'
  readonly endBit: number
  readonly crc: number
  readonly text: Buffer
  readonly decoded: Buffer
  readonly selectors: number
  /** Of any table, whether a symbol has it or not. */
  readonly longestCode: number
}
export interface OracleFault {
  readonly kind: 'fault'
  readonly fault: BlockFault
  /** For the fault `crc`: what it ought to be. */
  readonly crc?: number
}

class Fault extends Error {
  readonly fault: BlockFault
  readonly crc: number | undefined
  constructor(fault: BlockFault, crc?: number) {
    super(fault)
    this.fault = fault
    this.crc = crc
  }
}

/** Decodes the block whose magic begins at a bit. */
export function decodeWithOracle(bytes: Uint8Array, startBit: number, level: number): OracleBlock | OracleFault {
  try {
    return decode(new BitReader(bytes, startBit), level * 100_000)
  } catch (error) {
    if (error instanceof Fault) {
      return { kind: 'fault', fault: error.fault, ...(error.crc === undefined ? {} : { crc: error.crc }) }
    }
    throw error
  }
}

class BitReader {
  readonly #bytes: Uint8Array
  position: number

  constructor(bytes: Uint8Array, position: number) {
    this.#bytes = bytes
    this.position = position
  }

  bit(): number {
    const byte = this.#bytes[this.position >> 3]
    if (byte === undefined) throw new Fault('cut-off')
    return (byte >> (7 - (this.position++ & 7))) & 1
  }

  bits(count: number): number {
    let value = 0
    for (let left = count; left > 0; left--) value = value * 2 + this.bit()
    return value
  }
}

function decode(reader: BitReader, maxLength: number): OracleBlock {
  if (reader.bits(48) !== Number.parseInt(MAGIC, 16)) throw new Fault('magic')
  const crc = reader.bits(32)
  const randomised = reader.bit() === 1
  const origPtr = reader.bits(24)
  const inUse = readBytesInUse(reader)
  if (inUse.length === 0) throw new Fault('no-bytes-in-use')
  const tables = reader.bits(3)
  const selectorCount = reader.bits(15)
  if (tables < 2 || tables > 6) throw new Fault('table-count')
  if (selectorCount === 0) throw new Fault('selectors')
  const selectors = readSelectors(reader, selectorCount, tables)
  const lengths = Array.from({ length: tables }, () => readCodeLengths(reader, inUse.length + 2))
  const column = readColumn(reader, inUse, selectors, lengths.map(canonicalCode), maxLength)
  const endBit = reader.position
  if (origPtr >= column.length) throw new Fault('orig-ptr')
  const text = undoBurrowsWheeler(column, origPtr)
  if (randomised) undoRandomisation(text)
  const decoded = undoRuns(text)
  if (decoded === undefined) throw new Fault('run-count')
  const found = crcOf(decoded)
  if (found !== crc) throw new Fault('crc', found)
  return {
    kind: 'block',
    endBit,
    crc,
    text,
    decoded,
    selectors: selectorCount,
    longestCode: Math.max(...lengths.flat()),
  }
}

function readBytesInUse(reader: BitReader): number[] {
  const ranges = Array.from({ length: 16 }, () => reader.bit())
  const inUse: number[] = []
  for (const [range, used] of ranges.entries()) {
    for (let low = 0; used === 1 && low < 16; low++) if (reader.bit() === 1) inUse.push(range * 16 + low)
  }
  return inUse
}

function readSelectors(reader: BitReader, count: number, tables: number): number[] {
  const list = Array.from({ length: tables }, (_, table) => table)
  const selectors: number[] = []
  for (let selector = 0; selector < count; selector++) {
    let place = 0
    while (reader.bit() === 1) if (++place === tables) throw new Fault('selector')
    list.unshift(...list.splice(place, 1))
    selectors.push(list[0]!)
  }
  return selectors.slice(0, MAX_SELECTORS)
}

function readCodeLengths(reader: BitReader, symbols: number): number[] {
  let length = reader.bits(5)
  return Array.from({ length: symbols }, () => {
    for (;;) {
      if (length < 1 || length > MAX_CODE_BITS) throw new Fault('code-length')
      if (reader.bit() === 0) return length
      length += reader.bit() === 0 ? 1 : -1
    }
  })
}

/** Symbols by length and code, as text; a code too big for its length does not count. */
function canonicalCode(lengths: readonly number[]): ReadonlyMap<string, number> {
  const code = new Map<string, number>()
  let next = 0
  for (let length = 1; length <= MAX_CODE_BITS; length++) {
    for (const [symbol, own] of lengths.entries()) {
      if (own !== length) continue
      if (next < 2 ** length) code.set(next.toString(2).padStart(length, '0'), symbol)
      next++
    }
    next *= 2
  }
  return code
}

function readColumn(
  reader: BitReader,
  inUse: readonly number[],
  selectors: readonly number[],
  codes: readonly ReadonlyMap<string, number>[],
  maxLength: number,
): number[] {
  const list = [...inUse]
  const column: number[] = []
  let run = 0
  let digits = 0
  for (let index = 0; ; index++) {
    const selector = selectors[Math.floor(index / GROUP_SYMBOLS)]
    if (selector === undefined) throw new Fault('selectors-used-up')
    const symbol = readSymbol(reader, codes[selector]!)
    if (symbol < 2) {
      if (digits === MAX_RUN_DIGITS) throw new Fault('run')
      run += (symbol + 1) * 2 ** digits++
      continue
    }
    if (column.length + run > maxLength) throw new Fault('too-long')
    for (; run > 0; run--) column.push(list[0]!)
    digits = 0
    if (symbol === inUse.length + 1) return column
    if (column.length === maxLength) throw new Fault('too-long')
    list.unshift(...list.splice(symbol - 1, 1))
    column.push(list[0]!)
  }
}

function readSymbol(reader: BitReader, code: ReadonlyMap<string, number>): number {
  let bits = ''
  while (bits.length < MAX_CODE_BITS) {
    bits += reader.bit()
    const symbol = code.get(bits)
    if (symbol !== undefined) return symbol
  }
  throw new Fault('code')
}

function undoBurrowsWheeler(column: readonly number[], origPtr: number): Buffer {
  const rows = column.map((_, row) => row).sort((a, b) => column[a]! - column[b]! || a - b)
  let row = origPtr
  return Buffer.from(
    column.map(() => {
      row = rows[row]!
      return column[row]!
    }),
  )
}

/** Flips the same bits as randomising: one is the other's undoing. */
export function undoRandomisation(text: Buffer): void {
  let entry = 0
  let left = 0
  for (let place = 0; place < text.length; place++) {
    if (left === 0) {
      left = RANDOMISATION[entry]!
      entry = (entry + 1) % RANDOMISATION.length
    }
    left--
    if (left === 1) text[place]! ^= 1
  }
}

/** @returns undefined when the text ends in four equal bytes without their count */
export function undoRuns(text: Uint8Array): Buffer | undefined {
  let length = 0
  for (const { count } of runsOf(text)) {
    if (count === undefined) return undefined
    length += count
  }
  const decoded = Buffer.alloc(length)
  let at = 0
  for (const { byte, count = 0 } of runsOf(text)) {
    decoded.fill(byte, at, at + count)
    at += count
  }
  return decoded
}

function* runsOf(text: Uint8Array): Generator<{ readonly byte: number; readonly count: number | undefined }> {
  for (let at = 0; at < text.length; ) {
    const byte = text[at]!
    let equal = 1
    while (equal < 4 && text[at + equal] === byte) equal++
    at += equal
    if (equal < 4) yield { byte, count: equal }
    else yield { byte, count: at < text.length ? 4 + text[at++]! : undefined }
  }
}

export function crcOf(bytes: Uint8Array): number {
  let crc = 0xffffffff
  for (const byte of bytes) {
    crc ^= byte << 24
    for (let bit = 0; bit < 8; bit++) crc = (crc << 1) ^ (crc < 0 ? 0x04c11db7 : 0)
  }
  return ~crc >>> 0
}
