/**
 * The last step of decoding a block: undoes the initial run-length coding, for any range of the block.
 *
 * Four equal bytes are followed by a count of 0 to 255 more of them (Tsai, "BZIP2 Format Specification", section 2.2.1).
 * What the block decoder gives is the text before this step, at most 900 000 bytes; the bytes behind it can be 45.9 MB of
 * zeros. So a block is kept as its text with checkpoints, and only what is asked for is written out.
 */
import { InternalError } from '../../errors.js'

/** Decoded bytes between two checkpoints: what a read has to skip at most. */
const CHECKPOINT_BYTES = 256 << 10
const RUN_BYTES = 4

export class RunLengthText {
  readonly #text: Uint8Array
  /** Decoded offset and text offset of places where no run is under way. */
  readonly #rawAt: number[] = [0]
  readonly #textAt: number[] = [0]
  readonly rawLength: number

  /** @param text whole, valid block text; kept, not copied */
  constructor(text: Uint8Array) {
    this.#text = text
    let raw = 0
    let next = CHECKPOINT_BYTES
    for (let at = 0; at < text.length; ) {
      if (raw >= next) {
        this.#rawAt.push(raw)
        this.#textAt.push(at)
        next = raw + CHECKPOINT_BYTES
      }
      const same = equalBytes(text, at)
      if (same < RUN_BYTES) {
        raw += same
        at += same
      } else {
        raw += RUN_BYTES + (text[at + RUN_BYTES] ?? 0)
        at += RUN_BYTES + 1
      }
    }
    this.rawLength = raw
  }

  /** Bytes that this keeps in memory, about. */
  get keptBytes(): number {
    return this.#text.length + 16 * this.#rawAt.length
  }

  /**
   * Writes decoded bytes from `rawOffset` on into all of `target`.
   *
   * @throws ERR_INTERNAL when the block has not so many
   */
  copyInto(target: Uint8Array, rawOffset: number): void {
    if (rawOffset + target.length > this.rawLength)
      throw new InternalError(
        'ERR_INTERNAL',
        `a block of ${this.rawLength} bytes was asked for ${rawOffset}+${target.length}`,
      )
    const text = this.#text
    const from = this.#checkpointBefore(rawOffset)
    let raw = (this.#rawAt[from] ?? 0) - rawOffset
    let at = this.#textAt[from] ?? 0
    // `raw` counts from the first byte wanted: below zero is skipped.
    while (raw < target.length) {
      const same = equalBytes(text, at)
      const count = same < RUN_BYTES ? same : RUN_BYTES + (text[at + RUN_BYTES] ?? 0)
      if (count === 1) {
        if (raw >= 0) target[raw] = text[at] ?? 0
      } else if (raw + count > 0) {
        target.fill(text[at] ?? 0, Math.max(0, raw), Math.min(target.length, raw + count))
      }
      raw += count
      at += same < RUN_BYTES ? same : RUN_BYTES + 1
    }
  }

  #checkpointBefore(rawOffset: number): number {
    let low = 0
    let high = this.#rawAt.length - 1
    while (low < high) {
      const middle = (low + high + 1) >> 1
      if ((this.#rawAt[middle] ?? 0) <= rawOffset) low = middle
      else high = middle - 1
    }
    return low
  }
}

/** How many bytes from `at` on are equal, up to four. */
function equalBytes(text: Uint8Array, at: number): number {
  const byte = text[at]
  if (text[at + 1] !== byte) return 1
  if (text[at + 2] !== byte) return 2
  return text[at + 3] !== byte ? 3 : RUN_BYTES
}
