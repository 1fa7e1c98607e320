/**
 * What a run tells the outside while it works: phases with counters, and warnings. Data only; rendering is `cli/`'s.
 */
import type { Place } from './oem/finding.js'

export type Phase =
  | 'download'
  | 'hash'
  | 'decode'
  | 'read-oem'
  | 'launch'
  | 'edit'
  | 'encode'
  | 'check'
  | 'sign'
  | 'publish'
  | 'compare'

export type ProgressEvent = WhatHappened & {
  /** Where several things are done in one run: which of them this is about. */
  readonly job?: string
}

type WhatHappened =
  | {
      readonly kind: 'phase'
      readonly phase: Phase
      /** Names the tool or file where that helps: `lbzip2`. */
      readonly detail?: string
    }
  | {
      readonly kind: 'progress'
      readonly phase: Phase
      /** Bytes done, counted where they pass, never estimated. */
      readonly doneBytes: number
      /** All there will be. */
      readonly totalBytes: number
    }
  | {
      readonly kind: 'warning'
      /** The rule that found it, or what it is about. */
      readonly code: string
      readonly message: string
      readonly hint?: string
      /** Where the message is about one place in a file; it says so, too. */
      readonly place?: Place
    }
  | { readonly kind: 'note'; readonly message: string }

/** What every stage gets beside its input: how to be cancelled, whom to tell, and the environment it may look at. */
export interface RunContext {
  readonly signal: AbortSignal
  readonly report: (event: ProgressEvent) => void
  readonly env: Readonly<Record<string, string | undefined>>
}

/** For one of several things that are done in one run. */
export function contextOfJob(context: RunContext, job: string): RunContext {
  return {
    ...context,
    report: (event) => context.report({ ...event, job: event.job === undefined ? job : `${job}, ${event.job}` }),
  }
}
