/**
 * Files with holes: zeros are never written, so an image of 4.4 GiB takes only what its data takes.
 *
 * Linux has no portable way to ask for holes from Node, so a zero page is found by comparing it (memory speed) and then
 * skipped; the file gets its length at the end.
 */
import type { FileHandle } from 'node:fs/promises'
import { open } from 'node:fs/promises'
import { type ByteDevice, PIECE_BYTES, readInOrder, writeWhole } from '../byte-device.js'
import { fileError, throwIfCancelled } from '../errors.js'
import type { Phase, RunContext } from '../progress.js'

/** Granularity of holes: the block size of the filesystems that files live on. */
const HOLE_BYTES = 4096
const ZEROS = Buffer.alloc(HOLE_BYTES)

/** Appends to a new file, leaving holes where the data is zero. */
export class SparseWriter {
  readonly #handle: FileHandle
  readonly #name: string
  /** Bytes that have come in, which is where the next one goes. */
  #position = 0
  /** Start of a piece that is not yet a whole multiple of the hole size. */
  #pending: Buffer[] = []
  #pendingBytes = 0

  constructor(handle: FileHandle, name: string) {
    this.#handle = handle
    this.#name = name
  }

  get position(): number {
    return this.#position + this.#pendingBytes
  }

  async append(bytes: Buffer): Promise<void> {
    this.#pending.push(bytes)
    this.#pendingBytes += bytes.length
    if (this.#pendingBytes >= PIECE_BYTES) await this.#flush(this.#pendingBytes - (this.#pendingBytes % HOLE_BYTES))
  }

  /** Writes what is left and gives the file its length. */
  async finish(): Promise<number> {
    await this.#flush(this.#pendingBytes)
    await this.#handle.truncate(this.#position).catch((error) => {
      throw fileError(error, `write ${this.#name}`)
    })
    return this.#position
  }

  async #flush(count: number): Promise<void> {
    const joined =
      this.#pending.length === 1 && this.#pending[0] !== undefined ? this.#pending[0] : Buffer.concat(this.#pending)
    await writeSparse(this.#handle, this.#position, joined.subarray(0, count), this.#name)
    this.#position += count
    const rest = joined.subarray(count)
    this.#pending = rest.length > 0 ? [rest] : []
    this.#pendingBytes = rest.length
  }
}

/** Writes the pages of `bytes` that hold anything, joined into as few writes as possible. */
async function writeSparse(handle: FileHandle, offset: number, bytes: Buffer, name: string): Promise<void> {
  let runStart = -1
  for (let at = 0; at < bytes.length; at += HOLE_BYTES) {
    const zero = isZero(bytes.subarray(at, at + HOLE_BYTES))
    if (!zero && runStart === -1) runStart = at
    if (zero && runStart !== -1) {
      await writeWhole(handle, offset + runStart, bytes.subarray(runStart, at), name)
      runStart = -1
    }
  }
  if (runStart !== -1) await writeWhole(handle, offset + runStart, bytes.subarray(runStart), name)
}

function isZero(page: Buffer): boolean {
  return page.length === HOLE_BYTES ? page.equals(ZEROS) : page.equals(ZEROS.subarray(0, page.length))
}

/**
 * Copies a device to a new sparse file and syncs it.
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
    await handle.sync()
  } catch (error) {
    throw fileError(error, `write ${target}`)
  } finally {
    await handle.close()
  }
}
