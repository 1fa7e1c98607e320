/** What lies in a directory, down to the bytes: for "nothing was left behind, and the input is what it was". */
import { createHash } from 'node:crypto'
import { lstatSync, readdirSync, readFileSync, readlinkSync } from 'node:fs'
import { join } from 'node:path'

export function sha256File(path: string): string {
  return createHash('sha256').update(readFileSync(path)).digest('hex')
}

/** One line an entry: path, kind, mode, and what it holds. Times are left out of directories: a temporary entry may have come and gone. */
export function snapshot(directory: string): readonly string[] {
  return readdirSync(directory, { recursive: true, encoding: 'utf8' })
    .sort()
    .map((name) => {
      const path = join(directory, name)
      const found = lstatSync(path, { bigint: true })
      const mode = (found.mode & 0o7777n).toString(8)
      if (found.isFile()) return `${name} file ${mode} ${found.size} ${found.mtimeNs} ${sha256File(path)}`
      if (found.isSymbolicLink()) return `${name} -> ${readlinkSync(path)}`
      return `${name} ${found.isDirectory() ? 'directory' : 'special'} ${mode}`
    })
}

/** Entries of the shared temporary directories that a process of ours made; other runs may be under way at any time. */
export function strayTemporaryFiles(pids: readonly number[]): readonly string[] {
  return ['/tmp', '/var/tmp'].flatMap((directory) =>
    readdirSync(directory)
      .filter((name) => pids.some((pid) => name.startsWith(`.oem-bake-${pid}-`)))
      .map((name) => join(directory, name)),
  )
}
