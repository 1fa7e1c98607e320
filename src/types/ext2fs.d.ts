/**
 * The part of npm `ext2fs` 4.2.x that we use: its Emscripten module, that is libext2fs and the package's C glue.
 *
 * The package's own `fs` layer is left out on purpose. Its `stat` fails on sizes and times that do not fit 31 bits and
 * cuts owners to 16 bits; `FileHandle.close` can't be awaited; mode bits go through two defaults.
 * Signatures are those of the exported C functions (balena-io-modules/node-ext2fs src/glue.c): every argument and result
 * is an i32; results below 0 are negated error codes.
 */
declare module 'ext2fs/lib/libext2fs.js' {
  /** What libext2fs reads and writes. A rejected promise becomes EIO. */
  interface Disk {
    read(buffer: Uint8Array, bufferOffset: number, length: number, offset: number): Promise<unknown>
    write(buffer: Uint8Array, bufferOffset: number, length: number, offset: number): Promise<unknown>
    discard(offset: number, length: number): Promise<unknown>
    flush(): Promise<unknown>
  }

  interface Libext2fs {
    onRuntimeInitialized?: () => void
    readonly calledRun?: boolean
    readonly HEAPU8: Uint8Array
    /** Gives a disk a number that `node_ext2fs_mount` takes. */
    setObject(disk: Disk): number
    deleteObject(id: number): void
    /** Address of new memory in the WASM heap (16 MiB, never grows). @throws on out of memory: the module is then dead */
    _malloc(length: number): number
    _free(address: number): void
    ccall(
      name: string,
      returnType: 'number',
      argumentTypes: readonly 'number'[],
      args: readonly number[],
      options: { readonly async: true },
    ): Promise<number>
  }

  const libext2fs: Libext2fs

  export type { Disk, Libext2fs }
  // biome-ignore lint/style/noDefaultExport: a CommonJS module's exports, as an import sees them
  export default libext2fs
}
