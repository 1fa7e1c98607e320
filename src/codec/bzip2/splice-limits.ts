/** From where on it is worth to leave bytes of the copy where they are. Sizes in bytes; tests set them to 0. */
export interface SpliceLimits {
  /** Behind a replacement: worth up to 16 KiB of padding, if it need not be moved for it. */
  readonly stay: number
  /** Not written again: reading and writing less than this takes no longer than to leave it out. */
  readonly skip: number
  /**
   * Behind the first change: hashed beside the input, in a thread of its own. Less is had sooner from the state that hashing
   * the input has left, once it is there.
   */
  readonly ownHash: number
}

export const SPLICE_LIMITS: SpliceLimits = { stay: 16 << 20, skip: 64 << 10, ownHash: 64 << 20 }
