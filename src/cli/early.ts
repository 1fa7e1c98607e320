/**
 * What takes its time to start and is wanted nearly always: begun before all other modules are loaded, on another core.
 *
 * The hash first: of all that a bake does, reading and hashing the image takes the longest.
 */
import { ENGINE_THREAD } from '../engine/embedded/thread.js'
import type { ToHasher } from '../source/file-hash.js'
import { HASH_THREAD } from '../source/hash-thread.js'

const KINDS = [HASH_THREAD, ENGINE_THREAD]
/** A verb that looks into no filesystem. */
const ONLY_HASHES = 'verify'
/** Verbs without an image. */
const WITHOUT_IMAGE = new Set(['templates', 'rules', 'completion', 'keys', 'fetch', 'batch', 'help'])

export function startEarlyThreads(words: readonly string[]): void {
  const word = words.find((candidate) => !candidate.startsWith('-'))
  if (word === undefined || WITHOUT_IMAGE.has(word)) return
  HASH_THREAD.startEarly(headStart(words))
  if (word !== ONLY_HASHES) ENGINE_THREAD.startEarly()
}

/** A guess: if the image turns out to be another file, nothing is lost. */
function headStart(words: readonly string[]): ToHasher | undefined {
  const path = words.find((word) => word.endsWith('.bz2') && !word.startsWith('-'))
  return path === undefined ? undefined : { kind: 'head start', path }
}

/** Ends those that nobody took: a thread keeps the process from leaving. */
export async function endEarlyThreads(): Promise<void> {
  await Promise.all(KINDS.map((kind) => kind.endEarly()))
}
