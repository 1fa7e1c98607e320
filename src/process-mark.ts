/**
 * A mark by which a later run can tell whether the process that made something is still there.
 *
 * `<pid>-<start time>-<where>`: process ids come round again, so the start time is part of it; and where process ids mean that
 * (host and process namespace), because containers and machines may share a directory.
 */
import { createHash } from 'node:crypto'
import { readFileSync, readlinkSync } from 'node:fs'
import { hostname } from 'node:os'

const MARK = /^(\d+)-(\d+)-([0-9a-f]+)$/

/** This process's. */
export function ownMark(): string {
  return `${process.pid}-${startTime(process.pid) ?? 0}-${processSpace()}`
}

/** Whether the process that has a mark runs, as far as that can be told from here: what is no mark is left alone. */
export function isRunning(mark: string): boolean {
  const [, pid, started, space] = MARK.exec(mark) ?? []
  if (pid === undefined || space !== processSpace()) return true
  const runningSince = startTime(Number(pid))
  if (runningSince !== undefined) return runningSince === Number(started)
  return isAlive(Number(pid))
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
