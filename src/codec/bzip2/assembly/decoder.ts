/** One block from its magic to its checked text, step by step. */
import { bitLimit, bitPosition, isPastEnd, startAt } from './bit-reader'
import { columnLength, readBlockData } from './block-data'
import { isRandomised, originRow, readBlockHeader, storedBlockCrc } from './block-header'
import { prepareCrc } from './crc'
import { BAD_ORIG_PTR, CRC_MISMATCH, CUT_OFF, NO_FAULT } from './faults'
import { undoBurrowsWheeler } from './inverse-bwt'
import { DECODER_END, reserve } from './memory-map'
import { prepareMoveToFront } from './move-to-front'
import { undoRandomisation } from './randomisation'
import { measuredCrc, measureText } from './run-lengths'

/** Makes an instance a decoder. @returns false when there's no memory for it */
export function startDecoder(): bool {
  if (!reserve(DECODER_END)) return false
  prepareCrc()
  prepareMoveToFront()
  return true
}

let endBit: u32 = 0

/** Where the last block ended, or where its fault was noticed: a bit of the input. */
export function lastBit(): u32 {
  return endBit
}

/**
 * Decodes the block whose magic begins at a bit of the input.
 *
 * @param limitBit bits from here on are not there
 * @param maxLength the longest text of the stream's level
 * @returns a fault's number, or 0
 */
export function decodeBlock(startBit: u32, limitBit: u32, maxLength: u32): i32 {
  startAt(startBit, limitBit)
  let fault = readBlockHeader()
  if (fault == NO_FAULT) fault = readBlockData(maxLength)
  endBit = min(bitPosition(), bitLimit())
  // Whatever was found beyond the end was found in garbage.
  if (isPastEnd()) return CUT_OFF
  if (fault != NO_FAULT) return fault
  const length = columnLength()
  if (originRow() >= length) return BAD_ORIG_PTR
  undoBurrowsWheeler()
  if (isRandomised()) undoRandomisation(length)
  fault = measureText(length)
  if (fault != NO_FAULT) return fault
  return measuredCrc() == storedBlockCrc() ? NO_FAULT : CRC_MISMATCH
}
