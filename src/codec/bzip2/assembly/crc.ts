/**
 * CRC-32 with the polynomial 0x04c11db7, most significant bit first, as bzip2 uses it (Tsai, section 2.2.2).
 *
 * Bytes go through eight tables, eight at a time. A long run of one byte takes as many steps as its length has bits:
 * what one byte does to the register is a 32 x 32 bit matrix and a constant, both of which can be squared. That makes a
 * block of 45.9 MB of zeros cost microseconds.
 */
import { bigEndian } from './bit-reader'
import { CRC_MATRICES, CRC_TABLES } from './memory-map'

const POLYNOMIAL: u32 = 0x04c11db7
export const CRC_START: u32 = 0xffffffff
/** Shorter runs are faster through the tables. */
const LONG_RUN_BYTES: u32 = 8192
const MATRIX_BYTES: u32 = 32 * 4

/** Fills the tables; once for each instance. */
export function prepareCrc(): void {
  for (let byte: u32 = 0; byte < 256; byte++) {
    let crc = byte << 24
    for (let bit = 0; bit < 8; bit++) crc = (crc << 1) ^ (crc >>> 31 ? POLYNOMIAL : 0)
    store<u32>(CRC_TABLES + (byte << 2), crc)
  }
  // Table t: the same byte with t zero bytes behind it.
  for (let entry: u32 = 256; entry < 8 * 256; entry++) {
    const shorter = load<u32>(CRC_TABLES + ((entry - 256) << 2))
    store<u32>(CRC_TABLES + (entry << 2), (shorter << 8) ^ load<u32>(CRC_TABLES + ((shorter >>> 24) << 2)))
  }
}

// @ts-ignore: TypeScript has no decorators of functions, AssemblyScript has
@inline
function tableEntry(table: u32, byte: u32): u32 {
  return load<u32>(CRC_TABLES + (table << 10) + (byte << 2))
}

// @ts-ignore: TypeScript has no decorators of functions, AssemblyScript has
@inline
function withByte(crc: u32, byte: u32): u32 {
  return (crc << 8) ^ tableEntry(0, (crc >>> 24) ^ byte)
}

/** What eight bytes do to the register: `first` is xored with the first four, `second` holds the others. */
// @ts-ignore: TypeScript has no decorators of functions, AssemblyScript has
@inline
function ofEight(first: u32, second: u32): u32 {
  const early =
    tableEntry(7, first >>> 24) ^
    tableEntry(6, (first >>> 16) & 0xff) ^
    tableEntry(5, (first >>> 8) & 0xff) ^
    tableEntry(4, first & 0xff)
  const late =
    tableEntry(3, second >>> 24) ^
    tableEntry(2, (second >>> 16) & 0xff) ^
    tableEntry(1, (second >>> 8) & 0xff) ^
    tableEntry(0, second & 0xff)
  return early ^ late
}

/** The register after the bytes from `at` up to, not including, `end`. */
export function crcOfBytes(start: u32, at: u32, end: u32): u32 {
  let crc = start
  for (; at + 8 <= end; at += 8) crc = ofEight(crc ^ bigEndian(load<u32>(at)), bigEndian(load<u32>(at, 4)))
  for (; at < end; at++) crc = withByte(crc, <u32>load<u8>(at))
  return crc
}

/** The register after `count` times the same byte. */
export function crcOfRun(start: u32, byte: u32, count: u32): u32 {
  if (count >= LONG_RUN_BYTES) return crcOfLongRun(start, byte, count)
  let crc = start
  const four = byte * 0x01010101
  for (; count >= 8; count -= 8) crc = ofEight(crc ^ four, four)
  for (; count > 0; count--) crc = withByte(crc, byte)
  return crc
}

function crcOfLongRun(start: u32, byte: u32, count: u32): u32 {
  let matrix = CRC_MATRICES
  let square = CRC_MATRICES + MATRIX_BYTES
  for (let bit: u32 = 0; bit < 32; bit++) store<u32>(matrix + (bit << 2), withByte(1 << bit, 0))
  let constant = withByte(0, byte)
  let crc = start
  for (let left = count; left != 0; left >>>= 1) {
    if (left & 1) crc = timesMatrix(matrix, crc) ^ constant
    constant ^= timesMatrix(matrix, constant)
    for (let bit: u32 = 0; bit < 32; bit++) {
      store<u32>(square + (bit << 2), timesMatrix(matrix, load<u32>(matrix + (bit << 2))))
    }
    const free = matrix
    matrix = square
    square = free
  }
  return crc
}

function timesMatrix(matrix: u32, vector: u32): u32 {
  let product: u32 = 0
  for (; vector != 0; vector &= vector - 1) product ^= load<u32>(matrix + (ctz(vector) << 2))
  return product
}
