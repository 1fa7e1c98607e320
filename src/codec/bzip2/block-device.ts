/**
 * The decoded image as a byte device, without a decoded file: only the blocks that are read get decoded.
 */
import { assertInside, type ByteDevice } from '../../byte-device.js'
import { fileError, OemBakeError } from '../../errors.js'
import { type ByteLength, byteLength } from '../../units.js'
import type { BlockIndex } from './block-index.js'
import type { BlockReader } from './block-reader.js'

export class BlockDevice implements ByteDevice {
  readonly size: ByteLength
  readonly #index: BlockIndex
  readonly #reader: BlockReader
  readonly #name: string

  constructor(index: BlockIndex, reader: BlockReader, name: string) {
    this.#index = index
    this.#reader = reader
    this.#name = name
    this.size = byteLength(index.rawSize)
  }

  async read(offset: number, length: number): Promise<Buffer> {
    assertInside(this, offset, length)
    const buffer = Buffer.allocUnsafe(length)
    await this.readInto(offset, buffer)
    return buffer
  }

  async readInto(offset: number, target: Buffer): Promise<void> {
    assertInside(this, offset, target.length)
    if (target.length === 0) return
    const map = await this.#index.covering(offset, target.length)
    try {
      this.#reader.read(map, offset, target)
    } catch (error) {
      const doesNotFit = error instanceof OemBakeError && error.code === 'ERR_SOURCE_CHANGED'
      if (!doesNotFit || !this.#index.isRemembered(map)) throw fileError(error, `read ${this.#name}`)
      await this.#index.forget()
      this.#reader.read(await this.#index.covering(offset, target.length), offset, target)
    }
  }
}
