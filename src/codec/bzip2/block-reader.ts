/**
 * Reads decoded bytes through a block map: decodes the blocks that hold them, and keeps the last ones.
 */
import { VerificationError } from '../../errors.js'
import type { BlockDecoder } from './block-decoder.js'
import { at, type BlockMap } from './block-map.js'
import type { BlockChain } from './chain.js'
import { RunLengthText } from './run-length.js'

/** What is kept of decoded blocks: some eighteen of the largest, before their runs are undone. */
const KEPT_BYTES_MAX = 16 << 20

export class BlockReader {
  readonly #chain: BlockChain
  readonly #decoder: BlockDecoder
  readonly #name: string
  /** By first bit, least recently used first. */
  readonly #kept = new Map<number, RunLengthText>()
  #keptBytes = 0

  constructor(chain: BlockChain, decoder: BlockDecoder, name: string) {
    this.#chain = chain
    this.#decoder = decoder
    this.#name = name
  }

  /**
   * Fills `target` with decoded bytes from `rawOffset` on, which the map covers.
   *
   * @throws ERR_SOURCE_CHANGED when a block does not decode to what the map says
   */
  read(map: BlockMap, rawOffset: number, target: Uint8Array): void {
    let done = 0
    for (let block = map.find(rawOffset); done < target.length; block++) {
      const within = rawOffset + done - at(map.rawOffset, block)
      const count = Math.min(target.length - done, at(map.columns.rawLength, block) - within)
      this.#text(map, block).copyInto(target.subarray(done, done + count), within)
      done += count
    }
  }

  #text(map: BlockMap, block: number): RunLengthText {
    const bit = at(map.columns.startBit, block)
    const kept = this.#kept.get(bit)
    if (kept !== undefined) {
      this.#kept.delete(bit)
      this.#kept.set(bit, kept)
      return kept
    }
    const found = this.#chain.decode(bit)
    if (
      found.kind === 'fault' ||
      found.endBit !== at(map.columns.endBit, block) ||
      found.rawLength !== at(map.columns.rawLength, block) ||
      found.crc !== at(map.columns.crc, block)
    )
      throw new VerificationError(
        'ERR_SOURCE_CHANGED',
        `${this.#name} was written to while it was being read: the block at bit ${bit} is not what it was`,
        { hint: 'wait until the download or copy is complete, then run the same command again', details: { bit } },
      )
    const text = new RunLengthText(this.#decoder.text().slice())
    this.#keep(bit, text)
    return text
  }

  #keep(bit: number, text: RunLengthText): void {
    this.#kept.set(bit, text)
    this.#keptBytes += text.keptBytes
    for (const [oldest, old] of this.#kept) {
      if (this.#keptBytes <= KEPT_BYTES_MAX || oldest === bit) break
      this.#kept.delete(oldest)
      this.#keptBytes -= old.keptBytes
    }
  }
}
