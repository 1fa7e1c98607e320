/**
 * The ways in which a block is not valid, as numbers for the way out of the module. The names are in block-decoder.ts,
 * in the same order.
 */
export const NO_FAULT: i32 = 0
export const CUT_OFF: i32 = 1
export const BAD_MAGIC: i32 = 2
export const NO_BYTES_IN_USE: i32 = 3
export const BAD_TABLE_COUNT: i32 = 4
export const NO_SELECTORS: i32 = 5
export const BAD_SELECTOR: i32 = 6
export const BAD_CODE_LENGTH: i32 = 7
export const SELECTORS_USED_UP: i32 = 8
export const UNKNOWN_CODE: i32 = 9
export const RUN_TOO_LONG: i32 = 10
export const TEXT_TOO_LONG: i32 = 11
export const BAD_ORIG_PTR: i32 = 12
export const RUN_WITHOUT_COUNT: i32 = 13
export const CRC_MISMATCH: i32 = 14
