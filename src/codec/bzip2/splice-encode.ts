/**
 * New blocks for what changed: encoded in memory, so that they can be checked while the input's digest is still being
 * taken and nothing may be written yet. A bake's new blocks take some hundred kilobytes; the OEM partition bounds them.
 */
import type { ByteDevice } from '../../byte-device.js'
import { throwIfCancelled } from '../../errors.js'
import { fill } from '../../in-order.js'
import type { BlockEncoder, EncodedBlock } from './block-encoder.js'
import { at, type BlockMap } from './block-map.js'
import type { Replacement } from './splice-plan.js'

/**
 * Decoded bytes that a new block holds at most. unbzip2-stream turns a block into an array of numbers: 4 MiB of zeros in a block
 * took it 300 MiB, 46 MB over 1 GiB (measured 2026-11). Blocks of dense data never come near, and zeros cost 40 bytes each time.
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

/**
 * Encodes the blocks of a replacement. Together they are as long as the old ones but for whole bytes: the last one is
 * padded. Where blocks only go, nothing is there to pad, and nothing follows in the stream either.
 *
 * @throws ERR_CANCELLED
 */
export async function encodeReplacement(
  replacement: Replacement,
  map: BlockMap,
  edited: ByteDevice,
  encoder: BlockEncoder,
  signal: AbortSignal,
): Promise<EncodedReplacement> {
  const { firstBlock, endBlock, level, rawStart, rawEnd } = replacement
  const oldBits = at(map.columns.endBit, endBlock - 1) - at(map.columns.startBit, firstBlock)
  const blocks: NewBlock[] = []
  const buffer = Buffer.allocUnsafeSlow(RAW_BYTES_MAX)
  let newBits = 0
  for (let rawOffset = rawStart; rawOffset < rawEnd; ) {
    throwIfCancelled(signal)
    encoder.begin(level)
    let end = rawOffset
    let full = false
    const limit = Math.min(rawEnd, rawOffset + RAW_BYTES_MAX)
    while (!full && end < limit) {
      const bytes = buffer.subarray(0, limit - end)
      await fill(edited, end, bytes)
      const taken = encoder.feed(bytes)
      end += taken
      full = taken < bytes.length
    }
    const block = encoder.finish(end === rawEnd ? modulo8(oldBits - newBits) : undefined)
    blocks.push({ ...block, rawOffset })
    newBits += block.bitLength
    rawOffset = end
  }
  return { ...replacement, blocks }
}

function modulo8(value: number): number {
  return ((value % 8) + 8) % 8
}
