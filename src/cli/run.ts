/**
 * One command line run: signals, progress, results on standard output, everything else on standard error.
 *
 * First SIGINT, SIGTERM or SIGHUP (a terminal that was closed): the run is cancelled, children stop, what is temporary goes,
 * exit 130, 143 or 129. Second: leave at
 * once. A reader that closes our standard output early is no error; a full disk behind it is one. What can't be told on
 * standard error is not told.
 */
import type { Writable } from 'node:stream'
import { asOemBakeError, CancelledError, fileError, isErrnoException } from '../errors.js'
import type { ProgressEvent, RunContext } from '../progress.js'
import { STOP_WITH_STDIN, whenStdinEnds } from '../stop-with-stdin.js'
import type { TalkFlags } from './options/talk.js'
import { annotatorFor, type Complaint, complaintOfWarning, complaintsOf } from './render/annotation.js'
import { type ErrorStyle, errorDocument, errorEvent, errorLines } from './render/error.js'
import { takesColour } from './render/label.js'
import { type ProgressStyle, showProgress } from './render/progress.js'

/** What a command gives back: the same thing for people and for programs. */
export interface CommandOutput {
  /** Printed with `--json`. */
  readonly document: unknown
  /** Printed without. */
  readonly text: string
  /** What went wrong with some of several things; goes to standard error, without `--json`. */
  readonly problems?: (style: ErrorStyle) => string
  /** For a command whose output may be bad news: `templates check`, or several editions. @default 0 */
  readonly exitCode?: number
  /** The bad news of it, for those who see no output. */
  readonly complaints?: readonly Complaint[]
}

const SIGNALS = { SIGHUP: 129, SIGINT: 130, SIGTERM: 143 } as const

/** @returns the exit code */
export async function runCommandLine(
  flags: TalkFlags,
  command: (context: RunContext) => Promise<CommandOutput>,
): Promise<number> {
  const abort = new AbortController()
  let signalExitCode: number | undefined
  for (const [name, exitCode] of Object.entries(SIGNALS)) {
    process.on(name, () => {
      // `exit` still runs the removal of the working directory.
      if (signalExitCode !== undefined) process.exit(exitCode)
      signalExitCode = exitCode
      abort.abort()
    })
  }
  // A write that meets ulimit -f fails with EFBIG, and that is enough; with execa loaded, the signal would end us.
  process.on('SIGXFSZ', ignore)
  ignoreErrorEvents(process.stderr)
  if (process.env[STOP_WITH_STDIN] !== undefined) {
    whenStdinEnds(() => {
      signalExitCode ??= SIGNALS.SIGTERM
      abort.abort()
    })
  }
  const coloured = takesColour(process.stderr, process.env)
  const style = errorStyle(flags)
  const view = showProgress(progressStyle(flags), flags.quiet ?? false, process.stderr, coloured)
  const report = (event: ProgressEvent): void => {
    view.onEvent(event)
    if (event.kind === 'warning') annotate([complaintOfWarning(event)], flags)
  }
  try {
    const output = await command({ signal: abort.signal, report, env: process.env })
    view.close()
    if (flags.json !== true && output.problems !== undefined) process.stderr.write(output.problems(style))
    await print(flags.json === true ? json(output.document) : output.text)
    annotate(output.complaints ?? [], flags)
    // Several things were done, and cancelling ended some of them.
    return output.exitCode === SIGNALS.SIGINT ? (signalExitCode ?? output.exitCode) : (output.exitCode ?? 0)
  } catch (error) {
    view.close()
    if (signalExitCode !== undefined) {
      const cancelled = new CancelledError()
      if (style !== 'json') process.stderr.write('cancelled: nothing was published\n')
      else if (flags.json !== true) process.stderr.write(errorEvent(cancelled, { exitCode: signalExitCode }))
      if (flags.json === true) await print(json(errorDocument(cancelled, signalExitCode))).catch(ignore)
      return signalExitCode
    }
    return await printError(error, flags)
  }
}

export function json(document: unknown): string {
  return `${JSON.stringify(document, null, 2)}\n`
}

/** @returns the exit code that the error stands for */
export async function printError(error: unknown, flags: Pick<TalkFlags, 'json' | 'progress'>): Promise<number> {
  const failure = asOemBakeError(error)
  ignoreErrorEvents(process.stderr)
  const tell = (): unknown => process.stderr.write(errorLines(failure, errorStyle(flags)))
  if (flags.json === true) await print(json(errorDocument(failure))).catch(tell)
  else tell()
  annotate(complaintsOf(failure), flags)
  if (process.env.OEM_BAKE_DEBUG !== undefined)
    process.stderr.write(`${failure.stack}\n${failure.cause instanceof Error ? failure.cause.stack : ''}\n`)
  return failure.exitCode
}

/** For GitHub Actions. A program that reads progress as JSON gets nothing else. */
function annotate(complaints: readonly Complaint[], { progress }: Pick<TalkFlags, 'progress'>): void {
  const annotator = annotatorFor(process.env)
  if (annotator !== undefined && progress !== 'json') process.stderr.write(annotator(complaints))
}

function errorStyle({ progress }: Pick<TalkFlags, 'progress'>): ErrorStyle {
  if (progress === 'json') return 'json'
  return takesColour(process.stderr, process.env) ? 'coloured' : 'plain'
}

function progressStyle({ progress, json }: TalkFlags): ProgressStyle {
  if (progress !== 'auto') return progress
  if (process.stderr.isTTY) return 'tty'
  return json === true ? 'none' : 'plain'
}

/**
 * Waits until standard output has taken the text.
 *
 * @throws ERR_NO_SPACE | ERR_IO
 */
export async function print(text: string): Promise<void> {
  ignoreErrorEvents(process.stdout)
  const failure = await new Promise<unknown>((resolve) => process.stdout.write(text, resolve))
  if (!(failure instanceof Error) || (isErrnoException(failure) && failure.code === 'EPIPE')) return
  throw fileError(failure, 'write to standard output', 'free some space, or send standard output elsewhere')
}

/** Whoever writes hears of a failure all the same; without a listener, the event would end the process. */
function ignoreErrorEvents(stream: Writable): void {
  if (!stream.listeners('error').includes(ignore)) stream.on('error', ignore)
}

function ignore(): void {}
