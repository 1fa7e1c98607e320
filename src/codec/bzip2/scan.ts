/**
 * Finds the block and end-of-stream magics of a bzip2 file, at any bit, without decoding anything.
 *
 * Source: Joe Tsai, "BZIP2 Format Specification" (2015), sections 2.1 to 2.2. A stream is the byte-aligned header `BZh1`
 * to `BZh9`, blocks, and a footer; blocks and footer start with a 48-bit magic, each followed by a 32-bit CRC, at any bit
 * position. A magic can also appear by chance inside a block's data (about once in 10^5 images): hits are proposals, the
 * chain (`chain.ts`) decides.
 *
 * How: a magic of 48 bits at bit phase 0 to 7 always has its third and fourth whole bytes at a fixed place, so a table of
 * 65 536 entries on two bytes dismisses all but one position in 4096 at one look-up a byte (about 1 GB/s).
 */

export interface MagicHit {
  readonly kind: 'block' | 'end-of-stream'
  /** From the start of the file, in bits. A double holds these exactly up to 1 PiB. */
  readonly bitOffset: number
  /** The 32 bits behind the magic: a block's CRC, or the stream's combined CRC. */
  readonly crc: number
}

const BLOCK = 0x314159265359n
const END_OF_STREAM = 0x177245385090n
const MAGICS = [
  { kind: 'block', value: BLOCK },
  { kind: 'end-of-stream', value: END_OF_STREAM },
] as const

const MAGIC_BITS = 48
const CRC_BITS = 32
/** Bytes that a magic and its CRC can touch at the worst phase. */
export const SPAN_BYTES = Math.ceil((7 + MAGIC_BITS + CRC_BITS) / 8)
/** The two bytes that the table looks at lie this far into the span. */
const PROBE_AT = 2

/** For each value of the two probed bytes: 1 when some magic at some phase has it there. */
const PROBE = makeProbe()

function makeProbe(): Uint8Array {
  const table = new Uint8Array(65536)
  for (const { value } of MAGICS) {
    for (let phase = 0; phase < 8; phase++) {
      // The magic in a span of 7 bytes; bytes 2 and 3 are whole at every phase.
      const span = value << BigInt(56 - MAGIC_BITS - phase)
      const probe = Number((span >> BigInt(56 - 8 * (PROBE_AT + 2))) & 0xffffn)
      table[probe] = 1
    }
  }
  return table
}

/**
 * All hits in a stretch of the file, in order, found as they are asked for. Those that begin less than 11 bytes before
 * the stretch ends are left out.
 *
 * @param baseOffset where the stretch begins in the file, in bytes
 */
export function* magicsIn(bytes: Uint8Array, baseOffset: number): Generator<MagicHit> {
  const last = bytes.length - SPAN_BYTES
  for (let at = nextCandidate(bytes, 0, last); at <= last; at = nextCandidate(bytes, at + 1, last)) {
    yield* magicsAt(bytes, at, baseOffset)
  }
}

/**
 * First position from `from` on where the probed bytes allow a magic; beyond `last` if there is none. A function of its
 * own with nothing but locals: the inner loop runs once a byte of the file.
 */
function nextCandidate(bytes: Uint8Array, from: number, last: number): number {
  let probe = bytes[from + PROBE_AT] ?? 0
  for (let at = from; at <= last; at++) {
    probe = ((probe << 8) | (bytes[at + PROBE_AT + 1] ?? 0)) & 0xffff
    if (PROBE[probe] !== 0) return at
  }
  return last + 1
}

function* magicsAt(bytes: Uint8Array, at: number, base: number): Generator<MagicHit> {
  // 11 bytes as one number: the magic and its CRC, whatever the phase.
  let span = 0n
  for (let index = 0; index < SPAN_BYTES; index++) span = (span << 8n) | BigInt(bytes[at + index] ?? 0)
  for (let phase = 0; phase < 8; phase++) {
    const rest = BigInt(SPAN_BYTES * 8 - phase - MAGIC_BITS)
    const found = (span >> rest) & 0xffffffffffffn
    const magic = MAGICS.find(({ value }) => value === found)
    if (magic === undefined) continue
    const crc = Number((span >> (rest - BigInt(CRC_BITS))) & 0xffffffffn)
    yield { kind: magic.kind, bitOffset: (base + at) * 8 + phase, crc }
  }
}
