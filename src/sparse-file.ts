/**
 * Files with holes: zeros are never written, so an image of 4.4 GiB takes only what its data takes.
 *
 * Linux has no portable way to ask for holes from Node, so a zero page is found by comparing it (memory speed) and then
 * skipped; the file gets its length at the end.
 */
import type { FileHandle } from 'node:fs/promises'
import { open } from 'node:fs/promises'
import { type ByteDevice, writeWhole } from './byte-device.js'
import { fileError, throwIfCancelled } from './errors.js'
import { PIECE_BYTES, readInOrder } from './in-order.js'
import type { Phase, RunContext } from './progress.js'

/** Granularity of holes: the block size of the filesystems that files live on. */
const HOLE_BYTES = 4096
const ZEROS = Buffer.alloc(PIECE_BYTES)

/** Appends to a new file, leaving holes where the data is zero. */
export class SparseWriter {
  readonly #handle: FileHandle
  readonly #name: string
  /** File offset of the first byte in `#buffer`. */
  #written = 0
  /** Small pieces are gathered here, so that a page of zeros is one whatever the cuts; one buffer for the whole file. */
  readonly #buffer = Buffer.allocUnsafeSlow(PIECE_BYTES)
  #buffered = 0

  constructor(handle: FileHandle, name: string) {
    this.#handle = handle
    this.#name = name
  }

  /** Bytes that have come in, which is where the next one goes. */
  get position(): number {
    return this.#written + this.#buffered
  }

  /** The bytes may be overwritten once this has ended. */
  async append(bytes: Buffer): Promise<void> {
    for (let done = 0; done < bytes.length; ) {
      if (this.#buffered === 0 && bytes.length - done >= PIECE_BYTES) {
        await this.#write(bytes.subarray(done, done + PIECE_BYTES))
        done += PIECE_BYTES
        continue
      }
      const count = bytes.copy(this.#buffer, this.#buffered, done, done + PIECE_BYTES - this.#buffered)
      this.#buffered += count
      done += count
      if (this.#buffered === PIECE_BYTES) await this.#flush()
    }
  }

  /** Writes what is left and gives the file its length. */
  async finish(): Promise<number> {
    await this.#flush()
    await this.#handle.truncate(this.#written).catch((error) => {
      throw fileError(error, `write ${this.#name}`)
    })
    return this.#written
  }

  async #flush(): Promise<void> {
    const bytes = this.#buffer.subarray(0, this.#buffered)
    this.#buffered = 0
    await this.#write(bytes)
  }

  async #write(bytes: Buffer): Promise<void> {
    await writeSparse(this.#handle, this.#written, bytes, this.#name)
    this.#written += bytes.length
  }
}

/** Writes the pages of `bytes` that hold anything, joined into as few writes as possible. */
async function writeSparse(handle: FileHandle, offset: number, bytes: Buffer, name: string): Promise<void> {
  // Most of an image is zeros, and most of its pieces nothing else.
  if (isZero(bytes, 0, bytes.length)) return
  let runStart = -1
  for (let at = 0; at < bytes.length; at += HOLE_BYTES) {
    const zero = isZero(bytes, at, Math.min(at + HOLE_BYTES, bytes.length))
    if (!zero && runStart === -1) runStart = at
    if (zero && runStart !== -1) {
      await writeWhole(handle, offset + runStart, bytes.subarray(runStart, at), name)
      runStart = -1
    }
  }
  if (runStart !== -1) await writeWhole(handle, offset + runStart, bytes.subarray(runStart), name)
}

function isZero(bytes: Buffer, start: number, end: number): boolean {
  return bytes.compare(ZEROS, 0, end - start, start, end) === 0
}

/**
 * Copies a device to a new sparse file.
 *
 * @throws ERR_NO_SPACE | ERR_PERMISSION | ERR_IO
 */
export async function copyToSparseFile(
  device: ByteDevice,
  target: string,
  phase: Phase,
  context: RunContext,
): Promise<void> {
  const handle = await open(target, 'wx').catch((error) => {
    throw fileError(error, `create ${target}`)
  })
  try {
    const writer = new SparseWriter(handle, target)
    for await (const { offset, bytes } of readInOrder(device)) {
      throwIfCancelled(context.signal)
      await writer.append(bytes)
      context.report({ kind: 'progress', phase, doneBytes: offset + bytes.length, totalBytes: device.size })
    }
    await writer.finish()
    await handle.close()
  } catch (error) {
    await handle.close().catch(() => undefined)
    throw fileError(error, `write ${target}`)
  }
}
