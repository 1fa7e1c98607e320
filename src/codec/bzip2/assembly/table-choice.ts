/**
 * Chooses the prefix codes of a block: how many tables, their code lengths, and which of them codes each 50 symbols.
 *
 * The best choice is out of reach; this is the usual way to a good one. At first each table is good for a range of
 * symbols that makes up its share of the block. Then, a few times over, every group goes to the table that codes it
 * with the fewest bits, and each table is made anew for the groups that it got.
 */
import { findCodeLengths } from './code-lengths'
import { columnBytesInUse, columnSymbols } from './column-symbols'
import {
  CODE_LENGTHS,
  CODE_LENGTHS_ROW,
  DATA_SYMBOLS,
  FREQUENCIES,
  FREQUENCIES_ROW,
  GROUP_SYMBOLS,
  LENGTH_VECTORS,
  MAX_TABLES,
  SELECTORS,
} from './memory-map'

/** Two more make a block 0.05 % smaller, one less 0.1 % bigger (measured 2026-11). */
const PASSES: u32 = 4
/** What a symbol outside a table's range costs at first; inside it's free. */
const OUTSIDE_BITS: u32 = 15

let tableCount: u32 = 0

export function chosenTables(): u32 {
  return tableCount
}
export function chosenSelectors(): u32 {
  return (columnSymbols() + GROUP_SYMBOLS - 1) / GROUP_SYMBOLS
}

/** Leaves code lengths in CODE_LENGTHS and selectors in SELECTORS. */
export function chooseTables(): void {
  const symbolCount = columnBytesInUse() + 2
  tableCount = tablesFor(columnSymbols())
  divideRange(symbolCount)
  for (let pass: u32 = 0; pass < PASSES; pass++) {
    memory.fill(FREQUENCIES, 0, MAX_TABLES * FREQUENCIES_ROW)
    assignGroups()
    for (let table: u32 = 0; table < tableCount; table++) findCodeLengths(table, symbolCount)
    fillVectors(symbolCount)
  }
}

/** A table costs some hundred bits, so small blocks do with fewer. */
function tablesFor(symbols: u32): u32 {
  if (symbols < 200) return 2
  if (symbols < 600) return 3
  if (symbols < 1200) return 4
  return symbols < 2400 ? 5 : 6
}

/** One range of symbols for each table, with about as many occurrences each. */
function divideRange(symbolCount: u32): void {
  memory.fill(FREQUENCIES, 0, FREQUENCIES_ROW)
  const end = DATA_SYMBOLS + (columnSymbols() << 1)
  for (let at = DATA_SYMBOLS; at < end; at += 2) {
    const frequency = FREQUENCIES + (<u32>load<u16>(at) << 2)
    store<u32>(frequency, load<u32>(frequency) + 1)
  }
  let symbol: u32 = 0
  let left = columnSymbols()
  for (let table: u32 = 0; table < tableCount; table++) {
    const lengths = CODE_LENGTHS + table * CODE_LENGTHS_ROW
    memory.fill(lengths, <u8>OUTSIDE_BITS, symbolCount)
    const share = left / (tableCount - table)
    for (let taken: u32 = 0; symbol < symbolCount && (taken < share || table == tableCount - 1); symbol++) {
      const frequency = load<u32>(FREQUENCIES + (symbol << 2))
      taken += frequency
      left -= frequency
      store<u8>(lengths + symbol, 0)
    }
  }
  fillVectors(symbolCount)
}

/** The code lengths once more, one vector for each symbol; tables that aren't there are never the cheapest. */
function fillVectors(symbolCount: u32): void {
  for (let symbol: u32 = 0; symbol < symbolCount; symbol++) {
    const vector = LENGTH_VECTORS + (symbol << 4)
    v128.store(vector, i16x8.splat(255))
    for (let table: u32 = 0; table < tableCount; table++) {
      store<u16>(vector + (table << 1), <u16>load<u8>(CODE_LENGTHS + table * CODE_LENGTHS_ROW + symbol))
    }
  }
}

/** Gives each group to its cheapest table, whose frequencies grow by the group's symbols. */
function assignGroups(): void {
  const end = DATA_SYMBOLS + (columnSymbols() << 1)
  let selector = SELECTORS
  for (let group = DATA_SYMBOLS; group < end; group += GROUP_SYMBOLS << 1) {
    const groupEnd = min(group + (GROUP_SYMBOLS << 1), end)
    let bits = i16x8.splat(0)
    for (let at = group; at < groupEnd; at += 2) {
      bits = i16x8.add(bits, v128.load(LENGTH_VECTORS + (<u32>load<u16>(at) << 4)))
    }
    const table = cheapest(bits)
    store<u8>(selector++, <u8>table)
    const frequencies = FREQUENCIES + table * FREQUENCIES_ROW
    for (let at = group; at < groupEnd; at += 2) {
      const frequency = frequencies + (<u32>load<u16>(at) << 2)
      store<u32>(frequency, load<u32>(frequency) + 1)
    }
  }
}

// @ts-ignore: TypeScript has no decorators of functions, AssemblyScript has
@inline
function cheapest(bits: v128): u32 {
  // Bits above, the table below: the least of these is the first of the cheapest.
  let least = (<u32>i16x8.extract_lane_u(bits, 0)) << 3
  least = min(least, ((<u32>i16x8.extract_lane_u(bits, 1)) << 3) | 1)
  least = min(least, ((<u32>i16x8.extract_lane_u(bits, 2)) << 3) | 2)
  least = min(least, ((<u32>i16x8.extract_lane_u(bits, 3)) << 3) | 3)
  least = min(least, ((<u32>i16x8.extract_lane_u(bits, 4)) << 3) | 4)
  least = min(least, ((<u32>i16x8.extract_lane_u(bits, 5)) << 3) | 5)
  return least & 7
}
