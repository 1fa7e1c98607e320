/**
 * Bytes that are nearly right: a valid input, changed in one to eight places the ways that break parsers.
 *
 * Bits flip, numbers become extreme, ranges are copied over others, inserted, repeated until they are long, taken out; the
 * end is cut off. fast-check makes the changes, so that a seed repeats a run and a failure shrinks to few of them.
 */
import fc from 'fast-check'

type Change =
  | { readonly kind: 'flip'; readonly at: number; readonly bit: number }
  | { readonly kind: 'number'; readonly at: number; readonly bytes: Uint8Array }
  | { readonly kind: 'copy' | 'insert'; readonly at: number; readonly from: number; readonly length: number }
  | { readonly kind: 'repeat'; readonly at: number; readonly length: number; readonly times: number }
  | { readonly kind: 'token'; readonly at: number; readonly token: number }
  | { readonly kind: 'delete'; readonly at: number; readonly length: number }
  | { readonly kind: 'cut'; readonly at: number }

/** No input grows beyond this, whatever is repeated in it how often. */
const GROWTH_BYTES_MAX = 96 << 10

/** A place in the input; half of them where headers are. */
const place = fc.oneof(
  fc.nat(511).map((at) => at),
  fc.nat(8191),
  fc.nat(2 ** 31 - 1),
  fc.nat(2 ** 31 - 1),
)

const number = fc
  .tuple(fc.constantFrom(1, 2, 4, 8), fc.bigInt({ min: -2n, max: 2n }), fc.integer({ min: 0, max: 64 }), fc.boolean())
  .map(([width, offset, bits, bigEndian]) => {
    // Around a power of two: 0, -1, 2^31, 2^63 and their neighbours, in either byte order.
    const bytes = Buffer.alloc(8)
    bytes.writeBigUInt64LE(BigInt.asUintN(64, (1n << BigInt(bits)) + offset))
    const low = bytes.subarray(0, width)
    return Uint8Array.from(bigEndian ? low.toReversed() : low)
  })

const change: fc.Arbitrary<Change> = fc.oneof(
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('flip' as const), at: place, bit: fc.nat(7) }) },
  { weight: 5, arbitrary: fc.record({ kind: fc.constant('number' as const), at: place, bytes: number }) },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constantFrom('copy' as const, 'insert' as const),
      at: place,
      from: place,
      length: fc.oneof(fc.nat(32), fc.nat(4096)),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant('repeat' as const),
      at: place,
      length: fc.integer({ min: 1, max: 16 }),
      times: fc.oneof(fc.nat(100), fc.nat(20_000)),
    }),
  },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('token' as const), at: place, token: fc.nat(1000) }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('delete' as const), at: place, length: fc.nat(64) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('cut' as const), at: place }) },
)

/** @param tokens that mean something to the parser */
export function mutationOf(seeds: readonly Buffer[], tokens: readonly string[] = []): fc.Arbitrary<Buffer> {
  return fc
    .tuple(fc.nat(1000), fc.array(change, { minLength: 1, maxLength: 8 }))
    .map(([seed, changes]) =>
      changes.reduce<Buffer>(
        (bytes, one) => applied(bytes, one, tokens),
        Buffer.from(seeds[seed % seeds.length] ?? ''),
      ),
    )
}

function applied(bytes: Buffer, change: Change, tokens: readonly string[]): Buffer {
  const at = bytes.length === 0 ? 0 : change.at % bytes.length
  const within = (from: number, length: number) => bytes.subarray(from % Math.max(1, bytes.length)).subarray(0, length)
  switch (change.kind) {
    case 'flip':
      if (at < bytes.length) bytes[at] = (bytes[at] ?? 0) ^ (1 << change.bit)
      return bytes
    case 'number':
      bytes.set(change.bytes.subarray(0, bytes.length - at), at)
      return bytes
    case 'copy':
      within(change.from, Math.min(change.length, bytes.length - at)).copy(bytes, at)
      return bytes
    case 'insert':
      return Buffer.concat([bytes.subarray(0, at), within(change.from, change.length), bytes.subarray(at)])
    case 'repeat': {
      const piece = within(at, change.length)
      const length = Math.min(piece.length * change.times, GROWTH_BYTES_MAX)
      const repeated = piece.length === 0 ? piece : Buffer.alloc(length, piece)
      return Buffer.concat([bytes.subarray(0, at), repeated, bytes.subarray(at)])
    }
    case 'token': {
      const token = tokens[change.token % Math.max(1, tokens.length)] ?? ''
      return Buffer.concat([bytes.subarray(0, at), Buffer.from(token), bytes.subarray(at)])
    }
    case 'delete':
      return Buffer.concat([bytes.subarray(0, at), bytes.subarray(at + change.length)])
    case 'cut':
      return bytes.subarray(0, at)
  }
}
