/**
 * The block map of a file's end, and of its beginning, without what lies between.
 *
 * When the decoded size is known from elsewhere (a GPT says where its backup lies), blocks decoded backwards from the end
 * of the file have known decoded offsets, too. An OEM partition lies behind nothing but zeros, so a few blocks reach it
 * and USR-A, most of the image, is never decoded. For inputs whose digest is checked in the same run only: damage in the
 * blocks that are skipped would go unseen otherwise.
 *
 * Whatever does not fit gives undefined, and `full-index.ts` has the last word.
 */
import { type BlockMap, countEntries, joinSegments } from './block-map.js'
import type { BlockChain, ChainSegment } from './chain.js'

/** Compressed bytes looked at in the first step backwards: zeros of gigabytes lie within. */
const FIRST_STEP_BYTES = 128 << 10
const STEP_BYTES_MAX = 1 << 20
/** Further back than this without a block that leads on: not a layout to guess at. */
const SEARCH_BYTES_MAX = 8 << 20

/** Compressed bytes decoded in all: beyond that, all cores on the whole file are as quick. */
const TAIL_BYTES_MAX = 16 << 20

/** Compressed bytes walked for the beginning of the image. */
const HEAD_BYTES = 64 << 10
const HEAD_BYTES_MAX = 4 << 20

/** Blocks from the beginning of the file until `rawLength` decoded bytes are covered; undefined when they are not. */
export function indexHead(chain: BlockChain, rawLength: number, name: string): BlockMap | undefined {
  for (let bytes = HEAD_BYTES; bytes <= HEAD_BYTES_MAX; bytes *= 4) {
    const segment = chain.walk('start of file', bytes * 8)
    if (segment.stop.kind !== 'block' && segment.stop.kind !== 'end') return undefined
    const map = joinSegments([segment], { rawStart: 0 }, name)
    if (map.rawEnd >= rawLength) return map
    if (segment.stop.kind === 'end') return undefined
  }
  return undefined
}

export class TailIndex {
  readonly #chain: BlockChain
  readonly #sizeBytes: number
  readonly #rawSize: number
  readonly #name: string
  /** In file order. */
  readonly #segments: ChainSegment[] = []
  #entries = 0
  #stepBytes = FIRST_STEP_BYTES
  #map: BlockMap | undefined

  /** @param rawSize of the whole file, decoded */
  constructor(chain: BlockChain, sizeBytes: number, rawSize: number, name: string) {
    this.#chain = chain
    this.#sizeBytes = sizeBytes
    this.#rawSize = rawSize
    this.#name = name
  }

  /** The map from a decoded offset, or from before it, to the end of the file. */
  coverFrom(rawOffset: number): BlockMap | undefined {
    while (this.#map === undefined || this.#map.rawStart > rawOffset) {
      const segment = this.#stepBack()
      if (segment === undefined) return undefined
      this.#segments.unshift(segment)
      this.#entries = countEntries(this.#entries, segment, this.#name)
      const map = joinSegments(this.#segments, { rawEnd: this.#rawSize }, this.#name)
      const [first] = segment.marks
      const isWhole = first?.kind === 'header' && first.offsetBytes === 0
      // The image has not the size that it is said to have.
      if (map.rawStart < 0 || (isWhole && map.rawStart !== 0)) return undefined
      this.#map = map
    }
    return this.#map
  }

  /** The stretch before what is known: from the first block in it that leads exactly there. */
  #stepBack(): ChainSegment | undefined {
    const knownBit = this.#segments[0]?.startBit[0]
    const untilBit = knownBit ?? this.#sizeBytes * 8
    if (this.#sizeBytes - untilBit / 8 > TAIL_BYTES_MAX) return undefined
    for (let bytes = this.#stepBytes; bytes <= SEARCH_BYTES_MAX; bytes *= 2) {
      const fromBit = Math.max(0, untilBit - bytes * 8)
      const segment =
        fromBit === 0 ? this.#chain.walk('start of file', untilBit) : this.#chain.findAndWalk(fromBit, untilBit)
      const leadsThere =
        knownBit === undefined
          ? segment?.stop.kind === 'end'
          : segment?.stop.kind === 'block' && segment.stop.bit === knownBit
      if (segment !== undefined && leadsThere && segment.startBit.length > 0) {
        this.#stepBytes = Math.min(STEP_BYTES_MAX, this.#stepBytes * 2)
        return segment
      }
      if (fromBit === 0) return undefined
    }
    return undefined
  }
}
