/** Files compressed and decompressed by the real programs. */
import { execFileSync } from 'node:child_process'
import { closeSync, openSync } from 'node:fs'

/** As the vendors do it. @returns the path of the compressed file, beside the other */
export function compressFile(path: string): string {
  return through(['lbzip2', '-zc', '-9'], path, `${path}.bz2`)
}

/** With bzip2 itself, which complains about everything. @returns the path of the decoded file */
export function decompressFile(path: string, target: string): string {
  return through(['bzip2', '-dc'], path, target)
}

function through([program, ...args]: readonly [string, ...string[]], source: string, target: string): string {
  const from = openSync(source, 'r')
  const to = openSync(target, 'wx')
  try {
    execFileSync(program, args, { stdio: [from, to, 'inherit'] })
  } finally {
    closeSync(from)
    closeSync(to)
  }
  return target
}
