/**
 * The part of WebAssembly's JavaScript interface that the bzip2 block codec uses. TypeScript has it only in its library for
 * browsers, whose thousands of other names do not exist in Node.js.
 */
declare namespace WebAssembly {
  /** Compiled code without state; structured cloning hands it to workers. */
  class Module {
    constructor(bytes: Uint8Array)
    readonly [Symbol.toStringTag]: 'WebAssembly.Module'
  }

  class Instance {
    constructor(module: Module, imports?: Readonly<Record<string, Readonly<Record<string, unknown>>>>)
    readonly exports: Readonly<Record<string, unknown>>
  }

  class Memory {
    private constructor()
    readonly buffer: ArrayBuffer
  }
}
