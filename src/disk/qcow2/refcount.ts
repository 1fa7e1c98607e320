/**
 * Refcounts: how often each host cluster is used, in numbers of 1 to 64 bits.
 *
 * Source: QEMU docs/interop/qcow2.rst, section "Host cluster management". The refcount table holds 64-bit big-endian
 * offsets of refcount blocks; a block is one cluster of refcounts. Below 8 bits the first refcount is in the least
 * significant bits of its byte.
 */
import { invalidImage } from './failure.js'
import type { Qcow2Header } from './header.js'

/** How many clusters one refcount block counts. */
export function refcountsPerBlock(header: Qcow2Header): number {
  return (header.clusterBytes * 8) / 2 ** header.refcountOrder
}

/** Where in a block a refcount is: the bytes that hold it, and its index within those. */
export function locateRefcount(index: number, order: number): { offset: number; length: number; within: number } {
  if (order >= 3) return { offset: index * 2 ** (order - 3), length: 2 ** (order - 3), within: 0 }
  const perByte = 8 >> order
  return { offset: Math.floor(index / perByte), length: 1, within: index % perByte }
}

/** @throws ERR_QCOW2_INVALID for a 64-bit refcount that no number of uses explains */
export function parseRefcount(block: Buffer, index: number, order: number): number {
  switch (order) {
    case 4:
      return block.readUInt16BE(index * 2)
    case 3:
      return block.readUInt8(index)
    case 5:
      return block.readUInt32BE(index * 4)
    case 6: {
      const count = block.readUInt32BE(index * 8) * 2 ** 32 + block.readUInt32BE(index * 8 + 4)
      if (!Number.isSafeInteger(count)) throw invalidImage(`a refcount is ${count}`)
      return count
    }
    default: {
      const { offset, within } = locateRefcount(index, order)
      const bits = 2 ** order
      return (block.readUInt8(offset) >> (within * bits)) & (2 ** bits - 1)
    }
  }
}

/** Puts a refcount in its place; the caller knows that it fits. */
export function putRefcount(block: Buffer, index: number, order: number, count: number): void {
  const { offset, length, within } = locateRefcount(index, order)
  switch (order) {
    case 6:
      block.writeBigUInt64BE(BigInt(count), offset)
      return
    case 3:
    case 4:
    case 5:
      block.writeUIntBE(count, offset, length)
      return
    default: {
      const bits = 2 ** order
      const mask = (2 ** bits - 1) << (within * bits)
      block.writeUInt8((block.readUInt8(offset) & ~mask) | (count << (within * bits)), offset)
    }
  }
}
