/** Bits one after the other, most significant first, as bzip2 writes them. */
export class BitWriter {
  #bits = ''

  get length(): number {
    return this.#bits.length
  }

  /** The low `width` bits of a value. */
  put(value: number | bigint, width: number): this {
    if (width > 0) this.#bits += (BigInt(value) & ((1n << BigInt(width)) - 1n)).toString(2).padStart(width, '0')
    return this
  }

  bits(text: string): this {
    this.#bits += text
    return this
  }

  /** Zero bits up to the next whole byte. */
  align(): this {
    this.#bits += '0'.repeat((8 - (this.#bits.length % 8)) % 8)
    return this
  }

  toString(): string {
    return this.#bits
  }

  toBuffer(): Buffer {
    const whole = this.#bits + '0'.repeat((8 - (this.#bits.length % 8)) % 8)
    return Buffer.from((whole.match(/.{8}/g) ?? []).map((byte) => Number.parseInt(byte, 2)))
  }
}

export function bitsOf(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(2).padStart(8, '0')).join('')
}

/** A copy with one bit the other way; bit 0 is the first byte's highest. */
export function flipBit(bytes: Buffer, bit: number): Buffer {
  const copy = Buffer.from(bytes)
  copy[bit >> 3] = (copy[bit >> 3] ?? 0) ^ (0x80 >> (bit & 7))
  return copy
}
