/**
 * Two bzip2 files, of which one is said to be the other with few changes: which decoded bytes of theirs are the same, as
 * far as that shows without decoding both.
 *
 * Whoever made the second file may have made it to deceive. What is said here holds whatever its bytes are:
 *
 * 1. A decoder's state at a bit is: the decoded offset, the stream's level, the combined CRC of its blocks so far. The same
 *    bits before a bit give the same state there. So where the original has a block's beginning, and both files are the
 *    same up to it, a block begins in the other file, too, at the same decoded offset. A magic that only looks like a
 *    beginning can't get in: none is ever looked for in the second file.
 * 2. From there on the second file is followed item by item to its last byte (`follow.ts`). Its blocks are the original's
 *    where they have the same bits at the same decoded offset, else they are decoded, so each one's decoded offset is known
 *    by counting, and so is the size of the whole. Each footer must hold the combined CRC of what stands before it in this
 *    file, each block keep to its own stream's level; trailing bytes are refused. That is all that bzip2 itself asks.
 * 3. What is left to know is where the original's blocks begin, and at which decoded offset. `full`: all of the original is
 *    decoded and checked, from its first bit. Nothing is taken on trust then. `tail`: from its end, the offset counted from
 *    the size that the disk says it has (`tail-index.ts`). A file made for it could mislead that: data that holds a second
 *    chain of blocks up to the end of the file, or a size that is not so. So `tail` is only for an original that somebody
 *    vouches for, and the proof waits for the digest of what was read to be the one vouched for. Its first stream's level may
 *    be unknown then; the longest block of that stream proves one that is allowed, and a longer block in the second file
 *    makes the original be decoded whole.
 *
 * Of an original that is damaged where `tail` does not look nothing is said but that the other has the same bits there.
 */
import { setImmediate } from 'node:timers/promises'
import type { ByteDevice } from '../../byte-device.js'
import { throwIfCancelled } from '../../errors.js'
import type { RunContext } from '../../progress.js'
import { type Extent, extent } from '../../units.js'
import type { SizeAnchor } from '../codec.js'
import { compileBlockCodec } from './block-codec.js'
import { BlockDecoder } from './block-decoder.js'
import { BlockDevice } from './block-device.js'
import { BlockIndex } from './block-index.js'
import { at, type BlockMap, TEXT_BYTES_A_LEVEL } from './block-map.js'
import { BlockReader } from './block-reader.js'
import { BlockChain, HEADER_BYTES } from './chain.js'
import { combinedBefore } from './combined-crc.js'
import { type ChainState, followBlocks } from './follow.js'
import { FollowedDevice } from './followed-device.js'
import { type CompressedFile, indexWhole } from './full-index.js'
import { readAtFrom } from './read-at.js'
import { BitComparison } from './same-bits.js'

export interface PairOptions {
  readonly anchor: SizeAnchor
  /** Somebody vouches for the original's bytes, and `settled` throws when they are not those. */
  readonly vouchedFor: boolean
  readonly settled: () => Promise<unknown>
}

/** The second file, decoded, beside the original. */
export interface MatchedFile {
  readonly device: ByteDevice
  /** Decoded ranges, at the same offsets in both, whose bytes are known to be the same; sorted, apart. */
  readonly same: readonly Extent[]
  /** Whether every block of both files was decoded and checked. */
  readonly everyBlock: boolean
}

/** Compressed bytes of the second file that are decoded in this thread, before all cores are put to it. */
const BUDGET_BYTES = 24 << 20
/** Bits compared between two looks at the signal. */
const TURN_BITS = 8 * (16 << 20)

export class Bzip2Pair {
  readonly #files: { readonly original: CompressedFile; readonly baked: CompressedFile }
  readonly #index: BlockIndex
  readonly #comparison: BitComparison
  readonly #baked: { readonly chain: BlockChain; readonly reader: BlockReader }
  readonly #context: RunContext
  /** The original, decoded. */
  readonly original: ByteDevice

  private constructor(
    files: { readonly original: CompressedFile; readonly baked: CompressedFile },
    index: BlockIndex,
    reader: BlockReader,
    context: RunContext,
  ) {
    this.#files = files
    this.#index = index
    this.#context = context
    this.original = new BlockDevice(index, reader, files.original.name)
    this.#comparison = new BitComparison(source(files.original), source(files.baked))
    this.#baked = readerOf(files.baked)
  }

  /** @throws what `indexWhole` throws, of the original */
  static async open(
    original: CompressedFile,
    baked: CompressedFile,
    { anchor, settled, vouchedFor }: PairOptions,
    context: RunContext,
  ): Promise<Bzip2Pair> {
    const { chain, reader } = readerOf(original)
    const options = { anchor, remembered: undefined, trusted: vouchedFor, settled }
    const index = await BlockIndex.open(original, chain, reader, options, context)
    return new Bzip2Pair({ original, baked }, index, reader, context)
  }

  /**
   * The second file, decoded from somewhere before `rawOffset`: where it may begin to differ.
   *
   * @throws ERR_BZIP2_CORRUPT | ERR_BZIP2_TRUNCATED | ERR_BZIP2_TRAILING_GARBAGE with the bit, ERR_CANCELLED
   */
  async match(rawOffset: number): Promise<MatchedFile> {
    if (this.#index.how === 'tail') {
      const map = await this.#index.toEnd(rawOffset)
      const matched = this.#index.how === 'tail' ? await this.#matchTail(map) : undefined
      if (matched !== undefined) return matched
    }
    return this.#matchWhole(await this.#index.whole())
  }

  /** Undefined where the two differ before what is known of the original. */
  async #matchTail(map: BlockMap): Promise<MatchedFile | undefined> {
    // Not always the first of the map: empty ones may lie before it.
    const stream = map.streams[map.streamOf(0)]
    if (stream === undefined) return undefined
    const bit = at(map.columns.startBit, 0)
    if (!(await this.#sameUntil(bit))) return undefined
    const longest = map.columns.textLength
      .subarray(0, stream.endBlock)
      .reduce((most, length) => Math.max(most, length), 1)
    const state: ChainState = {
      bit,
      rawOffset: map.rawStart,
      level: stream.level ?? Math.ceil(longest / TEXT_BYTES_A_LEVEL),
      isLevelKnown: stream.level !== undefined,
      combinedCrc: combinedBefore(stream.combinedCrc, map.columns.crc.subarray(0, stream.endBlock)),
    }
    const followed = await this.#follow(map, state)
    if (followed === undefined) return undefined
    const { reader } = this.#baked
    return {
      device: new FollowedDevice(followed.map, reader, this.original, this.#files.baked.name),
      same: joined(extent(0, map.rawStart), followed.same),
      everyBlock: map.rawStart === 0,
    }
  }

  async #matchWhole(map: BlockMap): Promise<MatchedFile> {
    const { baked } = this.#files
    const { chain, reader } = this.#baked
    const level = chain.levelAt(0)
    const state = { bit: HEADER_BYTES * 8, rawOffset: 0, level: level ?? 9, isLevelKnown: true, combinedCrc: 0 }
    const followed = level === undefined ? undefined : await this.#follow(map, state)
    // Compressed anew, perhaps: no block is another's, and all have to be decoded.
    const own = followed?.map ?? (await indexWhole(baked, this.#context))
    return {
      device: new FollowedDevice(own, reader, undefined, baked.name),
      same: followed?.same ?? [],
      everyBlock: true,
    }
  }

  #follow(map: BlockMap, state: ChainState): ReturnType<typeof followBlocks> {
    const { name, sizeBytes } = this.#files.baked
    const file = { chain: this.#baked.chain, sizeBytes, name }
    return followBlocks(map, this.#comparison, file, state, BUDGET_BYTES, this.#context.signal)
  }

  async #sameUntil(bit: number): Promise<boolean> {
    for (let done = 0; done < bit; done += TURN_BITS) {
      throwIfCancelled(this.#context.signal)
      if (!this.#comparison.same(done, done, Math.min(TURN_BITS, bit - done))) return false
      await setImmediate()
    }
    return true
  }
}

/**
 * A bzip2 file by itself, every block decoded and checked.
 *
 * @throws what `indexWhole` throws
 */
export async function decodeWhole(file: CompressedFile, context: RunContext): Promise<ByteDevice> {
  const map = await indexWhole(file, context)
  return new FollowedDevice(map, readerOf(file).reader, undefined, file.name)
}

function readerOf({ fd, name, sizeBytes }: CompressedFile): {
  readonly chain: BlockChain
  readonly reader: BlockReader
} {
  const decoder = new BlockDecoder(compileBlockCodec())
  const chain = new BlockChain(decoder, readAtFrom(fd), sizeBytes, name)
  return { chain, reader: new BlockReader(chain, decoder, name) }
}

function source({ fd, name, sizeBytes }: CompressedFile) {
  return { readAt: readAtFrom(fd), sizeBytes, name }
}

/** A range before others, which may touch the first of them. */
function joined(first: Extent, others: readonly Extent[]): readonly Extent[] {
  const [next, ...rest] = others
  if (first.length === 0) return others
  if (next === undefined || next.offset !== first.offset + first.length) return [first, ...others]
  return [extent(first.offset, first.length + next.length), ...rest]
}
