/**
 * Looks at all of a qcow2 file's bookkeeping before any of it is believed.
 *
 * Every table and cluster lies at a cluster's start and inside the file, none is used twice, and every refcount covers the
 * uses. That is more than qemu asks when it opens an image: it reads clusters beyond the end of a file that was cut off as
 * zeros, and says nothing (seen with qemu 7.2). It is also what makes writing in place safe. Leaked clusters are
 * tolerated. So is the dirty bit: it means that refcounts may be behind, and here it is seen whether they are.
 */

import type { ByteDevice } from '../../byte-device.js'
import { parseL1Entry, parseL2Entry, SUBCLUSTERS } from './entry.js'
import { invalidImage, unsupportedImage } from './failure.js'
import { l2EntryBytes, l2TableSpan, type Qcow2Header } from './header.js'
import { HostClusters } from './host-clusters.js'
import { type Qcow2Image, readQcow2 } from './image.js'
import { inflateCluster } from './inflate.js'
import { parseRefcount, refcountsPerBlock } from './refcount.js'

/** How many compressed clusters may end in the last, cut sector of a file: none has fewer than 8 bytes. */
const MAX_IN_LAST_SECTOR = 64

/**
 * Opens a qcow2 file whose tables are sound.
 *
 * @throws ERR_QCOW2_INVALID with the guest or host offset
 * @throws ERR_QCOW2_UNSUPPORTED
 */
export async function openChecked(device: ByteDevice): Promise<Qcow2Image> {
  const image = await readQcow2(device)
  const { header, file } = image
  const clusters = new HostClusters(file.size, header)
  clusters.claim(0, Math.min(header.clusterBytes, file.size), 'the header')
  clusters.claim(header.l1Offset, header.l1Entries * 8, 'the L1 table')
  clusters.claim(header.refcountTableOffset, image.refcountTable.length, 'the refcount table')
  const blocks = claimRefcountBlocks(image, clusters)
  await claimGuestClusters(image, clusters)
  await assertRefcounts(image, clusters, blocks)
  return image
}

/** @returns offset of each refcount block, 0 where there is none */
function claimRefcountBlocks({ header, refcountTable }: Qcow2Image, clusters: HostClusters): Float64Array {
  const blocks = new Float64Array(refcountTable.length / 8)
  for (let index = 0; index < blocks.length; index++) {
    const high = refcountTable.readUInt32BE(index * 8)
    const low = refcountTable.readUInt32BE(index * 8 + 4)
    if (high === 0 && low === 0) continue
    const offset = high * 2 ** 32 + low
    if (offset % header.clusterBytes !== 0)
      throw invalidImage(`refcount block ${index} lies at byte ${offset}, which starts no cluster`)
    clusters.claim(offset, header.clusterBytes, 'refcount block', index)
    blocks[index] = offset
  }
  return blocks
}

async function claimGuestClusters(image: Qcow2Image, clusters: HostClusters): Promise<void> {
  const { header, file, l1 } = image
  const entries = header.clusterBytes / l2EntryBytes(header)
  const empty = Buffer.alloc(header.clusterBytes)
  let inLastSector = 0
  for (let l1Index = 0; l1Index * 8 < l1.length; l1Index++) {
    const pointer = parseL1Entry(l1, l1Index, header.clusterBytes)
    if (pointer === undefined) continue
    const tableGuestOffset = l1Index * l2TableSpan(header)
    clusters.claim(
      pointer.hostOffset,
      header.clusterBytes,
      'the L2 table of guest offset',
      tableGuestOffset,
      pointer.copied,
    )
    const l2 = await file.table(pointer.hostOffset)
    // At the speed of memory: a sparse file may have gigabytes of them.
    if (l2.equals(empty)) continue
    for (let index = 0; index < entries; index++) {
      const guestOffset = tableGuestOffset + index * header.clusterBytes
      const mapping = parseL2Entry(l2, index, header, guestOffset)
      switch (mapping.kind) {
        case 'absent':
          break
        case 'plain':
          clusters.claim(
            mapping.hostOffset,
            presentBytes(mapping.parts, guestOffset, header),
            'the data of guest offset',
            guestOffset,
            mapping.copied,
          )
          break
        case 'compressed': {
          if (!header.deflate) throw unsupportedImage('holds compressed clusters that are not deflate')
          const present = Math.max(1, mapping.length - 511)
          clusters.share(
            mapping.hostOffset,
            mapping.length,
            present,
            'the compressed data of guest offset',
            guestOffset,
          )
          if (mapping.hostOffset + mapping.length <= file.size) break
          // The file ends in its last sector: only the data itself tells whether some of it is missing.
          if (++inLastSector > MAX_IN_LAST_SECTOR)
            throw invalidImage(`more than ${MAX_IN_LAST_SECTOR} compressed clusters end in the last sector of the file`)
          await inflateCluster(file, mapping, header.clusterBytes, guestOffset)
        }
      }
    }
  }
}

/**
 * How much of a plain cluster the file must have: what is ever read from it, and at least its first byte (as qemu-img
 * check asks). The last cluster of the disk, and subclusters that were never written, may be missing at a file's end.
 */
function presentBytes(parts: number, guestOffset: number, { clusterBytes, virtualBytes }: Qcow2Header): number {
  const usedParts = 32 - Math.clz32(parts)
  const onDisk = Math.min(clusterBytes, virtualBytes - guestOffset)
  return Math.max(1, Math.min(onDisk, (usedParts * clusterBytes) / SUBCLUSTERS))
}

async function assertRefcounts({ header, file }: Qcow2Image, clusters: HostClusters, blocks: Float64Array) {
  const perBlock = refcountsPerBlock(header)
  const hint = header.dirty
    ? 'it was not closed properly: repair it with qemu-img check -r all IN'
    : 'download the image again and check its size and digest'
  for (let first = 0; first < clusters.count; first += perBlock) {
    const offset = blocks[first / perBlock] ?? 0
    const block = offset === 0 ? undefined : await file.table(offset)
    const end = Math.min(clusters.count, first + perBlock)
    for (let cluster = first; cluster < end; cluster++) {
      const refcount = block === undefined ? 0 : parseRefcount(block, cluster - first, header.refcountOrder)
      clusters.assertRefcount(cluster, refcount, hint)
    }
  }
}
