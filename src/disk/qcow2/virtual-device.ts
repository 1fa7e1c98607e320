/**
 * The virtual disk of a qcow2 image, for reading.
 *
 * A read is cut into runs: stretches of zeros, stretches of plain clusters that lie behind each other in the file, and
 * compressed clusters. What is not in the file costs a memory fill and no read. Some decoded clusters are kept, because
 * whoever lies above reads pages that are smaller.
 */
import { assertInside, type ByteDevice } from '../../byte-device.js'
import { fill } from '../../in-order.js'
import { type ByteLength, byteLength } from '../../units.js'
import { ALL_PARTS, type ClusterMapping, parseL1Entry, parseL2Entry, SUBCLUSTERS } from './entry.js'
import { l2EntryBytes, l2TableSpan } from './header.js'
import type { Qcow2Image } from './image.js'
import { inflateCluster } from './inflate.js'
import { RecentlyUsed } from './recently-used.js'

const DECODED_BYTES = 8 << 20
/** Reads and inflations that are under way at once; zlib runs in the thread pool. */
const AT_ONCE = 8

/** A stretch of guest bytes whose place in the file follows one rule. */
export type Run =
  | { readonly kind: 'zeros'; length: number }
  | { readonly kind: 'data'; readonly hostOffset: number; length: number }
  | {
      readonly kind: 'compressed'
      readonly mapping: ClusterMapping & { readonly kind: 'compressed' }
      readonly clusterOffset: number
      length: number
    }

export class Qcow2VirtualDevice implements ByteDevice {
  readonly size: ByteLength
  readonly #image: Qcow2Image
  /** By guest offset. */
  readonly #decoded: RecentlyUsed<Buffer>

  /** @param image whose tables were checked */
  constructor(image: Qcow2Image) {
    this.#image = image
    this.size = byteLength(image.header.virtualBytes)
    this.#decoded = new RecentlyUsed(DECODED_BYTES / image.header.clusterBytes)
  }

  async read(offset: number, length: number): Promise<Buffer> {
    assertInside(this, offset, length)
    const bytes = Buffer.allocUnsafe(length)
    await this.readInto(offset, bytes)
    return bytes
  }

  async readInto(offset: number, target: Buffer): Promise<void> {
    assertInside(this, offset, target.length)
    let pending: Promise<void>[] = []
    for (let done = 0; done < target.length; ) {
      const at = offset + done
      const run = await this.runAt(at, target.length - done)
      const part = target.subarray(done, done + run.length)
      done += run.length
      if (run.kind === 'zeros') {
        part.fill(0)
        continue
      }
      const reading =
        run.kind === 'data'
          ? fill(this.#image.file, run.hostOffset, part)
          : this.#decode(run).then((bytes) => void bytes.copy(part, 0, at - run.clusterOffset))
      // Awaited below; if another one fails first, this one's failure is nobody's.
      reading.catch(() => undefined)
      pending.push(reading)
      if (pending.length === AT_ONCE) {
        await Promise.all(pending)
        pending = []
      }
    }
    await Promise.all(pending)
  }

  #decode({ mapping, clusterOffset }: Run & { readonly kind: 'compressed' }): Promise<Buffer> {
    const { file, header } = this.#image
    return this.#decoded.get(clusterOffset, () => inflateCluster(file, mapping, header.clusterBytes, clusterOffset))
  }

  get clusterBytes(): number {
    return this.#image.header.clusterBytes
  }

  /** The longest run from a guest offset on, at most `limit` bytes and within one L2 table. */
  async runAt(offset: number, limit: number): Promise<Run> {
    const { header, l1, file } = this.#image
    const span = l2TableSpan(header)
    const l1Index = Math.floor(offset / span)
    const end = Math.min(offset + limit, (l1Index + 1) * span)
    const pointer = parseL1Entry(l1, l1Index, header.clusterBytes)
    if (pointer === undefined) return { kind: 'zeros', length: end - offset }
    const l2 = await file.table(pointer.hostOffset)
    const run = this.#pieceAt(l2, offset, end)
    while (offset + run.length < end) {
      const next = this.#pieceAt(l2, offset + run.length, end)
      const continues =
        (run.kind === 'zeros' && next.kind === 'zeros') ||
        (run.kind === 'data' && next.kind === 'data' && next.hostOffset === run.hostOffset + run.length)
      if (!continues) break
      run.length += next.length
    }
    return run
  }

  /** What one L2 entry, or one subcluster of it, says of a guest offset. */
  #pieceAt(l2: Buffer, offset: number, end: number): Run {
    const { header } = this.#image
    const { clusterBytes } = header
    const within = offset % clusterBytes
    const clusterOffset = offset - within
    const entries = clusterBytes / l2EntryBytes(header)
    const mapping = parseL2Entry(l2, (clusterOffset / clusterBytes) % entries, header, clusterOffset)
    const length = Math.min(clusterBytes - within, end - offset)
    if (mapping.kind === 'absent') return { kind: 'zeros', length }
    if (mapping.kind === 'compressed') return { kind: 'compressed', mapping, clusterOffset, length }
    if (mapping.parts === 0) return { kind: 'zeros', length }
    const hostOffset = mapping.hostOffset + within
    if (mapping.parts === ALL_PARTS) return { kind: 'data', hostOffset, length }
    const partBytes = clusterBytes / SUBCLUSTERS
    const part = Math.floor(within / partBytes)
    const partLength = Math.min((part + 1) * partBytes - within, end - offset)
    return ((mapping.parts >>> part) & 1) === 0
      ? { kind: 'zeros', length: partLength }
      : { kind: 'data', hostOffset, length: partLength }
  }
}
