/** What fuzzer and worker share. */

export interface FuzzThreadStart {
  /** {@link PROGRESS}, as 32-bit numbers. */
  readonly progress: SharedArrayBuffer
  /** The case that is being read. */
  readonly input: SharedArrayBuffer
}

/** To the worker. */
export interface FuzzJob {
  readonly name: string
  readonly seed: number
  readonly runs: number
}

/** Indices: cases begun, length of the one that is under way. */
export const PROGRESS = { cases: 0, bytes: 1 } as const
export const CASE_BYTES_MAX = 1 << 20

/** From the worker. */
export type FromFuzzThread =
  /** The valid inputs are there, and were read. */
  { readonly kind: 'ready' } | { readonly kind: 'done'; readonly report: FuzzReport }

export interface FuzzReport {
  /** How often each came out: an error code, or `read`. */
  readonly outcomes: Readonly<Record<string, number>>
  readonly failure: string | undefined
  /** The shrunken case, in base64. */
  readonly input: string | undefined
}
