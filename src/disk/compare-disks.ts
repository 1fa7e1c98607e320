/**
 * Compares two virtual disks sector by sector, without reading what is known to be the same.
 *
 * What is known comes from below, as ranges of the two image *files* (`codec/bzip2/pair.ts`). A raw disk is its own file.
 * Of two qcow2 files the same sectors may lie in different places: a stretch need not be read where both files have it in
 * the same place, in bytes known to be the same, or where neither has it, which is zeros. Everything else is read and
 * compared.
 */
import { piecesOf } from '../byte-device.js'
import { throwIfCancelled } from '../errors.js'
import { fill, PIECE_BYTES } from '../in-order.js'
import type { RunContext } from '../progress.js'
import { type Extent, extent, extentEnd, SECTOR_BYTES } from '../units.js'
import type { VirtualDisk } from './disk.js'
import type { Qcow2VirtualDevice, Run } from './qcow2/virtual-device.js'

/** Two disks of the same size. */
export interface DiskPair {
  readonly original: VirtualDisk
  readonly baked: VirtualDisk
  /** Ranges of both image files that hold the same bytes; sorted, apart. */
  readonly same: readonly Extent[]
}

/**
 * @param range of the disk; whole sectors
 * @param found called with each stretch of sectors that differ, in order; stretches may touch
 */
export async function compareDisks(
  pair: DiskPair,
  range: Extent,
  found: (sectors: Extent) => void,
  context: RunContext,
): Promise<void> {
  const buffers = [Buffer.allocUnsafeSlow(PIECE_BYTES), Buffer.allocUnsafeSlow(PIECE_BYTES)] as const
  const totalBytes = pair.original.sectors.size
  for await (const piece of unknownPieces(pair, range)) {
    throwIfCancelled(context.signal)
    const a = buffers[0].subarray(0, piece.length)
    const b = buffers[1].subarray(0, piece.length)
    await Promise.all([fill(pair.original.sectors, piece.offset, a), fill(pair.baked.sectors, piece.offset, b)])
    if (!a.equals(b)) for (const sectors of differingSectors(a, b)) found(shifted(sectors, piece.offset))
    context.report({ kind: 'progress', phase: 'compare', doneBytes: extentEnd(piece), totalBytes })
  }
}

/** What of a range has to be read, in pieces. */
async function* unknownPieces({ baked, original, same }: DiskPair, range: Extent): AsyncGenerator<Extent> {
  const known = new KnownBytes(same)
  const inFile = original.format === 'raw' && baked.format === 'raw'
  for (let offset: number = range.offset; offset < extentEnd(range); ) {
    const left = extentEnd(range) - offset
    const [isKnown, length] = inFile
      ? known.at(offset, left)
      : original.clusters !== undefined && baked.clusters !== undefined
        ? await knownClusters(original.clusters, baked.clusters, offset, left, known)
        : ([false, left] as const)
    // Reading goes by sectors, and so does what is found.
    const start = Math.floor(offset / SECTOR_BYTES) * SECTOR_BYTES
    const end = Math.ceil((offset + length) / SECTOR_BYTES) * SECTOR_BYTES
    if (!isKnown) yield* piecesOf(extent(start, Math.min(end, extentEnd(range)) - start), PIECE_BYTES)
    offset = isKnown ? offset + length : Math.min(end, extentEnd(range))
  }
}

/** Whether the next stretch of guest bytes is known to be the same in both files, and how long it is. */
async function knownClusters(
  original: Qcow2VirtualDevice,
  baked: Qcow2VirtualDevice,
  offset: number,
  limit: number,
  known: KnownBytes,
): Promise<readonly [boolean, number]> {
  const [a, b] = await Promise.all([original.runAt(offset, limit), baked.runAt(offset, limit)])
  const length = Math.min(a.length, b.length)
  if (a.kind === 'zeros' && b.kind === 'zeros') return [true, length]
  if (a.kind === 'data' && b.kind === 'data' && a.hostOffset === b.hostOffset) return known.at(a.hostOffset, length)
  return [original.clusterBytes === baked.clusterBytes && isSameCluster(a, b, known), length]
}

/** Both inflate the same bytes of their files. */
function isSameCluster(a: Run, b: Run, known: KnownBytes): boolean {
  if (a.kind !== 'compressed' || b.kind !== 'compressed' || a.clusterOffset !== b.clusterOffset) return false
  const { hostOffset, length } = a.mapping
  if (hostOffset !== b.mapping.hostOffset || length !== b.mapping.length) return false
  const [isKnown, knownLength] = known.at(hostOffset, length)
  return isKnown && knownLength === length
}

/** Ranges of bytes that are known, to be asked in any order. */
class KnownBytes {
  readonly #ranges: readonly Extent[]

  constructor(ranges: readonly Extent[]) {
    this.#ranges = ranges
  }

  /** Whether the byte at an offset is known, and how many from it on are so or are not; at most `limit`. */
  at(offset: number, limit: number): readonly [boolean, number] {
    let low = 0
    let high = this.#ranges.length
    // The first range that ends behind the offset.
    while (low < high) {
      const middle = (low + high) >> 1
      const range = this.#ranges[middle]
      if (range !== undefined && extentEnd(range) > offset) high = middle
      else low = middle + 1
    }
    const range = this.#ranges[low]
    if (range === undefined) return [false, limit]
    if (range.offset > offset) return [false, Math.min(limit, range.offset - offset)]
    return [true, Math.min(limit, extentEnd(range) - offset)]
  }
}

/** Stretches of sectors that differ between two buffers. */
function* differingSectors(a: Buffer, b: Buffer): Generator<Extent> {
  let start = -1
  for (let at = 0; at < a.length; at += SECTOR_BYTES) {
    const end = Math.min(at + SECTOR_BYTES, a.length)
    const differs = a.compare(b, at, end, at, end) !== 0
    if (differs && start === -1) start = at
    if (!differs && start !== -1) {
      yield extent(start, at - start)
      start = -1
    }
  }
  if (start !== -1) yield extent(start, a.length - start)
}

function shifted(range: Extent, by: number): Extent {
  return extent(range.offset + by, range.length)
}
