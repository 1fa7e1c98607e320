/**
 * The processes that guestfish brings along, and the directory that only their arguments name.
 *
 * guestfish starts its hypervisor (or whatever `LIBGUESTFS_HV` points to), a recovery process (a fork of itself that
 * kills the hypervisor two seconds after guestfish has gone), and on first use `supermin`. The supervisor puts all of
 * them in one session (setsid(2)), so that they can be found by its number, in proc(5), whatever their parents did.
 */
import { readdirSync, readFileSync, readlinkSync } from 'node:fs'
import { basename } from 'node:path'

export interface SessionProcess {
  readonly pid: number
  /** What it runs; undefined where the kernel does not tell us. */
  readonly executable: string | undefined
  readonly commandLine: readonly string[]
}

/** Living processes of a session. Those that have ended and wait for their parent do not count. */
export function processesOfSession(session: number): readonly SessionProcess[] {
  const found: SessionProcess[] = []
  for (const name of readdirSync('/proc')) {
    if (!/^\d+$/.test(name)) continue
    const stat = readProc(`/proc/${name}/stat`)
    if (stat === undefined) continue
    const { state, sessionId } = parseProcStat(stat)
    if (sessionId !== session || state === 'Z' || state === 'X') continue
    found.push({
      pid: Number(name),
      executable: executableOf(Number(name)),
      commandLine: (readProc(`/proc/${name}/cmdline`) ?? '').split('\0').slice(0, -1),
    })
  }
  return found
}

/** @returns undefined for a process that has gone or belongs to somebody else */
export function executableOf(pid: number): string | undefined {
  try {
    return readlinkSync(`/proc/${pid}/exe`)
  } catch {
    return undefined
  }
}

/** Fields 3 (state) and 6 (session) of /proc/pid/stat, proc(5). */
export function parseProcStat(stat: string): { readonly state: string; readonly sessionId: number } {
  // Field 2 is the command in parentheses and may itself hold spaces and parentheses.
  const afterCommand = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  return { state: afterCommand[3 - 3] ?? '', sessionId: Number(afterCommand[6 - 3]) }
}

/** `supermin` builds the appliance that all later launches share. */
export function isApplianceBuilder(process: SessionProcess): boolean {
  return basename(process.executable ?? '') === 'supermin'
}

/**
 * libguestfs's socket directories that a command line names: `socket,path=/tmp/libguestfsAbCdEf/guestfsd.sock`.
 *
 * For root libguestfs always makes it in /tmp, whatever the environment says (guestfs(3), "get_sockdir"), so this is the
 * one trace that no directory of ours contains.
 */
export function socketDirectories(commandLine: readonly string[]): readonly string[] {
  const found = new Set<string>()
  for (const argument of commandLine) {
    for (const [, directory] of argument.matchAll(/path=(\/[^,]*\/libguestfs[A-Za-z0-9]{6})\/[a-z]+\.sock/g)) {
      if (directory !== undefined) found.add(directory)
    }
  }
  return [...found]
}

/** A process may go between being listed and being read. */
function readProc(path: string): string | undefined {
  try {
    return readFileSync(path, 'latin1')
  } catch {
    return undefined
  }
}
