/**
 * Follows the chain of a bzip2 file: header, block, block, footer, header… each where the last one ended.
 *
 * A block says where it ends only by being decoded, so the chain is what tells a real block from a magic that lies by
 * chance, or on purpose, inside another block's data: the scanner proposes a beginning, and the chain from it either
 * meets what is known or it does not. Both ways of indexing a file are made of stretches of this chain (`full-index.ts`
 * forwards in workers, `tail-index.ts` backwards).
 *
 * Source: Tsai, "BZIP2 Format Specification" (2015), section 2.2.
 */
import { fileError, MachineError } from '../../errors.js'
import { bitsAt } from './bits.js'
import { type BlockDecoder, type BlockFault, INPUT_BYTES } from './block-decoder.js'
import { BlockMemo } from './block-memo.js'
import type { ReadAt } from './read-at.js'
import { magicsIn, SPAN_BYTES } from './scan.js'

/** A stream begins, or ends, after so many blocks of the segment. */
export type StreamMark =
  | { readonly kind: 'header'; readonly afterBlocks: number; readonly offsetBytes: number; readonly level: number }
  | { readonly kind: 'footer'; readonly afterBlocks: number; readonly bit: number; readonly combinedCrc: number }

/** Why a walk ended. `fault` names what does not hold at a bit; `trailing` is anything but a header after a footer. */
export type ChainStop =
  | { readonly kind: 'block'; readonly bit: number }
  | { readonly kind: 'end' }
  | { readonly kind: 'fault'; readonly fault: BlockFault; readonly bit: number }
  | { readonly kind: 'trailing'; readonly bit: number }

/** A stretch of the chain; one entry a block in each column. */
export interface ChainSegment {
  /** First bit of the block's magic, from the start of the file. */
  readonly startBit: Float64Array
  /** The bit after the block. */
  readonly endBit: Float64Array
  /** Decoded bytes. */
  readonly rawLength: Uint32Array
  /** Bytes before the run-length decoding: what the level bounds. */
  readonly textLength: Uint32Array
  readonly crc: Uint32Array
  readonly marks: readonly StreamMark[]
  readonly stop: ChainStop
}

/** What a block is, without what it holds. */
export interface BlockMeasure {
  readonly kind: 'block'
  readonly endBit: number
  readonly crc: number
  readonly textLength: number
  readonly rawLength: number
}

const BLOCK_MAGIC_HIGH = 0x314159
const BLOCK_MAGIC_LOW = 0x265359
const FOOTER_MAGIC_HIGH = 0x177245
const FOOTER_MAGIC_LOW = 0x385090
export const MAGIC_BITS = 48
/** Magic and combined CRC. */
export const FOOTER_BITS = MAGIC_BITS + 32
export const HEADER_BYTES = 4

/** What a window holds beyond the block's first byte, if the file does: nearly every block ends within. */
const AHEAD_BYTES = 1 << 20
/** What is read at a time. */
const WINDOW_BYTES = 2 << 20
/** What is scanned at a time: a block begins within it, mostly. */
const SCAN_BYTES = 256 << 10
/** Beginnings that may turn out false before a walk gives up: a real file has none in 100 000 images. */
const FALSE_STARTS_MAX = 16
/** Every stream's blocks are decoded as if it had this level; the block map checks the real one. */
const LEVEL_MAX = 9

export class BlockChain {
  readonly #decoder: BlockDecoder
  readonly #readAt: ReadAt
  readonly #sizeBytes: number
  readonly #name: string
  readonly #memo = new BlockMemo()
  #last: { readonly bit: number; readonly block: BlockMeasure } | undefined
  #windowStart = 0
  /** The part of the decoder's input that holds bytes of the file; a view, because one a block would be garbage. */
  #window: Uint8Array = new Uint8Array(0)

  /** @param name how messages call the file */
  constructor(decoder: BlockDecoder, readAt: ReadAt, sizeBytes: number, name = 'the image') {
    this.#decoder = decoder
    this.#readAt = readAt
    this.#sizeBytes = sizeBytes
    this.#name = name
  }

  /**
   * Walks from the first header of the file, or from a bit where a block begins, until a block begins at or after
   * `untilBit`.
   */
  walk(from: 'start of file' | { readonly bit: number }, untilBit: number): ChainSegment {
    const segment = new SegmentBuilder()
    let at = from === 'start of file' ? this.#header(0, segment) : from.bit
    while (typeof at === 'number') at = this.#step(at, untilBit, segment)
    return segment.finish(at)
  }

  /**
   * Finds the first block that begins in a range of bits and walks from it; undefined when none is found, or when too
   * many beginnings turned out false to go on.
   */
  findAndWalk(fromBit: number, untilBit: number): ChainSegment | undefined {
    let falseStarts = 0
    for (let byte = Math.floor(fromBit / 8); byte * 8 < untilBit; byte += SCAN_BYTES - SPAN_BYTES) {
      const length = Math.min(SCAN_BYTES, this.#sizeBytes - byte)
      this.#load(byte, length)
      // Copied: decoding a candidate moves the window.
      for (const hit of magicsIn(this.#decoder.input.slice(0, length), byte)) {
        if (hit.kind !== 'block' || hit.bitOffset < fromBit) continue
        if (hit.bitOffset >= untilBit) return undefined
        const block = this.measure(hit.bitOffset)
        if (block.kind === 'block' && this.#magicAt(block.endBit) !== undefined)
          return this.walk({ bit: hit.bitOffset }, untilBit)
        falseStarts++
        if (falseStarts >= FALSE_STARTS_MAX) return undefined
      }
    }
    return undefined
  }

  /** Decodes the block at a bit, or remembers one of the same bits. */
  measure(bit: number): BlockMeasure | { readonly kind: 'fault'; readonly fault: BlockFault; readonly bit: number } {
    // A search measures the block that the walk then begins with.
    if (this.#last?.bit === bit) return this.#last.block
    this.#ensure(Math.floor(bit / 8), AHEAD_BYTES)
    const known = this.#memo.find(this.#window, bit - this.#windowStart * 8)
    if (known !== undefined) return { ...known, endBit: bit + known.bitLength }
    const block = this.decode(bit)
    if (block.kind === 'fault') return block
    this.#memo.keep(this.#window, bit - this.#windowStart * 8, block, block.endBit - bit)
    this.#last = { bit, block }
    return block
  }

  /** Decodes the block at a bit; its text can then be had from the decoder. */
  decode(bit: number): BlockMeasure | { readonly kind: 'fault'; readonly fault: BlockFault; readonly bit: number } {
    const byte = Math.floor(bit / 8)
    this.#ensure(byte, AHEAD_BYTES)
    let result = this.#decoder.decode(bit - this.#windowStart * 8, this.#window.length, LEVEL_MAX)
    if (result.kind === 'fault' && result.fault === 'cut-off' && this.#windowEnd < this.#sizeBytes) {
      this.#load(byte, Math.min(INPUT_BYTES, this.#sizeBytes - byte))
      result = this.#decoder.decode(bit - this.#windowStart * 8, this.#window.length, LEVEL_MAX)
    }
    const base = this.#windowStart * 8
    return result.kind === 'block' ? { ...result, endBit: result.endBit + base } : { ...result, bit: result.bit + base }
  }

  /** @returns the bit where the next item begins, or why there is none */
  #step(bit: number, untilBit: number, segment: SegmentBuilder): number | ChainStop {
    if (bit + FOOTER_BITS > this.#sizeBytes * 8) return { kind: 'fault', fault: 'cut-off', bit }
    const magic = this.#magicAt(bit)
    if (magic === undefined) return { kind: 'fault', fault: 'magic', bit }
    if (magic === 'footer') {
      segment.footer(bit, this.#bits(bit + MAGIC_BITS, 32))
      return this.#header(Math.ceil((bit + FOOTER_BITS) / 8), segment)
    }
    if (bit >= untilBit) return { kind: 'block', bit }
    const block = this.measure(bit)
    if (block.kind === 'fault') return { ...block, bit }
    segment.block(bit, block)
    return block.endBit
  }

  /** @returns the first bit after the header, or why there is none */
  #header(byte: number, segment: SegmentBuilder): number | ChainStop {
    if (byte === this.#sizeBytes) return { kind: 'end' }
    const level = byte + HEADER_BYTES > this.#sizeBytes ? undefined : this.levelAt(byte)
    if (level === undefined) return { kind: 'trailing', bit: byte * 8 }
    segment.header(byte, level)
    return (byte + HEADER_BYTES) * 8
  }

  /** Level in the stream header at a byte; undefined when no header is there. */
  levelAt(byte: number): number | undefined {
    const value = this.#bits(byte * 8, 32)
    const level = (value & 0xff) - 0x30
    return value >>> 8 === 0x42_5a_68 && level >= 1 && level <= 9 ? level : undefined
  }

  /** CRC of the decoded bytes that the block at a bit states; undefined when no block begins there. */
  statedCrc(bit: number): number | undefined {
    return this.#magicAt(bit) === 'block' ? this.#bits(bit + MAGIC_BITS, 32) : undefined
  }

  #magicAt(bit: number): 'block' | 'footer' | undefined {
    if (bit + FOOTER_BITS > this.#sizeBytes * 8) return undefined
    const high = this.#bits(bit, 24)
    const low = this.#bits(bit + 24, 24)
    if (high === BLOCK_MAGIC_HIGH && low === BLOCK_MAGIC_LOW) return 'block'
    return high === FOOTER_MAGIC_HIGH && low === FOOTER_MAGIC_LOW ? 'footer' : undefined
  }

  #bits(bit: number, count: number): number {
    const byte = Math.floor(bit / 8)
    this.#ensure(byte, 8)
    return bitsAt(this.#window, bit - this.#windowStart * 8, count)
  }

  get #windowEnd(): number {
    return this.#windowStart + this.#window.length
  }

  /** Has the window hold a byte and so many after it, as far as the file goes. */
  #ensure(byte: number, aheadBytes: number): void {
    const end = Math.min(byte + aheadBytes, this.#sizeBytes)
    if (byte >= this.#windowStart && end <= this.#windowEnd) return
    this.#load(byte, Math.min(WINDOW_BYTES, this.#sizeBytes - byte))
  }

  #load(byte: number, length: number): void {
    const target = this.#decoder.input.subarray(0, length)
    this.#window = target.subarray(0, 0)
    const count = this.#read(target, byte)
    if (count < length) {
      throw new MachineError(
        'ERR_IO',
        `${this.#name} ends at byte ${byte + count}, expected ${this.#sizeBytes} bytes`,
        {
          hint: 'the file became shorter while it was read; make sure that nothing else writes it',
        },
      )
    }
    this.#windowStart = byte
    this.#window = target
  }

  #read(target: Uint8Array, byte: number): number {
    try {
      return this.#readAt(target, byte)
    } catch (error) {
      throw fileError(error, `read ${this.#name} at byte ${byte}`)
    }
  }
}

/** Columns as they grow. */
class SegmentBuilder {
  readonly #startBit: number[] = []
  readonly #endBit: number[] = []
  readonly #rawLength: number[] = []
  readonly #textLength: number[] = []
  readonly #crc: number[] = []
  readonly #marks: StreamMark[] = []

  block(startBit: number, block: BlockMeasure): void {
    this.#startBit.push(startBit)
    this.#endBit.push(block.endBit)
    this.#rawLength.push(block.rawLength)
    this.#textLength.push(block.textLength)
    this.#crc.push(block.crc)
  }

  header(offsetBytes: number, level: number): void {
    this.#marks.push({ kind: 'header', afterBlocks: this.#startBit.length, offsetBytes, level })
  }

  footer(bit: number, combinedCrc: number): void {
    this.#marks.push({ kind: 'footer', afterBlocks: this.#startBit.length, bit, combinedCrc })
  }

  finish(stop: ChainStop): ChainSegment {
    return {
      startBit: Float64Array.from(this.#startBit),
      endBit: Float64Array.from(this.#endBit),
      rawLength: Uint32Array.from(this.#rawLength),
      textLength: Uint32Array.from(this.#textLength),
      crc: Uint32Array.from(this.#crc),
      marks: this.#marks,
      stop,
    }
  }
}
