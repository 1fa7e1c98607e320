/**
 * The run's own directory: everything temporary lives in it, so that one removal cleans up after any end.
 *
 * It lies beside the output (or in `--tmp-dir`), so that the finished file moves by rename. After a SIGKILL it stays
 * behind; its name carries the process id, that process's start time and where process ids mean that (host and process
 * namespace: containers and machines may share a directory), and the next run in the same place removes it once that
 * process is gone. The module is the one importer of `tmp`, which makes the directory with mode 0700 and
 * removes it even when the process leaves through `process.exit`.
 */
import { createHash, randomBytes } from 'node:crypto'
import { readFileSync, readlinkSync } from 'node:fs'
import { readdir, rm } from 'node:fs/promises'
import { hostname } from 'node:os'
import { join } from 'node:path'
import tmp from 'tmp'
import { fileError } from './errors.js'

const PREFIX = '.oem-bake-'
/** `.oem-bake-<pid>-<start time>-<where>-<random>` */
const NAME = /^\.oem-bake-(\d+)-(\d+)-([0-9a-f]+)-[A-Za-z0-9]+$/

export interface Workspace {
  /** Absolute path of the run's own directory. */
  readonly directory: string
  /** A path inside it; nothing is created. */
  path(name: string): string
}

/**
 * Makes the directory; disposing of it removes the directory with all that is in it.
 *
 * @param parent an existing directory; a relative path is taken from the working directory
 * @throws ERR_PERMISSION | ERR_NO_SPACE | ERR_NOT_FOUND when the directory can't be made
 */
export async function openWorkspace(parent: string): Promise<Workspace & AsyncDisposable> {
  await removeLeftovers(parent)
  tmp.setGracefulCleanup()
  const { name: directory } = makeDirectory(parent)
  return {
    directory,
    path: (name) => join(directory, name),
    // `rm` makes the retries that `tmp` does not, for a child that is still ending. Clean-up never hides an error.
    [Symbol.asyncDispose]: () => rm(directory, { recursive: true, force: true, maxRetries: 3 }).catch(() => undefined),
  }
}

function makeDirectory(parent: string): tmp.DirResult {
  try {
    return tmp.dirSync({
      tmpdir: parent,
      // Not `template`: that refuses a parent with two dots in it, and fills in an XXXXXX of the parent's own name.
      name: `${PREFIX}${process.pid}-${startTime(process.pid) ?? 0}-${processSpace()}-${randomBytes(6).toString('hex')}`,
      mode: 0o700,
      unsafeCleanup: true,
    })
  } catch (error) {
    throw fileError(error, `make a working directory in ${parent}`)
  }
}

/** Removes directories of runs that no longer exist. A directory that can't be removed is left for its owner. */
async function removeLeftovers(parent: string): Promise<void> {
  const names = await readdir(parent).catch(() => [])
  for (const name of names) {
    const match = NAME.exec(name)
    if (match === null) continue
    const [, pid, started, space] = match
    if (space !== processSpace()) continue
    const runningSince = startTime(Number(pid))
    if (runningSince !== undefined && runningSince === Number(started)) continue
    if (runningSince === undefined && isAlive(Number(pid))) continue
    await rm(join(parent, name), { recursive: true, force: true }).catch(() => undefined)
  }
}

/** Tells apart places where one process id means different processes: a short digest of host name and pid namespace. */
function processSpace(): string {
  let namespace = ''
  try {
    namespace = readlinkSync('/proc/self/ns/pid')
  } catch {
    // No Linux, no namespaces.
  }
  return createHash('sha256').update(`${hostname()} ${namespace}`).digest('hex').slice(0, 8)
}

/** When a process started, in clock ticks since boot (proc(5), /proc/pid/stat field 22); undefined if unknown. */
function startTime(pid: number): number | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1')
    // Field 2 is the command in parentheses and may itself hold spaces and parentheses.
    const afterCommand = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    return Number(afterCommand[22 - 3])
  } catch {
    return undefined
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'EPERM'
  }
}
