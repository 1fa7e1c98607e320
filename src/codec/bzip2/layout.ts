/**
 * The grammar of a bzip2 file: streams one after the other, each header, blocks, footer, and nothing else.
 *
 * Walks the hits of the scanner and decides which of them are real. A footer is real when its combined CRC is the fold
 * of the CRCs of the blocks before it, or when what follows it is the end of the file or another stream's beginning; so a
 * magic that appears by chance inside a block does not mislead. Finds truncation and trailing bytes in the time of
 * reading the file, before any decoder starts, because decoders disagree about them: bzip2 and lbzip2 say nothing about
 * trailing bytes, or only warn (measured with bzip2 1.0.8 and lbzip2 2.5).
 */
import type { ByteDevice } from '../../byte-device.js'
import { piecesOf } from '../../byte-device.js'
import { ImageError, throwIfCancelled } from '../../errors.js'
import type { RunContext } from '../../progress.js'
import { extent } from '../../units.js'
import { type MagicHit, MagicScanner } from './scan.js'

/** What the scan tells about a file. */
export interface Bzip2Layout {
  /** Of the first stream: 1 to 9, in units of 100 000 bytes a block. */
  readonly level: number
  readonly streams: number
  readonly blocks: number
  /**
   * Estimate of the decoded bytes that are not one long run: blocks of under 1 KiB hold runs (zeros, on a disk image),
   * every other block holds at most `level` times 100 000 bytes before run-length decoding.
   */
  readonly denseBytes: number
}

const HEADER_BYTES = 4
/** Magic and combined CRC. */
const FOOTER_BITS = 48 + 32
const PIECE_BYTES = 4 << 20
const RUN_BLOCK_BITS = 1024 * 8
const BYTES_A_LEVEL = 100_000

/**
 * @throws ERR_BZIP2_TRUNCATED when the last stream has no footer
 * @throws ERR_BZIP2_TRAILING_GARBAGE when bytes follow a footer that are no stream
 */
export async function readBzip2Layout(device: ByteDevice, name: string, context: RunContext): Promise<Bzip2Layout> {
  const scanner = new MagicScanner()
  const walk = new LayoutWalk(device, name)
  await walk.begin()
  for (const piece of piecesOf(extent(0, device.size), PIECE_BYTES)) {
    throwIfCancelled(context.signal)
    for (const hit of scanner.push(await device.read(piece.offset, piece.length))) await walk.take(hit)
    context.report({ kind: 'progress', phase: 'scan', doneBytes: piece.offset + piece.length, totalBytes: device.size })
  }
  for (const hit of scanner.finish()) await walk.take(hit)
  return walk.end()
}

/** A stream whose footer has not come yet. */
interface OpenStream {
  readonly offset: number
  readonly level: number
  /** Fold of the CRCs of the blocks so far. */
  combined: number
  /** First bit of the block that the next hit ends. */
  blockStart: number | undefined
}

/** Takes the hits one by one and keeps none: a file can consist of nothing else. */
class LayoutWalk {
  readonly #device: ByteDevice
  readonly #name: string
  /** Undefined once the last footer has been met. */
  #stream: OpenStream | undefined
  #firstLevel = 0
  #streams = 0
  #blocks = 0
  #denseBytes = 0

  constructor(device: ByteDevice, name: string) {
    this.#device = device
    this.#name = name
  }

  async begin(): Promise<void> {
    await this.#openStream(0)
    this.#firstLevel = this.#stream?.level ?? 0
  }

  async take(hit: MagicHit): Promise<void> {
    const stream = this.#stream
    if (stream === undefined || hit.bitOffset < (stream.offset + HEADER_BYTES) * 8) return
    if (stream.blockStart !== undefined) this.#countBlock(hit.bitOffset - stream.blockStart, stream.level)
    stream.blockStart = undefined
    if (hit.kind === 'block') {
      stream.combined = foldCrc(stream.combined, hit.crc)
      stream.blockStart = hit.bitOffset
      return
    }
    const end = Math.ceil((hit.bitOffset + FOOTER_BITS) / 8)
    const isReal =
      hit.crc === stream.combined || end === this.#device.size || (await this.#headerLevel(end)) !== undefined
    if (isReal) await this.#openStream(end)
  }

  end(): Bzip2Layout {
    if (this.#stream !== undefined) {
      const { offset } = this.#stream
      throw new ImageError(
        'ERR_BZIP2_TRUNCATED',
        `${this.#name} is not complete: the bzip2 stream that starts at byte ${offset} has no footer before the file ends at byte ${this.#device.size}`,
        {
          hint: 'download or copy the image again, and compare its size with the original',
          details: { streamOffset: offset, sizeBytes: this.#device.size },
        },
      )
    }
    return {
      level: this.#firstLevel,
      streams: this.#streams,
      blocks: this.#blocks,
      denseBytes: this.#denseBytes,
    }
  }

  /** Begins the stream at an offset, or ends the walk at the end of the file. */
  async #openStream(offset: number): Promise<void> {
    this.#stream = undefined
    if (offset >= this.#device.size) return
    const level = await this.#headerLevel(offset)
    if (level === undefined) throw this.#trailing(offset)
    this.#stream = { offset, level, combined: 0, blockStart: undefined }
    this.#streams++
  }

  #countBlock(bits: number, level: number): void {
    this.#blocks++
    if (bits >= RUN_BLOCK_BITS) this.#denseBytes += level * BYTES_A_LEVEL
  }

  /** Level of the stream header at an offset; undefined when there is none. */
  async #headerLevel(offset: number): Promise<number | undefined> {
    const available = Math.min(HEADER_BYTES + 6, this.#device.size - offset)
    if (available < HEADER_BYTES) return undefined
    const bytes = await this.#device.read(offset, available)
    if (!/^BZh[1-9]$/.test(bytes.toString('latin1', 0, HEADER_BYTES))) return undefined
    const next = bytes.subarray(HEADER_BYTES).toString('hex')
    if (available === HEADER_BYTES + 6 && next !== '314159265359' && next !== '177245385090') return undefined
    return Number(bytes.toString('latin1', 3, 4))
  }

  #trailing(offset: number): ImageError {
    const extra = this.#device.size - offset
    return new ImageError(
      'ERR_BZIP2_TRAILING_GARBAGE',
      `${this.#name} holds ${extra} more ${extra === 1 ? 'byte' : 'bytes'} after the last bzip2 stream, which ends at byte ${offset}`,
      { hint: 'this is not the file as it was published: download it again', details: { offset, extraBytes: extra } },
    )
  }
}

/** The combined CRC of a stream: rotate left by one, then exclusive-or with the block's CRC (section 2.2.4). */
function foldCrc(combined: number, blockCrc: number): number {
  return (((combined << 1) | (combined >>> 31)) ^ blockCrc) >>> 0
}
