/**
 * Finds out which blocks hold a range of decoded bytes, in the cheapest way that the input's standing allows.
 *
 *   cached  the map of an earlier run, of a file with the same SHA-256
 *   tail    from the end of the file, when its digest or signature is checked in this run
 *   full    every block decoded and checked
 *
 * Each falls through to the next where it can't serve; `full` is never wrong.
 */
import { ImageError, InternalError } from '../../errors.js'
import type { RunContext } from '../../progress.js'
import { assertSizeWithin, DEFAULT_SIZE_LIMIT_BYTES } from '../../size-limit.js'
import type { SizeAnchor } from '../codec.js'
import { areOfFile, at, type BlockMap } from './block-map.js'
import type { BlockReader } from './block-reader.js'
import type { BlockChain } from './chain.js'
import { type CompressedFile, indexWhole } from './full-index.js'
import { HeadIndex } from './head-index.js'
import { indexHead, TailIndex } from './tail-index.js'

/**
 * What begins in these bytes of the image is looked for from its beginning: the directories of the EFI system partition.
 * Real ones lie within the first 5 MiB.
 */
const FORWARDS_RAW_MAX = 64 << 20

export type IndexKind = 'cached' | 'tail' | 'full'

/** What earlier runs found out. */
export interface RememberedMaps {
  /** Whether every block of the file was decoded and checked then. */
  readonly check: 'tail' | 'full'
  readonly rawSize: number
  /** Apart from each other; one, from 0 to `rawSize`, after a full check. */
  readonly maps: readonly BlockMap[]
}

export interface IndexOptions {
  /** The file's digest is known from elsewhere, or signed, and checked in this run. */
  readonly trusted: boolean
  readonly anchor: SizeAnchor
  readonly remembered: RememberedMaps | undefined
  /** Waits for the digest and throws when it is not the published one. */
  readonly settled: () => Promise<unknown>
}

export class BlockIndex {
  readonly #file: CompressedFile
  readonly #chain: BlockChain
  readonly #reader: BlockReader
  readonly #options: IndexOptions
  readonly #context: RunContext
  #how: IndexKind = 'full'
  #maps: readonly BlockMap[] = []
  #tail: TailIndex | undefined
  #head: HeadIndex | undefined
  #forgotten: Promise<void> | undefined

  private constructor(
    file: CompressedFile,
    chain: BlockChain,
    reader: BlockReader,
    options: IndexOptions,
    context: RunContext,
  ) {
    this.#file = file
    this.#chain = chain
    this.#reader = reader
    this.#options = options
    this.#context = context
  }

  /** @throws what `indexWhole` throws */
  static async open(
    file: CompressedFile,
    chain: BlockChain,
    reader: BlockReader,
    options: IndexOptions,
    context: RunContext,
  ): Promise<BlockIndex> {
    const index = new BlockIndex(file, chain, reader, options, context)
    const { remembered, trusted } = options
    if (remembered !== undefined && (trusted || remembered.check === 'full') && index.#fits(remembered)) {
      index.#how = 'cached'
      index.#maps = remembered.maps
    } else {
      await index.#discover()
    }
    assertSizeWithin(file.limitBytes ?? DEFAULT_SIZE_LIMIT_BYTES, index.rawSize, `${file.name}, decoded,`)
    return index
  }

  /** How the blocks were found; changes when something was asked for that took more. */
  get how(): IndexKind {
    return this.#how
  }

  get rawSize(): number {
    const last = this.#maps.at(-1)
    if (last === undefined) throw new InternalError('ERR_INTERNAL', 'the block index is empty')
    return last.rawEnd
  }

  /** What is worth remembering. */
  get findings(): RememberedMaps {
    const check = this.#how === 'cached' ? (this.#options.remembered?.check ?? 'full') : this.#how
    return { check, rawSize: this.rawSize, maps: apart(this.#maps) }
  }

  /** A map with all blocks that hold a range of decoded bytes. */
  async covering(rawOffset: number, length: number): Promise<BlockMap> {
    const found = this.#maps.find((map) => map.rawStart <= rawOffset && rawOffset + length <= map.rawEnd)
    if (found !== undefined) return found
    if (this.#how !== 'full' && rawOffset + length <= FORWARDS_RAW_MAX) {
      const head = this.#headUpTo(rawOffset + length)
      // From the front a block has another place than from the end: the image has not the size that it declares.
      if (head !== undefined) return agree([head, ...this.#maps.slice(1)]) ? head : this.#indexWhole()
    }
    const extended = this.#tail?.coverFrom(rawOffset)
    if (extended !== undefined) {
      this.#maps = [...this.#maps.slice(0, -1), extended]
      return extended
    }
    return this.#indexWhole()
  }

  /** The beginning of the image as far as needed; undefined when that is too far. */
  #headUpTo(rawEnd: number): BlockMap | undefined {
    const [first, ...others] = this.#maps
    if (first === undefined || others.length === 0) return undefined
    this.#head ??= new HeadIndex(this.#chain, this.#file.name)
    const head = this.#head.coverTo(rawEnd)
    if (head !== undefined) this.#maps = [head, ...others]
    return head
  }

  /** Whether a map is one of an earlier run, which may turn out not to fit. */
  isRemembered(map: BlockMap): boolean {
    return this.#options.remembered?.maps.includes(map) ?? false
  }

  /** A remembered map turned out not to fit: finds the blocks anew, once for all that ask. */
  forget(): Promise<void> {
    this.#forgotten ??= this.#rediscover()
    return this.#forgotten
  }

  /** A map from a decoded offset, or from before it, to the end of the file. */
  async toEnd(rawOffset: number): Promise<BlockMap> {
    const last = this.#maps.at(-1)
    if (last !== undefined && last.rawStart <= rawOffset) return last
    const extended = this.#tail?.coverFrom(rawOffset)
    if (extended === undefined) return this.#indexWhole()
    this.#maps = [...this.#maps.slice(0, -1), extended]
    return extended
  }

  /** The map of the whole file, every block of it decoded and checked in this run. */
  async whole(): Promise<BlockMap> {
    const [only] = this.#maps
    return this.#how === 'full' && only !== undefined ? only : this.#indexWhole()
  }

  async #rediscover(): Promise<void> {
    const before = this.rawSize
    this.#maps = []
    await this.#discover()
    if (this.rawSize !== before)
      throw new InternalError('ERR_INTERNAL', 'a remembered block map had another size than the image', {
        hint: 'run the same command again with --no-cache',
      })
  }

  /**
   * Whether remembered maps hang together, and blocks begin where the first and the last of them do. Nothing is decoded for it: the
   * entry has this file's digest, and a block that is not what a map says is noticed when it is read.
   */
  #fits({ check, maps }: RememberedMaps): boolean {
    if (!areOfFile(maps, this.#file.sizeBytes) || (check === 'full' && maps.length !== 1)) return false
    return maps.every(({ blocks, columns: { startBit, crc } }) =>
      [0, blocks - 1].every((block) => blocks > 0 && this.#chain.statedCrc(at(startBit, block)) === crc[block]),
    )
  }

  async #discover(): Promise<void> {
    if (this.#options.trusted && this.#startFromEnd()) this.#how = 'tail'
    else await this.#indexWhole()
  }

  /** Head and tail, if the image says how large it is and both ends agree on it. */
  #startFromEnd(): boolean {
    const { anchor } = this.#options
    const head = indexHead(this.#chain, anchor.headBytes, this.#file.name)
    if (head === undefined) return false
    const headBytes = Buffer.alloc(anchor.headBytes)
    this.#reader.read(head, 0, headBytes)
    const rawSize = anchor.declaredSize(headBytes)
    if (rawSize === undefined || rawSize <= head.rawEnd) return false
    const index = new TailIndex(this.#chain, this.#file.sizeBytes, rawSize, this.#file.name)
    const tail = index.coverFrom(rawSize - anchor.endBytes)
    if (tail === undefined || tail.rawEnd !== rawSize || tail.rawEnd - tail.rawStart < anchor.endBytes) return false
    const endBytes = Buffer.alloc(anchor.endBytes)
    this.#reader.read(tail, rawSize - anchor.endBytes, endBytes)
    if (!anchor.confirms(endBytes, rawSize)) return false
    this.#maps = [head, tail]
    this.#tail = index
    return true
  }

  async #indexWhole(): Promise<BlockMap> {
    // Before much work for a file that may only be unusual because it is not the one that was published.
    if (this.#options.trusted) await this.#options.settled()
    this.#context.report({ kind: 'phase', phase: 'decode', detail: 'every block' })
    const map = await indexWhole(this.#file, this.#context)
    const expected = this.#maps.at(-1)?.rawEnd ?? map.rawEnd
    // Whoever has been told the size of the image counts on it.
    if (map.rawEnd !== expected)
      throw new ImageError(
        'ERR_BZIP2_CORRUPT',
        `${this.#file.name} decodes to ${map.rawEnd} bytes, but its own header says ${expected}`,
        { hint: 'download the image again and check its signature or digest' },
      )
    this.#maps = [map]
    this.#tail = undefined
    this.#head = undefined
    this.#how = 'full'
    return map
  }
}

/** Whether the place of the last map's first block is the same when it is counted from the front, as far as that is known. */
function agree([head, ...others]: readonly [BlockMap, ...BlockMap[]]): boolean {
  const last = others.at(-1)
  if (last === undefined || head.rawEnd <= last.rawStart) return true
  const block = head.find(last.rawStart)
  return head.rawOffset[block] === last.rawStart && head.columns.startBit[block] === last.columns.startBit[0]
}

/** Maps that were found from both ends, without what is in both. */
function apart(maps: readonly BlockMap[]): readonly BlockMap[] {
  const [head, tail] = maps
  if (head === undefined || tail === undefined || maps.length > 2 || head.rawEnd <= tail.rawStart) return maps
  return tail.rawStart === 0 ? [tail] : [head.until(tail.rawStart), tail]
}
