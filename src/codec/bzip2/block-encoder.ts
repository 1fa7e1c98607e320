/**
 * Encodes single blocks of bzip2, to be put into any stream at any bit.
 *
 * A block takes bytes until it is full, then gives its bits. What it costs a reader is bounded on purpose:
 * unbzip2-stream, which checks what we write, needs more than 1 GB for a block that holds 45 MB of zeros. The work is
 * done in WebAssembly (block-codec.ts): sorting in linear time, whatever the bytes, because blocks of zeros are the
 * usual case here.
 *
 * Source: Joe Tsai, "BZIP2 Format Specification" (2015), section 2.2.
 */
import { InternalError } from '../../errors.js'
import { CodecInstance } from './block-codec.js'

/** Decoded bytes of a block at most, runs or not. */
export const MAX_RAW_BYTES = 4 << 20

const LEVEL_BYTES = 100_000
/**
 * How far a text stays below its level: bzip2's own margin is 19. With 251 the 18 002 selectors that readers take at
 * least are enough for all symbols, the end of block and seven spare selectors: (900 000 - 251 + 1) / 50 + 7 = 18 002.
 */
const MARGIN_BYTES = 251
/** For the module: the number of bits may be any (assembly/block-writer.ts). */
const ANY_PHASE = 8

export interface EncodedBlock {
  /** From the block's magic, at bit 0 of byte 0; zeros behind the last bit. */
  readonly bytes: Buffer
  readonly bitLength: number
  /** Of the bytes that were fed. */
  readonly crc: number
  /** How many bytes were fed. */
  readonly rawLength: number
  /** The same after the initial run-length coding: what a stream's level has to allow. */
  readonly textLength: number
}

/** One encoder and its memory of 22 MB; for one thread. */
export class BlockEncoder {
  readonly #intake: Uint8Array
  readonly #output: Uint8Array
  readonly #beginBlock: (textCapacity: number) => number
  readonly #takeBytes: (length: number) => number
  readonly #takenCrc: () => number
  readonly #encodeBlock: (phase: number, wantedBits: number) => number
  readonly #outputBits: () => number
  readonly #textLength: () => number
  /** Of the block that takes bytes now; undefined before the first and after each. */
  #rawLength: number | undefined

  constructor(module: WebAssembly.Module) {
    const codec = new CodecInstance(module, 'startEncoder')
    this.#intake = codec.bytes(codec.function('intakeAddress')(), codec.function('intakeBytes')())
    this.#output = codec.bytes(codec.function('outputAddress')(), codec.function('outputBytes')())
    this.#beginBlock = codec.function('beginBlock')
    this.#takeBytes = codec.function('takeBytes')
    this.#takenCrc = codec.function('takenCrc')
    this.#encodeBlock = codec.function('encodeBlock')
    this.#outputBits = codec.function('outputBits')
    this.#textLength = codec.function('encodedTextLength')
  }

  /**
   * Begins a block; what was fed since the last one is dropped.
   *
   * @param level of the stream, 1 to 9: the block's text has at most 100 000 bytes a level
   */
  begin(level: number): void {
    if (!Number.isInteger(level) || level < 1 || level > 9) {
      throw new InternalError('ERR_INTERNAL', `encode a bzip2 block: level ${level}, expected 1 to 9`)
    }
    this.#beginBlock(level * LEVEL_BYTES - MARGIN_BYTES)
    this.#rawLength = 0
  }

  /**
   * Takes as many of the bytes as fit into the block.
   *
   * @returns how many were taken; fewer than given when the block is full
   */
  feed(bytes: Uint8Array): number {
    let rawLength = this.#begunLength('fed')
    let taken = 0
    while (taken < bytes.length && rawLength < MAX_RAW_BYTES) {
      const length = Math.min(bytes.length - taken, MAX_RAW_BYTES - rawLength, this.#intake.length)
      this.#intake.set(bytes.subarray(taken, taken + length))
      const accepted = this.#takeBytes(length)
      taken += accepted
      rawLength += accepted
      if (accepted < length) break
    }
    this.#rawLength = rawLength
    return taken
  }

  /**
   * Encodes what was fed, at least one byte: the format has no block without text. Begin another block afterwards.
   *
   * @param phase 0 to 7: `bitLength` is made congruent to it modulo 8, by up to seven spare selectors
   * @param wantedBits of this phase: `bitLength` is made equal to it, where up to 16 KiB of padding can do that
   */
  finish(phase?: number, wantedBits = 0): EncodedBlock {
    const rawLength = this.#begunLength('finished')
    if (rawLength === 0) throw new InternalError('ERR_INTERNAL', 'encode a bzip2 block: nothing was fed')
    if (phase !== undefined && (!Number.isInteger(phase) || phase < 0 || phase > 7)) {
      throw new InternalError('ERR_INTERNAL', `encode a bzip2 block: phase ${phase}, expected 0 to 7`)
    }
    this.#rawLength = undefined
    // What is out of reach is no wish; the module would take it modulo 2^32.
    this.#encodeBlock(phase ?? ANY_PHASE, wantedBits > 0 && wantedBits < 2 ** 31 ? wantedBits : 0)
    const bitLength = this.#outputBits()
    const bytes = Buffer.from(this.#output.subarray(0, Math.ceil(bitLength / 8)))
    return { bytes, bitLength, crc: this.#takenCrc() >>> 0, rawLength, textLength: this.#textLength() }
  }

  #begunLength(what: string): number {
    if (this.#rawLength !== undefined) return this.#rawLength
    throw new InternalError('ERR_INTERNAL', `encode a bzip2 block: ${what} before it was begun`)
  }
}
