/**
 * A mounted filesystem inside the worker: the library, the geometry and the cache together.
 */
import type { BlockCache } from './block-cache.js'
import { type DirectoryContent, parseDirectory } from './directory.js'
import { type Geometry, inodeOffset, readGeometry } from './geometry.js'
import { INODE_BYTES, type Inode, parseInode } from './inode.js'
import { Library } from './library.js'
import { corrupt } from './library-errors.js'
import { decodeName } from './names.js'

/** PATH_MAX: no kernel stores a longer symlink target. */
const MAX_TARGET_BYTES = 4096

export class MountedVolume {
  readonly library: Library
  readonly #disk: BlockCache
  #geometry: Geometry

  private constructor(library: Library, disk: BlockCache, geometry: Geometry) {
    this.library = library
    this.#disk = disk
    this.#geometry = geometry
  }

  static async mount(disk: BlockCache): Promise<MountedVolume> {
    const library = await Library.load(disk)
    await library.mount()
    return new MountedVolume(library, disk, await readGeometry(disk))
  }

  get geometry(): Geometry {
    return this.#geometry
  }

  /** Everything written reaches the device; the filesystem is open again afterwards. The glue has no other sync. */
  async sync(): Promise<void> {
    await this.library.unmount()
    await this.#disk.flushAll()
    await this.library.mount()
    this.#geometry = await readGeometry(this.#disk)
  }

  async inode(inodeNumber: number): Promise<Inode> {
    const bytes = await this.#disk.readBytes(inodeOffset(this.#geometry, inodeNumber), INODE_BYTES)
    return parseInode(bytes, inodeNumber)
  }

  async directory(path: string, inode: Inode): Promise<DirectoryContent> {
    const { blockBytes, totalBlocks } = this.#geometry
    if (inode.sizeBytes > blockBytes * totalBlocks) {
      throw corrupt(`the directory ${path} claims ${inode.sizeBytes} bytes, more than the filesystem has`)
    }
    const content = await this.whole(path, inode)
    return parseDirectory(content, inode, blockBytes, path)
  }

  async symlinkTarget(path: string, inode: Inode): Promise<string> {
    if (inode.shortTarget !== undefined) return decodeName(inode.shortTarget)
    if (inode.sizeBytes > MAX_TARGET_BYTES) throw corrupt(`the target of ${path} has ${inode.sizeBytes} bytes`)
    return decodeName(await this.whole(path, inode))
  }

  /** A file's content in pieces. */
  async *content(path: string, inode: Inode): AsyncGenerator<Buffer> {
    const handle = await this.library.openForReading(path)
    let done = 0
    while (done < inode.sizeBytes) {
      const piece = await this.library.read(handle, inode.sizeBytes - done, path)
      if (piece.length === 0) throw corrupt(`${path} ends at byte ${done}, expected ${inode.sizeBytes}`)
      done += piece.length
      yield piece
    }
    await this.library.close(handle, path)
  }

  /** A file's whole content; callers have bounded its size. */
  async whole(path: string, inode: Inode): Promise<Buffer> {
    const pieces: Buffer[] = []
    for await (const piece of this.content(path, inode)) pieces.push(piece)
    return Buffer.concat(pieces)
  }
}
