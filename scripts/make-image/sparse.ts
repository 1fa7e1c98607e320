/** Copies a file into the middle of another and leaves zeros as holes. */
import { open } from 'node:fs/promises'

const PIECE_BYTES = 1024 * 1024
/** Holes are found in units of the usual file system block. */
const HOLE_BYTES = 4096
const ZEROS = Buffer.alloc(PIECE_BYTES)

/** The target's bytes must be a hole to begin with: zeros are skipped, not written. */
export async function copySparse(source: string, target: string, offset: number): Promise<void> {
  const from = await open(source, 'r')
  const to = await open(target, 'r+')
  try {
    const piece = Buffer.alloc(PIECE_BYTES)
    for (let position = 0; ; ) {
      const { bytesRead } = await from.read(piece, 0, PIECE_BYTES, position)
      if (bytesRead === 0) return
      const data = piece.subarray(0, bytesRead)
      for (const { start, end } of dataRuns(data)) await to.write(data, start, end - start, offset + position + start)
      position += bytesRead
    }
  } finally {
    await from.close()
    await to.close()
  }
}

function dataRuns(data: Buffer): readonly { readonly start: number; readonly end: number }[] {
  if (data.equals(ZEROS.subarray(0, data.length))) return []
  const runs: { start: number; end: number }[] = []
  for (let start = 0; start < data.length; start += HOLE_BYTES) {
    const end = Math.min(start + HOLE_BYTES, data.length)
    if (data.subarray(start, end).equals(ZEROS.subarray(0, end - start))) continue
    const last = runs.at(-1)
    if (last?.end === start) last.end = end
    else runs.push({ start, end })
  }
  return runs
}
