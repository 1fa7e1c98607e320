/**
 * What the threads of the full index say to each other.
 */
import type { ChainSegment } from './chain.js'

/** What a worker is started with. */
export interface WalkerStart {
  readonly fd: number
  readonly sizeBytes: number
  /** For messages. */
  readonly name: string
  readonly module: WebAssembly.Module
}

export type WalkFrom =
  | { readonly kind: 'start of file' }
  /** A block begins here. */
  | { readonly kind: 'bit'; readonly bit: number }
  /** Where the first block begins from here on is to be found out. */
  | { readonly kind: 'search'; readonly fromBit: number }

/** To a worker: walk until a block begins at or after `untilBit`. */
export interface ToWalker {
  readonly from: WalkFrom
  readonly untilBit: number
}

/** From a worker, one for each request. */
export type FromWalker =
  /** `segment` is undefined when a search found no beginning. */
  | { readonly kind: 'segment'; readonly segment: ChainSegment | undefined }
  /** The file could not be read, or is not one that we take. */
  | { readonly kind: 'failed'; readonly message: string; readonly errno: string | undefined }
