/** Files in memory as files on the disk, opened for the index. */
import { mkdtempSync, writeFileSync } from 'node:fs'
import { open } from 'node:fs/promises'
import { join } from 'node:path'
import type { CompressedFile } from '#src/codec/bzip2/full-index.js'

/** Opens these bytes as a file; it is closed when `run` ends. */
export async function withFile<T>(
  directory: string,
  bytes: Buffer,
  run: (file: CompressedFile, path: string) => Promise<T>,
): Promise<T> {
  const path = join(mkdtempSync(join(directory, 'file-')), 'image.bz2')
  writeFileSync(path, bytes)
  const handle = await open(path, 'r')
  try {
    return await run({ fd: handle.fd, sizeBytes: bytes.length, name: 'image.bz2' }, path)
  } finally {
    await handle.close()
  }
}
