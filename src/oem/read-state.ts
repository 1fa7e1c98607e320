/**
 * Reads what the planner needs to know of an OEM partition: its tree, its space, and the few small files that decide.
 */
import type { Filesystem, FilesystemReader } from '../engine/engine.js'
import { type OemState, pathsWorthReading } from './plan.js'

/** More than any of these text files has ever held. */
const CONTENT_LIMIT_BYTES = 1 << 20

export async function readOemState(reader: FilesystemReader, filesystem: Filesystem): Promise<OemState> {
  const entries = await reader.list()
  const contents = new Map<string, Buffer>()
  for (const path of pathsWorthReading(entries)) {
    const content = await reader.read(path, CONTENT_LIMIT_BYTES)
    if (content !== undefined) contents.set(path, content)
  }
  return { entries, contents, space: await reader.space(), filesystem }
}
