/**
 * Numbers with a meaning: byte offsets and lengths, disk sectors, half-open extents.
 *
 * Branded types are made only by the checked constructors here, so that a sector number can't be used as a byte offset.
 * An {@link Extent} is always half-open: the inclusive ends of GPT stay inside the GPT parser.
 */
import { InternalError } from './errors.js'

declare const brand: unique symbol
type Branded<Name extends string> = number & { readonly [brand]: Name }

/** Offset from the start of a device, in bytes. */
export type ByteOffset = Branded<'ByteOffset'>
/** A count of bytes. */
export type ByteLength = Branded<'ByteLength'>
/** Logical block address: a sector number, 512 bytes each. */
export type Lba = Branded<'Lba'>

/** Sector size of every Container Linux and Flatcar image (facts: disk layout metadata). */
export const SECTOR_BYTES = 512

function assertCount(value: number, what: string): void {
  if (!Number.isSafeInteger(value) || value < 0) {
    throw new InternalError('ERR_INTERNAL', `${what} must be a safe integer of at least 0, found ${value}`)
  }
}

export function byteOffset(value: number): ByteOffset {
  assertCount(value, 'byte offset')
  return value as ByteOffset
}

export function byteLength(value: number): ByteLength {
  assertCount(value, 'byte length')
  return value as ByteLength
}

export function lba(value: number): Lba {
  assertCount(value, 'LBA')
  return value as Lba
}

/** First byte of a sector. */
export function lbaToOffset(sector: Lba): ByteOffset {
  return byteOffset(sector * SECTOR_BYTES)
}

/** Half-open range of bytes: `offset` up to, not including, `offset + length`. */
export interface Extent {
  readonly offset: ByteOffset
  readonly length: ByteLength
}

export function extent(offset: number, length: number): Extent {
  return { offset: byteOffset(offset), length: byteLength(length) }
}

export function extentEnd(range: Extent): ByteOffset {
  return byteOffset(range.offset + range.length)
}

const UNITS = ['bytes', 'KiB', 'MiB', 'GiB', 'TiB'] as const

/** For people: `1 byte`, `1.5 KiB`, `128 MiB`. */
export function formatBytes(count: number): string {
  let value = count
  let unit = 0
  // From 1023.5 on, rounding would write 1024 of this unit.
  while (value >= 1023.5 && unit < UNITS.length - 1) {
    value /= 1024
    unit++
  }
  if (unit === 0) return count === 1 ? '1 byte' : `${count} bytes`
  const text = value >= 100 || Number.isInteger(value) ? value.toFixed(0) : value.toFixed(1)
  return `${text} ${UNITS[unit]}`
}
