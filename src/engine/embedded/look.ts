/**
 * A look at a few names of an ext filesystem, in this thread and without the library.
 *
 * For a filesystem that nobody is going to edit and that may be in any state: ROOT of an image that has been booted was
 * perhaps never unmounted, and the library would not open it. Two directories and a short file are worth no thread. The
 * journal is not replayed: what a machine wrote in its last seconds may not be seen. Reads the first blocks of anything,
 * never more; bounded whatever is on the disk.
 */
import type { ByteDevice } from '../../byte-device.js'
import { type DirectoryEntry, parseDirectory } from './directory.js'
import { findBlock } from './file-blocks.js'
import { type BlockSource, type Geometry, inodeOffset, readGeometry } from './geometry.js'
import { FLAG_INLINE_DATA, INODE_BYTES, type Inode, parseInode, ROOT_INODE } from './inode.js'
import { corrupt } from './library-errors.js'
import { decodeName } from './names.js'

/** Of a directory; 256 blocks hold some 40 000 names. */
const DIRECTORY_BYTES_MAX = 1 << 20
/** 0x28 u8[60] i_block */
const MAP_OFFSET = 0x28
const MAP_BYTES = 60

interface Found {
  readonly inode: Inode
  readonly map: Buffer
}

export class ExtLook {
  readonly #disk: BlockSource
  readonly #geometry: Geometry

  private constructor(disk: BlockSource, geometry: Geometry) {
    this.#disk = disk
    this.#geometry = geometry
  }

  /** @throws ERR_FILESYSTEM_CORRUPT */
  static async open(device: ByteDevice): Promise<ExtLook> {
    const disk: BlockSource = {
      readBytes: async (offset, length) => {
        if (offset + length > device.size)
          throw corrupt(`the filesystem points to byte ${offset} of a partition that ends at ${device.size}`)
        return device.read(offset, length)
      },
    }
    return new ExtLook(disk, await readGeometry(disk))
  }

  /** Names in a directory; undefined when there is none. Links are not followed. @throws ERR_FILESYSTEM_CORRUPT */
  async names(path: readonly string[]): Promise<readonly string[] | undefined> {
    const found = await this.#find(path)
    if (found?.inode.kind !== 'directory') return undefined
    return (await this.#entries(found, path)).map(({ name }) => decodeName(name))
  }

  /** The beginning of a regular file; undefined when there is none. @throws ERR_FILESYSTEM_CORRUPT */
  async head(path: readonly string[], limitBytes: number): Promise<Buffer | undefined> {
    const found = await this.#find(path)
    return found?.inode.kind === 'file' ? this.#content(found, limitBytes) : undefined
  }

  async #find(path: readonly string[]): Promise<Found | undefined> {
    let found = await this.#inode(ROOT_INODE)
    for (const [index, name] of path.entries()) {
      if (found.inode.kind !== 'directory') return undefined
      const entries = await this.#entries(found, path.slice(0, index))
      const entry = entries.find((candidate) => decodeName(candidate.name) === name)
      if (entry === undefined) return undefined
      found = await this.#inode(entry.inodeNumber)
    }
    return found
  }

  async #inode(number: number): Promise<Found> {
    const bytes = await this.#disk.readBytes(inodeOffset(this.#geometry, number), INODE_BYTES)
    return { inode: parseInode(bytes, number), map: bytes.subarray(MAP_OFFSET, MAP_OFFSET + MAP_BYTES) }
  }

  async #entries(found: Found, path: readonly string[]): Promise<readonly DirectoryEntry[]> {
    const { blockBytes } = this.#geometry
    const content = await this.#content(found, DIRECTORY_BYTES_MAX)
    return parseDirectory(content, found.inode, blockBytes, `/${path.join('/')}`).entries
  }

  async #content({ inode, map }: Found, limitBytes: number): Promise<Buffer> {
    const length = Math.min(inode.sizeBytes, limitBytes)
    // What does not fit the inode goes on in an extended attribute, which is not looked at.
    if ((inode.flags & FLAG_INLINE_DATA) !== 0) return map.subarray(0, Math.min(length, MAP_BYTES))
    const { blockBytes } = this.#geometry
    const parts: Buffer[] = []
    for (let done = 0; done < length; done += blockBytes) {
      const block = await findBlock(this.#disk, this.#geometry, map, inode.flags, done / blockBytes)
      parts.push(block === 0 ? Buffer.alloc(blockBytes) : await this.#disk.readBytes(block * blockBytes, blockBytes))
    }
    return Buffer.concat(parts).subarray(0, length)
  }
}
