/**
 * A whole device from its first byte to its last, as fast as memory: what copying, encoding, hashing and comparing share.
 *
 * Two buffers take turns, so that the next piece is being read (in the thread pool) while the last one is worked on, and
 * no memory is asked for on the way: an image of 4.7 GB in fresh buffers spent most of its time in page faults.
 */
import type { ByteDevice } from './byte-device.js'

/** How much is read at a time. */
export const PIECE_BYTES = 1 << 20

/** Fills a buffer from any device, by way of a copy where the device can't do it directly. */
export async function fill(device: ByteDevice, offset: number, target: Buffer): Promise<void> {
  if (device.readInto !== undefined) await device.readInto(offset, target)
  else (await device.read(offset, target.length)).copy(target)
}

export interface Piece {
  readonly offset: number
  /** Valid until the next piece is asked for. */
  readonly bytes: Buffer
}

/** All pieces in order. Each is overwritten once the next one is asked for: copy what has to stay. */
export async function* readInOrder(device: ByteDevice, pieceBytes = PIECE_BYTES): AsyncGenerator<Piece> {
  let free = Buffer.allocUnsafeSlow(Math.min(pieceBytes, device.size))
  let spare = Buffer.allocUnsafeSlow(Math.min(pieceBytes, device.size))
  const start = (offset: number): Promise<Buffer> | undefined => {
    if (offset >= device.size) return undefined
    const target = free.subarray(0, Math.min(pieceBytes, device.size - offset))
    ;[free, spare] = [spare, free]
    const reading = fill(device, offset, target).then(() => target)
    // Whoever stops half way never awaits this one; its failure is nobody's then.
    reading.catch(() => undefined)
    return reading
  }
  let next = start(0)
  for (let offset = 0; next !== undefined; offset += pieceBytes) {
    const bytes = await next
    next = start(offset + pieceBytes)
    yield { offset, bytes }
  }
}

/** Compares bytes that come in order, cut anywhere, with what a device holds. */
export class InOrderComparison {
  readonly #expected: AsyncGenerator<Piece>
  readonly #sizeBytes: number
  #piece: Piece = { offset: 0, bytes: Buffer.alloc(0) }
  #position = 0

  constructor(expected: ByteDevice) {
    this.#expected = readInOrder(expected)
    this.#sizeBytes = expected.size
  }

  /** Bytes that were found equal. */
  get position(): number {
    return this.#position
  }

  get complete(): boolean {
    return this.#position === this.#sizeBytes
  }

  /** @returns false when a byte differs, or when there are more than the device has */
  async matches(bytes: Buffer): Promise<boolean> {
    for (let done = 0; done < bytes.length; ) {
      let within = this.#position - this.#piece.offset
      if (within === this.#piece.bytes.length) {
        const next = await this.#expected.next()
        if (next.done === true) return false
        this.#piece = next.value
        within = 0
      }
      const count = Math.min(bytes.length - done, this.#piece.bytes.length - within)
      if (bytes.compare(this.#piece.bytes, within, within + count, done, done + count) !== 0) return false
      done += count
      this.#position += count
    }
    return true
  }
}
