/**
 * The WebAssembly module that decodes and encodes blocks: loading it, and calling what it exports.
 *
 * Its source is AssemblyScript, in assembly/; the build puts block-codec.wasm beside this file. One module serves all
 * threads (a worker gets it in a message); each decoder or encoder is an instance with a memory of its own.
 */
import { readFileSync } from 'node:fs'
import { fileError, InternalError } from '../../errors.js'
import { installedFile } from '../../installation.js'

let compiled: WebAssembly.Module | undefined

/**
 * Compiled once for each thread.
 *
 * @throws ERR_NOT_FOUND when the installation lacks the module
 */
export function compileBlockCodec(): WebAssembly.Module {
  compiled ??= new WebAssembly.Module(moduleBytes())
  return compiled
}

function moduleBytes(): Uint8Array {
  const url = installedFile('codec/bzip2/block-codec.wasm')
  try {
    return readFileSync(url)
  } catch (error) {
    throw fileError(error, `read ${url.pathname}`, 'install oem-bake again; in a checkout run npm run build')
  }
}

/** An instance whose functions take and give 32-bit integers, and whose memory keeps its size once it is started. */
export class CodecInstance {
  readonly #exports: Readonly<Record<string, unknown>>

  /** @param start the exported function that grows and fills the memory */
  constructor(module: WebAssembly.Module, start: string) {
    this.#exports = new WebAssembly.Instance(module).exports
    if (this.function(start)() === 0) {
      throw new InternalError('ERR_INTERNAL', `could not start the bzip2 block codec: no memory for ${start}`)
    }
  }

  function(name: string): (...values: readonly number[]) => number {
    const exported = this.#exports[name]
    if (typeof exported !== 'function') {
      throw new InternalError('ERR_INTERNAL', `the bzip2 block codec has no function ${name}`)
    }
    return (...values) => Number(exported(...values))
  }

  /** A view of the memory; valid as long as the instance, because its memory does not grow after the start. */
  bytes(address: number, length: number): Uint8Array {
    const { memory } = this.#exports
    if (!(memory instanceof WebAssembly.Memory)) {
      throw new InternalError('ERR_INTERNAL', 'the bzip2 block codec has no memory')
    }
    return new Uint8Array(memory.buffer, address, length)
  }
}
