/**
 * Decodes single blocks of bzip2, wherever in a file they stand, and checks them.
 *
 * Blocks are independent of each other: a block's bits, and the level in its stream's header, are all it takes. What
 * comes out is the text before the last step (the initial run-length coding), because 18 kB of it can stand for 900 kB
 * of zeros; the decoded bytes' number and their CRC are known all the same. The work is done in WebAssembly
 * (block-codec.ts).
 *
 * What is not valid for bzip2 1.0.8 is not valid here, and the other way round; each way has a name ({@link
 * BlockFault}).
 *
 * Source: Joe Tsai, "BZIP2 Format Specification" (2015), section 2.2.
 */
import { InternalError } from '../../errors.js'
import { CodecInstance } from './block-codec.js'

/** Compressed bytes that a decoder holds. Real blocks have up to 1 MB; 18 002 groups of 20-bit codes have 2.3 MB. */
export const INPUT_BYTES = 4 << 20

const LEVEL_BYTES = 100_000

/** By the module's number for each (assembly/faults.ts), 0 being none. */
const FAULTS = [
  'none',
  /** Bits beyond the end of the input are needed. */
  'cut-off',
  /** No block magic at the start bit. */
  'magic',
  /** No byte value is in use. */
  'no-bytes-in-use',
  /** Not 2 to 6 tables of prefix codes. */
  'table-count',
  /** No selectors. */
  'selectors',
  /** A selector names a table that isn't there. */
  'selector',
  /** A code length is not 1 to 20 bits. */
  'code-length',
  /** The data goes on behind the last selector's group. */
  'selectors-used-up',
  /** Bits that are no code of the table. */
  'code',
  /** A run with more than 21 digits. */
  'run',
  /** More text than the level allows. */
  'too-long',
  /** The text's row is not one of its rows; so in every block without text. */
  'orig-ptr',
  /** The text ends in four equal bytes without their count. */
  'run-count',
  /** The decoded bytes have another CRC than the block says. */
  'crc',
] as const

/**
 * Ways in which a block is not valid. `too-big`: it does not end within INPUT_BYTES, although it began in the first
 * byte of a full input; only a block whose code lengths go up and down for megabytes can do that.
 */
export type BlockFault = Exclude<(typeof FAULTS)[number], 'none'> | 'too-big'

export type BlockResult =
  | {
      readonly kind: 'block'
      /** Of the input: the first bit behind the block. */
      readonly endBit: number
      /** Of the decoded bytes; the block says the same. */
      readonly crc: number
      readonly textLength: number
      /** How many bytes the text decodes to. */
      readonly rawLength: number
    }
  | {
      readonly kind: 'fault'
      readonly fault: BlockFault
      /** Of the input: where it was noticed. */
      readonly bit: number
    }

/** One decoder and its memory of 16 MB, 10 MB of which are ever touched; for one thread. */
export class BlockDecoder {
  /** Compressed bytes to decode from: whoever uses the decoder fills them, from the start. */
  readonly input: Uint8Array
  readonly #text: Uint8Array
  readonly #decodeBlock: (startBit: number, limitBit: number, maxLength: number) => number
  readonly #lastBit: () => number
  readonly #blockCrc: () => number
  readonly #textLength: () => number
  readonly #rawLength: () => number
  #validText = 0

  constructor(module: WebAssembly.Module) {
    const codec = new CodecInstance(module, 'startDecoder')
    this.input = codec.bytes(codec.function('inputAddress')(), codec.function('inputBytes')())
    this.#text = codec.bytes(codec.function('textAddress')(), 9 * LEVEL_BYTES)
    this.#decodeBlock = codec.function('decodeBlock')
    this.#lastBit = codec.function('lastBit')
    this.#blockCrc = codec.function('blockCrc')
    this.#textLength = codec.function('textLength')
    this.#rawLength = codec.function('rawLength')
  }

  /**
   * Decodes the block whose magic begins at a bit of the input. Corrupt input is a result, never an exception.
   *
   * @param length how many bytes of the input are valid; `cut-off` when the block needs more
   * @param level of the stream, 1 to 9: the text has at most 100 000 bytes a level
   */
  decode(startBit: number, length: number, level: number): BlockResult {
    assertWithin('level', level, 1, 9)
    assertWithin('length', length, 0, INPUT_BYTES)
    assertWithin('start bit', startBit, 0, length * 8)
    this.#validText = 0
    const number = this.#decodeBlock(startBit, length * 8, level * LEVEL_BYTES)
    const fault = FAULTS[number]
    if (fault === undefined) {
      throw new InternalError('ERR_INTERNAL', `the bzip2 block codec reports fault ${number}, which has no name`)
    }
    const bit = this.#lastBit()
    if (fault === 'cut-off' && startBit < 8 && length === INPUT_BYTES) return { kind: 'fault', fault: 'too-big', bit }
    if (fault !== 'none') return { kind: 'fault', fault, bit }
    const textLength = this.#textLength()
    this.#validText = textLength
    return { kind: 'block', endBit: bit, crc: this.#blockCrc() >>> 0, textLength, rawLength: this.#rawLength() }
  }

  /** The last block's bytes before the initial run-length decoding: a view, valid until the next `decode`. */
  text(): Uint8Array {
    return this.#text.subarray(0, this.#validText)
  }
}

function assertWithin(what: string, value: number, least: number, most: number): void {
  if (Number.isInteger(value) && value >= least && value <= most) return
  throw new InternalError('ERR_INTERNAL', `decode a bzip2 block: ${what} ${value}, expected ${least} to ${most}`)
}
