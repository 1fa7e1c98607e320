/**
 * How damage of a bzip2 file is said: one wording, one place, always with the bit.
 */
import { ImageError } from '../../errors.js'
import type { BlockFault } from './block-decoder.js'
import type { ChainStop } from './chain.js'

const AGAIN = 'download the image again and check its signature or digest'

/** @param bit where the block, footer or whatever does not hold begins */
export function corrupt(name: string, bit: number, words: string): ImageError {
  return new ImageError(
    'ERR_BZIP2_CORRUPT',
    `${name} is damaged at bit ${bit} (byte ${Math.floor(bit / 8)}): ${words}`,
    {
      hint: AGAIN,
      details: { bit },
    },
  )
}

/** The error for a chain that stopped where the file does not end. */
export function chainBroken(
  name: string,
  stop: Exclude<ChainStop, { readonly kind: 'block' | 'end' }>,
  sizeBytes: number,
): ImageError {
  if (stop.kind === 'trailing') {
    const offset = stop.bit / 8
    const extra = sizeBytes - offset
    return new ImageError(
      'ERR_BZIP2_TRAILING_GARBAGE',
      `${name} holds ${extra} more ${extra === 1 ? 'byte' : 'bytes'} after the last bzip2 stream, which ends at byte ${offset}`,
      { hint: 'this is not the file as it was published: download it again', details: { offset, extraBytes: extra } },
    )
  }
  if (stop.fault === 'cut-off') {
    return new ImageError(
      'ERR_BZIP2_TRUNCATED',
      `${name} is not complete: the file ends at byte ${sizeBytes}, inside what begins at bit ${stop.bit} (byte ${Math.floor(stop.bit / 8)})`,
      {
        hint: 'download or copy the image again, and compare its size with the original',
        details: { bit: stop.bit, sizeBytes },
      },
    )
  }
  return corrupt(name, stop.bit, FAULTS[stop.fault])
}

const FAULTS: Readonly<Record<Exclude<BlockFault, 'cut-off'>, string>> = {
  magic: 'neither a block nor the end of the stream begins there',
  'no-bytes-in-use': 'the block says that no byte value occurs in it',
  'table-count': 'the block has not 2 to 6 tables of prefix codes',
  selectors: 'the block has no selectors',
  selector: 'a selector of the block names a table that it does not have',
  'code-length': 'a code length of the block is not 1 to 20 bits',
  'selectors-used-up': "the block's data goes on after its last selector",
  code: "the block's data holds bits that are no code",
  run: 'a run in the block is longer than any block',
  'too-long': 'the block holds more than any level allows',
  'orig-ptr': "the block's origPtr lies outside it",
  'run-count': 'the block ends in four equal bytes without their count',
  crc: "the block's CRC does not match what it decodes to",
  'too-big': 'the block takes over 4 MiB',
}
