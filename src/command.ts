/**
 * The one place where child processes start: execa behind two functions, never a shell.
 *
 * `runCommand` waits and gives back small outputs; `startCommand` gives the running child for streams of image size.
 * Every child gets the run's AbortSignal: it is sent SIGTERM, and SIGKILL two seconds later. Children also end with this
 * process (`cleanup`), and those that read a pipe of ours end with it even after a SIGKILL.
 */
import { constants } from 'node:fs'
import { access, stat } from 'node:fs/promises'
import { delimiter, isAbsolute, join } from 'node:path'
import { execa, type Options } from 'execa'
import { CancelledError, EngineError } from './errors.js'

/** Time between SIGTERM and SIGKILL. */
const KILL_DELAY_MS = 2000

export interface CommandOptions {
  readonly signal: AbortSignal
  readonly env?: Readonly<Record<string, string | undefined>>
  readonly input?: string
  readonly cwd?: string
  readonly timeoutMs?: number
}

export interface CommandResult {
  /** Undefined when a signal ended it or it could not be started. */
  readonly exitCode: number | undefined
  readonly stdout: string
  readonly stderr: string
  /** The program could not be found. */
  readonly missing: boolean
  readonly timedOut: boolean
  readonly signalName: string | undefined
}

/**
 * Runs a program to its end; a non-zero exit is a value, not an exception.
 *
 * @throws ERR_CANCELLED when the signal fired
 */
export async function runCommand(
  file: string,
  args: readonly string[],
  options: CommandOptions,
): Promise<CommandResult> {
  const result = await execa(file, args, {
    reject: false,
    stripFinalNewline: true,
    cancelSignal: options.signal,
    forceKillAfterDelay: KILL_DELAY_MS,
    stdin: options.input === undefined ? 'ignore' : 'pipe',
    ...(options.input === undefined ? {} : { input: options.input }),
    ...(options.env === undefined ? {} : { env: options.env, extendEnv: false }),
    ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
    ...(options.timeoutMs === undefined ? {} : { timeout: options.timeoutMs }),
  } satisfies Options)
  if (options.signal.aborted) throw new CancelledError()
  return {
    exitCode: result.exitCode,
    stdout: result.stdout ?? '',
    stderr: result.stderr ?? '',
    missing: result.code === 'ENOENT',
    timedOut: result.timedOut,
    signalName: result.signal,
  }
}

/** A running child with its three pipes. Never throws by itself: look at the awaited result. */
export type RunningCommand = ReturnType<typeof startCommand>

export interface StartOptions extends Pick<CommandOptions, 'signal' | 'env'> {
  /**
   * In a session of its own, so that a signal to our process group passes it by; it has to notice the end of its input.
   *
   * @default false
   */
  readonly detached?: boolean
}

/** Starts a program whose input and output are streams. */
export function startCommand(file: string, args: readonly string[], options: StartOptions) {
  return execa(file, args, {
    reject: false,
    buffer: false,
    detached: options.detached ?? false,
    stdin: 'pipe',
    stdout: 'pipe',
    stderr: 'pipe',
    cancelSignal: options.signal,
    forceKillAfterDelay: KILL_DELAY_MS,
    ...(options.env === undefined ? {} : { env: options.env, extendEnv: false }),
  })
}

/** @throws ERR_CHILD_FAILED unless the command ended with exit code 0 */
export function assertSucceeded(result: CommandResult, what: string, hint?: string): void {
  if (result.exitCode === 0) return
  const how = result.timedOut
    ? 'took too long'
    : result.signalName !== undefined
      ? `was ended by ${result.signalName}`
      : result.exitCode === undefined
        ? 'could not be started'
        : `exited with ${result.exitCode}`
  throw new EngineError('ERR_CHILD_FAILED', `${what} ${how}: ${lastLines(result.stderr)}`, {
    hint,
    details: { exitCode: result.exitCode },
  })
}

/** The end of what a program said, on one line. */
export function lastLines(stderr: string, count = 3): string {
  const lines = stderr
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '')
  return lines.length === 0 ? 'it said nothing' : lines.slice(-count).join('; ')
}

/** Absolute path of a program on the PATH, with the administrator's directories that a user's PATH often lacks. */
export async function findProgram(
  name: string,
  env: Readonly<Record<string, string | undefined>>,
): Promise<string | undefined> {
  const directories = [...(env.PATH ?? '').split(delimiter), ...(env.PATH === undefined ? [] : ['/usr/sbin', '/sbin'])]
  for (const directory of directories) {
    if (!isAbsolute(directory)) continue
    const path = join(directory, name)
    // A directory passes for executable, too.
    const usable = await Promise.all([access(path, constants.X_OK), stat(path)]).then(
      ([, found]) => found.isFile(),
      () => false,
    )
    if (usable) return path
  }
  return undefined
}
