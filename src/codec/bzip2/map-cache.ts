/**
 * Block maps of earlier runs, under the user's cache directory, by the SHA-256 of the file that they are of.
 *
 * An entry is believed only if it is whole (it ends with the SHA-256 of the rest), of this format, in a file of the user's
 * own, and of a file of the same size and digest; anything else is as good as none. An entry also carries notes: short
 * strings that other layers want to know again about the same image, such as its release. A cache that can't be read or
 * written costs time, nothing else: no error comes out of here.
 *
 * Layout: one line of JSON (see `EntryHeader`), the columns of each map one after the other in the machine's byte order,
 * 32 bytes of SHA-256. The map of a Container Linux image takes 180 KB.
 */
import { createHash, randomUUID } from 'node:crypto'
import { constants, type Stats } from 'node:fs'
import { mkdir, open, readdir, rename, rm, stat } from 'node:fs/promises'
import { endianness } from 'node:os'
import { join } from 'node:path'
import type { RememberedMaps } from './block-index.js'
import { type BlockColumns, BlockMap, type StreamSpan } from './block-map.js'

/** To be counted up whenever the meaning of anything in an entry changes. */
const FORMAT = 1
const DIGEST_BYTES = 32
/** Entries of bigger images are not worth their reading. */
const ENTRY_BYTES_MAX = 128 << 20
const ENTRIES_MAX = 64
const NAME = /^([0-9a-f]{64})-(\d+)\.map$/

export type Notes = Readonly<Record<string, string>>

export interface CacheEntry extends RememberedMaps {
  readonly notes: Notes
}

/** What the file is that an entry is about. */
export interface CacheKey {
  /** SHA-256 of the compressed file, lower-case hex. */
  readonly sha256: string
  readonly sizeBytes: number
}

interface EntryHeader extends CacheKey {
  readonly format: number
  readonly byteOrder: string
  readonly check: 'tail' | 'full'
  readonly notes: Notes
  readonly maps: readonly {
    readonly rawStart: number
    readonly blocks: number
    /** level (0: unknown), firstBlock, endBlock, footerBit, combinedCrc */
    readonly streams: readonly (readonly [number, number, number, number, number])[]
  }[]
}

export class MapCache {
  readonly #directory: string

  constructor(directory: string) {
    this.#directory = directory
  }

  /** Whether there is an entry for a file of this size: then its digest is worth waiting for. */
  async mayKnow(sizeBytes: number): Promise<boolean> {
    const names = await readdir(this.#directory).catch(() => [])
    return names.some((name) => Number(NAME.exec(name)?.[2]) === sizeBytes)
  }

  async read(key: CacheKey): Promise<CacheEntry | undefined> {
    try {
      // O_NONBLOCK: a pipe in place of the entry would otherwise block for ever.
      const handle = await open(this.#path(key), constants.O_RDONLY | constants.O_NONBLOCK)
      try {
        const found = await handle.stat()
        if (!found.isFile() || found.size > ENTRY_BYTES_MAX || !isOurs(found)) return undefined
        return parseEntry(await handle.readFile(), key)
      } finally {
        await handle.close()
      }
    } catch {
      // No entry, or none that can be read: the same to us.
      return undefined
    }
  }

  /** Keeps an entry, in place of any of the same file. */
  async write(key: CacheKey, entry: CacheEntry): Promise<void> {
    const bytes = formatEntry(key, entry)
    if (bytes.length > ENTRY_BYTES_MAX) return
    const temporary = join(this.#directory, `.${process.pid}-${randomUUID()}.tmp`)
    try {
      await mkdir(this.#directory, { recursive: true, mode: 0o700 })
      const handle = await open(temporary, 'wx', 0o600)
      try {
        await handle.writeFile(bytes)
      } finally {
        await handle.close()
      }
      await rename(temporary, this.#path(key))
      await this.#removeOldest()
    } catch {
      await rm(temporary, { force: true }).catch(() => undefined)
    }
  }

  #path({ sha256, sizeBytes }: CacheKey): string {
    return join(this.#directory, `${sha256}-${sizeBytes}.map`)
  }

  async #removeOldest(): Promise<void> {
    const names = (await readdir(this.#directory)).filter((name) => NAME.test(name))
    if (names.length <= ENTRIES_MAX) return
    const dated = await Promise.all(
      names.map(async (name) => ({ name, modifiedMs: (await stat(join(this.#directory, name))).mtimeMs })),
    )
    dated.sort((a, b) => b.modifiedMs - a.modifiedMs)
    for (const { name } of dated.slice(ENTRIES_MAX)) await rm(join(this.#directory, name), { force: true })
  }
}

export function formatEntry(key: CacheKey, entry: CacheEntry): Buffer {
  const header: EntryHeader = {
    format: FORMAT,
    byteOrder: endianness(),
    sha256: key.sha256,
    sizeBytes: key.sizeBytes,
    check: entry.check,
    notes: entry.notes,
    maps: entry.maps.map((map) => ({
      rawStart: map.rawStart,
      blocks: map.blocks,
      streams: map.streams.map(({ level, firstBlock, endBlock, footerBit, combinedCrc }) => [
        level ?? 0,
        firstBlock,
        endBlock,
        footerBit,
        combinedCrc,
      ]),
    })),
  }
  const columns = entry.maps.flatMap((map) => columnsOf(map.columns).map((column) => bytesOf(column)))
  const body = Buffer.concat([Buffer.from(`${JSON.stringify(header)}\n`), ...columns])
  return Buffer.concat([body, createHash('sha256').update(body).digest()])
}

/** @returns undefined for whatever is not a whole entry of this very file */
export function parseEntry(bytes: Buffer, key: CacheKey): CacheEntry | undefined {
  const body = bytes.subarray(0, Math.max(0, bytes.length - DIGEST_BYTES))
  if (!createHash('sha256').update(body).digest().equals(bytes.subarray(body.length))) return undefined
  const lineEnd = body.indexOf('\n')
  const header: unknown = JSON.parse(body.toString('utf8', 0, lineEnd))
  if (!isOurHeader(header) || header.sha256 !== key.sha256 || header.sizeBytes !== key.sizeBytes) return undefined
  let offset = lineEnd + 1
  const take = (length: number): ArrayBuffer => {
    const copy = new Uint8Array(length)
    copy.set(body.subarray(offset, offset + length))
    offset += length
    return copy.buffer
  }
  const maps = header.maps.map(({ blocks, rawStart, streams }) => {
    const columns: BlockColumns = {
      startBit: new Float64Array(take(8 * blocks)),
      endBit: new Float64Array(take(8 * blocks)),
      rawLength: new Uint32Array(take(4 * blocks)),
      textLength: new Uint32Array(take(4 * blocks)),
      crc: new Uint32Array(take(4 * blocks)),
    }
    const spans = streams.map(
      ([level, firstBlock, endBlock, footerBit, combinedCrc]): StreamSpan => ({
        level: level === 0 ? undefined : level,
        firstBlock,
        endBlock,
        footerBit,
        combinedCrc,
      }),
    )
    return new BlockMap(columns, spans, rawStart)
  })
  if (offset !== body.length) return undefined
  return { check: header.check, notes: header.notes, maps, rawSize: maps.at(-1)?.rawEnd ?? 0 }
}

/** Whether the user wrote it, and nobody else can. */
function isOurs({ mode, uid }: Stats): boolean {
  return uid === (process.getuid?.() ?? uid) && (mode & 0o022) === 0
}

/** The digest has been checked: what has this format was written by us. */
function isOurHeader(value: unknown): value is EntryHeader {
  return (
    typeof value === 'object' &&
    value !== null &&
    'format' in value &&
    value.format === FORMAT &&
    'byteOrder' in value &&
    value.byteOrder === endianness()
  )
}

function columnsOf({
  startBit,
  endBit,
  rawLength,
  textLength,
  crc,
}: BlockColumns): readonly (Float64Array | Uint32Array)[] {
  return [startBit, endBit, rawLength, textLength, crc]
}

function bytesOf(column: Float64Array | Uint32Array): Buffer {
  return Buffer.from(column.buffer, column.byteOffset, column.byteLength)
}
