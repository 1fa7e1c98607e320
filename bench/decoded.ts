/** What a program of the system decodes a bzip2 file to: its size and its digests, without a file of it. */
import { createHash } from 'node:crypto'
import type { Region } from '../scripts/make-image/layout.js'
import { run } from './programs.js'

export interface Decoded {
  readonly bytes: number
  /** Of those, in pages that are not all zeros. */
  readonly denseBytes: number
  readonly sha256: string
  /** The same without the bytes of the hole. */
  readonly sha256Outside: string
}

const PAGE_BYTES = 4096
const ZEROS = Buffer.alloc(PAGE_BYTES)

/** @throws Error when the program does not take the file */
export async function decode(program: string, path: string, hole: Region): Promise<Decoded> {
  const whole = createHash('sha256')
  const outside = createHash('sha256')
  let bytes = 0
  let denseBytes = 0
  await run(program, ['-dc', path], (piece) => {
    const clamp = (offset: number): number => Math.min(Math.max(offset - bytes, 0), piece.length)
    whole.update(piece)
    outside.update(piece.subarray(0, clamp(hole.offset))).update(piece.subarray(clamp(hole.offset + hole.length)))
    denseBytes += denseIn(piece, bytes)
    bytes += piece.length
  })
  return { bytes, denseBytes, sha256: whole.digest('hex'), sha256Outside: outside.digest('hex') }
}

/** A page in two pieces counts as two. */
function denseIn(piece: Buffer, offset: number): number {
  let dense = 0
  for (let start = 0; start < piece.length; ) {
    const end = Math.min(piece.length, start + PAGE_BYTES - ((offset + start) % PAGE_BYTES))
    if (piece.compare(ZEROS, 0, end - start, start, end) !== 0) dense += end - start
    start = end
  }
  return dense
}
