/**
 * libext2fs, one function a call: the only importer of npm `ext2fs`. Lives in the worker.
 *
 * Each call either did what it says or throws. Two habits of the glue make that work (src/glue.c of node-ext2fs):
 * - some paths drop an error or return it positive: so the disk is asked after every call whether it served all
 *   ({@link BlockCache.takeFailure}), and where 0 is success everything else is an error;
 * - `printf` goes to the console: it is caught here, and its end goes into messages.
 * Files that it creates are mapped by indirect blocks even on ext4, which every kernel and GRUB reads.
 */
import type { Libext2fs } from 'ext2fs/lib/libext2fs.js'
import { EngineError } from '../../errors.js'
import type { Owner } from '../engine.js'
import type { BlockCache } from './block-cache.js'
import { libraryError } from './library-errors.js'
import { encodeName } from './names.js'

/** Flags of `node_ext2fs_open`. */
const O_WRONLY = 0x1
const O_CREAT = 0x40
const O_EXCL = 0x80
const O_NOFOLLOW = 0x20000
/** Without it every read writes the file's access time. */
const O_NOATIME = 0x40000

const READ_FLAGS = O_NOFOLLOW | O_NOATIME
const CREATE_FLAGS = O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW
/** Go on where the last call stopped: offsets would not fit the glue's 32 bits. */
const CURRENT_POSITION = -1

/** Largest piece of one read or write. */
export const TRANSFER_BYTES = 262144

export class Library {
  readonly #module: Libext2fs
  readonly #disk: BlockCache
  readonly #diskId: number
  readonly #transfer: number
  #filesystem = 0

  private constructor(module: Libext2fs, disk: BlockCache) {
    this.#module = module
    this.#disk = disk
    this.#diskId = module.setObject(disk)
    this.#transfer = module._malloc(TRANSFER_BYTES)
  }

  static async load(disk: BlockCache): Promise<Library> {
    const { default: module } = await import('ext2fs/lib/libext2fs.js')
    if (module.calledRun !== true) {
      await new Promise<void>((resolve) => {
        module.onRuntimeInitialized = resolve
      })
    }
    return new Library(module, disk)
  }

  async mount(): Promise<void> {
    const result = await this.#call('node_ext2fs_mount', [this.#diskId])
    if (result <= 0) throw libraryError('open the filesystem', -result)
    this.#filesystem = result
  }

  /** Writes out what the library still holds; the cache below then holds all of it. */
  async unmount(): Promise<void> {
    const filesystem = this.#filesystem
    this.#filesystem = 0
    assertZero(await this.#call('node_ext2fs_umount', [filesystem]), 'close the filesystem')
  }

  /** @returns a handle, to be closed */
  async openForReading(path: string): Promise<number> {
    return this.#open(path, READ_FLAGS, 0, `open ${path}`)
  }

  /** A new, empty regular file, owner 0:0. @param mode permission bits, taken as they are */
  async create(path: string, mode: number): Promise<number> {
    return this.#open(path, CREATE_FLAGS, mode, `create ${path}`)
  }

  async close(handle: number, path: string): Promise<void> {
    assertZero(await this.#call('node_ext2fs_close', [handle]), `close ${path}`)
  }

  /** Up to {@link TRANSFER_BYTES} from the current position; empty at the end. */
  async read(handle: number, length: number, path: string): Promise<Buffer> {
    const count = Math.min(length, TRANSFER_BYTES)
    const got = await this.#call('node_ext2fs_read', [handle, READ_FLAGS, this.#transfer, count, CURRENT_POSITION])
    if (got < 0 || got > count) throw libraryError(`read ${path}`, Math.abs(got))
    return Buffer.from(this.#module.HEAPU8.slice(this.#transfer, this.#transfer + got))
  }

  /** @param bytes at most {@link TRANSFER_BYTES} */
  async write(handle: number, bytes: Uint8Array, path: string): Promise<void> {
    this.#module.HEAPU8.set(bytes, this.#transfer)
    const args = [handle, CREATE_FLAGS, this.#transfer, bytes.length, CURRENT_POSITION]
    const written = await this.#call('node_ext2fs_write', args)
    if (written < 0) throw libraryError(`write ${path}`, -written)
    if (written !== bytes.length) {
      throw new EngineError('ERR_EMBEDDED', `wrote ${written} of ${bytes.length} bytes to ${path}`)
    }
  }

  async inodeNumber(handle: number): Promise<number> {
    return this.#call('node_ext2fs_stat_ino', [handle])
  }

  /** Anything that is not a directory; a symlink itself. Sets the parent's times. */
  async unlink(path: string): Promise<void> {
    assertZero(await this.#onPath('node_ext2fs_unlink', path), `remove ${path}`)
  }

  async removeDirectory(path: string): Promise<void> {
    assertZero(await this.#onPath('node_ext2fs_rmdir', path), `remove the directory ${path}`)
  }

  async makeDirectory(path: string, mode: number): Promise<void> {
    assertZero(await this.#onPath('node_ext2fs_mkdir', path, mode), `make the directory ${path}`)
  }

  /** A new one, owner 0:0, mode 0777. */
  async makeSymlink(path: string, target: string): Promise<void> {
    const bytes = encodeName(target)
    const address = this.#place(bytes)
    // node_ext2fs_symlink(fs, target, path)
    const onPath = this.#place(encodeName(path))
    const result = await this.#call('node_ext2fs_symlink', [this.#filesystem, address, onPath])
    this.#module._free(onPath)
    this.#module._free(address)
    assertZero(result, `make the symbolic link ${path}`)
  }

  /** @param path what the handle is of: a file, or a directory */
  async changeOwner(handle: number, { uid, gid }: Owner, path: string): Promise<void> {
    assertZero(await this.#call('node_ext2fs_chown', [handle, uid, gid]), `change the owner of ${path}`)
  }

  async #open(path: string, flags: number, mode: number, doing: string): Promise<number> {
    const handle = await this.#onPath('node_ext2fs_open', path, flags, mode)
    if (handle <= 0) throw libraryError(doing, -handle)
    return handle
  }

  async #onPath(name: string, path: string, ...rest: readonly number[]): Promise<number> {
    const address = this.#place(encodeName(path))
    const result = await this.#call(name, [this.#filesystem, address, ...rest])
    this.#module._free(address)
    return result
  }

  /** Bytes and a NUL in the library's memory. @returns their address, to be freed */
  #place(bytes: Uint8Array): number {
    const address = this.#module._malloc(bytes.length + 1)
    this.#module.HEAPU8.set(bytes, address)
    this.#module.HEAPU8[address + bytes.length] = 0
    return address
  }

  async #call(name: string, args: readonly number[]): Promise<number> {
    const types = args.map((): 'number' => 'number')
    const result = await this.#module.ccall(name, 'number', types, args, { async: true })
    const failure = this.#disk.takeFailure()
    if (failure !== undefined) throw failure
    return result
  }
}

function assertZero(result: number, doing: string): void {
  if (result !== 0) throw libraryError(doing, Math.abs(result))
}
