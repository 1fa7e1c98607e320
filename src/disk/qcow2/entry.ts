/**
 * One entry of an L1 or L2 table: where a guest cluster's bytes are.
 *
 * Source: QEMU docs/interop/qcow2.rst, sections "Cluster mapping" and "Extended L2 Entries". Entries are 64-bit
 * big-endian; they are taken apart as two 32-bit halves, because an image has up to a million of them and bigint is slow.
 * Words: a *guest* offset is one on the virtual disk, a *host* offset one in the qcow2 file. Reserved bits that are set
 * are damage, as for qemu-img check.
 */
import { invalidImage } from './failure.js'
import { l2EntryBytes, type Qcow2Header } from './header.js'

export type ClusterMapping =
  /** Nothing in the file: zeros. */
  | { readonly kind: 'absent' }
  | {
      readonly kind: 'plain'
      readonly hostOffset: number
      /** The entry says that nothing else uses the host cluster: its refcount is 1. */
      readonly copied: boolean
      /**
       * Which of 32 equal parts are read from the host cluster, bit 0 for the first; the others read as zeros. A plain
       * L2 entry has all of them or, with the zero flag, none.
       */
      readonly parts: number
    }
  /** Raw deflate somewhere in these bytes, from the first on. */
  | { readonly kind: 'compressed'; readonly hostOffset: number; readonly length: number }

/** All 32 subclusters, as an unsigned number. */
export const ALL_PARTS = 0xffffffff
export const SUBCLUSTERS = 32

const ABSENT: ClusterMapping = { kind: 'absent' }

// High half of an entry.
const COPIED = 0x80000000
const COMPRESSED = 0x40000000
const STANDARD_RESERVED_HIGH = 0x3f000000
const L1_RESERVED_HIGH = 0x7f000000
const OFFSET_HIGH = 0x00ffffff
// Low half.
const OFFSET_LOW = 0xfffffe00
const ZERO_FLAG = 1
const STANDARD_RESERVED_LOW = 0x1fe

const HALF = 2 ** 32
const SECTOR_BYTES = 512

export interface TablePointer {
  readonly hostOffset: number
  readonly copied: boolean
}

/**
 * @returns undefined when there is no L2 table
 * @throws ERR_QCOW2_INVALID
 */
export function parseL1Entry(l1: Buffer, index: number, clusterBytes: number): TablePointer | undefined {
  const high = l1.readUInt32BE(index * 8)
  const low = l1.readUInt32BE(index * 8 + 4)
  if (high === 0 && low === 0) return undefined
  if ((high & L1_RESERVED_HIGH) !== 0 || (low & ~OFFSET_LOW) !== 0)
    throw invalidImage(`L1 entry ${index} is 0x${hex(high, low)}, with reserved bits set`)
  const hostOffset = (high & OFFSET_HIGH) * HALF + low
  if (hostOffset % clusterBytes !== 0)
    throw invalidImage(`L1 entry ${index} points to byte ${hostOffset}, which starts no cluster`)
  if (hostOffset === 0) throw invalidImage(`L1 entry ${index} is marked as copied, and points nowhere`)
  return { hostOffset, copied: (high & COPIED) !== 0 }
}

/** An L1 entry, or a plain L2 entry, for a cluster that nothing else uses. */
function formatPointer(hostOffset: number): Buffer {
  const entry = Buffer.alloc(8)
  entry.writeUInt32BE((Math.floor(hostOffset / HALF) | COPIED) >>> 0, 0)
  entry.writeUInt32BE(hostOffset % HALF, 4)
  return entry
}

export const formatL1Entry = formatPointer

/** An L2 entry for a plain cluster whose bytes are all in the file. */
export function formatL2Entry(hostOffset: number, header: Qcow2Header): Buffer {
  if (!header.extendedL2) return formatPointer(hostOffset)
  const bitmap = Buffer.alloc(8)
  bitmap.writeUInt32BE(ALL_PARTS, 4)
  return Buffer.concat([formatPointer(hostOffset), bitmap])
}

/**
 * @param guestOffset for the message
 * @throws ERR_QCOW2_INVALID
 */
export function parseL2Entry(l2: Buffer, index: number, header: Qcow2Header, guestOffset: number): ClusterMapping {
  const at = index * l2EntryBytes(header)
  const high = l2.readUInt32BE(at)
  const low = l2.readUInt32BE(at + 4)
  const zeroParts = header.extendedL2 ? l2.readUInt32BE(at + 8) : 0
  const dataParts = header.extendedL2 ? l2.readUInt32BE(at + 12) : 0
  if (high === 0 && low === 0 && dataParts === 0) return ABSENT
  const invalid = (what: string) =>
    invalidImage(`the L2 entry of guest offset ${guestOffset} is 0x${hex(high, low)}, ${what}`)

  if ((high & COMPRESSED) !== 0) {
    if ((high & COPIED) !== 0) throw invalid('compressed and marked as copied')
    if (zeroParts !== 0 || dataParts !== 0) throw invalid('compressed and with subclusters')
    return parseCompressed(high, low, header.clusterBits)
  }
  const zero = (low & ZERO_FLAG) !== 0
  if ((high & STANDARD_RESERVED_HIGH) !== 0 || (low & STANDARD_RESERVED_LOW) !== 0)
    throw invalid('with reserved bits set')
  if (zero && (header.version === 2 || header.extendedL2))
    throw invalid('with a zero flag that its version does not have')
  if ((zeroParts & dataParts) !== 0) throw invalid('with subclusters that are both zero and allocated')
  const hostOffset = (high & OFFSET_HIGH) * HALF + ((low & OFFSET_LOW) >>> 0)
  if (hostOffset % header.clusterBytes !== 0) throw invalid(`at byte ${hostOffset}, which starts no cluster`)
  if (hostOffset === 0) {
    // Both need a host cluster; only an external data file has one at byte 0.
    if (dataParts !== 0 || (high & COPIED) !== 0) throw invalid('allocated nowhere')
    return ABSENT
  }
  const parts = header.extendedL2 ? dataParts : zero ? 0 : ALL_PARTS
  return { kind: 'plain', hostOffset, copied: (high & COPIED) !== 0, parts }
}

/** "Compressed Clusters Descriptor": offset in the low bits, number of further sectors in the `clusterBits - 8` above. */
function parseCompressed(high: number, low: number, clusterBits: number): ClusterMapping {
  const offsetBitsHigh = 62 - (clusterBits - 8) - 32
  const descriptor = high & (COMPRESSED - 1)
  const hostOffset = (descriptor % 2 ** offsetBitsHigh) * HALF + low
  const sectors = Math.floor(descriptor / 2 ** offsetBitsHigh) + 1
  return { kind: 'compressed', hostOffset, length: sectors * SECTOR_BYTES - (hostOffset % SECTOR_BYTES) }
}

function hex(high: number, low: number): string {
  return high.toString(16).padStart(8, '0') + low.toString(16).padStart(8, '0')
}
