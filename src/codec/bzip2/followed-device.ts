/**
 * The decoded bytes of a file whose beginning is another file's: what lies before its own block map is read from the other.
 */
import { assertInside, type ByteDevice } from '../../byte-device.js'
import { fileError } from '../../errors.js'
import { fill } from '../../in-order.js'
import { type ByteLength, byteLength } from '../../units.js'
import type { BlockMap } from './block-map.js'
import type { BlockReader } from './block-reader.js'

export class FollowedDevice implements ByteDevice {
  readonly size: ByteLength
  readonly #map: BlockMap
  readonly #reader: BlockReader
  readonly #before: ByteDevice | undefined
  readonly #name: string

  /**
   * @param map to the end of the file
   * @param before has the same bytes up to where the map begins; undefined for a map of the whole file
   */
  constructor(map: BlockMap, reader: BlockReader, before: ByteDevice | undefined, name: string) {
    this.#map = map
    this.#reader = reader
    this.#before = before
    this.#name = name
    this.size = byteLength(map.rawEnd)
  }

  async read(offset: number, length: number): Promise<Buffer> {
    assertInside(this, offset, length)
    const buffer = Buffer.allocUnsafe(length)
    await this.readInto(offset, buffer)
    return buffer
  }

  async readInto(offset: number, target: Buffer): Promise<void> {
    assertInside(this, offset, target.length)
    const own = Math.max(0, Math.min(target.length, this.#map.rawStart - offset))
    if (own > 0 && this.#before !== undefined) await fill(this.#before, offset, target.subarray(0, own))
    if (own === target.length) return
    try {
      this.#reader.read(this.#map, offset + own, target.subarray(own))
    } catch (error) {
      throw fileError(error, `read ${this.#name}`)
    }
  }
}
