/**
 * The qcow2 header: where the tables are, and whether it is an image that stands alone.
 *
 * Source: QEMU docs/interop/qcow2.rst, section "Header". Big-endian. An image that names a backing file or an external
 * data file would make a reader open other files of this machine, so both are refused before anything else is read.
 * Whether what the header points to lies inside the file is for `image.ts`. Left out: `snapshots_offset` (images with
 * snapshots are refused) and `compression_type` (whatever the feature bit announces, it is not deflate).
 */
import { ImageError } from '../../errors.js'
import { formatBytes } from '../../units.js'
import { unsupportedImage } from './failure.js'

export interface Qcow2Header {
  readonly version: 2 | 3
  /** Length of the header structure; extensions follow it. */
  readonly headerBytes: number
  readonly clusterBits: number
  readonly clusterBytes: number
  /** Size of the virtual disk. */
  readonly virtualBytes: number
  readonly l1Offset: number
  /** Entries of the L1 table, at least as many as the virtual disk needs. */
  readonly l1Entries: number
  readonly refcountTableOffset: number
  readonly refcountTableClusters: number
  /** A refcount has `2 ** refcountOrder` bits. */
  readonly refcountOrder: number
  /** L2 entries have 16 bytes and a bitmap of subclusters. */
  readonly extendedL2: boolean
  /** Compressed clusters, if there are any, are raw deflate; otherwise something that Node 20 can't decode. */
  readonly deflate: boolean
  /** It was not closed properly by a writer that updates refcounts late. */
  readonly dirty: boolean
  /** Some autoclear bits are set; whoever writes to the image without knowing them clears them. */
  readonly autoclear: boolean
}

/** The longest header that is read here. */
export const QCOW2_HEADER_BYTES = 104
const VERSION_2_HEADER_BYTES = 72

/** Offsets of the fields that are read, or written after an edit. */
export const FIELD = {
  /** 4 u32 */ version: 4,
  /** 8 u64 */ backingFileOffset: 8,
  /** 20 u32 */ clusterBits: 20,
  /** 24 u64 */ size: 24,
  /** 32 u32 */ cryptMethod: 32,
  /** 36 u32 */ l1Size: 36,
  /** 40 u64 */ l1TableOffset: 40,
  /** 48 u64 */ refcountTableOffset: 48,
  /** 56 u32 */ refcountTableClusters: 56,
  /** 60 u32 */ snapshots: 60,
  /** 72 u64, version 3 */ incompatible: 72,
  /** 88 u64, version 3 */ autoclear: 88,
  /** 96 u32, version 3 */ refcountOrder: 96,
  /** 100 u32, version 3 */ headerLength: 100,
} as const

const INCOMPATIBLE_DIRTY = 1n << 0n
const INCOMPATIBLE_CORRUPT = 1n << 1n
const INCOMPATIBLE_EXTERNAL_DATA = 1n << 2n
const INCOMPATIBLE_COMPRESSION = 1n << 3n
const INCOMPATIBLE_EXTENDED_L2 = 1n << 4n
const INCOMPATIBLE_KNOWN = INCOMPATIBLE_DIRTY | INCOMPATIBLE_COMPRESSION | INCOMPATIBLE_EXTENDED_L2

/** 16-bit refcounts: what version 2 always has. */
const VERSION_2_REFCOUNT_ORDER = 4
/** Subclusters have at least a sector: 32 of 512 bytes. */
const EXTENDED_L2_CLUSTER_BITS = 14

/** QEMU's own limits, which no image that it made exceeds. */
const L1_TABLE_MAX_BYTES = 32 << 20
const REFCOUNT_TABLE_MAX_BYTES = 8 << 20
/** Two thousand times the largest image of either vendor; keeps every walk over the tables short. */
const VIRTUAL_MAX_BYTES = 64 * 2 ** 40

/**
 * @param bytes the first 104 bytes of the file, or all of it if it is shorter
 * @throws ERR_QCOW2_INVALID when fields contradict the specification
 * @throws ERR_QCOW2_UNSUPPORTED for backing files, external data files, encryption, snapshots, unknown features
 */
export function parseQcow2Header(bytes: Buffer): Qcow2Header {
  if (bytes.length < VERSION_2_HEADER_BYTES) throw invalid('the file ends inside the header')
  const version = bytes.readUInt32BE(FIELD.version)
  if (version !== 2 && version !== 3)
    throw unsupportedImage(
      `is of version ${version}, not 2 or 3`,
      'convert it: qemu-img convert -O qcow2 -o compat=0.10 IN OUT',
    )
  if (version === 3 && bytes.length < QCOW2_HEADER_BYTES) throw invalid('the file ends inside the header')
  if (bytes.readBigUInt64BE(FIELD.backingFileOffset) !== 0n)
    throw unsupportedImage('has a backing file', 'make it stand alone: qemu-img convert -O qcow2 IN OUT')
  if (bytes.readUInt32BE(FIELD.cryptMethod) !== 0)
    throw unsupportedImage('is encrypted', 'decrypt it: qemu-img convert -O qcow2 with the key, then bake that')
  if (bytes.readUInt32BE(FIELD.snapshots) !== 0)
    throw unsupportedImage('holds internal snapshots', 'drop them: qemu-img convert -O qcow2 IN OUT')
  const features = version === 3 ? parseFeatures(bytes) : VERSION_2_FEATURES

  const clusterBits = bytes.readUInt32BE(FIELD.clusterBits)
  const leastBits = features.extendedL2 ? EXTENDED_L2_CLUSTER_BITS : 9
  if (clusterBits < leastBits || clusterBits > 21)
    throw invalid(`cluster_bits is ${clusterBits}, expected ${leastBits} to 21`)
  const clusterBytes = 2 ** clusterBits
  if (features.headerBytes > clusterBytes)
    throw invalid(`header_length is ${features.headerBytes}, more than a cluster of ${clusterBytes} bytes`)

  const virtualBytes = safe(bytes.readBigUInt64BE(FIELD.size), 'the virtual size')
  if (virtualBytes === 0 || virtualBytes % 512 !== 0)
    throw invalid(`the virtual size is ${virtualBytes} bytes, expected a whole number of 512-byte sectors`)
  if (virtualBytes > VIRTUAL_MAX_BYTES)
    throw unsupportedImage(
      `holds a disk of ${formatBytes(virtualBytes)}, more than ${formatBytes(VIRTUAL_MAX_BYTES)}`,
      'use the image as it was published',
    )

  const header: Qcow2Header = {
    version,
    clusterBits,
    clusterBytes,
    virtualBytes,
    l1Offset: safe(bytes.readBigUInt64BE(FIELD.l1TableOffset), 'l1_table_offset'),
    l1Entries: bytes.readUInt32BE(FIELD.l1Size),
    refcountTableOffset: safe(bytes.readBigUInt64BE(FIELD.refcountTableOffset), 'refcount_table_offset'),
    refcountTableClusters: bytes.readUInt32BE(FIELD.refcountTableClusters),
    ...features,
  }
  assertTables(header)
  return header
}

type Features = Pick<Qcow2Header, 'headerBytes' | 'refcountOrder' | 'extendedL2' | 'deflate' | 'dirty' | 'autoclear'>

const VERSION_2_FEATURES: Features = {
  headerBytes: VERSION_2_HEADER_BYTES,
  refcountOrder: VERSION_2_REFCOUNT_ORDER,
  extendedL2: false,
  deflate: true,
  dirty: false,
  autoclear: false,
}

function parseFeatures(bytes: Buffer): Features {
  const incompatible = bytes.readBigUInt64BE(FIELD.incompatible)
  if ((incompatible & INCOMPATIBLE_EXTERNAL_DATA) !== 0n)
    throw unsupportedImage(
      'keeps its data in an external file',
      'make it stand alone: qemu-img convert -O qcow2 IN OUT',
    )
  if ((incompatible & INCOMPATIBLE_CORRUPT) !== 0n)
    throw invalid('it is marked corrupt', 'qemu-img check -r all IN, or download it again')
  const unknown = incompatible & ~INCOMPATIBLE_KNOWN
  if (unknown !== 0n) throw unsupportedImage(`uses unknown incompatible features (0x${unknown.toString(16)})`)
  const headerBytes = bytes.readUInt32BE(FIELD.headerLength)
  if (headerBytes < QCOW2_HEADER_BYTES || headerBytes % 8 !== 0)
    throw invalid(`header_length is ${headerBytes}, expected a multiple of 8 from ${QCOW2_HEADER_BYTES} on`)
  const refcountOrder = bytes.readUInt32BE(FIELD.refcountOrder)
  if (refcountOrder > 6) throw invalid(`refcount_order is ${refcountOrder}, expected 0 to 6`)
  return {
    headerBytes,
    refcountOrder,
    extendedL2: (incompatible & INCOMPATIBLE_EXTENDED_L2) !== 0n,
    deflate: (incompatible & INCOMPATIBLE_COMPRESSION) === 0n,
    dirty: (incompatible & INCOMPATIBLE_DIRTY) !== 0n,
    autoclear: bytes.readBigUInt64BE(FIELD.autoclear) !== 0n,
  }
}

/** Bytes of an L2 entry. */
export function l2EntryBytes(header: Qcow2Header): 8 | 16 {
  return header.extendedL2 ? 16 : 8
}

/** Bytes of the virtual disk that one L2 table maps. */
export function l2TableSpan(header: Qcow2Header): number {
  return (header.clusterBytes / l2EntryBytes(header)) * header.clusterBytes
}

/** How many L1 entries map the virtual disk; an L1 table may have more. */
export function l1EntriesNeeded(header: Qcow2Header): number {
  return Math.ceil(header.virtualBytes / l2TableSpan(header))
}

function assertTables(header: Qcow2Header): void {
  const { clusterBytes, l1Offset, l1Entries, refcountTableOffset, refcountTableClusters } = header
  for (const [name, offset] of [
    ['L1', l1Offset],
    ['refcount', refcountTableOffset],
  ] as const) {
    if (offset === 0 || offset % clusterBytes !== 0)
      throw invalid(
        `the ${name} table lies at byte ${offset}, expected the start of a cluster of ${clusterBytes} bytes`,
      )
  }
  if (l1Entries * 8 > L1_TABLE_MAX_BYTES)
    throw invalid(`the L1 table has ${l1Entries} entries, expected at most ${L1_TABLE_MAX_BYTES / 8}`)
  const needed = l1EntriesNeeded(header)
  if (l1Entries < needed) throw invalid(`the L1 table has ${l1Entries} entries, the virtual disk needs ${needed}`)
  if (refcountTableClusters === 0 || refcountTableClusters * clusterBytes > REFCOUNT_TABLE_MAX_BYTES)
    throw invalid(
      `the refcount table has ${refcountTableClusters} clusters, expected 1 to ${REFCOUNT_TABLE_MAX_BYTES / clusterBytes}`,
    )
}

function safe(value: bigint, what: string): number {
  if (value > BigInt(Number.MAX_SAFE_INTEGER)) throw invalid(`${what} is ${value}, more than any file holds`)
  return Number(value)
}

function invalid(what: string, hint = 'download the image again'): ImageError {
  return new ImageError('ERR_QCOW2_INVALID', `the qcow2 header is not valid: ${what}`, { hint })
}
