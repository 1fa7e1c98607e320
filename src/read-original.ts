/**
 * The original image: opened as any image is, read-only, to bring back what an earlier bake took away.
 *
 * First it has to be the one: same partition table, same OEM filesystem, and the tree of names and sizes that the history
 * on the baked image remembers. Then the files that history lists must have the digests that it lists.
 */
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { FIRST_BOOT_DISK_GUID } from './disk/gpt/guid.js'
import type { LocatedOem } from './disk/locate-oem.js'
import type { FilesystemReader, OemEntry } from './engine/engine.js'
import { fileError, RefusedError } from './errors.js'
import type { OemState } from './oem/describe.js'
import type { OriginalOem } from './oem/history/before.js'
import { HISTORY_PATH, type History, treeDigest } from './oem/history/history.js'
import { differingFiles, filesToCompare } from './oem/history/strangers.js'
import { type LoadedFile, loadedBytes } from './oem/host-files.js'
import { withDigests } from './oem/read-state.js'
import type { ImageRelease } from './oem/release/release.js'

/** Up to here content is held in memory; bigger files wait in the working directory until an engine writes them. */
const IN_MEMORY_BYTES = 1 << 20

export interface OriginalQuestion {
  /** The baked image. */
  readonly baked: {
    readonly oem: FilesystemReader
    readonly located: LocatedOem
    readonly release: ImageRelease
    /** Of this run; big files go there. */
    readonly workDirectory: string
  }
  readonly state: OemState
  readonly history: History
  /** Everything is to become as it was, and not only what bakes took away. */
  readonly whole: boolean
}

export interface ComparedOriginal {
  readonly original: OriginalOem
  /** The baked image's, with the digests that the comparison took. */
  readonly state: OemState
}

/**
 * @param located the original's OEM partition
 * @throws ERR_ORIGINAL_MISMATCH with what is not the same
 */
export async function readOriginalOem(
  reader: FilesystemReader,
  located: LocatedOem,
  question: OriginalQuestion,
): Promise<ComparedOriginal> {
  const { baked, history, whole } = question
  const { workDirectory } = baked
  assertSameDisk(baked.located, located)
  const entries = await reader.list()
  assertSameTree(entries, history)
  const files = new Map<string, LoadedFile>()
  const byPath = new Map(entries.map((entry) => [entry.path, entry]))
  for (const record of history.displaced) {
    const entry = byPath.get(record.path)
    // What somebody else put there between two bakes was never on the original.
    if (record.kind !== 'file' || entry?.kind !== 'file') continue
    const file = await load(reader, entry, join(workDirectory, `original-${files.size}`))
    if (file.sha256 !== record.sha256) throw mismatch(`${record.path} has other content than the one that was replaced`)
    files.set(record.path, file)
  }
  if (!whole) return { original: { entries, files }, state: question.state }
  const state = await withDigests(baked.oem, question.state, filesToCompare(question.state, entries, history))
  for (const path of await differingFiles(state, entries, history, (path) => reader.sha256(path))) {
    const entry = byPath.get(path)
    if (entry === undefined || files.has(path)) continue
    files.set(path, await load(reader, entry, join(workDirectory, `original-${files.size}`)))
  }
  return { original: { entries, files }, state }
}

async function load(reader: FilesystemReader, { path, sizeBytes }: OemEntry, spare: string): Promise<LoadedFile> {
  const bytes = (await reader.read(path, sizeBytes)) ?? Buffer.alloc(0)
  const loaded = loadedBytes(bytes)
  if (sizeBytes <= IN_MEMORY_BYTES) return loaded
  await writeFile(spare, bytes, { mode: 0o600 }).catch((error) => {
    throw fileError(error, `write ${spare}`)
  })
  return { ...loaded, content: { kind: 'host-file', path: spare, sizeBytes } }
}

function assertSameDisk(baked: LocatedOem, original: LocatedOem): void {
  const differences = [
    differ('the OEM filesystem has the UUID', baked.oem.filesystem.uuid, original.oem.filesystem.uuid),
    differ('the OEM partition has the GUID', baked.oem.partition.partitionGuid, original.oem.partition.partitionGuid),
    // The first boot gives the disk a GUID of its own.
    baked.gpt.diskGuid !== FIRST_BOOT_DISK_GUID && original.gpt.diskGuid === FIRST_BOOT_DISK_GUID
      ? undefined
      : differ('the disk has the GUID', baked.gpt.diskGuid, original.gpt.diskGuid),
  ].filter((difference) => difference !== undefined)
  if (differences.length > 0) throw mismatch(differences.join('; '))
}

function differ(what: string, baked: string, original: string): string | undefined {
  return baked === original ? undefined : `${what} ${original}, and ${baked} on the baked image`
}

function assertSameTree(entries: readonly OemEntry[], history: History): void {
  if (treeDigest(entries) === history.original.tree) return
  throw entries.some(({ path }) => path === HISTORY_PATH)
    ? mismatch('it was baked by oem-bake, too')
    : mismatch('its OEM partition holds other files than there were before the first bake')
}

function mismatch(what: string): RefusedError {
  return new RefusedError(
    'ERR_ORIGINAL_MISMATCH',
    `the original is not the image that this one was baked from: ${what}`,
    {
      hint: 'give the image as it was before the first bake with --original',
    },
  )
}
