/**
 * The reads that lead to the OEM partition, remembered for the next run on the same file.
 *
 * Partition tables lie at both ends of a disk, far from the OEM partition: in a compressed image they cost the decoding of blocks that
 * nothing else is wanted of (a block of zeros at the end of an image by bzip2 stands for 46 MB). What was read of the
 * decoded file until the partition was found is some 35 KB, and mostly zeros: it goes into a note, and is answered from there
 * when the same file comes back. The note is of a file of the same digest, so it holds what would be decoded.
 */
import { deflateRawSync, inflateRawSync } from 'node:zlib'
import { assertInside, type ByteDevice } from '../byte-device.js'
import type { ImageNotes } from '../codec/codec.js'
import { fill } from '../in-order.js'
import type { ByteLength } from '../units.js'

/** Name of the note. Its value: format, `offset+length` of each read, and what was read one after the other, deflated, in base64. */
const NOTE = 'reads-to-oem'
const FORMAT = '1'
/** A file whose tables are larger is not worth it: entries are read whole before anything else. */
const BYTES_MAX = 1 << 20

interface Read {
  readonly offset: number
  readonly bytes: Buffer
}

/** The device below, with some of its bytes at hand. */
export class RememberedReads implements ByteDevice {
  readonly size: ByteLength
  readonly #below: ByteDevice
  /** As it came: to be kept as it is for as long as it answers everything. */
  #note: string | undefined
  readonly #reads: Read[]
  #keptBytes: number
  #isRecording = true

  /** @param notes of an earlier run on the same file */
  constructor(below: ByteDevice, notes: ImageNotes) {
    this.#below = below
    this.size = below.size
    this.#reads = [...parseNote(notes[NOTE], below.size)]
    this.#note = this.#reads.length === 0 ? undefined : notes[NOTE]
    this.#keptBytes = this.#reads.reduce((sum, { bytes }) => sum + bytes.length, 0)
  }

  async read(offset: number, length: number): Promise<Buffer> {
    assertInside(this, offset, length)
    const kept = this.#find(offset, length)
    if (kept !== undefined) return Buffer.from(kept)
    const bytes = await this.#below.read(offset, length)
    this.#record(offset, bytes)
    return bytes
  }

  async readInto(offset: number, target: Buffer): Promise<void> {
    assertInside(this, offset, target.length)
    const kept = this.#find(offset, target.length)
    if (kept !== undefined) {
      target.set(kept)
      return
    }
    await fill(this.#below, offset, target)
    this.#record(offset, target)
  }

  /** Nothing is recorded any more from here on. */
  finish(): ImageNotes {
    this.#isRecording = false
    if (this.#keptBytes > BYTES_MAX) return {}
    this.#note ??= formatNote(this.#reads)
    return { [NOTE]: this.#note }
  }

  #find(offset: number, length: number): Buffer | undefined {
    for (const { offset: from, bytes } of this.#reads) {
      if (from <= offset && offset + length <= from + bytes.length)
        return bytes.subarray(offset - from, offset - from + length)
    }
    return undefined
  }

  #record(offset: number, bytes: Buffer): void {
    if (!this.#isRecording || this.#keptBytes > BYTES_MAX) return
    this.#note = undefined
    this.#keptBytes += bytes.length
    if (this.#keptBytes <= BYTES_MAX) this.#reads.push({ offset, bytes: Buffer.from(bytes) })
  }
}

function formatNote(reads: readonly Read[]): string {
  const places = reads.map(({ offset, bytes }) => `${offset}+${bytes.length}`).join(',')
  const all = deflateRawSync(Buffer.concat(reads.map(({ bytes }) => bytes)))
  return `${FORMAT} ${places} ${all.toString('base64')}`
}

/** @returns nothing for what is no note of this format, or not of a file of this size */
function parseNote(note: string | undefined, size: number): readonly Read[] {
  const [format, places = '', base64 = ''] = note?.split(' ') ?? []
  if (format !== FORMAT) return []
  try {
    const all = inflateRawSync(Buffer.from(base64, 'base64'), { maxOutputLength: BYTES_MAX })
    let at = 0
    const reads = places.split(',').map((place) => {
      const [offset = Number.NaN, length = Number.NaN] = place.split('+').map(Number)
      const bytes = all.subarray(at, at + length)
      at += length
      return { offset, bytes, fits: bytes.length === length && offset >= 0 && offset + length <= size }
    })
    return at === all.length && reads.every(({ fits }) => fits) ? reads : []
  } catch {
    return []
  }
}
