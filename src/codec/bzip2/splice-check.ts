/**
 * Proves a splice, before anything is published.
 *
 * Each new block is decoded by a decoder that is not ours, and its bytes are compared with what was meant. Once they are
 * written, the file is read back: the chain is walked from the first new block to the end of the file, and every block
 * decodes and is a new one, or the input's own (CRC and length), and each footer holds the combined CRC of its stream.
 * What lies before is a copy whose digest has been compared with the input's.
 */
import type { ByteDevice } from '../../byte-device.js'
import { PostCheckError } from '../../errors.js'
import { at, type BlockMap } from './block-map.js'
import type { BlockChain } from './chain.js'
import { combinedBefore, foldCrc } from './combined-crc.js'
import type { IndependentDecoder } from './independent-decoder.js'
import { formatFooter } from './splice.js'
import type { EncodedReplacement, NewBlock } from './splice-encode.js'

/**
 * A new block, decoded independently, holds what was meant.
 *
 * @throws ERR_CHECK_OUTPUT
 */
export async function assertBlockHolds(
  block: NewBlock,
  level: number,
  edited: ByteDevice,
  decoder: IndependentDecoder,
): Promise<void> {
  const where = `the new block for byte ${block.rawOffset} of the decoded image`
  const answer = await decoder.decode(standaloneStream(block, level))
  if (answer.kind === 'failed') throw differs(`${where}: unbzip2-stream says: ${answer.message}`)
  const meant = await edited.read(block.rawOffset, block.rawLength)
  if (!meant.equals(answer.bytes)) throw differs(where)
}

/** A block as a stream of its own: header, the block's bits, footer. */
function standaloneStream({ bytes, bitLength, crc }: NewBlock, level: number): Buffer {
  const header = Buffer.from(`BZh${level}`, 'latin1')
  // A stream of one block has that block's CRC as its combined one.
  const footer = formatFooter(crc)
  const used = bitLength % 8
  if (used === 0) return Buffer.concat([header, bytes, footer])
  // The footer begins within the block's last byte.
  const last = bytes.length - 1
  const shifted = Buffer.alloc(footer.length + 1)
  shifted[0] = bytes[last] ?? 0
  footer.forEach((byte, index) => {
    shifted[index] = (shifted[index] ?? 0) | (byte >> used)
    shifted[index + 1] = (byte << (8 - used)) & 0xff
  })
  return Buffer.concat([header, bytes.subarray(0, last), shifted])
}

/**
 * From the first new block to the end of the file, the chain is the new blocks and the input's own, with the right footers.
 *
 * @param chain on the written file
 * @throws ERR_CHECK_OUTPUT
 */
export function assertChainHolds(chain: BlockChain, map: BlockMap, replacements: readonly EncodedReplacement[]): void {
  const [first] = replacements
  if (first === undefined) return
  const firstBit = at(map.columns.startBit, first.firstBlock)
  const { crc, marks, rawLength, startBit, stop } = chain.walk({ bit: firstBit }, Infinity)
  if (stop.kind !== 'end') throw differs(`the chain of blocks from bit ${firstBit} on breaks at bit ${stop.bit}`)
  const expected = expectedBlocks(map, replacements)
  if (expected.length !== startBit.length)
    throw differs(`${startBit.length} blocks from bit ${firstBit} on, expected ${expected.length}`)
  expected.forEach((block, index) => {
    if (crc[index] !== block.crc || rawLength[index] !== block.rawLength)
      throw differs(`the block at bit ${startBit[index]} is another one`)
  })
  // The walk begins within a stream, whose CRC up to there is had from the input's footer.
  const stream = map.streams[first.stream]
  const suffix = map.columns.crc.subarray(first.firstBlock, stream?.endBlock)
  let combined = combinedBefore(stream?.combinedCrc ?? 0, suffix)
  let block = 0
  for (const mark of marks) {
    for (; block < mark.afterBlocks; block++) combined = foldCrc(combined, at(crc, block))
    if (mark.kind === 'header') combined = 0
    else if (mark.combinedCrc !== combined) throw differs(`the combined CRC at bit ${mark.bit}`)
  }
}

interface ExpectedBlock {
  readonly crc: number
  readonly rawLength: number
}

function expectedBlocks(map: BlockMap, replacements: readonly EncodedReplacement[]): readonly ExpectedBlock[] {
  const expected: ExpectedBlock[] = []
  let block = replacements[0]?.firstBlock ?? map.blocks
  const keepUntil = (end: number): void => {
    for (; block < end; block++)
      expected.push({ crc: at(map.columns.crc, block), rawLength: at(map.columns.rawLength, block) })
  }
  for (const { blocks, endBlock, firstBlock } of replacements) {
    keepUntil(firstBlock)
    expected.push(...blocks)
    block = endBlock
  }
  keepUntil(map.blocks)
  return expected
}

function differs(where: string): PostCheckError {
  return new PostCheckError('ERR_CHECK_OUTPUT', `the written image differs from what was meant: ${where}`, {
    hint: 'check the disk and the memory of this machine; nothing was published',
  })
}
