/**
 * A qcow2 file whose tables stay in memory once they were read.
 *
 * The file may lie inside bzip2, where a table of 64 KiB costs the decoding of a block. Tables are read when the image is
 * opened, at every lookup, and again when an edit is checked, through an overlay on this device: whoever asks for bytes of
 * a remembered table gets them from here. Data clusters pass through.
 */
import { assertInside, type ByteDevice } from '../../byte-device.js'
import { fill } from '../../in-order.js'
import type { ByteLength } from '../../units.js'
import { RecentlyUsed } from './recently-used.js'

/** All tables of a disk of 64 GiB with clusters of 64 KiB. */
const TABLES_BYTES = 8 << 20

export class TableDevice implements ByteDevice {
  readonly size: ByteLength
  readonly #base: ByteDevice
  readonly #clusterBytes: number
  readonly #tables: RecentlyUsed<Buffer>

  constructor(base: ByteDevice, clusterBytes: number) {
    this.size = base.size
    this.#base = base
    this.#clusterBytes = clusterBytes
    this.#tables = new RecentlyUsed(TABLES_BYTES / clusterBytes)
  }

  /** The table in the cluster at `offset`. Shared: not to be changed. */
  table(offset: number): Promise<Buffer> {
    return this.#tables.get(offset, () => this.#base.read(offset, this.#clusterBytes))
  }

  async read(offset: number, length: number): Promise<Buffer> {
    assertInside(this, offset, length)
    const within = offset % this.#clusterBytes
    const table = within + length <= this.#clusterBytes ? this.#tables.peek(offset - within) : undefined
    return table === undefined
      ? this.#base.read(offset, length)
      : Buffer.from((await table).subarray(within, within + length))
  }

  readInto(offset: number, target: Buffer): Promise<void> {
    return fill(this.#base, offset, target)
  }
}
