/**
 * The check after an edit: the new file is opened like any other, and compared with the old one and with what was meant.
 */

import type { ByteDevice } from '../../byte-device.js'
import { OemBakeError, PostCheckError } from '../../errors.js'
import type { Overlay } from '../../overlay.js'
import { type Extent, extent, extentEnd } from '../../units.js'
import { openChecked } from './check.js'
import { partsByCluster } from './edit.js'
import { type ClusterMapping, parseL1Entry, parseL2Entry } from './entry.js'
import { l2EntryBytes, l2TableSpan } from './header.js'
import type { Qcow2Image } from './image.js'
import { Qcow2VirtualDevice } from './virtual-device.js'

/**
 * The edited file's tables are sound; guest clusters that did not change have the same entries, and the same bytes in the
 * same places; those that changed read as meant.
 *
 * @throws ERR_CHECK_OUTPUT
 */
export async function assertEdited(
  before: Qcow2Image,
  edited: Overlay,
  sectors: ByteDevice,
  changed: readonly Extent[],
): Promise<void> {
  const after = await reopened(() => openChecked(edited))
  const { clusterBytes, virtualBytes } = before.header
  if (after.header.virtualBytes !== virtualBytes) throw notAsMeant(`its disk has ${after.header.virtualBytes} bytes`)
  const clusters = clusterNumbers(changed, clusterBytes)
  await assertOthersUntouched(before, after, edited, clusters)
  await assertReadsAsMeant(after, sectors, clusters)
}

/** What is wrong with the edited file is not the image's fault. */
export async function reopened(open: () => Promise<Qcow2Image>): Promise<Qcow2Image> {
  return open().catch((error: unknown) => {
    if (error instanceof OemBakeError && (error.code === 'ERR_QCOW2_INVALID' || error.code === 'ERR_QCOW2_UNSUPPORTED'))
      throw notAsMeant(error.message, error)
    throw error
  })
}

/** @param clusters numbers of the guest clusters that were edited */
export async function assertReadsAsMeant(
  after: Qcow2Image,
  sectors: ByteDevice,
  clusters: ReadonlySet<number>,
): Promise<void> {
  const { clusterBytes, virtualBytes } = after.header
  const disk = new Qcow2VirtualDevice(after)
  for (const cluster of clusters) {
    const offset = cluster * clusterBytes
    const length = Math.min(clusterBytes, virtualBytes - offset)
    if (!(await disk.read(offset, length)).equals(await sectors.read(offset, length)))
      throw notAsMeant(`guest offset ${offset} does not read as it was written`)
  }
}

async function assertOthersUntouched(
  before: Qcow2Image,
  after: Qcow2Image,
  edited: Overlay,
  changed: ReadonlySet<number>,
): Promise<void> {
  const { header } = before
  const entryBytes = l2EntryBytes(header)
  const entries = header.clusterBytes / entryBytes
  const written = clusterNumbers(await edited.changedExtents(), header.clusterBytes)
  const absent = Buffer.alloc(header.clusterBytes)
  const table = async (image: Qcow2Image, l1Index: number): Promise<Buffer> => {
    const pointer = parseL1Entry(image.l1, l1Index, header.clusterBytes)
    return pointer === undefined ? absent : image.file.table(pointer.hostOffset)
  }
  for (let l1Index = 0; l1Index * 8 < before.l1.length; l1Index++) {
    const old = await table(before, l1Index)
    const now = await table(after, l1Index)
    if (old === absent && now === absent) continue
    for (let index = 0; index < entries; index++) {
      const guestOffset = l1Index * l2TableSpan(header) + index * header.clusterBytes
      if (changed.has(guestOffset / header.clusterBytes)) continue
      const at = index * entryBytes
      if (old.compare(now, at, at + entryBytes, at, at + entryBytes) !== 0)
        throw notAsMeant(`guest offset ${guestOffset} lies elsewhere, and was not edited`)
      const host = hostRange(parseL2Entry(old, index, header, guestOffset), header.clusterBytes, before.file.size)
      if (host === undefined || !touches(host, written, header.clusterBytes)) continue
      // Changes are known by the page, and a page may hold several clusters.
      if (await edited.differs(host))
        throw notAsMeant(`guest offset ${guestOffset} was written over, and was not edited`)
    }
  }
}

/** Where a cluster is read from, as far as the file goes; undefined when nowhere. */
function hostRange(mapping: ClusterMapping, clusterBytes: number, fileBytes: number): Extent | undefined {
  if (mapping.kind === 'absent') return undefined
  const length = mapping.kind === 'compressed' ? mapping.length : clusterBytes
  return extent(mapping.hostOffset, Math.min(length, fileBytes - mapping.hostOffset))
}

export function clusterNumbers(changed: readonly Extent[], clusterBytes: number): ReadonlySet<number> {
  return new Set(partsByCluster(changed, clusterBytes).keys())
}

function touches(range: Extent, clusters: ReadonlySet<number>, clusterBytes: number): boolean {
  const last = Math.floor((extentEnd(range) - 1) / clusterBytes)
  for (let cluster = Math.floor(range.offset / clusterBytes); cluster <= last; cluster++)
    if (clusters.has(cluster)) return true
  return false
}

export function notAsMeant(what: string, cause?: unknown): PostCheckError {
  return new PostCheckError('ERR_CHECK_OUTPUT', `the edited qcow2 image is not what was meant: ${what}`, {
    hint: 'check the memory of this machine; nothing was published. If it happens again, please report it',
    cause,
  })
}
