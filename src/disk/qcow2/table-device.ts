/**
 * A qcow2 file whose tables stay in memory once they were read.
 *
 * The file may lie inside bzip2, where a table of 64 KiB costs the decoding of a block. Tables are read when the image is
 * opened, at every lookup, and again when an edit is checked, through an overlay on this device: whoever asks for bytes of
 * a remembered table gets them from here. Data clusters pass through. Tables smaller than 64 KiB are read together with
 * their neighbours, which tend to be tables, too: one by one, a file with tables of 512 bytes took a minute to check.
 */
import { assertInside, type ByteDevice } from '../../byte-device.js'
import { fill } from '../../in-order.js'
import type { ByteLength } from '../../units.js'
import { RecentlyUsed } from './recently-used.js'

/** All tables of a disk of 64 GiB with clusters of 64 KiB. */
const TABLES_BYTES = 8 << 20

/** What is read and remembered at a time, at least. Like clusters a power of two, so that none lies in two. */
const PIECE_BYTES = 64 << 10

export class TableDevice implements ByteDevice {
  readonly size: ByteLength
  readonly #base: ByteDevice
  readonly #clusterBytes: number
  readonly #pieceBytes: number
  readonly #pieces: RecentlyUsed<Buffer>

  constructor(base: ByteDevice, clusterBytes: number) {
    this.size = base.size
    this.#base = base
    this.#clusterBytes = clusterBytes
    this.#pieceBytes = Math.max(clusterBytes, PIECE_BYTES)
    this.#pieces = new RecentlyUsed(TABLES_BYTES / this.#pieceBytes)
  }

  /** The table in the cluster at `offset`, which lies inside the file. Shared: not to be changed. */
  async table(offset: number): Promise<Buffer> {
    const within = offset % this.#pieceBytes
    const start = offset - within
    const length = Math.min(this.#pieceBytes, this.size - start)
    const piece = await this.#pieces.get(start, () => this.#base.read(start, length))
    return piece.subarray(within, within + this.#clusterBytes)
  }

  async read(offset: number, length: number): Promise<Buffer> {
    assertInside(this, offset, length)
    const within = offset % this.#pieceBytes
    const piece = within + length <= this.#pieceBytes ? this.#pieces.peek(offset - within) : undefined
    return piece === undefined
      ? this.#base.read(offset, length)
      : Buffer.from((await piece).subarray(within, within + length))
  }

  readInto(offset: number, target: Buffer): Promise<void> {
    return fill(this.#base, offset, target)
  }
}
