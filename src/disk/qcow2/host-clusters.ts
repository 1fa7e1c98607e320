/**
 * Who uses each host cluster, counted from the tables: what refcounts have to agree with.
 *
 * Headers, tables and plain data clusters have a cluster to themselves; only compressed data shares. (Snapshots would
 * share more; images with snapshots are refused.) Three bytes a cluster, which bounds how many there may be.
 */
import { invalidImage } from './failure.js'
import type { Qcow2Header } from './header.js'

/** 24 MiB of counters: a file of 512 GiB with clusters of 64 KiB, 4 GiB with clusters of 512 bytes. */
export const MAX_HOST_CLUSTERS = 2 ** 23

/**
 * How many pieces of compressed data can touch a cluster: deflate makes at most 1032 bytes of one, so each piece has that
 * share of a cluster of its own; one more at either end. It keeps hostile tables from being counted for minutes.
 */
const MAX_SHARERS = 1032 + 2

const EXCLUSIVE = 1
/** A table entry says whether the refcount is 1, … */
const HAS_COPIED = 2
/** … namely yes. */
const COPIED = 4

export class HostClusters {
  readonly count: number
  readonly #clusterBytes: number
  readonly #fileBytes: number
  readonly #uses: Uint16Array
  readonly #flags: Uint8Array

  constructor(fileBytes: number, header: Qcow2Header) {
    this.#fileBytes = fileBytes
    this.#clusterBytes = header.clusterBytes
    this.count = Math.ceil(fileBytes / header.clusterBytes)
    this.#uses = new Uint16Array(this.count)
    this.#flags = new Uint8Array(this.count)
  }

  /**
   * A range that starts with a cluster and has all clusters that it touches to itself.
   *
   * @param length how many bytes of it the file must have
   * @param owner for messages: `the L2 table of guest offset`, followed by `guestOffset` if there is one
   * @param copied what the entry that points here says of the refcount
   * @throws ERR_QCOW2_INVALID
   */
  claim(offset: number, length: number, owner: string, guestOffset?: number, copied?: boolean): void {
    this.#assertInside(offset, length, owner, guestOffset)
    const end = Math.ceil((offset + length) / this.#clusterBytes)
    for (let cluster = offset / this.#clusterBytes; cluster < end; cluster++) {
      if (this.#uses[cluster] !== 0) throw this.#usedTwice(cluster, owner, guestOffset)
      this.#uses[cluster] = 1
      this.#flags[cluster] = EXCLUSIVE | (copied === undefined ? 0 : HAS_COPIED) | (copied === true ? COPIED : 0)
    }
  }

  /**
   * A range of compressed data.
   *
   * @param present how many bytes of it the file must have, at least; qemu does not fill up the last sector
   */
  share(offset: number, length: number, present: number, owner: string, guestOffset: number): void {
    this.#assertInside(offset, present, owner, guestOffset)
    const last = Math.min(this.count - 1, Math.floor((offset + length - 1) / this.#clusterBytes))
    for (let cluster = Math.floor(offset / this.#clusterBytes); cluster <= last; cluster++) {
      if (((this.#flags[cluster] ?? 0) & EXCLUSIVE) !== 0) throw this.#usedTwice(cluster, owner, guestOffset)
      const uses = (this.#uses[cluster] ?? 0) + 1
      if (uses > MAX_SHARERS)
        throw invalidImage(
          `host cluster ${cluster} (byte ${cluster * this.#clusterBytes}) is used by more than ${MAX_SHARERS} compressed clusters, the last time by ${name(owner, guestOffset)}`,
        )
      this.#uses[cluster] = uses
    }
  }

  /**
   * Leaked clusters, whose refcount is more than their uses, are wasted space and no damage.
   *
   * @throws ERR_QCOW2_INVALID when a refcount is too small, or not what an entry says of it
   */
  assertRefcount(cluster: number, refcount: number, hint: string): void {
    const uses = this.#uses[cluster] ?? 0
    const where = `host cluster ${cluster} (byte ${cluster * this.#clusterBytes})`
    if (refcount < uses) throw invalidImage(`${where} has refcount ${refcount}, and is used ${uses} times`, hint)
    const flags = this.#flags[cluster] ?? 0
    if ((flags & HAS_COPIED) !== 0 && ((flags & COPIED) !== 0) !== (refcount === 1))
      throw invalidImage(
        `${where} has refcount ${refcount}, and its entry says that it is ${refcount === 1 ? 'not ' : ''}1`,
        hint,
      )
  }

  #assertInside(offset: number, length: number, owner: string, guestOffset?: number): void {
    if (offset + length <= this.#fileBytes) return
    throw invalidImage(
      `${name(owner, guestOffset)} lies at bytes ${offset} to ${offset + length}, and the file ends at ${this.#fileBytes}`,
    )
  }

  #usedTwice(cluster: number, owner: string, guestOffset?: number): Error {
    return invalidImage(
      `host cluster ${cluster} (byte ${cluster * this.#clusterBytes}) is used twice, the second time by ${name(owner, guestOffset)}`,
    )
  }
}

function name(owner: string, guestOffset?: number): string {
  return guestOffset === undefined ? owner : `${owner} ${guestOffset}`
}
