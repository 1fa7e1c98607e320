/**
 * Reads what the planner needs to know of an OEM partition: its tree, its space, the few small files that decide, and the
 * history that an earlier bake left.
 *
 * An image that nobody of us baked costs one look for the history in the list; only where there is one, files are hashed to
 * see whether they are as they were written.
 */
import type { Filesystem, FilesystemReader, OemEntry } from '../engine/engine.js'
import type { OemContent } from './content.js'
import { isAsWritten, type OriginalOem } from './history/before.js'
import { HISTORY_LIMIT_BYTES, HISTORY_PATH } from './history/history.js'
import { digestsWanted } from './history/next-history.js'
import { type ParsedHistory, parseHistory } from './history/parse-history.js'
import { loadedBytes } from './host-files.js'
import { decideBake, type OemState, pathsWorthReading, WORTH_READING_BYTES } from './plan/plan.js'
import type { ImageRelease } from './release/release.js'

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
  const found = entries.find(({ path }) => path === HISTORY_PATH)
  const { history, digests } = found === undefined ? NO_HISTORY : await readHistory(reader, found)
  const state = { entries, contents, space: await reader.space(), filesystem, digests }
  const hashed = await withDigests(reader, state, pathsToCompare(entries, content, history))
  return history === undefined ? hashed : { ...hashed, history }
}

const NO_HISTORY = { history: undefined, digests: new Map<string, string>() }

/**
 * With the digests of what a bake would take away: its history keeps them.
 *
 * @throws what {@link decideBake} throws
 */
export async function withDisplacedDigests(
  reader: FilesystemReader,
  state: OemState,
  content: OemContent,
  release: ImageRelease,
  original: OriginalOem | undefined,
): Promise<OemState> {
  return withDigests(reader, state, digestsWanted(decideBake(content, state, release, original)))
}

/** @param paths of regular files */
export async function withDigests(
  reader: FilesystemReader,
  state: OemState,
  paths: readonly string[],
): Promise<OemState> {
  const wanted = paths.filter((path) => state.digests?.has(path) !== true && !state.contents.has(path))
  if (wanted.length === 0) return state
  const digests = new Map(state.digests)
  for (const path of wanted) digests.set(path, await reader.sha256(path))
  return { ...state, digests }
}

async function readHistory(
  reader: FilesystemReader,
  { kind, sizeBytes }: OemEntry,
): Promise<{ readonly history: ParsedHistory; readonly digests: ReadonlyMap<string, string> }> {
  const damaged = (reason: string) => ({ ...NO_HISTORY, history: { kind: 'damaged', reason } as const })
  if (kind !== 'file') return damaged('it is no regular file')
  if (sizeBytes > HISTORY_LIMIT_BYTES) {
    return damaged(`it has ${sizeBytes} bytes, and at most ${HISTORY_LIMIT_BYTES} are read`)
  }
  const bytes = await reader.read(HISTORY_PATH, HISTORY_LIMIT_BYTES)
  if (bytes === undefined) return damaged('it can not be read')
  return { history: parseHistory(bytes), digests: new Map([[HISTORY_PATH, loadedBytes(bytes).sha256]]) }
}

/** Files that may be as they were written, or as they are to be written: as far as the list tells, they are. */
function pathsToCompare(
  entries: readonly OemEntry[],
  content: OemContent | undefined,
  history: ParsedHistory | undefined,
): readonly string[] {
  const written = history?.kind === 'history' ? history.history.written : []
  if (written.length === 0 && content === undefined) return []
  const files = new Map(entries.filter(({ kind }) => kind === 'file').map((entry) => [entry.path, entry]))
  const asWritten = written.filter((file) => {
    const entry = files.get(file.path)
    return entry !== undefined && isAsWritten(entry, file)
  })
  const asWanted = (content?.files ?? []).filter(({ path, sizeBytes }) => files.get(path)?.sizeBytes === sizeBytes)
  return [...new Set([...asWritten, ...asWanted].map(({ path }) => path))]
}
