/**
 * Reads what the planner needs to know of an OEM partition: its tree, its space, and the few small files that decide.
 */
import type { Filesystem, FilesystemReader } from '../engine/engine.js'
import type { OemContent } from './content.js'
import { type OemState, pathsWorthReading, WORTH_READING_BYTES } from './plan/plan.js'

/** @param content what is to be written, so that files which are there already can be told */
export async function readOemState(
  reader: FilesystemReader,
  filesystem: Filesystem,
  content?: OemContent,
): Promise<OemState> {
  const entries = await reader.list()
  const contents = new Map<string, Buffer>()
  for (const path of pathsWorthReading(entries, content)) {
    const bytes = await reader.read(path, WORTH_READING_BYTES)
    if (bytes !== undefined) contents.set(path, bytes)
  }
  return { entries, contents, space: await reader.space(), filesystem }
}
