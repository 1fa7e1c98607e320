/** Files compressed by the real programs. */
import { execFileSync } from 'node:child_process'
import { closeSync, openSync } from 'node:fs'

/** As the vendors do it. @returns the path of the compressed file, beside the other */
export function compressFile(path: string): string {
  const compressed = `${path}.bz2`
  const from = openSync(path, 'r')
  const to = openSync(compressed, 'wx')
  try {
    execFileSync('lbzip2', ['-zc', '-9'], { stdio: [from, to, 'inherit'] })
  } finally {
    closeSync(from)
    closeSync(to)
  }
  return compressed
}
