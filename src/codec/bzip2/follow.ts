/**
 * Follows the chain of a bzip2 file beside the block map of another, and decodes only the blocks that the other has not
 * at the same place.
 *
 * Why a block of the same bits is the same bytes: the chain is followed from a bit where a block really begins, so each
 * item begins where the one before it ended, and nothing is ever looked for. A block's bits say where it ends and what it
 * decodes to; only the level bounds it, and that is checked. So where a block begins in this file, and its bits from there
 * on are those of a whole block of the other file, it is that block again: same length, same CRC, same bytes. Whether it
 * stands at the same *decoded* offset is a question of its own, and asked first. All other blocks are decoded here, those
 * of another phase too. Footers and headers are taken from this file alone: the combined CRC of each stream is that of the
 * blocks which stand in it here, and the level that of its own header.
 */
import { setImmediate } from 'node:timers/promises'
import { throwIfCancelled } from '../../errors.js'
import { type Extent, extent } from '../../units.js'
import { at, BlockMap, countEntries, TEXT_BYTES_A_LEVEL } from './block-map.js'
import type { BlockChain, ChainSegment } from './chain.js'
import { foldCrc } from './combined-crc.js'
import { chainBroken, corrupt } from './damage.js'
import type { BitComparison } from './same-bits.js'

/** Where a block really begins, and what the decoder knows there. */
export interface ChainState {
  readonly bit: number
  /** Decoded bytes before it. */
  readonly rawOffset: number
  /** Of the stream, or the highest that is known to be allowed. */
  readonly level: number
  readonly isLevelKnown: boolean
  /** Of the stream's blocks before it. */
  readonly combinedCrc: number
}

/** The file that is followed. */
export interface FollowedFile {
  readonly chain: BlockChain
  readonly sizeBytes: number
  readonly name: string
}

export interface Followed {
  /** From the beginning state to the end of the file. */
  readonly map: BlockMap
  /** Decoded ranges whose blocks are the other file's, at the same decoded offsets; sorted, apart. */
  readonly same: readonly Extent[]
}

/** Work between two looks at what else there is to do. */
const TURN_BITS = 8 * (16 << 20)

/**
 * @param other of the other file, from the same decoded offset as the state
 * @param comparison of the other file's bits with this one's
 * @param budgetBytes compressed bytes that may be decoded here, in one thread
 * @returns undefined when that is not enough, or when a block may be larger than its level allows
 * @throws ERR_BZIP2_CORRUPT | ERR_BZIP2_TRUNCATED | ERR_BZIP2_TRAILING_GARBAGE with the bit, ERR_CANCELLED
 */
export async function followBlocks(
  other: BlockMap,
  comparison: BitComparison,
  file: FollowedFile,
  state: ChainState,
  budgetBytes: number,
  signal: AbortSignal,
): Promise<Followed | undefined> {
  const { chain, name, sizeBytes } = file
  const blocks = new BlockList()
  const stream = new StreamState(state, name)
  let { bit, rawOffset } = state
  let decodedBits = 0
  let entries = 0
  let turnBit = bit + TURN_BITS
  /** Block of the other map. */
  let block = 0
  for (;;) {
    const between = chain.walk({ bit }, bit)
    entries = countEntries(entries + 1, between, name)
    stream.pass(between)
    if (between.stop.kind === 'end') return { map: blocks.map(state.rawOffset), same: blocks.same }
    if (between.stop.kind !== 'block') throw chainBroken(name, between.stop, sizeBytes)
    bit = between.stop.bit
    while (block < other.blocks && at(other.rawOffset, block) < rawOffset) block++
    const isSame = block < other.blocks && at(other.rawOffset, block) === rawOffset && sameBlock(other, block, bit)
    const measured = isSame ? knownBlock(other, block, bit) : chain.measure(bit)
    if (measured.kind === 'fault') throw chainBroken(name, { ...measured, bit }, sizeBytes)
    if (measured.textLength > stream.level * TEXT_BYTES_A_LEVEL) {
      if (!stream.isLevelKnown) return undefined
      throw corrupt(name, bit, `the block is larger than level ${stream.level} allows`)
    }
    stream.add(measured.crc)
    blocks.add(bit, measured, rawOffset, isSame)
    if (!isSame) decodedBits += measured.endBit - bit
    if (decodedBits > budgetBytes * 8) return undefined
    rawOffset += measured.rawLength
    bit = measured.endBit
    if (bit < turnBit) continue
    turnBit = bit + TURN_BITS
    await setImmediate()
    throwIfCancelled(signal)
  }

  function sameBlock({ columns }: BlockMap, index: number, atBit: number): boolean {
    const start = at(columns.startBit, index)
    return comparison.same(start, atBit, at(columns.endBit, index) - start)
  }
}

interface Measured {
  readonly kind: 'block'
  readonly endBit: number
  readonly crc: number
  readonly textLength: number
  readonly rawLength: number
}

function knownBlock({ columns }: BlockMap, index: number, bit: number): Measured {
  return {
    kind: 'block',
    endBit: bit + at(columns.endBit, index) - at(columns.startBit, index),
    crc: at(columns.crc, index),
    textLength: at(columns.textLength, index),
    rawLength: at(columns.rawLength, index),
  }
}

/** What the decoder of a stream carries from block to block. */
class StreamState {
  readonly #name: string
  #combinedCrc: number
  level: number
  isLevelKnown: boolean

  constructor({ combinedCrc, isLevelKnown, level }: ChainState, name: string) {
    this.#combinedCrc = combinedCrc
    this.level = level
    this.isLevelKnown = isLevelKnown
    this.#name = name
  }

  add(crc: number): void {
    this.#combinedCrc = foldCrc(this.#combinedCrc, crc)
  }

  /** @throws ERR_BZIP2_CORRUPT when a footer does not hold the combined CRC of its stream */
  pass({ marks }: ChainSegment): void {
    for (const mark of marks) {
      if (mark.kind === 'footer') {
        if (mark.combinedCrc !== this.#combinedCrc)
          throw corrupt(this.#name, mark.bit, "the stream's combined CRC does not match its blocks")
        continue
      }
      this.#combinedCrc = 0
      this.level = mark.level
      this.isLevelKnown = true
    }
  }
}

/** Columns as they grow. */
class BlockList {
  readonly #startBit: number[] = []
  readonly #endBit: number[] = []
  readonly #rawLength: number[] = []
  readonly #textLength: number[] = []
  readonly #crc: number[] = []
  readonly same: Extent[] = []

  add(bit: number, block: Measured, rawOffset: number, isSame: boolean): void {
    this.#startBit.push(bit)
    this.#endBit.push(block.endBit)
    this.#rawLength.push(block.rawLength)
    this.#textLength.push(block.textLength)
    this.#crc.push(block.crc)
    if (!isSame) return
    const last = this.same.at(-1)
    if (last !== undefined && last.offset + last.length === rawOffset)
      this.same[this.same.length - 1] = extent(last.offset, last.length + block.rawLength)
    else this.same.push(extent(rawOffset, block.rawLength))
  }

  /** Streams are left out: whoever reads blocks does not ask for them. */
  map(rawOffset: number): BlockMap {
    const columns = {
      startBit: Float64Array.from(this.#startBit),
      endBit: Float64Array.from(this.#endBit),
      rawLength: Uint32Array.from(this.#rawLength),
      textLength: Uint32Array.from(this.#textLength),
      crc: Uint32Array.from(this.#crc),
    }
    return new BlockMap(columns, [], rawOffset)
  }
}
