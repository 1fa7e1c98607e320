/**
 * Lengths of the prefix codes that take the fewest bits for given frequencies: D. A. Huffman's, 1952, by the two-queue
 * method over sorted weights (van Leeuwen, 1976).
 *
 * Codes may have 20 bits; bzip2 since 1.0.3 writes at most 17, and so do we. When the tree is deeper, the weights are
 * halved, which flattens it. Every symbol gets a code, those that do not occur too: the format has no other way.
 */
import { CODE_LENGTHS, CODE_LENGTHS_ROW, FREQUENCIES, FREQUENCIES_ROW, TREE, WEIGHTS } from './memory-map'

export const MAX_WRITTEN_CODE_BITS: u32 = 17

/** From a table's frequencies to its code lengths. */
export function findCodeLengths(table: u32, symbolCount: u32): void {
  const frequencies = FREQUENCIES + table * FREQUENCIES_ROW
  const lengths = CODE_LENGTHS + table * CODE_LENGTHS_ROW
  for (let halvings: u32 = 0; !lengthsFit(frequencies, halvings, lengths, symbolCount); halvings++) {}
}

function lengthsFit(frequencies: u32, halvings: u32, lengths: u32, symbolCount: u32): bool {
  // The weight above, the symbol in the lowest nine bits: a weight needs 20.
  for (let symbol: u32 = 0; symbol < symbolCount; symbol++) {
    const frequency = load<u32>(frequencies + (symbol << 2)) >>> halvings
    store<u32>(WEIGHTS + (symbol << 2), (max<u32>(frequency, 1) << 9) | symbol)
  }
  sort(symbolCount)
  joinLightest(symbolCount)
  return takeDepths(lengths, symbolCount)
}

/** D. L. Shell's sort, 1959, with gaps for some hundred elements. */
function sort(count: u32): void {
  for (let gap: u32 = 121; gap > 0; gap = gap / 3) {
    for (let index = gap; index < count; index++) {
      const value = load<u32>(WEIGHTS + (index << 2))
      let at = index
      for (; at >= gap; at -= gap) {
        const smaller = load<u32>(WEIGHTS + ((at - gap) << 2))
        if (smaller <= value) break
        store<u32>(WEIGHTS + (at << 2), smaller)
      }
      store<u32>(WEIGHTS + (at << 2), value)
    }
  }
}

/**
 * Joins the two lightest nodes until one is left. Leaves are taken from WEIGHTS and inner nodes from TREE, both in
 * ascending order: what is joined later is heavier. What was joined keeps the number of its parent in the place of its
 * weight; parents are inner nodes.
 */
function joinLightest(symbolCount: u32): void {
  let leaf: u32 = 0
  let inner: u32 = 0
  for (let parent: u32 = 0; parent < symbolCount - 1; parent++) {
    let weight: u32 = 0
    for (let child = 0; child < 2; child++) {
      const leafWeight = leaf < symbolCount ? load<u32>(WEIGHTS + (leaf << 2)) >>> 9 : u32.MAX_VALUE
      const innerWeight = inner < parent ? load<u32>(TREE + (inner << 2)) : u32.MAX_VALUE
      if (leafWeight <= innerWeight) {
        weight += leafWeight
        const at = WEIGHTS + (leaf++ << 2)
        store<u32>(at, (parent << 9) | (load<u32>(at) & 511))
      } else {
        weight += innerWeight
        store<u32>(TREE + (inner++ << 2), parent)
      }
    }
    store<u32>(TREE + (parent << 2), weight)
  }
}

/** The depth of each leaf, from its parent's. @returns false when one is too deep */
function takeDepths(lengths: u32, symbolCount: u32): bool {
  // The last inner node is the root; parents come behind their children.
  const root = symbolCount - 2
  store<u32>(TREE + (root << 2), 0)
  for (let inner = <i32>root - 1; inner >= 0; inner--) {
    const at = TREE + (inner << 2)
    store<u32>(at, load<u32>(TREE + (load<u32>(at) << 2)) + 1)
  }
  for (let leaf: u32 = 0; leaf < symbolCount; leaf++) {
    const entry = load<u32>(WEIGHTS + (leaf << 2))
    const depth = load<u32>(TREE + ((entry >>> 9) << 2)) + 1
    if (depth > MAX_WRITTEN_CODE_BITS) return false
    store<u8>(lengths + (entry & 511), <u8>depth)
  }
  return true
}
