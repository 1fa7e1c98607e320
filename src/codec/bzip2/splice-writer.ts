/**
 * Writes bits to a file from any bit on: new blocks, and what comes after them copied from the input.
 *
 * Bits that are copied keep their phase within the byte, so copying is a copy of bytes but for the first and the last.
 */
import type { FileHandle } from 'node:fs/promises'
import { type ByteDevice, writeWhole } from '../../byte-device.js'
import { InternalError } from '../../errors.js'
import { fill } from '../../in-order.js'

const BUFFER_BYTES = 1 << 20

export class SpliceWriter {
  readonly #handle: FileHandle
  readonly #name: string
  readonly #buffer = Buffer.allocUnsafeSlow(BUFFER_BYTES)
  /** Whole bytes in the buffer. */
  #buffered = 0
  /** File offset of the buffer's first byte. */
  #offset: number
  /** Bits of the byte that is not whole yet, at its high end, and how many. */
  #partial: number
  #partialBits: number

  /**
   * @param bit where writing begins
   * @param firstByte the byte that holds this bit, whose bits before it are kept
   */
  constructor(handle: FileHandle, name: string, bit: number, firstByte: number) {
    this.#handle = handle
    this.#name = name
    this.#offset = Math.floor(bit / 8)
    this.#partialBits = bit % 8
    this.#partial = firstByte & (0xff00 >> this.#partialBits) & 0xff
  }

  /** The bit that is written next, from the start of the file. */
  get position(): number {
    return (this.#offset + this.#buffered) * 8 + this.#partialBits
  }

  /** Appends bits that begin at bit 0 of `bytes`. */
  async append(bytes: Uint8Array, bitLength: number): Promise<void> {
    const whole = Math.floor(bitLength / 8)
    await this.#appendBytes(bytes, 0, whole)
    const rest = bitLength % 8
    if (rest > 0) await this.#appendBits((bytes[whole] ?? 0) >> (8 - rest), rest)
  }

  /**
   * Appends a range of the input's bits, which must have the phase of the position.
   *
   * @throws ERR_INTERNAL when it has another
   */
  async copy(source: ByteDevice, fromBit: number, toBit: number): Promise<void> {
    if (fromBit >= toBit) return
    if (fromBit % 8 !== this.#partialBits)
      throw new InternalError('ERR_INTERNAL', `bits from ${fromBit} on can't be copied to bit ${this.position}`)
    let bit = fromBit
    if (bit % 8 !== 0) {
      const count = Math.min(8 - (bit % 8), toBit - bit)
      const [byte = 0] = await source.read(Math.floor(bit / 8), 1)
      await this.#appendBits((byte >> (8 - (bit % 8) - count)) & (0xff >> (8 - count)), count)
      bit += count
    }
    const endByte = Math.floor(toBit / 8)
    for (let byte = bit / 8; byte < endByte; ) {
      if (this.#buffered === BUFFER_BYTES) await this.#flush()
      const count = Math.min(endByte - byte, BUFFER_BYTES - this.#buffered)
      await fill(source, byte, this.#buffer.subarray(this.#buffered, this.#buffered + count))
      this.#buffered += count
      byte += count
      bit = byte * 8
    }
    if (bit < toBit) {
      const [byte = 0] = await source.read(endByte, 1)
      await this.#appendBits(byte >> (8 - (toBit - bit)), toBit - bit)
    }
  }

  /**
   * Goes on at a later bit: what lies between is the input's already, in the file as in the input.
   *
   * @param toBit beyond the byte of the position
   */
  async skip(source: ByteDevice, toBit: number): Promise<void> {
    const start = this.position
    // The rest of this byte, and what is before the position in the byte that comes next.
    await this.copy(source, start, Math.ceil(start / 8) * 8)
    await this.#flush()
    this.#offset = Math.floor(toBit / 8)
    await this.copy(source, this.#offset * 8, toBit)
  }

  /** Fills the last byte up with zero bits. */
  async align(): Promise<void> {
    if (this.#partialBits > 0) await this.#appendBits(0, 8 - this.#partialBits)
  }

  /** Writes what is left; the position has to be aligned. */
  async finish(): Promise<void> {
    if (this.#partialBits > 0) throw new InternalError('ERR_INTERNAL', 'a bzip2 file ends inside a byte')
    await this.#flush()
  }

  async #appendBytes(bytes: Uint8Array, from: number, to: number): Promise<void> {
    const phase = this.#partialBits
    for (let start = from; start < to; ) {
      if (this.#buffered === BUFFER_BYTES) await this.#flush()
      const end = Math.min(to, start + BUFFER_BYTES - this.#buffered)
      let partial = this.#partial
      for (let index = start; index < end; index++) {
        const byte = bytes[index] ?? 0
        this.#buffer[this.#buffered++] = partial | (byte >> phase)
        partial = (byte << (8 - phase)) & 0xff
      }
      this.#partial = phase === 0 ? 0 : partial
      start = end
    }
  }

  /** @param value the bits at its low end; at most eight */
  async #appendBits(value: number, count: number): Promise<void> {
    const free = 8 - this.#partialBits
    if (count < free) {
      this.#partial |= value << (free - count)
      this.#partialBits += count
      return
    }
    if (this.#buffered === BUFFER_BYTES) await this.#flush()
    const over = count - free
    this.#buffer[this.#buffered++] = this.#partial | (value >> over)
    this.#partial = (value << (8 - over)) & 0xff
    this.#partialBits = over
  }

  async #flush(): Promise<void> {
    await writeWhole(this.#handle, this.#offset, this.#buffer.subarray(0, this.#buffered), this.#name)
    this.#offset += this.#buffered
    this.#buffered = 0
  }
}
