/**
 * Shows progress on standard error: a line that redraws itself on a terminal, whole lines elsewhere, JSON for programs.
 *
 * At most one update a second where lines pile up, ten where they redraw. A phase without counters shows its time, so
 * that nothing is silent for more than five seconds.
 */
import type { Writable } from 'node:stream'
import { assertNever } from '../../errors.js'
import { ruleNamed } from '../../oem/rules.js'
import type { Phase, ProgressEvent } from '../../progress.js'
import { formatBytes } from '../../units.js'
import { label } from './label.js'
import { printable, visible } from './table.js'

export type ProgressStyle = 'tty' | 'plain' | 'json' | 'none'

const PHASE_WORDS: Record<Phase, string> = {
  download: 'downloading',
  hash: 'taking the digest of the image',
  decode: 'decoding',
  'read-oem': 'reading the OEM partition',
  launch: 'starting the libguestfs appliance',
  edit: 'editing the OEM partition',
  encode: 'writing the image',
  check: 'checking what was written',
  sign: 'waiting for gpg to sign',
  publish: 'publishing',
  compare: 'comparing the two images',
}

export function isPhase(name: string): name is Phase {
  return Object.hasOwn(PHASE_WORDS, name)
}

const TTY_INTERVAL_MS = 100
const PLAIN_INTERVAL_MS = 1000
/** A phase that has nothing to count is mentioned again this often. */
const HEARTBEAT_MS = 4000

export interface ProgressView {
  readonly onEvent: (event: ProgressEvent) => void
  /** Clears what is still on the line, and stops the clock. */
  close(): void
}

/**
 * @param quiet shows warnings only
 * @param coloured for a terminal
 */
export function showProgress(style: ProgressStyle, quiet: boolean, out: Writable, coloured = false): ProgressView {
  if (style === 'json') return jsonView(quiet, out)
  return new TextView(quiet ? 'none' : style, quiet, out, coloured)
}

function jsonView(quiet: boolean, out: Writable): ProgressView {
  return {
    onEvent: (event) => {
      if (!quiet || event.kind === 'warning') out.write(`${JSON.stringify(event)}\n`)
    },
    close: () => undefined,
  }
}

/** A warning of a check names its rule, for that is what --ignore takes. */
function ruleMark(code: string): string {
  return ruleNamed(code) === undefined ? '' : ` [${code}]`
}

function jobMark({ job }: ProgressEvent): string {
  return job === undefined ? '' : `${printable(job)}: `
}

function hintLines(hint: string | undefined): string {
  return hint === undefined
    ? ''
    : hint
        .split('\n')
        .map((line) => `\nhint: ${line}`)
        .join('')
}

class TextView implements ProgressView {
  readonly #style: Exclude<ProgressStyle, 'json'>
  readonly #quiet: boolean
  readonly #out: Writable
  readonly #coloured: boolean
  readonly #timer: NodeJS.Timeout | undefined
  #phase:
    | { readonly job: string | undefined; readonly phase: Phase; readonly words: string; readonly startedAt: number }
    | undefined
  #counters: { readonly doneBytes: number; readonly totalBytes: number } | undefined
  #shownAt = 0
  #lineOpen = false

  constructor(style: Exclude<ProgressStyle, 'json'>, quiet: boolean, out: Writable, coloured: boolean) {
    this.#style = style
    this.#quiet = quiet
    this.#out = out
    this.#coloured = coloured
    this.#timer =
      style === 'none'
        ? undefined
        : // Looked at more often than it beats: the last line came at any time between two looks.
          setInterval(() => this.#heartbeat(), PLAIN_INTERVAL_MS).unref()
  }

  readonly onEvent = (event: ProgressEvent): void => {
    switch (event.kind) {
      case 'phase':
        this.#phase = {
          job: event.job,
          phase: event.phase,
          words: `${jobMark(event)}${PHASE_WORDS[event.phase]}${event.detail === undefined ? '' : ` (${printable(event.detail)})`}`,
          startedAt: Date.now(),
        }
        this.#counters = undefined
        this.#draw(true)
        break
      case 'progress':
        // Other threads count, too, while this phase goes on.
        if (event.phase !== this.#phase?.phase || event.job !== this.#phase.job) break
        this.#counters = event
        this.#draw(false)
        break
      case 'warning':
        this.#line(
          `${event.message}${ruleMark(event.code)}${hintLines(event.hint)}`,
          `${jobMark(event)}${label('warning', this.#coloured)}`,
        )
        break
      case 'note':
        if (!this.#quiet) this.#line(event.message, `${jobMark(event)}note:`)
        break
      default:
        assertNever(event)
    }
  }

  close(): void {
    clearInterval(this.#timer)
    this.#clear()
  }

  #heartbeat(): void {
    if (this.#phase === undefined) return
    if (this.#style === 'tty' || Date.now() - this.#shownAt >= HEARTBEAT_MS) this.#draw(true)
  }

  #draw(now: boolean): void {
    if (this.#style === 'none' || this.#phase === undefined) return
    const interval = this.#style === 'tty' ? TTY_INTERVAL_MS : PLAIN_INTERVAL_MS
    if (!now && Date.now() - this.#shownAt < interval) return
    this.#shownAt = Date.now()
    const text = `${this.#phase.words}${this.#counted()}`
    if (this.#style === 'plain') {
      this.#out.write(`${text}\n`)
      return
    }
    // \r to the start of the line, text, erase the rest (ECMA-48 EL)
    this.#out.write(`\r${text}\x1b[K`)
    this.#lineOpen = true
  }

  #counted(): string {
    if (this.#phase === undefined) return ''
    const seconds = Math.round((Date.now() - this.#phase.startedAt) / 1000)
    const time = seconds >= 2 ? `, ${seconds} s` : ''
    if (this.#counters === undefined) return time
    const { doneBytes, totalBytes } = this.#counters
    const percent = totalBytes === 0 ? 100 : Math.floor((100 * doneBytes) / totalBytes)
    return `: ${percent} % of ${formatBytes(totalBytes)}${time}`
  }

  /** Warnings and notes name files of the image. */
  #line(text: string, labelled: string): void {
    this.#clear()
    this.#out.write(`${labelled} ${visible(text)}\n`)
  }

  #clear(): void {
    if (!this.#lineOpen) return
    this.#out.write('\r\x1b[K')
    this.#lineOpen = false
  }
}
