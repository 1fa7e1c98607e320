/**
 * The one edge where OEM content comes from this machine's files.
 */
import { createHash } from 'node:crypto'
import { createReadStream, type Dirent, type Stats } from 'node:fs'
import { readdir, readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import type { FileContent } from '../engine/engine.js'
import { isErrnoException, saysAbsent, UsageError } from '../errors.js'

/** Up to here content is held in memory; bigger files stay on the host until an engine writes them. */
const IN_MEMORY_BYTES = 1 << 20
/** Configs and lists are text that people wrote. */
const TEXT_LIMIT_BYTES = 16 * 1024 * 1024

export interface LoadedFile {
  readonly content: FileContent
  readonly sizeBytes: number
  /** Lower-case hex. */
  readonly sha256: string
}

/**
 * Reads a file that has to be looked into.
 *
 * @param what for the message: `--cloud-config`
 * @throws ERR_INPUT_FILE
 */
export async function readTextFile(path: string, what: string): Promise<Buffer> {
  const { size } = await statRegularFile(path, what)
  if (size > TEXT_LIMIT_BYTES) {
    throw new UsageError('ERR_INPUT_FILE', `${what} ${path} has ${size} bytes; more than 16 MiB is no text file`, {
      hint: 'check that this is the file you meant',
    })
  }
  return attempt(() => readFile(path), path, what)
}

/** @throws ERR_INPUT_FILE */
export async function loadFile(path: string, what: string): Promise<LoadedFile> {
  const { size } = await statRegularFile(path, what)
  if (size <= IN_MEMORY_BYTES) return loadedBytes(await attempt(() => readFile(path), path, what))
  const hash = createHash('sha256')
  let sizeBytes = 0
  await attempt(
    async () => {
      for await (const block of createReadStream(path)) {
        hash.update(block)
        sizeBytes += block.length
      }
    },
    path,
    what,
  )
  // What is baked is read again later; it would be taken for whole, however much of it there was now.
  if (sizeBytes !== size) {
    throw new UsageError('ERR_INPUT_FILE', `${what} ${path} had ${size} bytes, and ${sizeBytes} when it was read`, {
      hint: 'make sure that nothing else writes it, then run the same command again',
      details: { path },
    })
  }
  return { content: { kind: 'host-file', path, sizeBytes }, sizeBytes, sha256: hash.digest('hex') }
}

export function loadedBytes(bytes: Uint8Array): LoadedFile {
  return {
    content: { kind: 'bytes', bytes },
    sizeBytes: bytes.length,
    sha256: createHash('sha256').update(bytes).digest('hex'),
  }
}

export interface FoundFile {
  readonly path: string
  /** Below the directory, `/`-separated; empty when the source was the file itself. */
  readonly relativePath: string
  readonly executable: boolean
}

/**
 * The file itself, or all files of a directory in a stable order.
 *
 * @throws ERR_INPUT_FILE for what is missing, and for symlinks and special files inside a directory
 */
export async function findFiles(source: string, what: string): Promise<readonly FoundFile[]> {
  const found = await attempt(() => stat(source), source, what)
  if (found.isFile()) return [{ path: source, relativePath: '', executable: isExecutable(found) }]
  if (!found.isDirectory()) throw notRegular(source, what)
  const files = await filesBelow(source, '', what)
  if (files.length === 0) {
    throw new UsageError('ERR_INPUT_FILE', `${what} ${source} is a directory without files`, { hint: 'check the path' })
  }
  return files
}

/**
 * Whether a regular file is there.
 *
 * @throws ERR_INPUT_FILE when that can't be found out
 */
export async function isFile(path: string): Promise<boolean> {
  try {
    return (await stat(path)).isFile()
  } catch (error) {
    if (saysAbsent(error)) return false
    throw inputError(error, path, 'file')
  }
}

/** Names of the directories in a directory; none when it is not there. */
export async function subdirectories(path: string): Promise<readonly string[]> {
  try {
    const entries = await readdir(path, { withFileTypes: true })
    return entries
      .filter((entry) => entry.isDirectory())
      .map((entry) => entry.name)
      .sort()
  } catch (error) {
    if (isErrnoException(error) && (error.code === 'ENOENT' || error.code === 'ENOTDIR')) return []
    throw inputError(error, path, 'directory')
  }
}

async function filesBelow(root: string, relative: string, what: string): Promise<readonly FoundFile[]> {
  const directory = join(root, relative)
  const entries: Dirent[] = await attempt(() => readdir(directory, { withFileTypes: true }), directory, what)
  const files: FoundFile[] = []
  for (const entry of entries.sort((left, right) => (left.name < right.name ? -1 : 1))) {
    const relativePath = relative === '' ? entry.name : `${relative}/${entry.name}`
    const path = join(root, relativePath)
    if (entry.isDirectory()) files.push(...(await filesBelow(root, relativePath, what)))
    else if (entry.isFile()) {
      files.push({ path, relativePath, executable: isExecutable(await attempt(() => stat(path), path, what)) })
    } else throw notRegular(path, what)
  }
  return files
}

async function statRegularFile(path: string, what: string): Promise<Stats> {
  const found = await attempt(() => stat(path), path, what)
  if (!found.isFile()) throw notRegular(path, what)
  return found
}

function isExecutable(found: Stats): boolean {
  return (found.mode & 0o100) !== 0
}

async function attempt<Result>(action: () => Promise<Result>, path: string, what: string): Promise<Result> {
  try {
    return await action()
  } catch (error) {
    throw inputError(error, path, what)
  }
}

function inputError(error: unknown, path: string, what: string): UsageError {
  const code = isErrnoException(error) ? error.code : undefined
  const reason =
    code === 'ENOENT' || code === 'ENOTDIR'
      ? 'does not exist'
      : code === 'EACCES'
        ? 'may not be read (EACCES)'
        : `could not be read: ${error instanceof Error ? error.message : String(error)}`
  return new UsageError('ERR_INPUT_FILE', `${what} ${path} ${reason}`, {
    hint: 'check the path and its permissions',
    details: { path, errno: code },
    cause: error,
  })
}

function notRegular(path: string, what: string): UsageError {
  return new UsageError('ERR_INPUT_FILE', `${what} ${path} is not a regular file`, {
    hint: 'give the file itself, not a directory, a link inside a directory, or a device',
    details: { path },
  })
}
