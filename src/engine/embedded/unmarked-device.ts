/**
 * USR-A as a reader may see it: without the mark that keeps kernels from mounting it writable.
 *
 * Upstream sets the top byte of `s_feature_ro_compat` to 0xFF once the filesystem is finished; a library that opens for
 * writing, as ours always does, then refuses. The mark is taken off each piece that is read, never off the image. It was
 * put on without a new checksum, so that a superblock with one is right again without it.
 */
import type { ByteDevice } from '../../byte-device.js'
import { EXT_RO_COMPAT_OFFSET, EXT_SUPERBLOCK_OFFSET } from '../../disk/filesystem/ext-superblock.js'
import type { ByteLength } from '../../units.js'

/** The field is a u32, little-endian: its top byte comes last. */
const MARK_OFFSET = EXT_SUPERBLOCK_OFFSET + EXT_RO_COMPAT_OFFSET + 3

export class UnmarkedDevice implements ByteDevice {
  readonly size: ByteLength
  readonly #marked: ByteDevice

  constructor(marked: ByteDevice) {
    this.size = marked.size
    this.#marked = marked
  }

  async read(offset: number, length: number): Promise<Buffer> {
    const bytes = await this.#marked.read(offset, length)
    const at = MARK_OFFSET - offset
    if (at >= 0 && at < bytes.length) bytes.writeUInt8(0, at)
    return bytes
  }
}
