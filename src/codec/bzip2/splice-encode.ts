/**
 * Encodes what comes in the place of old blocks: stretches of data and of zeros in turn, each in blocks of its own.
 */
import type { ByteDevice } from '../../byte-device.js'
import { throwIfCancelled } from '../../errors.js'
import { fill } from '../../in-order.js'
import type { BlockEncoder, EncodedBlock } from './block-encoder.js'
import { at, type BlockMap } from './block-map.js'
import type { SpliceLimits } from './splice-limits.js'
import type { Replacement } from './splice-plan.js'
import { isZero, ZERO_PIECE_BYTES, ZeroBlocks, zeroLengths } from './zero-blocks.js'

/**
 * Decoded bytes that a new block holds at most. unbzip2-stream turns a block into an array of numbers: 4 MiB of zeros in a block
 * took it 300 MiB, 46 MB over 1 GiB (measured 2026-11). Blocks of dense data never come near.
 */
export const RAW_BYTES_MAX = 1 << 20

export interface NewBlock extends EncodedBlock {
  /** What it holds of the edited image. */
  readonly rawOffset: number
}

/** A replacement with what comes in its place. */
export interface EncodedReplacement extends Replacement {
  readonly blocks: readonly NewBlock[]
}

export class ReplacementEncoder {
  readonly #edited: ByteDevice
  readonly #encoder: BlockEncoder
  readonly #zeros: ZeroBlocks
  readonly #limits: SpliceLimits
  readonly #signal: AbortSignal
  readonly #buffer = Buffer.allocUnsafeSlow(ZERO_PIECE_BYTES)

  constructor(edited: ByteDevice, encoder: BlockEncoder, limits: SpliceLimits, signal: AbortSignal) {
    this.#edited = edited
    this.#encoder = encoder
    this.#zeros = new ZeroBlocks(encoder)
    this.#limits = limits
    this.#signal = signal
  }

  /**
   * Encodes the blocks of a replacement. The last one is padded: together they are as long as the old ones but for whole
   * bytes, or exactly as long, where that is worth its bytes and can be done. Where blocks only go, nothing is there to pad,
   * and nothing follows in the stream either.
   *
   * @throws ERR_CANCELLED
   */
  async encode(replacement: Replacement, map: BlockMap): Promise<EncodedReplacement> {
    const { firstBlock, endBlock, level, rawStart, rawEnd } = replacement
    const endBit = at(map.columns.endBit, endBlock - 1)
    const oldBits = endBit - at(map.columns.startBit, firstBlock)
    const staysInPlace = (map.streams.at(-1)?.footerBit ?? endBit) - endBit >= 8 * this.#limits.stay
    const blocks: NewBlock[] = []
    let rawOffset = rawStart
    let newBits = 0
    const add = (block: EncodedBlock): void => {
      blocks.push({ ...block, rawOffset })
      rawOffset += block.rawLength
      newBits += block.bitLength
    }
    /** Ends the block under way; the last of all is padded. */
    const finish = (end: number): void => {
      const wanted = oldBits - newBits
      if (end < rawEnd) add(this.#encoder.finish())
      else add(this.#encoder.finish(modulo8(wanted), staysInPlace ? wanted : 0))
    }
    while (rawOffset < rawEnd) {
      throwIfCancelled(this.#signal)
      const zerosEnd = await this.#zerosFrom(rawOffset, rawEnd)
      for (const length of zeroLengths(zerosEnd - rawOffset)) {
        if (rawOffset + length < rawEnd) add(this.#zeros.block(level, length))
        else {
          this.#zeros.feed(level, length)
          finish(rawEnd)
        }
      }
      if (rawOffset < rawEnd) finish(await this.#feedData(level, rawOffset, rawEnd))
    }
    return { ...replacement, blocks }
  }

  /** @returns where the zeros end that begin here */
  async #zerosFrom(rawOffset: number, rawEnd: number): Promise<number> {
    let end = rawOffset
    while (end < rawEnd) {
      const piece = await this.#piece(end, rawEnd)
      if (!isZero(piece)) break
      end += piece.length
    }
    return end
  }

  /** Begins a block and feeds it what lies here, up to the next piece of zeros. @returns where the block ends */
  async #feedData(level: number, rawOffset: number, rawEnd: number): Promise<number> {
    const limit = Math.min(rawEnd, rawOffset + RAW_BYTES_MAX)
    this.#encoder.begin(level)
    let end = rawOffset
    while (end < limit) {
      const piece = await this.#piece(end, limit)
      if (end > rawOffset && isZero(piece)) break
      const taken = this.#encoder.feed(piece)
      end += taken
      if (taken < piece.length) break
    }
    return end
  }

  /** The rest of the piece that this byte lies in. Valid until the next one is asked for. */
  async #piece(rawOffset: number, rawEnd: number): Promise<Buffer> {
    const end = Math.min(rawEnd, rawOffset - (rawOffset % ZERO_PIECE_BYTES) + ZERO_PIECE_BYTES)
    const bytes = this.#buffer.subarray(0, end - rawOffset)
    await fill(this.#edited, rawOffset, bytes)
    return bytes
  }
}

function modulo8(value: number): number {
  return ((value % 8) + 8) % 8
}
