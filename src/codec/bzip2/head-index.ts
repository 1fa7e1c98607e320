/**
 * The block map of a file's beginning, grown forwards as far as it is wanted.
 *
 * The other half of `tail-index.ts`, and for the same inputs only: what lies at the beginning of an image (its EFI system
 * partition's directories) is reached without what lies between.
 */
import { type BlockMap, countEntries, joinSegments } from './block-map.js'
import type { BlockChain, ChainSegment } from './chain.js'

const STEP_BYTES = 64 << 10
/** Compressed bytes decoded in all: beyond that, all cores on the whole file are as quick. */
const HEAD_BYTES_MAX = 8 << 20

export class HeadIndex {
  readonly #chain: BlockChain
  readonly #name: string
  readonly #segments: ChainSegment[] = []
  #entries = 0
  #map: BlockMap | undefined

  constructor(chain: BlockChain, name: string) {
    this.#chain = chain
    this.#name = name
  }

  /** The map from the beginning of the image to a decoded offset, or beyond it; undefined when that is too far. */
  coverTo(rawEnd: number): BlockMap | undefined {
    while (this.#map === undefined || this.#map.rawEnd < rawEnd) {
      const stop = this.#segments.at(-1)?.stop
      // The first step starts with the file's header.
      if (stop !== undefined && stop.kind !== 'block') return undefined
      const fromBit = stop?.bit ?? 0
      if (fromBit / 8 > HEAD_BYTES_MAX) return undefined
      const segment = this.#chain.walk(
        stop === undefined ? 'start of file' : { bit: fromBit },
        fromBit + STEP_BYTES * 8,
      )
      if (segment.stop.kind !== 'block' && segment.stop.kind !== 'end') return undefined
      this.#segments.push(segment)
      this.#entries = countEntries(this.#entries, segment, this.#name)
      this.#map = joinSegments(this.#segments, { rawStart: 0 }, this.#name)
    }
    return this.#map
  }
}
