/**
 * Whether two files hold the same bits, each from a bit of its own on: memory speed, nothing decoded.
 *
 * Only ranges of the same phase within the byte are compared, for those are a comparison of bytes. Others count as
 * different; whoever asks decodes them then.
 */
import { fileError, MachineError } from '../../errors.js'
import type { ReadAt } from './read-at.js'

/** What is read of each file at a time. */
const WINDOW_BYTES = 1 << 20

/** A file that is read at once. */
export interface BitSource {
  readonly readAt: ReadAt
  readonly sizeBytes: number
  /** For messages. */
  readonly name: string
}

export class BitComparison {
  readonly #a: Window
  readonly #b: Window
  readonly #sizes: readonly [number, number]

  constructor(a: BitSource, b: BitSource) {
    this.#a = new Window(a)
    this.#b = new Window(b)
    this.#sizes = [a.sizeBytes, b.sizeBytes]
  }

  /**
   * Whether `bitLength` bits are the same, from `aBit` of the one file and `bBit` of the other on.
   *
   * @returns false also when the phases differ, or when one of the files has not so many bits
   * @throws ERR_IO
   */
  same(aBit: number, bBit: number, bitLength: number): boolean {
    const phase = aBit % 8
    if (phase !== bBit % 8) return false
    const [aSize, bSize] = this.#sizes
    if (aBit + bitLength > aSize * 8 || bBit + bitLength > bSize * 8) return false
    const aByte = Math.floor(aBit / 8)
    const bByte = Math.floor(bBit / 8)
    const endBits = (aBit + bitLength) % 8
    const bytes = Math.ceil((phase + bitLength) / 8)
    for (let done = 0; done < bytes; done += WINDOW_BYTES) {
      const length = Math.min(WINDOW_BYTES, bytes - done)
      const a = this.#a.view(aByte + done, length)
      const b = this.#b.view(bByte + done, length)
      // What shares a byte with the range, before or behind it, is none of it.
      const first = done === 0 ? 0xff >> phase : 0xff
      const last = done + length === bytes && endBits > 0 ? (0xff00 >> endBits) & 0xff : 0xff
      if (length === 1) {
        if (((byte(a, 0) ^ byte(b, 0)) & first & last) !== 0) return false
        continue
      }
      if (((byte(a, 0) ^ byte(b, 0)) & first) !== 0) return false
      if (((byte(a, length - 1) ^ byte(b, length - 1)) & last) !== 0) return false
      if (a.compare(b, 1, length - 1, 1, length - 1) !== 0) return false
    }
    return true
  }
}

function byte(bytes: Buffer, index: number): number {
  return bytes[index] ?? 0
}

/** The part of a file that was read last: blocks are asked for in order. */
class Window {
  readonly #source: BitSource
  readonly #buffer = Buffer.allocUnsafeSlow(WINDOW_BYTES)
  #start = 0
  #length = 0

  constructor(source: BitSource) {
    this.#source = source
  }

  /** A range of the file, at most a window long; valid until the next call. */
  view(start: number, length: number): Buffer {
    if (start < this.#start || start + length > this.#start + this.#length) this.#load(start)
    const within = start - this.#start
    return this.#buffer.subarray(within, within + length)
  }

  #load(start: number): void {
    const { name, readAt, sizeBytes } = this.#source
    const wanted = Math.min(WINDOW_BYTES, sizeBytes - start)
    this.#length = 0
    let count: number
    try {
      count = readAt(this.#buffer.subarray(0, wanted), start)
    } catch (error) {
      throw fileError(error, `read ${name} at byte ${start}`)
    }
    if (count < wanted)
      throw new MachineError('ERR_IO', `${name} ends at byte ${start + count}, expected ${sizeBytes} bytes`, {
        hint: 'the file became shorter while it was read; make sure that nothing else writes it',
      })
    this.#start = start
    this.#length = count
  }
}
