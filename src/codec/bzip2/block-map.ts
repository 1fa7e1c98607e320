/**
 * The block map: which decoded bytes lie in which block of the file, and which blocks make a stream.
 *
 * Columns, not objects: 37 000 blocks of a big image are 1.2 MB. Made from stretches of the chain (`chain.ts`) that join
 * without a gap; what the chain alone can't tell is checked here: that no block is larger than its stream's level allows,
 * and that the combined CRC of each stream that is wholly in the map is that of its blocks.
 */
import { ImageError, InternalError } from '../../errors.js'
import { type ChainSegment, FOOTER_BITS, HEADER_BYTES } from './chain.js'
import { foldCrc } from './combined-crc.js'
import { corrupt } from './damage.js'

export const TEXT_BYTES_A_LEVEL = 100_000

/** A stream, as far as its blocks are in the map. */
export interface StreamSpan {
  /** Undefined when the stream begins before the map does. */
  readonly level: number | undefined
  /** Half-open range of blocks; empty for an empty stream. */
  readonly firstBlock: number
  readonly endBlock: number
  /** First bit of the footer's magic. */
  readonly footerBit: number
  /** As stored in the footer. */
  readonly combinedCrc: number
}

/** One entry a block, ascending. */
export interface BlockColumns {
  readonly startBit: Float64Array
  readonly endBit: Float64Array
  readonly rawLength: Uint32Array
  readonly textLength: Uint32Array
  readonly crc: Uint32Array
}

export class BlockMap {
  readonly columns: BlockColumns
  /** Streams whose footer is in the map, in order. */
  readonly streams: readonly StreamSpan[]
  /** Decoded offset of each block, and of the end of the last one. */
  readonly rawOffset: Float64Array

  /** @param firstRawOffset decoded offset of the first block */
  constructor(columns: BlockColumns, streams: readonly StreamSpan[], firstRawOffset: number) {
    this.columns = columns
    this.streams = streams
    const count = columns.startBit.length
    this.rawOffset = new Float64Array(count + 1)
    let offset = firstRawOffset
    for (let block = 0; block < count; block++) {
      this.rawOffset[block] = offset
      offset += at(columns.rawLength, block)
    }
    this.rawOffset[count] = offset
  }

  get blocks(): number {
    return this.columns.startBit.length
  }

  get rawStart(): number {
    return at(this.rawOffset, 0)
  }

  get rawEnd(): number {
    return at(this.rawOffset, this.blocks)
  }

  /** The blocks before one that begins at a decoded offset. */
  until(rawEnd: number): BlockMap {
    const blocks = this.find(rawEnd)
    const { startBit, endBit, rawLength, textLength, crc } = this.columns
    return new BlockMap(
      {
        startBit: startBit.slice(0, blocks),
        endBit: endBit.slice(0, blocks),
        rawLength: rawLength.slice(0, blocks),
        textLength: textLength.slice(0, blocks),
        crc: crc.slice(0, blocks),
      },
      this.streams.filter(({ endBlock }) => endBlock <= blocks),
      this.rawStart,
    )
  }

  /** The block that holds a decoded offset; the last one for the end of the map. */
  find(rawOffset: number): number {
    let low = 0
    let high = this.blocks - 1
    while (low < high) {
      const middle = (low + high + 1) >> 1
      if (at(this.rawOffset, middle) <= rawOffset) low = middle
      else high = middle - 1
    }
    return low
  }

  /** Index of the stream that a block belongs to. */
  streamOf(block: number): number {
    let low = 0
    let high = this.streams.length
    // The first stream that ends after the block: empty streams before it end at or before it.
    while (low < high) {
      const middle = (low + high) >> 1
      if ((this.streams[middle]?.endBlock ?? 0) > block) high = middle
      else low = middle + 1
    }
    if (low === this.streams.length)
      throw new InternalError('ERR_INTERNAL', `block ${block} lies in no stream whose end is known`)
    return low
  }
}

/** An entry of a column. */
export function at(column: Float64Array | Uint32Array, index: number): number {
  const value = column[index]
  if (value === undefined) throw new InternalError('ERR_INTERNAL', `the block map has no entry ${index}`)
  return value
}

/**
 * Whether maps, which may have been kept for long, can be maps of a file: the first begins where the file does, the last
 * ends where it does, and in each every block and stream begins where the one before ends.
 */
export function areOfFile(maps: readonly BlockMap[], sizeBytes: number): boolean {
  let rawEnd = 0
  for (const [index, map] of maps.entries()) {
    const isFirst = index === 0
    if (map.blocks === 0 && maps.length > 1) return false
    if (isFirst ? map.rawStart !== 0 : map.rawStart < rawEnd) return false
    rawEnd = map.rawEnd
    const endBit = chainEnd(map, isFirst ? 0 : undefined)
    if (endBit === undefined || (index === maps.length - 1 && endBit !== sizeBytes * 8)) return false
  }
  return maps.length > 0
}

/** Where the blocks and footers of a map end, if each begins where the one before it ends. */
function chainEnd({ blocks, columns, streams }: BlockMap, headerByte: number | undefined): number | undefined {
  let bit = headerByte === undefined ? columns.startBit[0] : (headerByte + HEADER_BYTES) * 8
  let block = 0
  const pass = (end: number): boolean => {
    for (; block < end; block++) {
      if (columns.startBit[block] !== bit) return false
      bit = columns.endBit[block]
    }
    return true
  }
  for (const [index, { endBlock, firstBlock, footerBit }] of streams.entries()) {
    if (firstBlock !== block || !pass(endBlock) || bit !== footerBit) return undefined
    bit = Math.ceil((footerBit + FOOTER_BITS) / 8) * 8
    if (index < streams.length - 1 || block < blocks) bit += HEADER_BYTES * 8
  }
  return pass(blocks) ? bit : undefined
}

/** Blocks and streams that a file may have: some 100 bytes of memory each. An image of 31 GiB has 37 000. */
const ENTRIES_MAX = 1 << 21

/**
 * Counts what a file consists of, so that one of nothing but empty streams can't fill the memory.
 *
 * @returns `entries` and what the segment adds to them
 * @throws ERR_BZIP2_CORRUPT
 */
export function countEntries(entries: number, segment: ChainSegment, name: string): number {
  const total = entries + segment.startBit.length + segment.marks.length
  if (total <= ENTRIES_MAX) return total
  throw new ImageError('ERR_BZIP2_CORRUPT', `${name} consists of over ${ENTRIES_MAX} bzip2 blocks and streams`, {
    hint: 'no vendor publishes such a file: download the image again',
  })
}

/**
 * Joins stretches of the chain, in order.
 *
 * @param from decoded offset of the first block, or of the end of the last one
 * @throws ERR_BZIP2_CORRUPT when a block is larger than its stream's level allows, or a combined CRC does not match
 */
export function joinSegments(
  segments: readonly ChainSegment[],
  from: { readonly rawStart: number } | { readonly rawEnd: number },
  name: string,
): BlockMap {
  const columns: BlockColumns = {
    startBit: concatenate(
      Float64Array,
      segments.map(({ startBit }) => startBit),
    ),
    endBit: concatenate(
      Float64Array,
      segments.map(({ endBit }) => endBit),
    ),
    rawLength: concatenate(
      Uint32Array,
      segments.map(({ rawLength }) => rawLength),
    ),
    textLength: concatenate(
      Uint32Array,
      segments.map(({ textLength }) => textLength),
    ),
    crc: concatenate(
      Uint32Array,
      segments.map(({ crc }) => crc),
    ),
  }
  const streams = spansOf(segments)
  for (const stream of streams) assertStream(stream, columns, name)
  if ('rawStart' in from) return new BlockMap(columns, streams, from.rawStart)
  let total = 0
  for (const length of columns.rawLength) total += length
  return new BlockMap(columns, streams, from.rawEnd - total)
}

function concatenate<Column extends Float64Array | Uint32Array>(
  make: new (length: number) => Column,
  parts: readonly Column[],
): Column {
  const whole = new make(parts.reduce((sum, part) => sum + part.length, 0))
  let offset = 0
  for (const part of parts) {
    whole.set(part, offset)
    offset += part.length
  }
  return whole
}

function spansOf(segments: readonly ChainSegment[]): StreamSpan[] {
  const streams: StreamSpan[] = []
  let level: number | undefined
  let firstBlock = 0
  let before = 0
  for (const { marks, startBit } of segments) {
    for (const mark of marks) {
      if (mark.kind === 'header') {
        level = mark.level
        firstBlock = before + mark.afterBlocks
      } else {
        const { bit: footerBit, combinedCrc } = mark
        streams.push({ level, firstBlock, endBlock: before + mark.afterBlocks, footerBit, combinedCrc })
        // Another stream's level is learnt from its own header only.
        level = undefined
      }
    }
    before += startBit.length
  }
  return streams
}

function assertStream(stream: StreamSpan, columns: BlockColumns, name: string): void {
  if (stream.level === undefined) return
  let combined = 0
  for (let block = stream.firstBlock; block < stream.endBlock; block++) {
    if (at(columns.textLength, block) > stream.level * TEXT_BYTES_A_LEVEL)
      throw corrupt(name, at(columns.startBit, block), `the block is larger than level ${stream.level} allows`)
    combined = foldCrc(combined, at(columns.crc, block))
  }
  if (combined !== stream.combinedCrc)
    throw corrupt(name, stream.footerBit, "the stream's combined CRC does not match its blocks")
}
