/**
 * How long each phase of a run takes, read off the events that the run tells anyway.
 *
 * Phases overlap (the digest of the input is taken while the edit is made); what counts here is which one was told last.
 */
import type { Phase, RunContext } from './progress.js'

export interface PhaseTime {
  readonly phase: Phase
  readonly milliseconds: number
}

export interface PhaseTimes {
  /** The same context, listened to. */
  readonly context: RunContext
  readonly startedAt: Date
  /** Until now, in order of first appearance; a phase that was told several times has the sum. */
  phases(): readonly PhaseTime[]
}

export function timePhases(context: RunContext): PhaseTimes {
  const startedAt = new Date()
  const spent = new Map<Phase, number>()
  let current: { readonly phase: Phase; readonly sinceMs: number } | undefined
  const next = (phase: Phase | undefined): void => {
    const nowMs = performance.now()
    if (current !== undefined) spent.set(current.phase, (spent.get(current.phase) ?? 0) + nowMs - current.sinceMs)
    if (phase !== undefined) spent.set(phase, spent.get(phase) ?? 0)
    current = phase === undefined ? undefined : { phase, sinceMs: nowMs }
  }
  return {
    startedAt,
    context: {
      ...context,
      report: (event) => {
        if (event.kind === 'phase') next(event.phase)
        context.report(event)
      },
    },
    phases: () => {
      next(current?.phase)
      return [...spent].map(([phase, milliseconds]) => ({ phase, milliseconds: Math.round(milliseconds) }))
    },
  }
}
