/**
 * Which blocks an edit replaces: whole blocks, next to each other and of one stream, taken together.
 */
import { InternalError } from '../../errors.js'
import { type Extent, extentEnd } from '../../units.js'
import { at, type BlockMap, TEXT_BYTES_A_LEVEL } from './block-map.js'

/** Blocks of one stream that give way to new ones. */
export interface Replacement {
  /** Index into the map's streams. */
  readonly stream: number
  /** Half-open range of blocks of the map. */
  readonly firstBlock: number
  readonly endBlock: number
  /** Decoded range of the edited image that the new blocks hold; empty when blocks only go. */
  readonly rawStart: number
  readonly rawEnd: number
  /** That new blocks keep to. */
  readonly level: number
}

/**
 * @param changed sorted and apart, within the edited image
 * @param newRawSize size of the edited image; the blocks behind it go, what is beyond the map's end comes to the last block
 * @throws ERR_INTERNAL when a change, or the new end, lies before the map
 */
export function planSplice(map: BlockMap, changed: readonly Extent[], newRawSize: number): readonly Replacement[] {
  const dirty = dirtyBlocks(map, changed, newRawSize)
  const replacements: Replacement[] = []
  for (const block of dirty) {
    const stream = map.streamOf(block)
    const rawEnd = block === map.blocks - 1 ? newRawSize : Math.min(at(map.rawOffset, block + 1), newRawSize)
    const rawStart = Math.min(at(map.rawOffset, block), newRawSize)
    const previous = replacements.at(-1)
    if (previous !== undefined && previous.stream === stream && previous.endBlock === block)
      replacements[replacements.length - 1] = { ...previous, endBlock: block + 1, rawEnd }
    else
      replacements.push({
        stream,
        firstBlock: block,
        endBlock: block + 1,
        rawStart,
        rawEnd,
        level: levelOf(map, stream),
      })
  }
  return replacements
}

function dirtyBlocks(map: BlockMap, changed: readonly Extent[], newRawSize: number): readonly number[] {
  const dirty = new Set<number>()
  if (newRawSize < map.rawStart)
    throw new InternalError('ERR_INTERNAL', `an end at ${newRawSize} lies before the block map at ${map.rawStart}`)
  for (const range of changed) {
    if (range.offset < map.rawStart)
      throw new InternalError(
        'ERR_INTERNAL',
        `a change at ${range.offset} lies before the block map at ${map.rawStart}`,
      )
    if (range.length === 0) continue
    const last = map.find(extentEnd(range) - 1)
    for (let block = map.find(range.offset); block <= last; block++) dirty.add(block)
  }
  if (newRawSize > map.rawEnd) dirty.add(map.blocks - 1)
  if (newRawSize < map.rawEnd)
    for (let block = map.blocks - 1; block >= 0 && at(map.rawOffset, block + 1) > newRawSize; block--) dirty.add(block)
  return [...dirty].sort((a, b) => a - b)
}

/**
 * The level that new blocks of a stream keep to. Where the header is not in the map, one that is surely not too high: a
 * block of more than 800 000 bytes of text proves level 9, and so on.
 */
function levelOf(map: BlockMap, streamIndex: number): number {
  const stream = map.streams[streamIndex]
  if (stream === undefined) throw new InternalError('ERR_INTERNAL', `the block map has no stream ${streamIndex}`)
  if (stream.level !== undefined) return stream.level
  let longest = 0
  for (let block = stream.firstBlock; block < stream.endBlock; block++)
    longest = Math.max(longest, at(map.columns.textLength, block))
  return Math.max(1, Math.ceil(longest / TEXT_BYTES_A_LEVEL))
}
