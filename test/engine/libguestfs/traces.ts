/**
 * What a session may leave behind, found without asking the code under test: processes by a path in their environment or
 * arguments, socket directories in /tmp by who names them.
 */
import { readdirSync, readFileSync, statSync } from 'node:fs'
import { setTimeout as pause } from 'node:timers/promises'

/** Living processes that know a directory; our own process does not count. */
export function processesKnowing(directory: string): readonly number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid)
    .filter((name) => [`/proc/${name}/environ`, `/proc/${name}/cmdline`].some((path) => read(path).includes(directory)))
    .map(Number)
}

/** The process of a session whose arguments match, waited for. */
export async function processWithArguments(directory: string, pattern: RegExp): Promise<number> {
  for (let waitedMs = 0; waitedMs < 60_000; waitedMs += 20) {
    const pid = processesKnowing(directory).find((one) => pattern.test(read(`/proc/${one}/cmdline`)))
    if (pid !== undefined) return pid
    await pause(20)
  }
  throw new Error(`no process of ${directory} matches ${pattern}`)
}

/** libguestfs's directories in /tmp that no living process names, made since then. Other sessions may run at any time. */
function orphanedSocketDirectories(sinceMs: number): readonly string[] {
  const candidates = readdirSync('/tmp')
    .filter((name) => /^libguestfs[A-Za-z0-9]{6}$/.test(name))
    .map((name) => `/tmp/${name}`)
    .filter((path) => (statSync(path, { throwIfNoEntry: false })?.ctimeMs ?? 0) >= sinceMs)
  if (candidates.length === 0) return []
  const known = readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map((name) => read(`/proc/${name}/cmdline`))
    .join('\0')
  return candidates.filter((path) => !known.includes(path))
}

/** Another session's directory is nobody's for the moment between its making and its hypervisor's start. */
const ORPHAN_MS = 5000

/**
 * Waits until no process of a session lives and none of its socket directories is left.
 *
 * @param limitMs how long its processes may take; 0 where the session is said to have ended
 */
export async function untilNothingIsLeft(directory: string, sinceMs: number, limitMs = 30_000): Promise<void> {
  const startedMs = performance.now()
  for (;;) {
    const processes = processesKnowing(directory)
    const orphans = orphanedSocketDirectories(sinceMs)
    if (processes.length === 0 && orphans.length === 0) return
    const tookMs = performance.now() - startedMs
    const isTooLate = processes.length > 0 ? tookMs > limitMs : tookMs > Math.max(limitMs, ORPHAN_MS)
    if (isTooLate) throw new Error(`left: processes ${processes.join(' ')}, directories ${orphans.join(' ')}`)
    await pause(100)
  }
}

function read(path: string): string {
  try {
    return readFileSync(path, 'latin1')
  } catch {
    return ''
  }
}
