/**
 * Follows the chain of rows at eight places at once.
 *
 * Following it from origPtr alone waits for memory at every byte, 60 % of the decoding time. Instead some hundred rows
 * are marked, origPtr's own and others evenly spaced; each begins a fragment, which ends at the next marked row that it
 * meets. Eight fragments are followed at a time, so eight reads of the same table are under way; whenever one ends, its
 * place is taken by one not begun yet. At last the fragments are put in order, each naming the one that follows it.
 *
 * All chains take a step together, so their outputs are at the same place of eight buffers. A marked row holds the
 * number of its fragment; its link is kept in the fragment's record. Several blocks at once, one chain each, were
 * slower than one block alone, because their tables do not share the cache (measured 2026-11).
 */
import {
  CHAIN_BYTES,
  CHAINS,
  FRAGMENT_BYTES,
  FRAGMENTS,
  MAX_CHAINS,
  MAX_FRAGMENTS,
  PIECES,
  PIECES_ROW,
  ROWS,
  TEXT,
} from './memory-map'

/** Set in a row at which a fragment begins. Rows need 20 bits and a byte, so the highest bit is free. */
const MARK: u32 = 0x80000000

/** Shorter fragments would spend their time on beginning; 64 to 512 are equally good (measured 2026-11). */
const MIN_SPACING: u32 = 256

// A fragment's record, offsets in bytes.
const FIRST_LINK: u32 = 0
const PIECE: u32 = 4
const PIECE_LENGTH: u32 = 8
const SUCCESSOR: u32 = 12

// A chain's record, offsets in bytes.
const LINK: u32 = 0
const FRAGMENT: u32 = 4

let marked: u32 = 0
let begun: u32 = 0

/**
 * Writes the text to TEXT, from row `origin`.
 *
 * @returns its length, less than `length` when the chain comes back early
 */
export function joinFragments(origin: u32, length: u32): u32 {
  marked = 0
  begun = 0
  // The first fragment is the one that the text begins with.
  markRow(origin)
  const spacing = max(length / (MAX_FRAGMENTS - 1), MIN_SPACING)
  for (let row: u32 = 0; marked < MAX_FRAGMENTS && row < length; row += spacing) markRow(row)
  let steps: u32 = 0
  // A text that comes here has at least 16 marked rows.
  for (let chain: u32 = 0; chain < MAX_CHAINS; chain++) beginFragment(chain, steps)
  do steps = followChains(steps)
  while (replaceEnded(steps))
  for (let chain: u32 = 0; chain < MAX_CHAINS; chain++) finishChain(chain, steps)
  return gather(length)
}

// @ts-ignore: TypeScript has no decorators of functions, AssemblyScript has
@inline
function fragmentRecord(fragment: u32): u32 {
  return FRAGMENTS + fragment * FRAGMENT_BYTES
}

// @ts-ignore: TypeScript has no decorators of functions, AssemblyScript has
@inline
function chainRecord(chain: u32): u32 {
  return CHAINS + chain * CHAIN_BYTES
}

function markRow(row: u32): void {
  const place = ROWS + (row << 2)
  const link = load<u32>(place)
  if (link & MARK) return
  store<u32>(fragmentRecord(marked), link, FIRST_LINK)
  store<u32>(place, MARK | marked)
  marked++
}

function beginFragment(chain: u32, steps: u32): void {
  const fragment = fragmentRecord(begun)
  store<u32>(fragment, PIECES + chain * PIECES_ROW + steps, PIECE)
  store<u32>(chainRecord(chain), load<u32>(fragment, FIRST_LINK), LINK)
  store<u32>(chainRecord(chain), begun, FRAGMENT)
  begun++
}

function endFragment(chain: u32, steps: u32, successor: u32): void {
  const fragment = fragmentRecord(load<u32>(chainRecord(chain), FRAGMENT))
  const end = PIECES + chain * PIECES_ROW + steps
  store<u32>(fragment, end - load<u32>(fragment, PIECE), PIECE_LENGTH)
  store<u32>(fragment, successor, SUCCESSOR)
}

/** Steps until at least one chain is at a marked row. @returns how many steps were taken from the start on */
function followChains(steps: u32): u32 {
  let a = load<u32>(CHAINS, 0 * CHAIN_BYTES)
  let b = load<u32>(CHAINS, 1 * CHAIN_BYTES)
  let c = load<u32>(CHAINS, 2 * CHAIN_BYTES)
  let d = load<u32>(CHAINS, 3 * CHAIN_BYTES)
  let e = load<u32>(CHAINS, 4 * CHAIN_BYTES)
  let f = load<u32>(CHAINS, 5 * CHAIN_BYTES)
  let g = load<u32>(CHAINS, 6 * CHAIN_BYTES)
  let h = load<u32>(CHAINS, 7 * CHAIN_BYTES)
  do {
    store<u8>(steps, <u8>a, PIECES + 0 * PIECES_ROW)
    store<u8>(steps, <u8>b, PIECES + 1 * PIECES_ROW)
    store<u8>(steps, <u8>c, PIECES + 2 * PIECES_ROW)
    store<u8>(steps, <u8>d, PIECES + 3 * PIECES_ROW)
    store<u8>(steps, <u8>e, PIECES + 4 * PIECES_ROW)
    store<u8>(steps, <u8>f, PIECES + 5 * PIECES_ROW)
    store<u8>(steps, <u8>g, PIECES + 6 * PIECES_ROW)
    store<u8>(steps, <u8>h, PIECES + 7 * PIECES_ROW)
    steps++
    a = load<u32>((a >>> 8) << 2, ROWS)
    b = load<u32>((b >>> 8) << 2, ROWS)
    c = load<u32>((c >>> 8) << 2, ROWS)
    d = load<u32>((d >>> 8) << 2, ROWS)
    e = load<u32>((e >>> 8) << 2, ROWS)
    f = load<u32>((f >>> 8) << 2, ROWS)
    g = load<u32>((g >>> 8) << 2, ROWS)
    h = load<u32>((h >>> 8) << 2, ROWS)
  } while (((a | b | c | d | e | f | g | h) & MARK) == 0)
  store<u32>(CHAINS, a, 0 * CHAIN_BYTES)
  store<u32>(CHAINS, b, 1 * CHAIN_BYTES)
  store<u32>(CHAINS, c, 2 * CHAIN_BYTES)
  store<u32>(CHAINS, d, 3 * CHAIN_BYTES)
  store<u32>(CHAINS, e, 4 * CHAIN_BYTES)
  store<u32>(CHAINS, f, 5 * CHAIN_BYTES)
  store<u32>(CHAINS, g, 6 * CHAIN_BYTES)
  store<u32>(CHAINS, h, 7 * CHAIN_BYTES)
  return steps
}

/** Gives a new fragment to each chain that is at a marked row. @returns false when there are not enough */
function replaceEnded(steps: u32): bool {
  for (let chain: u32 = 0; chain < MAX_CHAINS; chain++) {
    const link = load<u32>(chainRecord(chain), LINK)
    if ((link & MARK) == 0) continue
    if (begun == marked) return false
    endFragment(chain, steps, link & ~MARK)
    beginFragment(chain, steps)
  }
  return true
}

/** Follows one chain to its end, when no fragments are left to begin. */
function finishChain(chain: u32, steps: u32): void {
  let link = load<u32>(chainRecord(chain), LINK)
  for (; (link & MARK) == 0; steps++) {
    store<u8>(PIECES + chain * PIECES_ROW + steps, <u8>link)
    link = load<u32>((link >>> 8) << 2, ROWS)
  }
  endFragment(chain, steps, link & ~MARK)
}

/** Copies the fragments of the chain through origPtr to TEXT, in order. */
function gather(length: u32): u32 {
  let written: u32 = 0
  let fragment: u32 = 0
  do {
    const record = fragmentRecord(fragment)
    const bytes = load<u32>(record, PIECE_LENGTH)
    memory.copy(TEXT + written, load<u32>(record, PIECE), bytes)
    written += bytes
    fragment = load<u32>(record, SUCCESSOR)
  } while (fragment != 0 && written < length)
  return written
}
