/**
 * The check after an edit of a file whose tables are known to be sound: only what was written is looked at.
 *
 * Of a file that an earlier run has checked (known by its digest), reading all tables again costs more than the edit: each
 * lies in a block of bzip2 of its own. But what an edit may do is little, so it can be told from the outside: every
 * difference has to be one of those that `edit.ts` makes on purpose, each new cluster lies behind the old end of the file and
 * is used once, and the refcounts differ by just that. `assert-edited.ts` is for files that nobody has looked at before.
 */
import type { ByteDevice } from '../../byte-device.js'
import type { Overlay } from '../../overlay.js'
import { type Extent, extent } from '../../units.js'
import { assertReadsAsMeant, clusterNumbers, notAsMeant, reopened } from './assert-edited.js'
import { ALL_PARTS, type ClusterMapping, parseL1Entry, parseL2Entry } from './entry.js'
import { FIELD, l2EntryBytes, l2TableSpan } from './header.js'
import { type Qcow2Image, readQcow2 } from './image.js'
import { parseRefcount, refcountsPerBlock } from './refcount.js'

/**
 * @param before whose tables are sound
 * @param changed what of the disk was edited
 * @throws ERR_CHECK_OUTPUT
 */
export async function assertChange(
  before: Qcow2Image,
  edited: Overlay,
  sectors: ByteDevice,
  changed: readonly Extent[],
): Promise<void> {
  const after = await reopened(() => readQcow2(edited))
  const guests = clusterNumbers(changed, before.header.clusterBytes)
  const books = new Books(before, edited.size)
  await compareHeaders(before, after, books)
  const blocks = compareRefcountTables(before, after, books)
  for (const l1Index of compareL1(before, after, guests, books)) await compareL2(before, after, l1Index, guests, books)
  await compareRefcounts(before, after, blocks, edited, books)
  await assertNothingElseWritten(before, edited, books)
  await assertReadsAsMeant(after, sectors, guests)
}

/** What an edit of these clusters comes to. */
class Books {
  /** Clusters of the file before and after. */
  readonly oldCount: number
  readonly newCount: number
  /** Host clusters of the old file that may have been written to. */
  readonly writable = new Set<number>()
  /** New clusters, each with its one use. */
  readonly claimed = new Set<number>()
  /** How often old clusters are used less. */
  readonly released = new Map<number, number>()
  readonly #clusterBytes: number

  constructor({ file, header }: Qcow2Image, newBytes: number) {
    this.#clusterBytes = header.clusterBytes
    this.oldCount = Math.ceil(file.size / header.clusterBytes)
    this.newCount = Math.ceil(newBytes / header.clusterBytes)
  }

  claim(offset: number, length: number, owner: string): void {
    for (const cluster of this.#clusters(offset, length)) {
      if (offset % this.#clusterBytes !== 0 || cluster < this.oldCount || cluster >= this.newCount)
        throw notAsMeant(`${owner} lies at byte ${offset}, which is no new cluster`)
      if (this.claimed.has(cluster)) throw notAsMeant(`the new cluster at byte ${offset} is used twice`)
      this.claimed.add(cluster)
    }
  }

  release(offset: number, length: number): void {
    for (const cluster of this.#clusters(offset, length))
      this.released.set(cluster, (this.released.get(cluster) ?? 0) + 1)
  }

  mayWrite(offset: number, length: number): void {
    for (const cluster of this.#clusters(offset, length)) this.writable.add(cluster)
  }

  *#clusters(offset: number, length: number): Generator<number> {
    const end = Math.ceil((offset + length) / this.#clusterBytes)
    for (let cluster = Math.floor(offset / this.#clusterBytes); cluster < end; cluster++) yield cluster
  }
}

/** The same but for autoclear bits, which go, and the place of the refcount table. */
async function compareHeaders(before: Qcow2Image, after: Qcow2Image, books: Books): Promise<void> {
  const length = Math.min(before.header.clusterBytes, before.file.size)
  const old = Buffer.from(await before.file.read(0, length))
  const now = await after.file.read(0, length)
  books.mayWrite(0, length)
  if (before.header.autoclear) old.fill(0, FIELD.autoclear, FIELD.autoclear + 8)
  now.copy(old, FIELD.refcountTableOffset, FIELD.refcountTableOffset, FIELD.refcountTableClusters + 4)
  if (!old.equals(now)) throw notAsMeant('its header differs')
}

/** @returns offset of each refcount block, before and after; 0 where there is none */
function compareRefcountTables(before: Qcow2Image, after: Qcow2Image, books: Books): (readonly [number, number])[] {
  const { clusterBytes, refcountTableOffset } = before.header
  if (after.header.refcountTableOffset !== refcountTableOffset) {
    books.claim(after.header.refcountTableOffset, after.refcountTable.length, 'the refcount table')
    books.release(refcountTableOffset, before.refcountTable.length)
  } else books.mayWrite(refcountTableOffset, before.refcountTable.length)
  if (after.refcountTable.length < before.refcountTable.length) throw notAsMeant('its refcount table is shorter')
  const entry = (table: Buffer, index: number): number =>
    index * 8 < table.length ? Number(table.readBigUInt64BE(index * 8)) : 0
  const blocks: (readonly [number, number])[] = []
  for (let index = 0; index * 8 < after.refcountTable.length; index++) {
    const [old, now] = [entry(before.refcountTable, index), entry(after.refcountTable, index)]
    if (old !== now) {
      if (old !== 0) throw notAsMeant(`refcount block ${index} lies elsewhere`)
      books.claim(now, clusterBytes, `refcount block ${index}`)
    }
    blocks.push([old, now])
  }
  return blocks
}

/** @returns indexes of the tables that edited clusters are in */
function compareL1(
  before: Qcow2Image,
  after: Qcow2Image,
  guests: ReadonlySet<number>,
  books: Books,
): readonly number[] {
  const { clusterBytes, l1Entries, l1Offset } = before.header
  const perTable = l2TableSpan(before.header) / clusterBytes
  const edited = new Set([...guests].map((cluster) => Math.floor(cluster / perTable)))
  books.mayWrite(l1Offset, l1Entries * 8)
  for (let index = 0; index * 8 < before.l1.length; index++) {
    const at = index * 8
    if (before.l1.compare(after.l1, at, at + 8, at, at + 8) === 0) continue
    const [old, now] = [parseL1Entry(before.l1, index, clusterBytes), parseL1Entry(after.l1, index, clusterBytes)]
    if (!edited.has(index) || now?.copied !== true) throw notAsMeant(`L1 entry ${index} differs`)
    books.claim(now.hostOffset, clusterBytes, `L2 table ${index}`)
    if (old !== undefined) books.release(old.hostOffset, clusterBytes)
  }
  return [...edited]
}

async function compareL2(
  before: Qcow2Image,
  after: Qcow2Image,
  l1Index: number,
  guests: ReadonlySet<number>,
  books: Books,
): Promise<void> {
  const { header } = before
  const { clusterBytes } = header
  const table = async ({ file, l1 }: Qcow2Image): Promise<{ readonly hostOffset: number; readonly bytes: Buffer }> => {
    const pointer = parseL1Entry(l1, l1Index, clusterBytes)
    if (pointer === undefined) return { hostOffset: 0, bytes: Buffer.alloc(clusterBytes) }
    return { hostOffset: pointer.hostOffset, bytes: await file.table(pointer.hostOffset) }
  }
  const [old, now] = [await table(before), await table(after)]
  if (now.hostOffset === old.hostOffset && now.hostOffset !== 0) books.mayWrite(now.hostOffset, clusterBytes)
  const entryBytes = l2EntryBytes(header)
  const entries = clusterBytes / entryBytes
  for (let index = 0; index < entries; index++) {
    const cluster = l1Index * entries + index
    const at = index * entryBytes
    const same = old.bytes.compare(now.bytes, at, at + entryBytes, at, at + entryBytes) === 0
    if (!guests.has(cluster)) {
      if (!same) throw notAsMeant(`guest offset ${cluster * clusterBytes} lies elsewhere, and was not edited`)
      continue
    }
    const guestOffset = cluster * clusterBytes
    const from = parseL2Entry(old.bytes, index, header, guestOffset)
    const to = parseL2Entry(now.bytes, index, header, guestOffset)
    if (to.kind !== 'plain' || !to.copied || to.parts !== ALL_PARTS)
      throw notAsMeant(`guest offset ${guestOffset} was edited, and is not in a cluster of its own`)
    if (from.kind === 'plain' && from.copied && from.hostOffset === to.hostOffset) {
      books.mayWrite(to.hostOffset, clusterBytes)
      continue
    }
    books.claim(to.hostOffset, clusterBytes, `guest offset ${guestOffset}`)
    releaseMapping(from, clusterBytes, books)
  }
}

function releaseMapping(from: ClusterMapping, clusterBytes: number, books: Books): void {
  if (from.kind === 'compressed') books.release(from.hostOffset, from.length)
  if (from.kind === 'plain') books.release(from.hostOffset, clusterBytes)
}

async function compareRefcounts(
  before: Qcow2Image,
  after: Qcow2Image,
  blocks: readonly (readonly [number, number])[],
  edited: Overlay,
  books: Books,
): Promise<void> {
  const { header } = before
  const perBlock = refcountsPerBlock(header)
  const expected = (cluster: number, old: number): number =>
    books.claimed.has(cluster) ? 1 : old - (books.released.get(cluster) ?? 0)
  const concerned = new Set(
    [...books.claimed, ...books.released.keys()].map((cluster) => Math.floor(cluster / perBlock)),
  )
  if (books.claimed.size !== books.newCount - books.oldCount) throw notAsMeant('it has new clusters that nothing uses')
  for (const [index, [oldOffset, offset]] of blocks.entries()) {
    if (oldOffset === offset && offset !== 0) books.mayWrite(offset, header.clusterBytes)
    const written =
      offset !== oldOffset || (offset !== 0 && (await edited.differs(extent(offset, header.clusterBytes))))
    if (!written && !concerned.has(index)) continue
    if (offset === 0) throw notAsMeant(`refcount block ${index} is missing`)
    const old = oldOffset === 0 ? undefined : await before.file.table(oldOffset)
    const now = await after.file.table(offset)
    for (let within = 0; within < perBlock; within++) {
      const was = old === undefined ? 0 : parseRefcount(old, within, header.refcountOrder)
      const is = parseRefcount(now, within, header.refcountOrder)
      const cluster = index * perBlock + within
      if (is !== expected(cluster, was)) throw notAsMeant(`host cluster ${cluster} has refcount ${is}, before ${was}`)
    }
  }
  if ([...concerned].some((index) => index >= blocks.length)) throw notAsMeant('it has clusters without a refcount')
}

/** Clusters that are smaller than a page share it with what was written. */
async function assertNothingElseWritten({ file, header }: Qcow2Image, edited: Overlay, books: Books): Promise<void> {
  const { clusterBytes } = header
  for (const cluster of clusterNumbers(await edited.changedExtents(), clusterBytes)) {
    if (cluster >= books.oldCount || books.writable.has(cluster)) continue
    const offset = cluster * clusterBytes
    if (await edited.differs(extent(offset, Math.min(clusterBytes, file.size - offset))))
      throw notAsMeant(`byte ${offset} and what follows was written over, and was not edited`)
  }
}
