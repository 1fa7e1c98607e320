/** The files of the tree as it will be after the bake, with what is known of their content: what the checks of the whole look at. */
import type { OemEntry } from '../../engine/engine.js'
import type { ContentFile } from '../content-file.js'
import type { Place } from '../finding.js'

/** More than a person writes by hand; what is bigger is no script or config. */
const TEXT_LIMIT_BYTES = 1 << 20

export interface TreeFile {
  /** On the OEM partition. */
  readonly path: string
  readonly mode: number
  /** What findings call it. */
  readonly source: string
  /** This bake writes it; otherwise it was there before. */
  readonly isWritten: boolean
  /** Undefined for what is no text, is big, or was not read. */
  readonly text: string | undefined
}

export function treeFiles(
  expected: readonly OemEntry[],
  written: ReadonlyMap<string, ContentFile>,
  contents: ReadonlyMap<string, Buffer>,
): readonly TreeFile[] {
  return expected.flatMap(({ kind, mode, path }) => {
    if (kind !== 'file') return []
    const file = written.get(path)
    const bytes = file === undefined ? contents.get(path) : bytesOf(file)
    return [{ path, mode, source: file?.source ?? path, isWritten: file !== undefined, text: textIn(bytes) }]
  })
}

/** Where in a file the character at an index of its text stands. */
export function placeAt(file: TreeFile, index: number): Place {
  const before = (file.text ?? '').slice(0, index)
  return { file: file.source, line: before.split('\n').length, column: index - before.lastIndexOf('\n') }
}

export function formatMode(mode: number): string {
  return mode.toString(8).padStart(4, '0')
}

function bytesOf({ content }: ContentFile): Buffer | undefined {
  return content.kind === 'bytes' ? Buffer.from(content.bytes) : undefined
}

function textIn(bytes: Buffer | undefined): string | undefined {
  return bytes === undefined || bytes.length > TEXT_LIMIT_BYTES || bytes.includes(0)
    ? undefined
    : bytes.toString('utf8')
}
