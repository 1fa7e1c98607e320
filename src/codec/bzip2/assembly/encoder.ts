/** One block from its collected text to its bits, step by step. */
import { ANY_PHASE, writeBlock } from './block-writer'
import { findSymbols } from './column-symbols'
import { prepareCrc } from './crc'
import { transform } from './forward-bwt'
import { endText, takenCrc } from './intake'
import { ENCODER_END, reserve } from './memory-map'
import { prepareMoveToFront } from './move-to-front'
import { chooseTables } from './table-choice'

let textLength: u32 = 0

/** Of the block that was encoded last. */
export function encodedTextLength(): u32 {
  return textLength
}

/** Makes an instance an encoder. @returns false when there's no memory for it */
export function startEncoder(): bool {
  if (!reserve(ENCODER_END)) return false
  prepareCrc()
  prepareMoveToFront()
  return true
}

/**
 * Encodes what was taken, at least one byte, to OUTPUT.
 *
 * @param phase what the number of bits shall be modulo 8; ANY_PHASE if that does not matter
 * @param wanted how many bits it shall have, if padding can do that; 0 if that does not matter
 */
export function encodeBlock(phase: u32, wanted: u32): void {
  textLength = endText()
  const originRow = transform(textLength)
  findSymbols(textLength)
  chooseTables()
  writeBlock(takenCrc(), originRow, min(phase, ANY_PHASE), wanted)
}
