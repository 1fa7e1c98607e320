/** One parser, or a chain of them, as the fuzzer sees it. */

export interface FuzzTarget {
  readonly name: string
  /** Inputs that are right, made once. */
  readonly seeds: () => readonly Buffer[] | Promise<readonly Buffer[]>
  /** Words that mean something to the parser. */
  readonly tokens?: readonly string[]
  /** Makes checksums right again, in every second case: what they guard is reached only so. */
  readonly repair?: (bytes: Buffer) => Buffer
  /** Reads all there is. Whatever is thrown must be an error of ours, and no internal one. */
  readonly read: (bytes: Buffer) => unknown
}
