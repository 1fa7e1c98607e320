/**
 * guestfish as a child process that takes one command after the other: knows when each ended, what it printed, and
 * whether it failed.
 *
 * Each command is followed by an `echo` of a random token: what comes before the token is the command's output, as
 * bytes. A command that fails ends guestfish (its way with every script), so failure is the process's end and no text
 * has to be understood; by then all of stderr has been read, which holds the reason. Hence a session that saw an error
 * is over. Callers ask first (`lstatnslist`) where an answer may be no.
 */
import { randomBytes } from 'node:crypto'
import { fileURLToPath } from 'node:url'
import { type RunningCommand, startCommand } from '../../command.js'
import { CancelledError, EngineError } from '../../errors.js'
import { installedFile } from '../../installation.js'
import { parseErrorMessage } from './message.js'

const SUPERVISOR = fileURLToPath(installedFile('engine/libguestfs/supervisor.js'))

/** How much of stderr is kept: several times the console output of a boot's last second. */
const STDERR_TAIL_CHARACTERS = 16 * 1024

/** For messages: enough to see which file it was about. */
const COMMAND_CHARACTERS = 300

interface Pending {
  readonly line: string
  readonly token: Buffer
  readonly resolve: (output: Buffer) => void
  readonly reject: (error: unknown) => void
}

export interface GuestfishProcessOptions {
  /** Absolute path of the program. */
  readonly guestfish: string
  readonly args: readonly string[]
  readonly env: Readonly<Record<string, string | undefined>>
  /** The session's own directory; the supervisor removes it at the end. */
  readonly temporaryDirectory: string
  readonly signal: AbortSignal
}

export class GuestfishProcess {
  readonly #child: RunningCommand
  readonly #signal: AbortSignal
  readonly #pending: Pending[] = []
  #output = Buffer.alloc(0)
  #stderr = ''
  #ended = false
  readonly #end: Promise<void>
  readonly #onAbort: () => void
  /** When anything was last heard on stdout or stderr, by `performance.now()`. */
  lastHeardMs = performance.now()

  constructor(options: GuestfishProcessOptions) {
    this.#signal = options.signal
    this.#child = startCommand(
      process.execPath,
      [SUPERVISOR, options.temporaryDirectory, options.guestfish, ...options.args],
      // Never the run's signal: execa would end the supervisor before it has cleaned up. Its input ends instead. And in a
      // session of its own: whoever kills our whole process group must leave somebody who takes the appliance down.
      { signal: new AbortController().signal, env: options.env, detached: true },
    )
    this.#child.stdout.on('data', (bytes: Buffer) => this.#hear(bytes))
    this.#child.stderr.on('data', (bytes: Buffer) => {
      this.lastHeardMs = performance.now()
      this.#stderr = (this.#stderr + bytes.toString('utf8')).slice(-STDERR_TAIL_CHARACTERS)
    })
    // guestfish may end while a command is on its way; the commands that wait are told in #finish.
    this.#child.stdin.on('error', () => undefined)
    this.#onAbort = () => {
      this.#rejectAll(new CancelledError())
      this.#child.stdin.end()
    }
    this.#end = this.#child.then((result) => this.#finish(result.exitCode))
    if (options.signal.aborted) this.#onAbort()
    else options.signal.addEventListener('abort', this.#onAbort, { once: true })
  }

  /** The end of what guestfish and, while verbose, its appliance's console said. */
  get stderr(): string {
    return this.#stderr
  }

  /** What was said so far is no part of a later failure. */
  forgetStderr(): void {
    this.#stderr = ''
  }

  /**
   * Runs one script line; commands queue up.
   *
   * @param line as {@link formatCommand} makes it
   * @returns what it printed
   * @throws ERR_GUESTFISH with libguestfs's own message; the session is then over
   * @throws ERR_CANCELLED
   */
  command(line: string): Promise<Buffer> {
    if (this.#signal.aborted) return Promise.reject(new CancelledError())
    if (this.#ended) return Promise.reject(this.#failure(line))
    const token = randomBytes(16).toString('hex')
    return new Promise((resolve, reject) => {
      this.#pending.push({ line, token: Buffer.from(`${token}\n`), resolve, reject })
      this.#child.stdin.write(`${line}\necho ${token}\n`)
    })
  }

  /** Ends the session, whatever state it is in; done when no process and no directory of it is left. */
  async end(): Promise<void> {
    this.#child.stdin.end()
    await this.#end
  }

  #hear(bytes: Buffer): void {
    this.lastHeardMs = performance.now()
    this.#output = Buffer.concat([this.#output, bytes])
    for (;;) {
      const first = this.#pending[0]
      if (first === undefined) return
      const end = this.#output.indexOf(first.token)
      if (end === -1) return
      const output = Buffer.from(this.#output.subarray(0, end))
      this.#output = this.#output.subarray(end + first.token.length)
      this.#pending.shift()
      first.resolve(output)
    }
  }

  #finish(exitCode: number | undefined): void {
    this.#ended = true
    this.#signal.removeEventListener('abort', this.#onAbort)
    const [failed] = this.#pending
    if (failed !== undefined) this.#rejectAll(this.#failure(failed.line, exitCode))
  }

  #rejectAll(error: unknown): void {
    for (const { reject } of this.#pending.splice(0)) reject(error)
  }

  #failure(line: string, exitCode?: number): EngineError {
    const command = line.length > COMMAND_CHARACTERS ? `${line.slice(0, COMMAND_CHARACTERS)}...` : line
    return new EngineError('ERR_GUESTFISH', `guestfish ${command}: ${parseErrorMessage(this.#stderr)}`, {
      hint: 'nothing was changed; check the filesystem (e2fsck -fn, btrfs check), or run with --engine embedded if it is ext4',
      details: { command, exitCode },
    })
  }
}
