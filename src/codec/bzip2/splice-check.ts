/**
 * Reads a spliced file back and proves it, before anything is published.
 *
 * Each new block is read from the file and decoded by a decoder that is not ours, and its bytes are compared with what
 * was meant. Then the chain is walked from the first new block to the end of the file: every block after it decodes, is
 * the input's own (CRC and length), and each footer holds the combined CRC of its stream. What lies before is a copy whose
 * digest has been compared with the input's.
 */
import type { ByteDevice } from '../../byte-device.js'
import { PostCheckError } from '../../errors.js'
import { realigned } from './bits.js'
import { at, type BlockMap } from './block-map.js'
import type { BlockChain } from './chain.js'
import { combinedBefore, foldCrc } from './combined-crc.js'
import type { IndependentDecoder } from './independent-decoder.js'
import type { SplicedBlock, SpliceResult } from './splice.js'
import type { Replacement } from './splice-plan.js'

const FOOTER_MAGIC = Buffer.from('177245385090', 'hex')

/**
 * Every new block, decoded independently, holds what was meant.
 *
 * @throws ERR_CHECK_OUTPUT
 */
export async function assertBlocksHold(
  blocks: readonly SplicedBlock[],
  written: ByteDevice,
  edited: ByteDevice,
  decoder: IndependentDecoder,
  report: (doneBytes: number, totalBytes: number) => void,
): Promise<void> {
  const totalBytes = blocks.reduce((sum, { rawLength }) => sum + rawLength, 0)
  let doneBytes = 0
  let next = 0
  const work = async (): Promise<void> => {
    for (let block = blocks[next++]; block !== undefined; block = blocks[next++]) {
      const answer = await decoder.decode(await standaloneStream(block, written))
      if (answer.kind === 'failed')
        throw differs(`the block at bit ${block.startBit}: unbzip2-stream says: ${answer.message}`)
      const meant = await edited.read(block.rawOffset, block.rawLength)
      if (!meant.equals(answer.bytes)) throw differs(`the block at bit ${block.startBit}`)
      doneBytes += block.rawLength
      report(doneBytes, totalBytes)
    }
  }
  // Two at a time, one for each worker: their bytes are in memory meanwhile.
  await Promise.all([work(), work()])
}

/** A block as a stream of its own: header, the block's bits as they lie in the file, footer. */
async function standaloneStream(block: SplicedBlock, written: ByteDevice): Promise<Buffer> {
  const firstByte = Math.floor(block.startBit / 8)
  const endByte = Math.ceil((block.startBit + block.bitLength) / 8)
  const bits = realigned(await written.read(firstByte, endByte - firstByte), block.startBit % 8, block.bitLength)
  const spare = bits.length * 8 - block.bitLength
  const crc = Buffer.alloc(4)
  crc.writeUInt32BE(block.crc)
  const footer = Buffer.concat([FOOTER_MAGIC, crc])
  const header = Buffer.from(`BZh${block.level}`, 'latin1')
  if (spare === 0) return Buffer.concat([header, bits, footer])
  // The footer begins within the block's last byte.
  const last = bits.length - 1
  const shifted = Buffer.alloc(footer.length + 1)
  shifted[0] = bits[last] ?? 0
  footer.forEach((byte, index) => {
    shifted[index] = (shifted[index] ?? 0) | (byte >> (8 - spare))
    shifted[index + 1] = (byte << spare) & 0xff
  })
  return Buffer.concat([header, bits.subarray(0, last), shifted])
}

/**
 * From the first new block to the end of the file, the chain is the new blocks and the input's own, with the right footers.
 *
 * @param chain on the written file
 * @throws ERR_CHECK_OUTPUT
 */
export function assertChainHolds(
  result: SpliceResult,
  map: BlockMap,
  replacements: readonly Replacement[],
  chain: BlockChain,
): void {
  const [first] = replacements
  if (first === undefined) return
  const firstBit = at(map.columns.startBit, first.firstBlock)
  const segment = chain.walk({ bit: firstBit }, Infinity)
  if (segment.stop.kind !== 'end')
    throw differs(`the chain of blocks from bit ${firstBit} on ends in ${segment.stop.kind} at bit ${segment.stop.bit}`)
  const expected = expectedBlocks(result, map, replacements)
  if (expected.length !== segment.startBit.length)
    throw differs(`${segment.startBit.length} blocks from bit ${firstBit} on, expected ${expected.length}`)
  expected.forEach(({ crc, rawLength }, block) => {
    if (segment.crc[block] !== crc || segment.rawLength[block] !== rawLength)
      throw differs(`the block at bit ${segment.startBit[block]}`)
  })
  // The first stream begins before the walk does: its CRC so far is had from the input's footer.
  const stream = map.streams[first.stream]
  let combined =
    stream === undefined
      ? 0
      : combinedBefore(stream.combinedCrc, map.columns.crc.subarray(first.firstBlock, stream.endBlock))
  let block = 0
  for (const mark of segment.marks) {
    for (; block < mark.afterBlocks; block++) combined = foldCrc(combined, segment.crc[block] ?? 0)
    if (mark.kind === 'header') combined = 0
    else if (mark.combinedCrc !== combined) throw differs(`the combined CRC at bit ${mark.bit}`)
  }
}

function expectedBlocks(
  result: SpliceResult,
  map: BlockMap,
  replacements: readonly Replacement[],
): readonly { readonly crc: number; readonly rawLength: number }[] {
  const expected: { readonly crc: number; readonly rawLength: number }[] = []
  const fresh = [...result.blocks]
  let block = replacements[0]?.firstBlock ?? map.blocks
  const keep = (until: number): void => {
    for (; block < until; block++)
      expected.push({ crc: at(map.columns.crc, block), rawLength: at(map.columns.rawLength, block) })
  }
  for (const { firstBlock, endBlock, rawEnd } of replacements) {
    keep(firstBlock)
    while (fresh[0] !== undefined && fresh[0].rawOffset < rawEnd) expected.push(...fresh.splice(0, 1))
    block = endBlock
  }
  keep(map.blocks)
  return expected
}

function differs(where: string): PostCheckError {
  return new PostCheckError('ERR_CHECK_OUTPUT', `the written image differs from what was meant: ${where}`, {
    hint: 'check the disk and the memory of this machine; nothing was published',
  })
}
