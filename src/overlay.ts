/**
 * An overlay: a byte device that may be written, and made longer, while the device below it stays as it was.
 *
 * It keeps whole pages of 4 KiB, copied from below on first write, in memory. `changedExtents` compares each kept page
 * with what lies below, so that "what changed" is known exactly: a page that was written back to its old content is no
 * change. What was added by `grow` has nothing below it: it reads as zeros until it is written, and is always a change.
 * An OEM bake touches a few MiB; the OEM partition bounds it from above.
 */
import { assertInside, type ByteDevice, type EditedDevice, piecesOf, type WritableByteDevice } from './byte-device.js'
import { InternalError } from './errors.js'
import { fill } from './in-order.js'
import { type ByteLength, byteLength, type Extent, extent, extentEnd } from './units.js'

/** Page size: the block size of every filesystem that is met on an OEM partition. */
export const PAGE_BYTES = 4096
/** What is read of the device below at a time, to compare pages with it. */
const COMPARED_BYTES = 1 << 20

export class Overlay implements WritableByteDevice, EditedDevice {
  readonly #below: ByteDevice
  #size: ByteLength
  /** By page number. Each is `PAGE_BYTES` long, also the last: what lies beyond the end is zeros. */
  readonly #pages = new Map<number, Buffer>()

  constructor(below: ByteDevice) {
    this.#below = below
    this.#size = below.size
  }

  get size(): ByteLength {
    return this.#size
  }

  /**
   * Makes the device longer, by zeros.
   *
   * @param size of the device from now on, in bytes
   * @throws ERR_INTERNAL when that is less than it was
   */
  grow(size: number): void {
    if (size < this.#size) {
      throw new InternalError('ERR_INTERNAL', `an overlay of ${this.#size} bytes can't shrink to ${size}`)
    }
    this.#size = byteLength(size)
  }

  async read(offset: number, length: number): Promise<Buffer> {
    assertInside(this, offset, length)
    const bytes = await this.#readBelow(offset, length)
    this.#coverWithPages(offset, bytes)
    return bytes
  }

  async readInto(offset: number, target: Buffer): Promise<void> {
    assertInside(this, offset, target.length)
    const present = this.#presentBelow(offset, target.length)
    if (present > 0) await fill(this.#below, offset, target.subarray(0, present))
    target.fill(0, present)
    this.#coverWithPages(offset, target)
  }

  async write(offset: number, bytes: Uint8Array): Promise<void> {
    assertInside(this, offset, bytes.length)
    let done = 0
    while (done < bytes.length) {
      const at = offset + done
      const page = Math.floor(at / PAGE_BYTES)
      const within = at - page * PAGE_BYTES
      const count = Math.min(PAGE_BYTES - within, bytes.length - done)
      const written = bytes.subarray(done, done + count)
      // Nothing of what lies below is left of a page that is written whole.
      if (count === PAGE_BYTES && !this.#pages.has(page)) this.#pages.set(page, Buffer.from(written))
      else (await this.#page(page)).set(written, within)
      done += count
    }
  }

  /**
   * Ranges whose bytes differ from the device below: sorted, apart from each other, whole pages as far as there is
   * something below, and then all that was grown.
   */
  async changedExtents(): Promise<readonly Extent[]> {
    const written: Extent[] = []
    for (const page of [...this.#pages.keys()].sort((a, b) => a - b)) {
      const present = this.#presentBelow(page * PAGE_BYTES, PAGE_BYTES)
      if (present > 0) append(written, extent(page * PAGE_BYTES, present))
    }
    const changed: Extent[] = []
    for (const run of written) {
      for (const piece of piecesOf(run, COMPARED_BYTES)) await this.#appendChanged(piece, changed)
    }
    if (this.#size > this.#below.size) append(changed, extent(this.#below.size, this.#size - this.#below.size))
    return changed
  }

  /** Appends those pages of a piece, all of whose pages are kept, that differ from what lies below. */
  async #appendChanged(piece: Extent, changed: Extent[]): Promise<void> {
    const below = await this.#below.read(piece.offset, piece.length)
    for (const { offset, length } of piecesOf(piece, PAGE_BYTES)) {
      const kept = this.#pages.get(offset / PAGE_BYTES)?.subarray(0, length)
      const within = offset - piece.offset
      if (kept?.equals(below.subarray(within, within + length)) !== true) append(changed, extent(offset, length))
    }
  }

  /** Whether any byte of a range is another than in the device below, or has none below it. */
  async differs(range: Extent): Promise<boolean> {
    if (extentEnd(range) > this.#below.size) return true
    const below = await this.#below.read(range.offset, range.length)
    return !below.equals(await this.read(range.offset, range.length))
  }

  /** How many bytes of a range the device below has. */
  #presentBelow(offset: number, length: number): number {
    return Math.max(0, Math.min(length, this.#below.size - offset))
  }

  async #readBelow(offset: number, length: number): Promise<Buffer> {
    const present = this.#presentBelow(offset, length)
    if (present === length && offset <= this.#below.size) return this.#below.read(offset, length)
    const bytes = Buffer.alloc(length)
    if (present > 0) (await this.#below.read(offset, present)).copy(bytes)
    return bytes
  }

  /** Puts what was written over bytes that came from below. */
  #coverWithPages(offset: number, bytes: Buffer): void {
    if (this.#pages.size === 0) return
    const first = Math.floor(offset / PAGE_BYTES)
    const last = Math.floor((offset + bytes.length - 1) / PAGE_BYTES)
    for (let page = first; page <= last; page++) {
      const kept = this.#pages.get(page)
      if (kept === undefined) continue
      const pageOffset = page * PAGE_BYTES
      const from = Math.max(offset, pageOffset)
      const to = Math.min(offset + bytes.length, pageOffset + kept.length)
      kept.copy(bytes, from - offset, from - pageOffset, to - pageOffset)
    }
  }

  async #page(page: number): Promise<Buffer> {
    const kept = this.#pages.get(page)
    if (kept !== undefined) return kept
    const copy = await this.#readBelow(page * PAGE_BYTES, PAGE_BYTES)
    // Another write may have brought the same page in while this one was reading.
    const raced = this.#pages.get(page)
    if (raced !== undefined) return raced
    this.#pages.set(page, copy)
    return copy
  }
}

/** Adds a range behind the others; two that touch become one. */
function append(ranges: Extent[], range: Extent): void {
  const previous = ranges.at(-1)
  if (previous === undefined || extentEnd(previous) !== range.offset) ranges.push(range)
  else ranges[ranges.length - 1] = extent(previous.offset, previous.length + range.length)
}
