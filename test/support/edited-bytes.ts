/** An edited image in memory that knows exactly which bytes differ, to the byte; may be longer or shorter than before. */
import { type EditedDevice, MemoryDevice } from '#src/byte-device.js'
import { type Extent, extent, extentEnd } from '#src/units.js'

export class EditedBytes extends MemoryDevice implements EditedDevice {
  readonly #extents: readonly Extent[]

  /** @param extents what is said to have changed; to be told apart from what has */
  constructor(bytes: Buffer, extents: readonly Extent[]) {
    super(bytes)
    this.#extents = extents
  }

  changedExtents(): Promise<readonly Extent[]> {
    return Promise.resolve(this.#extents)
  }

  /** Offset of the first changed byte; of the end when none is. */
  get firstChange(): number {
    return this.#extents[0]?.offset ?? this.size
  }

  /** Offset of the last changed byte. */
  get lastChange(): number {
    const last = this.#extents.at(-1)
    return last === undefined ? this.size : extentEnd(last) - 1
  }

  /** Everything that differs, runs of unequal bytes each; what lies beyond the end of `before` has changed. */
  static from(before: Buffer, after: Buffer): EditedBytes {
    const extents: Extent[] = []
    const common = Math.min(before.length, after.length)
    for (let at = 0; at < common; at++) {
      if (before[at] === after[at]) continue
      let end = at + 1
      while (end < common && before[end] !== after[end]) end++
      extents.push(extent(at, end - at))
      at = end
    }
    if (after.length > common) extents.push(extent(common, after.length - common))
    return new EditedBytes(after, extents)
  }
}
