/**
 * An overlay: a byte device that may be written while the device below it stays as it was.
 *
 * It keeps whole pages of 4 KiB, copied from below on first write, in memory. `changedExtents` compares each kept page
 * with what lies below, so that "what changed" is known exactly: a page that was written back to its old content is no
 * change. An OEM bake touches a few MiB; the OEM partition bounds it from above.
 */
import { assertInside, type ByteDevice, type WritableByteDevice } from './byte-device.js'
import { fill } from './in-order.js'
import { type ByteLength, type Extent, extent, extentEnd } from './units.js'

/** Page size: the block size of every filesystem that is met on an OEM partition. */
export const PAGE_BYTES = 4096

export class Overlay implements WritableByteDevice {
  readonly size: ByteLength
  readonly #below: ByteDevice
  readonly #pages = new Map<number, Buffer>()

  constructor(below: ByteDevice) {
    this.#below = below
    this.size = below.size
  }

  async read(offset: number, length: number): Promise<Buffer> {
    assertInside(this, offset, length)
    const bytes = await this.#below.read(offset, length)
    this.#coverWithPages(offset, bytes)
    return bytes
  }

  async readInto(offset: number, target: Buffer): Promise<void> {
    assertInside(this, offset, target.length)
    await fill(this.#below, offset, target)
    this.#coverWithPages(offset, target)
  }

  async write(offset: number, bytes: Uint8Array): Promise<void> {
    assertInside(this, offset, bytes.length)
    let done = 0
    while (done < bytes.length) {
      const at = offset + done
      const page = Math.floor(at / PAGE_BYTES)
      const within = at - page * PAGE_BYTES
      const kept = await this.#page(page)
      const count = Math.min(kept.length - within, bytes.length - done)
      kept.set(bytes.subarray(done, done + count), within)
      done += count
    }
  }

  /** Ranges whose bytes differ from the device below: sorted, apart from each other, whole pages. */
  async changedExtents(): Promise<readonly Extent[]> {
    const changed: Extent[] = []
    for (const page of [...this.#pages.keys()].sort((a, b) => a - b)) {
      const kept = this.#pages.get(page)
      if (kept === undefined) continue
      const offset = page * PAGE_BYTES
      if (kept.equals(await this.#below.read(offset, kept.length))) continue
      const previous = changed.at(-1)
      if (previous !== undefined && extentEnd(previous) === offset) {
        changed[changed.length - 1] = extent(previous.offset, previous.length + kept.length)
      } else {
        changed.push(extent(offset, kept.length))
      }
    }
    return changed
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

  /** Whether any byte of a range is another than in the device below. */
  async differs(range: Extent): Promise<boolean> {
    const below = await this.#below.read(range.offset, range.length)
    return !below.equals(await this.read(range.offset, range.length))
  }

  async #page(page: number): Promise<Buffer> {
    const kept = this.#pages.get(page)
    if (kept !== undefined) return kept
    const offset = page * PAGE_BYTES
    const copy = await this.#below.read(offset, Math.min(PAGE_BYTES, this.size - offset))
    // Another write may have brought the same page in while this one was reading.
    const raced = this.#pages.get(page)
    if (raced !== undefined) return raced
    this.#pages.set(page, copy)
    return copy
  }
}
