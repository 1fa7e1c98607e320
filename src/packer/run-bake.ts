/**
 * One run of our own command line as a child: the bake, or its rehearsal.
 *
 * The child gets a process group of its own, because a terminal's Ctrl-C reaches all of Packer's group and Packer wants to
 * end builds one by one; and none of Packer's cookie. It must not outlive this process, however that ends: its standard
 * input is a pipe that only we hold, and `cli/run.ts` takes the end of that pipe for SIGTERM when OEM_BAKE_STOP_WITH_STDIN
 * is set. Packer ends plugins with SIGKILL, so nothing that we do at our own end would do.
 */
import { spawn } from 'node:child_process'
import type { Readable } from 'node:stream'
import { asErrorEvent } from '../cli/render/progress-event.js'
import { CancelledError, EngineError } from '../errors.js'
import { field, isMapping } from '../oem/mapping.js'
import { STOP_WITH_STDIN } from '../stop-with-stdin.js'
import type { Program } from './program.js'

/** What it printed: a report, or `error`. */
export interface BakeOutcome {
  readonly exitCode: number
  readonly document: unknown
}

export interface BakeRun {
  readonly program: Program
  readonly words: readonly string[]
  readonly env: Readonly<Record<string, string | undefined>>
  readonly signal: AbortSignal
  /** A line of standard error: JSON, but for an error, or whatever a broken program says. */
  readonly onLine: (line: string) => void
}

/** From SIGTERM to SIGKILL, for all of the group. */
const PATIENCE_MS = 10_000
/** More would be no message. */
const TAIL_CHARACTERS = 2000

const COOKIE = 'PACKER_PLUGIN_MAGIC_COOKIE'

/** @throws ERR_CANCELLED | ERR_CHILD_FAILED when it could not be started, was killed, or printed no document */
export async function runBake({ env, onLine, program, signal, words }: BakeRun): Promise<BakeOutcome> {
  if (signal.aborted) throw new CancelledError()
  const { [COOKIE]: _cookie, ...rest } = env
  const child = spawn(program.file, [...program.words, ...words, '--json', '--progress=json'], {
    detached: true,
    env: { ...rest, [STOP_WITH_STDIN]: '1' },
    stdio: ['pipe', 'pipe', 'pipe'],
  })
  // It may end before us.
  child.stdin.on('error', () => undefined)
  let killTimer: NodeJS.Timeout | undefined
  const stop = (): void => {
    signalGroup(child.pid, 'SIGTERM')
    killTimer = setTimeout(() => signalGroup(child.pid, 'SIGKILL'), PATIENCE_MS)
  }
  signal.addEventListener('abort', stop, { once: true })
  try {
    const ended = new Promise<{ exitCode: number | null; signalName: NodeJS.Signals | null }>((resolve, reject) => {
      child.on('error', reject)
      child.on('close', (exitCode, signalName) => resolve({ exitCode, signalName }))
    })
    let tail = ''
    let failure: unknown
    const listening = eachLine(child.stderr, (line) => {
      const error = asErrorEvent(line)
      // Of one without a document: nobody took it, say.
      if (error !== undefined) {
        failure = { error }
        return
      }
      if (!line.startsWith('{')) tail = `${tail}${line}\n`.slice(-TAIL_CHARACTERS)
      onLine(line)
    })
    const [stdout, , end] = await Promise.all([textOf(child.stdout), listening, ended])
    if (signal.aborted) throw new CancelledError()
    const document = parse(stdout) ?? failure
    if (end.exitCode !== null && document !== undefined) return { exitCode: end.exitCode, document }
    throw new EngineError('ERR_CHILD_FAILED', `oem-bake ended with ${end.signalName ?? end.exitCode}: ${tail}${stdout}`)
  } catch (error) {
    if (signal.aborted) throw new CancelledError()
    if (error instanceof EngineError) throw error
    const reason = error instanceof Error ? error.message : String(error)
    throw new EngineError('ERR_CHILD_FAILED', `${program.file} could not be run: ${reason}`, { cause: error })
  } finally {
    clearTimeout(killTimer)
    signal.removeEventListener('abort', stop)
  }
}

/** A failed run, as a person reads it: `exit code 4, ERR_OEM_NOT_FOUND: …`. */
export function failureText({ document, exitCode }: BakeOutcome): string {
  const error = field(document, 'error')
  const hint = field(error, 'hint')
  const hintLine = typeof hint === 'string' ? `\nhint: ${hint}` : ''
  return `exit code ${exitCode}, ${String(field(error, 'code'))}: ${String(field(error, 'message'))}${hintLine}`
}

function signalGroup(pid: number | undefined, name: NodeJS.Signals): void {
  if (pid === undefined) return
  try {
    process.kill(-pid, name)
  } catch {
    // Nobody is left in it.
  }
}

function parse(stdout: string): unknown {
  try {
    const document: unknown = JSON.parse(stdout)
    return isMapping(document) ? document : undefined
  } catch {
    return undefined
  }
}

async function textOf(stream: Readable): Promise<string> {
  let text = ''
  for await (const piece of stream.setEncoding('utf8')) text += String(piece)
  return text
}

async function eachLine(stream: Readable, onLine: (line: string) => void): Promise<void> {
  let rest = ''
  for await (const piece of stream.setEncoding('utf8')) {
    const lines = (rest + String(piece)).split('\n')
    rest = lines.pop() ?? ''
    for (const line of lines) onLine(line)
  }
  if (rest !== '') onLine(rest)
}
