/**
 * Who writes which name in a batch: no two jobs write the same file, and none writes what another one reads.
 *
 * Without it the second would find the first one's output, and be told to use `--force`: with that, one of both is lost.
 * What an edition is called may show only when its job has begun, so a name is claimed then; one that a job says itself, before
 * all work.
 */
import { realpath } from 'node:fs/promises'
import { basename, dirname, join, resolve } from 'node:path'
import { UsageError } from '../errors.js'
import { isUrl } from '../fetch/publisher.js'
import { inputsOf } from '../publish/inputs.js'
import { allSideNames } from '../publish/side-files.js'
import type { BatchJob } from '../request.js'

/** Stands for the file that the jobs came from; no job can be called so. */
const FILE = '\0'
const NO_CONTENT = { files: [], givenVariables: [], template: undefined }

export class Claims {
  /** Names of jobs, by what they write and by what they read. */
  readonly #writers = new Map<string, string>()
  readonly #readers: ReadonlyMap<string, string>

  private constructor(readers: ReadonlyMap<string, string>) {
    this.#readers = readers
  }

  /** @param file that the jobs come from @throws ERR_USAGE for names that jobs say themselves and that can't be had together */
  static async of(jobs: readonly BatchJob[], file: string | undefined): Promise<Claims> {
    const readers = new Map<string, string>()
    for (const { name, request } of jobs)
      for (const input of [request.image, ...inputsOf(NO_CONTENT, request)])
        if (!isUrl(input)) for (const path of await namesOf(input)) readers.set(path, name)
    if (file !== undefined) for (const path of await namesOf(file)) readers.set(path, FILE)
    const claims = new Claims(readers)
    for (const { name, request } of jobs)
      if ('output' in request && request.output !== undefined) await claims.claim(request.output, name)
    return claims
  }

  /**
   * @param output with all the names that may be given beside it
   * @throws ERR_USAGE when another job has one of them, or reads it
   */
  async claim(output: string, job: string): Promise<void> {
    const path = await nameOf(output)
    const names = [path, ...allSideNames(path)]
    for (const name of names) {
      const writer = this.#writers.get(name)
      if (writer !== undefined && writer !== job) throw taken(`jobs ${writer} and ${job} would both write ${name}`)
      const reader = this.#readers.get(name)
      if (reader !== undefined && reader !== job)
        throw taken(
          `job ${job} would write ${name}, which ${reader === FILE ? 'is the file of jobs' : `job ${reader} reads`}`,
        )
    }
    for (const name of names) this.#writers.set(name, job)
  }
}

function taken(message: string): UsageError {
  return new UsageError('ERR_USAGE', message, { hint: 'give each job an output, or an output-dir, of its own' })
}

/** Under which a file is written: links to its directory followed, and the file itself perhaps not there. */
async function nameOf(path: string): Promise<string> {
  const directory = dirname(resolve(path))
  return join(await realpath(directory).catch(() => directory), basename(path))
}

/** Under which a file may be known that is read. */
async function namesOf(path: string): Promise<readonly string[]> {
  const name = await nameOf(path)
  return [name, await realpath(path).catch(() => name)]
}
