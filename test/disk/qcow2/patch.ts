/** Finds the tables of a sound qcow2 image, to spoil them; written against the specification and not with the code under test. */

export class Qcow2Patch {
  readonly bytes: Buffer

  constructor(image: Buffer) {
    this.bytes = Buffer.from(image)
  }

  u64(at: number): bigint {
    return this.bytes.readBigUInt64BE(at)
  }

  setU64(at: number, value: bigint | number): void {
    this.bytes.writeBigUInt64BE(BigInt(value), at)
  }

  setU32(at: number, value: number): void {
    this.bytes.writeUInt32BE(value, at)
  }

  get clusterBytes(): number {
    return 2 ** this.bytes.readUInt32BE(20)
  }

  get l1Offset(): number {
    return Number(this.u64(40))
  }

  get refcountTableOffset(): number {
    return Number(this.u64(48))
  }

  /** Where the L2 table of an L1 entry lies. */
  l2Offset(l1Index = 0): number {
    return Number(this.u64(this.l1Offset + l1Index * 8) & 0x00fffffffffffe00n)
  }

  /** Where the (plain, 8-byte) L2 entry of a guest cluster lies. */
  l2EntryAt(cluster: number): number {
    const perTable = this.clusterBytes / 8
    return this.l2Offset(Math.floor(cluster / perTable)) + (cluster % perTable) * 8
  }

  /** Number of the first guest cluster whose L2 entry is as wanted. */
  findCluster(wanted: (entry: bigint) => boolean): number {
    const clusters = Math.ceil(Number(this.u64(24)) / this.clusterBytes)
    for (let cluster = 0; cluster < clusters; cluster++)
      if (
        this.l2Offset(Math.floor((cluster * 8) / this.clusterBytes)) !== 0 &&
        wanted(this.u64(this.l2EntryAt(cluster)))
      )
        return cluster
    throw new Error('no such cluster')
  }

  get refcountBlockOffset(): number {
    return Number(this.u64(this.refcountTableOffset))
  }

  /** Where the 16-bit refcount of a host cluster lies. */
  refcountAt(hostOffset: number): number {
    return this.refcountBlockOffset + (hostOffset / this.clusterBytes) * 2
  }
}

export const isData = (entry: bigint): boolean => entry >> 63n === 1n && (entry & 1n) === 0n
export const isCompressed = (entry: bigint): boolean => entry >> 62n === 1n
export const hostOf = (entry: bigint): number => Number(entry & 0x00fffffffffffe00n)
