/** OEM partitions for tests of what happens at boot: a path and its text, or a mode with it. */
import { explainBoot } from '#src/oem/explain/explain.js'
import type { BootExplanation } from '#src/oem/explain/explanation.js'
import type { BootTree } from '#src/oem/explain/tree.js'
import { parseReleaseArgument } from '#src/oem/release/release.js'

export type TreeFiles = Readonly<Record<string, string | { readonly text: string; readonly mode: number }>>

export function bootTree(files: TreeFiles, filesystem?: BootTree['filesystem']): BootTree {
  const rows = Object.entries(files).map(([path, file]) => ({
    path,
    ...(typeof file === 'string' ? { text: file, mode: 0o644 } : file),
  }))
  return {
    entries: rows.map(({ path, mode }) => ({ path, kind: 'file', mode })),
    contents: new Map(rows.map(({ path, text }) => [path, Buffer.from(text)])),
    ...(filesystem === undefined ? {} : { filesystem }),
  }
}

export function explained(files: TreeFiles, release: string, filesystem?: BootTree['filesystem']): BootExplanation {
  return explainBoot(bootTree(files, filesystem), parseReleaseArgument(release))
}
