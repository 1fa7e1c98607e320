/**
 * A download that may take more than one run: a directory with the file as far as it came, and what is known of its source.
 *
 * While a run works on it the directory carries that run's mark in its name; taking it is a rename, so that only one run can.
 * When the run ends early it gives the directory back, and the next one goes on with it. After a SIGKILL the mark is that of
 * a process which is gone, and the next run takes it all the same.
 */
import { type FileHandle, mkdir, open, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileError } from '../errors.js'
import { isRunning, ownMark } from '../process-mark.js'
import { shown } from './address.js'

/** Where a partial file comes from. */
interface Source {
  /** As it is told. A query that is another one now may be the new token for the same file: the validator is to say. */
  readonly url: string
  /** Entity tag or date of the file on the server; without one, what is there can't be gone on with. */
  readonly validator: string | undefined
}

const SOURCE = 'source.json'

/** Disposing of it closes the file and leaves it for another run, unless it was finished. */
export class PartialFile implements AsyncDisposable {
  /** Of the file, which lies alone with what is put beside it. */
  readonly path: string
  readonly directory: string
  readonly #resting: string
  readonly #handle: FileHandle
  #source: Source
  #sizeBytes: number
  #finished = false

  private constructor(
    directory: string,
    resting: string,
    path: string,
    handle: FileHandle,
    source: Source,
    size: number,
  ) {
    this.directory = directory
    this.path = path
    this.#resting = resting
    this.#handle = handle
    this.#source = source
    this.#sizeBytes = size
  }

  /**
   * Takes up what an earlier run left of the file, or begins. What lay beside it is gone: the server may have other side files by
   * now, or none.
   *
   * @throws ERR_PERMISSION | ERR_NO_SPACE | ERR_NOT_FOUND | ERR_IO
   */
  static async open(parent: string, name: string, url: URL): Promise<PartialFile> {
    try {
      const resting = join(parent, `.oem-bake-fetch-${name}`)
      const directory = `${resting}~${ownMark()}`
      if (!(await takeUp(parent, resting, directory))) await mkdir(directory, { mode: 0o755 })
      const source = await readSource(directory)
      const address = shown(url)
      for (const other of await readdir(directory))
        if (other !== name && other !== SOURCE) await rm(join(directory, other), { recursive: true, force: true })
      const fits = source?.url === address && source.validator !== undefined
      const path = join(directory, name)
      const handle = await open(path, 'a+', 0o644)
      if (!fits) await handle.truncate(0)
      const { size } = await handle.stat()
      return new PartialFile(
        directory,
        resting,
        path,
        handle,
        fits ? source : { url: address, validator: undefined },
        size,
      )
    } catch (error) {
      throw fileError(error, `keep a download in ${parent}`)
    }
  }

  /** Bytes that are there. */
  get sizeBytes(): number {
    return this.#sizeBytes
  }

  /** Says of which state of the file on the server they are; undefined when there are none. */
  get validator(): string | undefined {
    return this.#sizeBytes === 0 ? undefined : this.#source.validator
  }

  /** Begins anew. @param validator of what is going to come */
  async restart(validator: string | undefined): Promise<void> {
    try {
      await this.#handle.truncate(0)
      this.#sizeBytes = 0
      this.#source = { ...this.#source, validator }
      await writeFile(join(this.directory, SOURCE), JSON.stringify(this.#source))
    } catch (error) {
      throw fileError(error, `write ${this.path}`)
    }
  }

  async append(bytes: Uint8Array): Promise<void> {
    try {
      // Opened for appending: it goes to the end, which is the beginning after a restart.
      await this.#handle.appendFile(bytes)
      this.#sizeBytes += bytes.length
    } catch (error) {
      throw fileError(error, `write ${this.path}`)
    }
  }

  /** Puts the bytes on the disk. */
  async sync(): Promise<void> {
    await this.#handle.sync().catch((error) => {
      throw fileError(error, `write ${this.path}`)
    })
  }

  /** Makes the directory somebody else's: nothing in it is ours to remove any more. */
  async release(): Promise<void> {
    await this.#handle.close().catch(() => undefined)
    await rm(join(this.directory, SOURCE), { force: true }).catch(() => undefined)
    this.#finished = true
  }

  /** Nothing of it is to be kept. */
  finish(): void {
    this.#finished = true
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#handle.close().catch(() => undefined)
    if (!this.#finished && this.#sizeBytes > 0) {
      // Another run may have left its own there meanwhile; one is enough.
      await rm(this.#resting, { recursive: true, force: true }).catch(() => undefined)
      const given = await rename(this.directory, this.#resting).then(
        () => true,
        () => false,
      )
      if (given) return
    }
    await rm(this.directory, { recursive: true, force: true }).catch(() => undefined)
  }
}

/** @returns whether there was one to go on with */
async function takeUp(parent: string, resting: string, directory: string): Promise<boolean> {
  const prefix = `${resting}~`
  const abandoned = (await readdir(parent))
    .map((name) => join(parent, name))
    .filter((path) => path.startsWith(prefix) && !isRunning(path.slice(prefix.length)))
  for (const path of [resting, ...abandoned]) {
    const taken = await rename(path, directory).then(
      () => true,
      () => false,
    )
    if (taken) return true
  }
  return false
}

async function readSource(directory: string): Promise<Source | undefined> {
  try {
    const parsed: unknown = JSON.parse(await readFile(join(directory, SOURCE), 'utf8'))
    if (typeof parsed !== 'object' || parsed === null || !('url' in parsed) || typeof parsed.url !== 'string')
      return undefined
    const validator = 'validator' in parsed && typeof parsed.validator === 'string' ? parsed.validator : undefined
    return { url: parsed.url, validator }
  } catch {
    // None, or cut off with the run that wrote it: begin anew.
    return undefined
  }
}
