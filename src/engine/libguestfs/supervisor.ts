/**
 * A small process between us and guestfish, which ends guestfish in the only order that leaves nothing behind.
 *
 *     node supervisor.js <directory for temporary files> <guestfish> [argument...]
 *
 * Why it exists, found with libguestfs 1.48: a SIGTERM ends guestfish at once; its recovery process then ends the
 * hypervisor, but two directories stay: one in `LIBGUESTFS_TMPDIR`, and one for sockets that root always gets in /tmp.
 * Ending the *hypervisor* instead makes the running command fail, upon which guestfish removes both and exits. That
 * order takes somebody who outlives a SIGKILL of the main process, and a dead parent is noticed by the end of a pipe.
 *
 * One signal for all ends: when its input ends, the supervisor ends the session. After a clean shutdown nothing is left
 * to do but wait for guestfish; on cancellation, failure or the parent's death the hypervisor goes first. So the way that
 * matters after a SIGKILL is the one that every run takes.
 *
 * It passes the three pipes on instead of lending them: guestfish, writing to a pipe whose reader was killed, would
 * die of SIGPIPE before it could clean up. An appliance that is being built is given time to finish: a killed
 * `supermin` leaves a half-made appliance in the cache, a finished one serves the next run.
 *
 * Exit code: guestfish's own; 128 + n when a signal ended it; 127 when it could not be started. This is the one module
 * beside `cli/main.ts` that decides about a process's end, as it is a process.
 */
import { spawn } from 'node:child_process'
import { lstatSync, rmSync } from 'node:fs'
import { constants } from 'node:os'
import { executableOf, isApplianceBuilder, processesOfSession, socketDirectories } from './process-session.js'

const POLL_MS = 50
/** How often the socket directory is looked for while all is well. */
const LOOK_MS = 250
/** How long `supermin` may go on; it took 3 to 8 seconds on two slow cores. */
const BUILD_GRACE_MS = 15_000
/** From SIGTERM to SIGKILL, for the hypervisor. */
const HYPERVISOR_GRACE_MS = 1500
/** How long guestfish may take to remove its directories once its hypervisor has gone. */
const GUESTFISH_GRACE_MS = 4000

const [temporaryDirectory, guestfish, ...args] = process.argv.slice(2)
if (temporaryDirectory === undefined || guestfish === undefined) {
  throw new Error('usage: supervisor <directory for temporary files> <guestfish> [argument...]')
}
supervise(temporaryDirectory, guestfish, args)

function supervise(temporaryDirectory: string, guestfish: string, args: readonly string[]): void {
  const sockets = new Set<string>()
  // `detached` is setsid(2): a terminal's Ctrl-C reaches our parent, who decides, but none of guestfish's processes.
  const child = spawn(guestfish, args, { stdio: 'pipe', detached: true })
  let ending = false

  // If guestfish is killed by others, its hypervisor goes with it (PR_SET_PDEATHSIG): too late to read its arguments.
  const look = setInterval(() => {
    others()
    if (sockets.size > 0) clearInterval(look)
  }, LOOK_MS)

  child.on('error', () => {
    process.exitCode = 127
    process.stdin.destroy()
    cleanUp()
  })
  child.on('exit', (code, signal) => {
    process.exitCode = code ?? 128 + (signal === null ? 0 : constants.signals[signal])
    process.stdin.destroy()
    void endRemaining().then(cleanUp)
  })

  for (const [from, to] of [
    [child.stdout, process.stdout],
    [child.stderr, process.stderr],
  ] as const) {
    from.pipe(to)
    // The parent has gone: what guestfish still says is read and dropped.
    to.on('error', () => {
      from.unpipe(to)
      from.resume()
    })
  }
  child.stdin.on('error', () => undefined)
  process.stdin.on('data', (bytes: Buffer) => child.stdin.write(bytes))
  process.stdin.on('error', end)
  process.stdin.on('end', end)
  process.on('SIGTERM', end)
  // Sent by a terminal to everyone in front of it; the parent gets them as well, and its end is noticed.
  process.on('SIGINT', () => undefined)
  process.on('SIGHUP', () => undefined)

  function end(): void {
    if (ending) return
    ending = true
    child.stdin.end()
    void endInOrder()
  }

  function others(): ReturnType<typeof processesOfSession> {
    if (child.pid === undefined) return []
    const own = executableOf(child.pid)
    const all = processesOfSession(child.pid).filter((one) => one.pid !== child.pid)
    for (const one of all) for (const directory of socketDirectories(one.commandLine)) sockets.add(directory)
    // The recovery process is guestfish under its own name; it goes by itself.
    return own === undefined ? all : all.filter((one) => one.executable !== own)
  }

  /** First the hypervisor, then, if that was not enough, guestfish. */
  async function endInOrder(): Promise<void> {
    const startedMs = Date.now()
    const firstSeenMs = new Map<number, number>()
    let aloneSinceMs: number | undefined
    while (isRunning()) {
      const nowMs = Date.now()
      const rest = others()
      if (rest.length > 0) aloneSinceMs = undefined
      else aloneSinceMs ??= nowMs
      const building = rest.some(isApplianceBuilder) && nowMs - startedMs < BUILD_GRACE_MS
      for (const one of building ? [] : rest) {
        const seenMs = firstSeenMs.get(one.pid)
        if (seenMs === undefined) {
          firstSeenMs.set(one.pid, nowMs)
          kill(one.pid, 'SIGTERM')
        } else if (nowMs - seenMs > HYPERVISOR_GRACE_MS) {
          kill(one.pid, 'SIGKILL')
        }
      }
      if (aloneSinceMs !== undefined && nowMs - aloneSinceMs > GUESTFISH_GRACE_MS) child.kill('SIGKILL')
      await pause()
    }
  }

  /** guestfish has gone, by itself or by others' hands; nobody of its session may stay. */
  async function endRemaining(): Promise<void> {
    if (child.pid === undefined) return
    const startedMs = Date.now()
    for (;;) {
      others()
      const rest = processesOfSession(child.pid)
      if (rest.length === 0) return
      // The recovery process notices within two seconds that it is not needed.
      const signal = Date.now() - startedMs > HYPERVISOR_GRACE_MS ? 'SIGKILL' : 'SIGTERM'
      for (const one of rest) kill(one.pid, signal)
      await pause()
    }
  }

  function isRunning(): boolean {
    return child.exitCode === null && child.signalCode === null
  }

  function cleanUp(): void {
    rmSync(temporaryDirectory, { recursive: true, force: true, maxRetries: 3 })
    for (const directory of sockets) if (isOwnDirectory(directory)) rmSync(directory, { recursive: true, force: true })
    clearInterval(look)
    process.removeAllListeners('SIGTERM')
  }
}

function pause(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, POLL_MS))
}

/** A process may have gone before the signal reaches it. */
function kill(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal)
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'ESRCH')) throw error
  }
}

/** Anyone may put a link of that name into /tmp. */
function isOwnDirectory(path: string): boolean {
  const status = lstatSync(path, { throwIfNoEntry: false })
  return status?.isDirectory() === true && status.uid === process.getuid?.()
}
