/**
 * The disk that libext2fs sees inside the worker: pages of the partition, fetched and sent back by messages.
 *
 * libext2fs reads and writes one block at a time, thousands of times for one file; each message costs far more than a
 * copy. So pages of 64 KiB are kept, and changed ones are sent back only when they must leave or at `flushAll`. Within
 * 16 MiB the page used longest ago leaves first. A reader's writes go nowhere.
 */
import type { Disk } from 'ext2fs/lib/libext2fs.js'
import { corrupt } from './library-errors.js'

export const CACHE_PAGE_BYTES = 65536
const MAX_PAGES = 256

/** The partition, at the other end of the messages. */
export interface RemoteDevice {
  readonly size: number
  read(offset: number, length: number): Promise<Uint8Array>
  write(offset: number, bytes: Uint8Array): Promise<void>
}

interface Page {
  readonly bytes: Uint8Array
  /** Half-open range that differs from the device; empty when `dirtyFrom >= dirtyTo`. */
  dirtyFrom: number
  dirtyTo: number
}

export class BlockCache implements Disk {
  readonly #device: RemoteDevice
  readonly #access: 'read' | 'edit'
  /** In order of use: the first was used longest ago. */
  readonly #pages = new Map<number, Page>()
  #failure: unknown

  constructor(device: RemoteDevice, access: 'read' | 'edit') {
    this.#device = device
    this.#access = access
  }

  /**
   * The first thing that went wrong here, forgotten by the asking.
   *
   * The glue turns a failed read into EIO, and parts of it drop that: so each operation asks here whether it was served.
   */
  takeFailure(): unknown {
    const failure = this.#failure
    this.#failure = undefined
    return failure
  }

  async read(buffer: Uint8Array, bufferOffset: number, length: number, offset: number): Promise<void> {
    await this.#guard(offset, length, (page, within, done, count) => {
      buffer.set(page.bytes.subarray(within, within + count), bufferOffset + done)
    })
  }

  async write(buffer: Uint8Array, bufferOffset: number, length: number, offset: number): Promise<void> {
    if (this.#access === 'read') return
    await this.#guard(offset, length, (page, within, done, count) => {
      page.bytes.set(buffer.subarray(bufferOffset + done, bufferOffset + done + count), within)
      page.dirtyFrom = Math.min(page.dirtyFrom, within)
      page.dirtyTo = Math.max(page.dirtyTo, within + count)
    })
  }

  /** What a discarded block holds does not matter; leaving it as it is keeps the output's bytes few. */
  async discard(): Promise<void> {}

  /** Sent back by {@link flushAll} alone: libext2fs asks at every turn. */
  async flush(): Promise<void> {}

  async readBytes(offset: number, length: number): Promise<Buffer> {
    const bytes = Buffer.alloc(length)
    await this.read(bytes, 0, length, offset)
    return bytes
  }

  async flushAll(): Promise<void> {
    for (const [number, page] of this.#pages) await this.#send(number, page)
  }

  async #guard(
    offset: number,
    length: number,
    use: (page: Page, within: number, done: number, count: number) => void,
  ): Promise<void> {
    try {
      if (!(offset >= 0 && length >= 0 && offset + length <= this.#device.size)) {
        throw corrupt(
          `the filesystem points to byte ${offset} (${length} bytes) of a partition that ends at ${this.#device.size}`,
        )
      }
      for (let done = 0; done < length; ) {
        const at = offset + done
        const number = Math.floor(at / CACHE_PAGE_BYTES)
        const page = await this.#page(number)
        const within = at - number * CACHE_PAGE_BYTES
        const count = Math.min(page.bytes.length - within, length - done)
        use(page, within, done, count)
        done += count
      }
    } catch (error) {
      this.#failure ??= error
      throw error
    }
  }

  async #page(number: number): Promise<Page> {
    const kept = this.#pages.get(number)
    if (kept !== undefined) {
      this.#pages.delete(number)
      this.#pages.set(number, kept)
      return kept
    }
    const offset = number * CACHE_PAGE_BYTES
    const bytes = await this.#device.read(offset, Math.min(CACHE_PAGE_BYTES, this.#device.size - offset))
    const page: Page = { bytes, dirtyFrom: CACHE_PAGE_BYTES, dirtyTo: 0 }
    this.#pages.set(number, page)
    if (this.#pages.size > MAX_PAGES) await this.#evictOldest()
    return page
  }

  async #evictOldest(): Promise<void> {
    const [oldest] = this.#pages
    if (oldest === undefined) return
    const [number, page] = oldest
    await this.#send(number, page)
    this.#pages.delete(number)
  }

  async #send(number: number, page: Page): Promise<void> {
    if (page.dirtyFrom >= page.dirtyTo) return
    // A copy: the message takes its buffer away.
    const changed = page.bytes.slice(page.dirtyFrom, page.dirtyTo)
    await this.#device.write(number * CACHE_PAGE_BYTES + page.dirtyFrom, changed)
    page.dirtyFrom = CACHE_PAGE_BYTES
    page.dirtyTo = 0
  }
}
