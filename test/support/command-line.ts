/** The command line as users get it: a child process of dist/oem-bake.js, with all it says. */
import { type ChildProcess, spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'

export const CHECKOUT = fileURLToPath(new URL('../../', import.meta.url))
/** A variable in the environment of a run and of all its children, to find them by in /proc. */
export const RUN_MARK = 'OEM_BAKE_TEST_RUN'

export interface RunOptions {
  /** Beside the test's own; undefined removes a variable. */
  readonly env?: Readonly<Record<string, string | undefined>>
  /** Run as this user and group, without any other group. */
  readonly uid?: number
  /** Where dist/ is. @default the checkout */
  readonly checkout?: string
  /** @default the test's own */
  readonly cwd?: string
  /** A process group of its own. @default false */
  readonly detached?: boolean
  /** A program, with its arguments, that starts it. */
  readonly through?: readonly string[]
  /** Arguments of node's own. */
  readonly nodeArgs?: readonly string[]
}

export interface RunResult {
  /** Null when a signal ended it. */
  readonly exitCode: number | null
  readonly signalName: NodeJS.Signals | null
  readonly stdout: string
  readonly stderr: string
}

export interface Run {
  readonly child: ChildProcess
  readonly pid: number
  readonly ended: Promise<RunResult>
  /** What it has said on standard error until now. */
  stderr(): string
}

/** Environment for libguestfs that does not depend on the machine's KVM; temporary files go where they are looked for. */
export function runEnvironment(directory: string): Readonly<Record<string, string>> {
  return {
    [RUN_MARK]: directory,
    TMPDIR: directory,
    // By default it would follow TMPDIR, and an appliance be built for every directory.
    LIBGUESTFS_CACHEDIR: process.env.LIBGUESTFS_CACHEDIR ?? '/var/tmp',
    LIBGUESTFS_BACKEND_SETTINGS: 'force_tcg',
  }
}

export function startCli(args: readonly string[], options: RunOptions = {}): Run {
  const command = [
    process.execPath,
    ...(options.nodeArgs ?? []),
    `${options.checkout ?? CHECKOUT}/dist/oem-bake.js`,
    ...args,
  ]
  const asUser =
    options.uid === undefined ? [] : ['setpriv', `--reuid=${options.uid}`, `--regid=${options.uid}`, '--clear-groups']
  const [file, ...rest] = [...asUser, ...(options.through ?? []), ...command] as [string, ...string[]]
  const child = spawn(file, rest, {
    env: { ...process.env, SOURCE_DATE_EPOCH: '1600000000', ...options.env },
    stdio: ['ignore', 'pipe', 'pipe'],
    ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
    detached: options.detached ?? false,
  })
  let stdout = ''
  let stderr = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout += text
  })
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text
  })
  const ended = new Promise<RunResult>((resolve, reject) => {
    child.on('error', reject)
    child.on('close', (exitCode, signalName) => resolve({ exitCode, signalName, stdout, stderr }))
  })
  if (child.pid === undefined) throw new Error(`${file} could not be started`)
  return { child, pid: child.pid, ended, stderr: () => stderr }
}

export function runCli(args: readonly string[], options: RunOptions = {}): Promise<RunResult> {
  return startCli(args, options).ended
}
