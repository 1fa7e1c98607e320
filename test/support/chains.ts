/** The block chain on bytes in memory, and anchors that know the size: what the index is made of, without files. */
import { compileBlockCodec } from '#src/codec/bzip2/block-codec.js'
import { BlockDecoder } from '#src/codec/bzip2/block-decoder.js'
import type { BlockMap } from '#src/codec/bzip2/block-map.js'
import { BlockChain } from '#src/codec/bzip2/chain.js'
import type { ReadAt } from '#src/codec/bzip2/read-at.js'
import type { SizeAnchor } from '#src/codec/codec.js'
import type { LaidOutFile } from './bzip2-layout.js'

export function readAtOf(bytes: Buffer): ReadAt {
  return (target, position) => bytes.copy(target, 0, position, position + target.length)
}

export interface OpenChain {
  readonly chain: BlockChain
  readonly decoder: BlockDecoder
}

export function chainOf(bytes: Buffer, readAt = readAtOf(bytes)): OpenChain {
  const decoder = new BlockDecoder(compileBlockCodec())
  return { chain: new BlockChain(decoder, readAt, bytes.length), decoder }
}

/** Knows the size and the last bytes of one image. */
export function anchorOf(decoded: Buffer, endBytes = 16): SizeAnchor {
  return {
    headBytes: Math.min(16, decoded.length),
    endBytes: Math.min(endBytes, decoded.length),
    declaredSize: (head) => (head.equals(decoded.subarray(0, head.length)) ? decoded.length : undefined),
    confirms: (end, size) => size === decoded.length && end.equals(decoded.subarray(decoded.length - end.length)),
  }
}

/** An image that does not tell its size. */
export const NO_ANCHOR: SizeAnchor = {
  headBytes: 1,
  endBytes: 1,
  declaredSize: () => undefined,
  confirms: () => false,
}

/** A map as plain data, in the words of the layout it ought to be of. */
export function plainMap(map: BlockMap, fromStream = 0) {
  const { startBit, endBit, rawLength, crc } = map.columns
  return {
    blocks: Array.from({ length: map.blocks }, (_, block) => ({
      startBit: startBit[block],
      endBit: endBit[block],
      rawOffset: map.rawOffset[block],
      rawLength: rawLength[block],
      crc: crc[block],
      stream: map.streamOf(block) + fromStream,
    })),
    streams: map.streams.map(({ level, footerBit, combinedCrc }) => ({ level, footerBit, combinedCrc })),
  }
}

export function plainLayout({ blocks, streams }: LaidOutFile) {
  return { blocks, streams }
}
