/**
 * Gathers sectors that differ: all are counted, the first few are told with the place where they lie.
 */
import type { Gpt } from '../disk/gpt/gpt.js'
import { type Extent, SECTOR_BYTES } from '../units.js'
import type { DifferingRange, OutsideReport } from './proof.js'

/** More than anybody reads. */
const TOLD_MAX = 8
/** UEFI Specification 2.10, section 5.3.1: 128 bytes for each entry, at least. */
const ENTRY_BYTES = 128

export class Differences {
  readonly #gpt: Gpt
  #sectors = 0
  #ranges = 0
  readonly #first: DifferingRange[] = []
  /** Where the last range ends, and in which place it is. */
  #last = { endSector: -1, place: '' }

  constructor(gpt: Gpt) {
    this.#gpt = gpt
  }

  get sectors(): number {
    return this.#sectors
  }

  /** Sectors behind all that came before. */
  add({ length, offset }: Extent): void {
    const end = Math.ceil((offset + length) / SECTOR_BYTES)
    for (let sector = offset / SECTOR_BYTES; sector < end; ) {
      const { place, endSector } = this.#placeOf(sector)
      const count = Math.min(end, endSector) - sector
      this.#addWithin(sector, count, place)
      sector += count
    }
  }

  report(): OutsideReport {
    return {
      identical: this.#sectors === 0,
      differingSectors: this.#sectors,
      differingRanges: this.#ranges,
      first: this.#first,
    }
  }

  #addWithin(firstSector: number, sectors: number, place: string): void {
    this.#sectors += sectors
    const continues = this.#last.endSector === firstSector && this.#last.place === place
    this.#last = { endSector: firstSector + sectors, place }
    const last = this.#first.at(-1)
    if (!continues) {
      this.#ranges++
      if (this.#first.length < TOLD_MAX) this.#first.push({ firstSector, sectors, place })
    } else if (last !== undefined && this.#ranges === this.#first.length)
      this.#first[this.#first.length - 1] = { ...last, sectors: last.sectors + sectors }
  }

  /** What a sector belongs to, and where that ends. */
  #placeOf(sector: number): { readonly place: string; readonly endSector: number } {
    const { backupLba, entryCount, partitions } = this.#gpt
    const tableSectors = Math.ceil((entryCount * ENTRY_BYTES) / SECTOR_BYTES)
    if (sector < 2 + tableSectors) return { place: 'partition table', endSector: 2 + tableSectors }
    let endSector = Number.POSITIVE_INFINITY
    for (const { firstLba, name, range, slot } of partitions) {
      const end = firstLba + range.length / SECTOR_BYTES
      if (sector >= firstLba && sector < end) return { place: `partition ${slot} (${name})`, endSector: end }
      if (firstLba > sector) endSector = Math.min(endSector, firstLba)
    }
    const backup = backupLba - tableSectors
    if (sector >= backup) return { place: 'backup partition table', endSector }
    return { place: 'no partition', endSector: Math.min(endSector, backup) }
  }
}
