/**
 * New host clusters at the end of a qcow2 file, and the refcounts that say so.
 *
 * Clusters are only handed out behind the end of the file, in order, so that equal edits give equal bytes. Their refcounts
 * may need new refcount blocks, those a larger refcount table, and both are new clusters themselves: how many of each is
 * found before anything is written, and they lie behind the clusters that they count.
 */
import type { Overlay } from '../../overlay.js'
import { FIELD, type Qcow2Header } from './header.js'
import type { Qcow2Image } from './image.js'
import { locateRefcount, parseRefcount, putRefcount, refcountsPerBlock } from './refcount.js'

export class Allocation {
  readonly #image: Qcow2Image
  readonly #first: number
  #next: number
  /** How often each host cluster's refcount goes down. */
  readonly #released = new Map<number, number>()

  constructor(image: Qcow2Image) {
    this.#image = image
    this.#first = Math.ceil(image.file.size / image.header.clusterBytes)
    this.#next = this.#first
  }

  /** @returns the offset of a new cluster */
  allocate(): number {
    return this.#next++ * this.#image.header.clusterBytes
  }

  /** One use less of every cluster that a range touches. */
  release(offset: number, length: number): void {
    const { clusterBytes } = this.#image.header
    const last = Math.floor((offset + length - 1) / clusterBytes)
    for (let cluster = Math.floor(offset / clusterBytes); cluster <= last; cluster++)
      this.#released.set(cluster, (this.#released.get(cluster) ?? 0) + 1)
  }

  /** Makes the file as long as its clusters want it, and all refcounts right. Call once, after the last allocation. */
  async finish(out: Overlay): Promise<void> {
    const { header, refcountTable } = this.#image
    const plan = this.#planRefcounts()
    if (plan.end > this.#first) out.grow(Math.max(out.size, plan.end * header.clusterBytes))
    let table = Buffer.from(refcountTable)
    if (plan.tableClusters > 0) {
      table = Buffer.concat([table], plan.tableClusters * header.clusterBytes)
      this.release(header.refcountTableOffset, refcountTable.length)
    }
    for (const [index, cluster] of plan.blocks) table.writeBigUInt64BE(BigInt(cluster * header.clusterBytes), index * 8)
    if (plan.tableClusters > 0) {
      const tableOffset = (plan.end - plan.tableClusters) * header.clusterBytes
      await out.write(tableOffset, table)
      const fields = Buffer.alloc(12)
      fields.writeBigUInt64BE(BigInt(tableOffset))
      fields.writeUInt32BE(plan.tableClusters, FIELD.refcountTableClusters - FIELD.refcountTableOffset)
      await out.write(FIELD.refcountTableOffset, fields)
    } else {
      for (const [index] of plan.blocks)
        await out.write(header.refcountTableOffset + index * 8, table.subarray(index * 8, index * 8 + 8))
    }
    const change = (cluster: number, to: (refcount: number) => number) =>
      changeRefcount(out, table, header, cluster, to)
    // Set, not counted up: a refcount behind the end of the file may have leaked.
    for (let cluster = this.#first; cluster < plan.end; cluster++) await change(cluster, () => 1)
    for (const [cluster, times] of [...this.#released].sort(([a], [b]) => a - b))
      await change(cluster, (refcount) => refcount - times)
  }

  /** Which refcount blocks are missing, and how many clusters a larger table has (0 when it is large enough). */
  #planRefcounts(): { end: number; blocks: readonly (readonly [number, number])[]; tableClusters: number } {
    const { header, refcountTable } = this.#image
    const perBlock = refcountsPerBlock(header)
    const tableEntries = refcountTable.length / 8
    const isMissing = (index: number) => index >= tableEntries || refcountTable.readBigUInt64BE(index * 8) === 0n
    let missing: number[] = []
    let tableClusters = 0
    // Each round may only add; the sum settles after a few.
    for (;;) {
      const end = this.#next + missing.length + tableClusters
      if (end === this.#first) return { end, blocks: [], tableClusters }
      const indexes: number[] = []
      const lastIndex = Math.floor((end - 1) / perBlock)
      for (let index = Math.floor(this.#first / perBlock); index <= lastIndex; index++)
        if (isMissing(index)) indexes.push(index)
      const clusters = lastIndex < tableEntries ? 0 : Math.ceil(((lastIndex + 1) * 8) / header.clusterBytes)
      if (indexes.length === missing.length && clusters === tableClusters) {
        return { end, blocks: indexes.map((index, place) => [index, this.#next + place] as const), tableClusters }
      }
      missing = indexes
      tableClusters = clusters
    }
  }
}

async function changeRefcount(
  out: Overlay,
  table: Buffer,
  header: Qcow2Header,
  cluster: number,
  to: (refcount: number) => number,
): Promise<void> {
  const perBlock = refcountsPerBlock(header)
  const blockOffset = Number(table.readBigUInt64BE(Math.floor(cluster / perBlock) * 8))
  const { offset, length, within } = locateRefcount(cluster % perBlock, header.refcountOrder)
  const bytes = await out.read(blockOffset + offset, length)
  putRefcount(bytes, within, header.refcountOrder, to(parseRefcount(bytes, within, header.refcountOrder)))
  await out.write(blockOffset + offset, bytes)
}
