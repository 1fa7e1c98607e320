/** Bits of any length put together and cut out as bytes: for files of megabytes, where a text of ones and zeros is slow. */

/** Bits that begin at the highest bit of the first byte. */
export interface BitPiece {
  readonly bytes: Uint8Array
  readonly bitLength: number
}

/** Appends pieces one after the other. */
export class BitAppender {
  #bytes = Buffer.alloc(1 << 16)
  #bitLength = 0

  get bitLength(): number {
    return this.#bitLength
  }

  append({ bytes, bitLength }: BitPiece): this {
    const length = Math.ceil(bitLength / 8)
    const at = this.#bitLength >> 3
    const phase = this.#bitLength & 7
    this.#reserve(at + length + 2)
    for (let index = 0; index < length; index++) {
      const spare = index === length - 1 ? length * 8 - bitLength : 0
      const byte = (bytes[index] ?? 0) & ((0xff << spare) & 0xff)
      this.#bytes[at + index]! |= byte >> phase
      this.#bytes[at + index + 1]! |= (byte << (8 - phase)) & 0xff
    }
    this.#bitLength += bitLength
    return this
  }

  /** Zero bits up to the next whole byte. */
  align(): this {
    this.#bitLength = Math.ceil(this.#bitLength / 8) * 8
    this.#reserve(this.#bitLength / 8 + 2)
    return this
  }

  toBuffer(): Buffer {
    return Buffer.from(this.#bytes.subarray(0, Math.ceil(this.#bitLength / 8)))
  }

  #reserve(length: number): void {
    if (length <= this.#bytes.length) return
    const larger = Buffer.alloc(Math.max(length, 2 * this.#bytes.length))
    this.#bytes.copy(larger)
    this.#bytes = larger
  }
}

/** A range of bits, half-open, moved to the front of its first byte. */
export function cutBits(bytes: Uint8Array, from: number, to: number): BitPiece {
  const phase = from & 7
  const first = from >> 3
  const length = Math.ceil((to - from) / 8)
  const cut = new Uint8Array(length)
  for (let index = 0; index < length; index++) {
    const pair = ((bytes[first + index] ?? 0) << 8) | (bytes[first + index + 1] ?? 0)
    cut[index] = (pair >> (8 - phase)) & 0xff
  }
  return { bytes: cut, bitLength: to - from }
}

/** From text of ones and zeros. */
export function pieceOf(bits: string): BitPiece {
  const bytes = (bits.match(/.{1,8}/g) ?? []).map((byte) => Number.parseInt(byte.padEnd(8, '0'), 2))
  return { bytes: Uint8Array.from(bytes), bitLength: bits.length }
}
