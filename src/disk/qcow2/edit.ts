/**
 * Puts changed sectors of the virtual disk into the bytes of the qcow2 file, by an overlay on it.
 *
 * A guest cluster that has a host cluster to itself is written in place: one that holds data only where it changed, one
 * that reads as zeros (in part) as a whole. All others get a new cluster: what was never written, what is compressed, and
 * what has a refcount above 1. Zeros are written like everything else. Guest clusters that did not change keep their
 * entries and their bytes.
 */
import type { ByteDevice } from '../../byte-device.js'
import { Overlay } from '../../overlay.js'
import { type Extent, extent, extentEnd } from '../../units.js'
import { Allocation } from './allocation.js'
import { ALL_PARTS, formatL1Entry, formatL2Entry, parseL1Entry, parseL2Entry } from './entry.js'
import { FIELD, l2EntryBytes, l2TableSpan } from './header.js'
import type { Qcow2Image } from './image.js'

/**
 * @param image whose tables were checked: an entry's copied flag is its refcount
 * @param sectors the virtual disk as it is to be
 * @param changed ranges of it that may differ from the image, sorted
 */
export async function editQcow2(image: Qcow2Image, sectors: ByteDevice, changed: readonly Extent[]): Promise<Overlay> {
  const { header, file, l1 } = image
  const { clusterBytes } = header
  const out = new Overlay(file)
  if (changed.length === 0) return out
  const allocation = new Allocation(image)
  const entryBytes = l2EntryBytes(header)
  const span = l2TableSpan(header)
  const noTable = Buffer.alloc(clusterBytes)
  // New clusters lie behind the end until `finish` has made the file longer, so writes to them wait.
  const writes: { readonly hostOffset: number; readonly bytes: () => Promise<Buffer> }[] = []

  const parts = partsByCluster(changed, clusterBytes)
  for (const [l1Index, clusters] of byTable(parts.keys(), span / clusterBytes)) {
    const pointer = parseL1Entry(l1, l1Index, clusterBytes)
    const l2 = pointer === undefined ? noTable : await file.table(pointer.hostOffset)
    const entries: { readonly at: number; readonly bytes: Buffer }[] = []
    for (const cluster of clusters) {
      const guestOffset = cluster * clusterBytes
      const index = cluster % (span / clusterBytes)
      const mapping = parseL2Entry(l2, index, header, guestOffset)
      if (mapping.kind === 'plain' && mapping.copied && mapping.parts === ALL_PARTS) {
        for (const part of parts.get(cluster) ?? []) {
          const hostOffset = mapping.hostOffset + part.offset - guestOffset
          writes.push({ hostOffset, bytes: () => sectors.read(part.offset, part.length) })
        }
        continue
      }
      const inPlace = mapping.kind === 'plain' && mapping.copied
      const hostOffset = inPlace ? mapping.hostOffset : allocation.allocate()
      if (mapping.kind === 'compressed') allocation.release(mapping.hostOffset, mapping.length)
      if (mapping.kind === 'plain' && !inPlace) allocation.release(mapping.hostOffset, clusterBytes)
      writes.push({ hostOffset, bytes: () => readCluster(sectors, guestOffset, clusterBytes) })
      entries.push({ at: index * entryBytes, bytes: formatL2Entry(hostOffset, header) })
    }
    if (entries.length === 0) continue
    if (pointer?.copied === true) {
      const { hostOffset } = pointer
      writes.push(...entries.map(({ at, bytes }) => ({ hostOffset: hostOffset + at, bytes: async () => bytes })))
    } else {
      const hostOffset = allocation.allocate()
      if (pointer !== undefined) allocation.release(pointer.hostOffset, clusterBytes)
      const table = Buffer.from(l2)
      for (const { at, bytes } of entries) bytes.copy(table, at)
      writes.push({ hostOffset, bytes: async () => table })
      await out.write(header.l1Offset + l1Index * 8, formatL1Entry(hostOffset))
    }
  }

  await allocation.finish(out)
  for (const { hostOffset, bytes } of writes) {
    const content = await bytes()
    // A preallocated cluster may be cut by the end of the file.
    if (hostOffset + content.length > out.size) out.grow(hostOffset + content.length)
    await out.write(hostOffset, content)
  }
  if (header.autoclear) await out.write(FIELD.autoclear, Buffer.alloc(8))
  return out
}

/** What of each cluster lies in a list of sorted ranges: by cluster number, in order. */
export function partsByCluster(
  ranges: readonly Extent[],
  clusterBytes: number,
): ReadonlyMap<number, readonly Extent[]> {
  const clusters = new Map<number, Extent[]>()
  for (const range of ranges) {
    const end = extentEnd(range)
    for (let offset: number = range.offset; offset < end; ) {
      const cluster = Math.floor(offset / clusterBytes)
      const partEnd = Math.min(end, (cluster + 1) * clusterBytes)
      pushTo(clusters, cluster, extent(offset, partEnd - offset))
      offset = partEnd
    }
  }
  return clusters
}

/** Guest clusters by the index of their L2 table. */
function byTable(clusters: Iterable<number>, perTable: number): ReadonlyMap<number, readonly number[]> {
  const tables = new Map<number, number[]>()
  for (const cluster of clusters) pushTo(tables, Math.floor(cluster / perTable), cluster)
  return tables
}

function pushTo<Value>(lists: Map<number, Value[]>, key: number, value: Value): void {
  const list = lists.get(key)
  if (list === undefined) lists.set(key, [value])
  else list.push(value)
}

/** A guest cluster; what lies beyond the end of the disk is zeros. */
async function readCluster(sectors: ByteDevice, offset: number, clusterBytes: number): Promise<Buffer> {
  const bytes = await sectors.read(offset, Math.min(clusterBytes, sectors.size - offset))
  return bytes.length === clusterBytes ? bytes : Buffer.concat([bytes], clusterBytes)
}
