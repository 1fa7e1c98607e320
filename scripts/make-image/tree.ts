/**
 * The files that go into a filesystem of the image, as data: what every filesystem writer here takes.
 *
 * Paths are relative to the filesystem's root. Everything belongs to root:root, as in the vendors' images, whoever runs
 * the script.
 */
import { mkdir, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'

export type TreeEntry =
  | { readonly kind: 'directory'; readonly path: string }
  | { readonly kind: 'file'; readonly path: string; readonly mode: number; readonly content: string | Buffer }
  /** A file of the build machine. */
  | { readonly kind: 'copy'; readonly path: string; readonly source: string; readonly bytes: number }

export function directory(path: string): TreeEntry {
  return { kind: 'directory', path }
}

export function file(path: string, content: string | Buffer, mode = 0o644): TreeEntry {
  return { kind: 'file', path, mode, content }
}

/** The entries in a fixed order, with every parent directory spelled out once and before its children. */
export function withParents(tree: readonly TreeEntry[]): readonly TreeEntry[] {
  const byPath = new Map<string, TreeEntry>()
  for (const entry of tree) {
    for (let parent = dirname(entry.path); parent !== '.'; parent = dirname(parent)) {
      if (!byPath.has(parent)) byPath.set(parent, directory(parent))
    }
    byPath.set(entry.path, entry)
  }
  return [...byPath.values()].sort((a, b) => compare(a.path, b.path))
}

/** Order of code units, the same in every locale. A directory sorts before what it holds. */
export function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}

/** Writes files with content of their own below `base`; copies stay where they are. */
export async function stageFiles(tree: readonly TreeEntry[], base: string): Promise<void> {
  for (const entry of tree) {
    if (entry.kind !== 'file') continue
    const path = join(base, entry.path)
    await mkdir(dirname(path), { recursive: true })
    await writeFile(path, entry.content)
  }
}
