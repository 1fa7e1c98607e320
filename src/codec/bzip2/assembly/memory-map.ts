/**
 * Where everything lies in the module's memory. There is no allocator: an instance serves one decoder or one encoder,
 * and grows its memory to the end of its half of the map. Sizes follow from the format's own bounds.
 *
 * Sizes and addresses are in bytes. Below TABLES the compiler keeps its static data (`memory.data`).
 *
 * Source of the bounds: Joe Tsai, "BZIP2 Format Specification" (2015), sections 2.2.1 to 2.2.4.
 */

/** Text of a block at level 9, after the initial run-length encoding. */
export const MAX_TEXT_BYTES: u32 = 900_000
/** RUNA, RUNB, a place in the move-to-front list other than the first (255 of them), end of block. */
export const MAX_SYMBOLS: u32 = 2 + 255 + 1
export const MAX_TABLES: u32 = 6
/** 900 000 symbols and the end of block in groups of 50. Writers may declare more; they can't be used. */
export const MAX_SELECTORS: u32 = 18_002
export const GROUP_SYMBOLS: u32 = 50
export const MAX_CODE_BITS: u32 = 20

const PAGE_BYTES: u32 = 1 << 16
/** What vector instructions may touch behind the end of a buffer. */
const SLACK_BYTES: u32 = 64

// ---- Shared by both directions.
const TABLES: u32 = PAGE_BYTES
/** 8 tables of 256 u32 (crc.ts). */
export const CRC_TABLES: u32 = TABLES
/** The column vectors of two matrices, 32 u32 each (crc.ts). */
export const CRC_MATRICES: u32 = CRC_TABLES + 8 * 256 * 4
/** 257 u32: how often each byte occurs, then where its rows begin. */
export const BYTE_COUNTS: u32 = CRC_MATRICES + 2 * 32 * 4
/** Bytes in use, ascending: 256 u8. */
export const BYTES_IN_USE: u32 = BYTE_COUNTS + 260 * 4
/** One u8 for each group of 50 symbols: which table codes it. */
export const SELECTORS: u32 = BYTES_IN_USE + 256
/** MAX_TABLES rows of 320 u8: the length of each symbol's code. */
export const CODE_LENGTHS: u32 = SELECTORS + ((MAX_SELECTORS + 63) & ~63)
export const CODE_LENGTHS_ROW: u32 = 320
/** 16 shuffles of 16 u8, then the move-to-front list: 256 u8. */
export const FRONT_SHUFFLES: u32 = CODE_LENGTHS + MAX_TABLES * CODE_LENGTHS_ROW
export const FRONT_LIST: u32 = FRONT_SHUFFLES + 16 * 16
const SHARED_END: u32 = FRONT_LIST + 256 + SLACK_BYTES

// ---- Decoder.
/** MAX_TABLES tables of 2^LOOKUP_BITS u16 (prefix-codes.ts). */
export const LOOKUP: u32 = (SHARED_END + 63) & ~63
export const LOOKUP_BITS: u32 = 10
export const LOOKUP_ROW: u32 = 2 << LOOKUP_BITS
export const CODE_ROW: u32 = 24 * 4
/** MAX_TABLES rows of 24 u32: the first code of each length that is too high for it. */
export const CODE_ENDS: u32 = LOOKUP + MAX_TABLES * LOOKUP_ROW
/** MAX_TABLES rows of 24 u32: the code of each length minus its rank among all codes. */
export const CODE_BASES: u32 = CODE_ENDS + MAX_TABLES * CODE_ROW
/** MAX_TABLES rows of 264 u16: symbols in the order of their codes. */
export const SYMBOLS_BY_CODE: u32 = CODE_BASES + MAX_TABLES * CODE_ROW
export const SYMBOLS_ROW: u32 = 264 * 2
/** MAX_FRAGMENTS records and MAX_CHAINS records (fragments.ts). */
export const FRAGMENTS: u32 = (SYMBOLS_BY_CODE + MAX_TABLES * SYMBOLS_ROW + 63) & ~63
export const MAX_FRAGMENTS: u32 = 512
export const FRAGMENT_BYTES: u32 = 16
export const MAX_CHAINS: u32 = 8
export const CHAINS: u32 = FRAGMENTS + MAX_FRAGMENTS * FRAGMENT_BYTES
export const CHAIN_BYTES: u32 = 8
/** Compressed bytes, filled from outside. */
export const INPUT: u32 = (CHAINS + MAX_CHAINS * CHAIN_BYTES + 63) & ~63
export const INPUT_BYTES: u32 = 4 << 20
/** A group of 50 symbols is read to its end before the position is checked. */
const INPUT_SLACK_BYTES: u32 = 1024
/** One u32 for each row of the sorted rotations: bits 8 to 30 the next row, bits 0 to 7 its byte. */
export const ROWS: u32 = INPUT + INPUT_BYTES + INPUT_SLACK_BYTES
/** The last column of the sorted rotations, and later the text. */
export const TEXT: u32 = ROWS + MAX_TEXT_BYTES * 4 + SLACK_BYTES
/** Pieces of the text, one buffer for each chain, before they are put in order. */
export const PIECES: u32 = (TEXT + MAX_TEXT_BYTES + SLACK_BYTES + 63) & ~63
export const PIECES_ROW: u32 = 900_032 + SLACK_BYTES
export const DECODER_END: u32 = PIECES + MAX_CHAINS * PIECES_ROW

// ---- Encoder. It begins where the decoder's own part does: an instance is one or the other.
/** Bytes on their way in. */
export const INTAKE: u32 = (SHARED_END + 63) & ~63
export const INTAKE_BYTES: u32 = 256 << 10
/** The text, and once the block is full a second time behind itself, so that each rotation lies in one piece. */
export const BLOCK_TEXT: u32 = INTAKE + INTAKE_BYTES + SLACK_BYTES
/** One u32 for each suffix. */
export const SUFFIXES: u32 = (BLOCK_TEXT + 2 * MAX_TEXT_BYTES + SLACK_BYTES + 63) & ~63
/**
 * What sorting suffixes needs beside them: at each depth the places where a suffix is less than both its neighbours, at
 * most every second one, and two counts for each character. Depths halve; those below the text have as many characters
 * as places.
 */
export const SORT_SPACE: u32 = SUFFIXES + MAX_TEXT_BYTES * 4
const SORT_SPACE_BYTES: u32 = (2 * 256 + MAX_TEXT_BYTES + 2 * MAX_TEXT_BYTES) * 4
/** The last column of the sorted rotations. */
export const COLUMN: u32 = (SORT_SPACE + SORT_SPACE_BYTES + 63) & ~63
/** The column as symbols: u16, one for each byte at most, and the end of block. */
export const DATA_SYMBOLS: u32 = COLUMN + MAX_TEXT_BYTES + SLACK_BYTES
/** MAX_TABLES rows of MAX_SYMBOLS u32: how often a table codes a symbol. */
export const FREQUENCIES: u32 = (DATA_SYMBOLS + 2 * (MAX_TEXT_BYTES + 1) + 63) & ~63
export const FREQUENCIES_ROW: u32 = 264 * 4
/** MAX_SYMBOLS vectors of 8 u16: the length of a symbol's code in each table. */
export const LENGTH_VECTORS: u32 = FREQUENCIES + MAX_TABLES * FREQUENCIES_ROW
/** MAX_SYMBOLS u32 twice: sorted weights, and the tree over them. */
export const WEIGHTS: u32 = LENGTH_VECTORS + MAX_SYMBOLS * 16
export const TREE: u32 = WEIGHTS + 264 * 4
/** MAX_TABLES rows of MAX_SYMBOLS u32: code * 32 + length. */
export const CODES: u32 = TREE + 264 * 4
export const CODES_ROW: u32 = 264 * 4
/** What a block can be made longer by. */
export const MAX_PADDING_BYTES: u32 = 16 << 10
/** The block's bits: at most 17 for a symbol, less than 32 KiB before them, and the padding. */
export const OUTPUT: u32 = CODES + MAX_TABLES * CODES_ROW
export const OUTPUT_BYTES: u32 = ((MAX_TEXT_BYTES + 1) * 17) / 8 + (32 << 10) + MAX_PADDING_BYTES
export const ENCODER_END: u32 = OUTPUT + OUTPUT_BYTES + SLACK_BYTES

/** Makes the memory reach up to `end`. @returns false when the machine has none left */
export function reserve(end: u32): bool {
  const pages = <i32>((end + PAGE_BYTES - 1) / PAGE_BYTES)
  const missing = pages - memory.size()
  return missing <= 0 || memory.grow(missing) != -1
}
