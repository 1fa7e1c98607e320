/**
 * The move-to-front list of a block (Tsai, section 2.2.3): a symbol names a place, the byte there comes to the front.
 *
 * The first 16 places stay in a vector register for as long as the data is decoded; most symbols are there, and a move
 * is one shuffle. The others lie in memory from FRONT_LIST + 16 on.
 */
import { BYTES_IN_USE, FRONT_LIST, FRONT_SHUFFLES } from './memory-map'

/** Fills the shuffles, one for each of the first 16 places; once for each instance. */
export function prepareMoveToFront(): void {
  for (let place: u32 = 0; place < 16; place++) {
    for (let lane: u32 = 0; lane < 16; lane++) {
      const from = lane == 0 ? place : lane <= place ? lane - 1 : lane
      store<u8>(FRONT_SHUFFLES + (place << 4) + lane, <u8>from)
    }
  }
}

/** The list at the start of a block: bytes in use, ascending. @returns its first 16 places */
export function startFrontList(): v128 {
  memory.copy(FRONT_LIST, BYTES_IN_USE, 256)
  return v128.load(FRONT_LIST)
}

// @ts-ignore: TypeScript has no decorators of functions, AssemblyScript has
@inline
export function frontByte(front: v128): u32 {
  return <u32>i8x16.extract_lane_u(front, 0)
}

/** Moves the byte at a place to the front. @returns the first 16 places afterwards */
// @ts-ignore: TypeScript has no decorators of functions, AssemblyScript has
@inline
export function moveToFront(front: v128, place: u32): v128 {
  return place < 16 ? i8x16.swizzle(front, v128.load(FRONT_SHUFFLES + (place << 4))) : moveFromFar(front, place)
}

function moveFromFar(front: v128, place: u32): v128 {
  const byte = i8x16.splat(load<i8>(FRONT_LIST + place))
  // Each 16 places take over the last byte of those before; the place itself ends up overwritten.
  let before = front
  let row = FRONT_LIST + 16
  for (const last = FRONT_LIST + (place & 0xf0); row < last; row += 16) {
    const bytes = v128.load(row)
    v128.store(row, behind(before, bytes))
    before = bytes
  }
  const moved = i8x16.swizzle(v128.load(row), v128.load(FRONT_SHUFFLES + ((place & 15) << 4)))
  v128.store(row, i8x16.replace_lane(moved, 0, i8x16.extract_lane_u(before, 15)))
  return behind(byte, front)
}

/** The last byte of one vector, then the first 15 of another. */
// @ts-ignore: TypeScript has no decorators of functions, AssemblyScript has
@inline
function behind(first: v128, second: v128): v128 {
  return v128.shuffle<u8>(first, second, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30)
}
