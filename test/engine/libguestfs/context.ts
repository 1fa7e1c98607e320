import type { ProgressEvent } from '#src/progress.js'

/** An engine's context whose events are kept, and the wish to be cancelled. */
export function engineContext(workDirectory: string, env: Readonly<Record<string, string | undefined>> = {}) {
  const events: ProgressEvent[] = []
  const controller = new AbortController()
  return {
    events,
    cancel: () => controller.abort(),
    context: {
      signal: controller.signal,
      report: (event: ProgressEvent) => {
        events.push(event)
      },
      // KVM is a matter of its own (launch.test.ts); everywhere else it would only make results depend on the machine.
      env: { ...process.env, LIBGUESTFS_BACKEND_SETTINGS: 'force_tcg', ...env },
      workDirectory,
    },
  }
}

export function launches(events: readonly ProgressEvent[]): number {
  return events.filter((event) => event.kind === 'phase' && event.phase === 'launch').length
}

export function warningCodes(events: readonly ProgressEvent[]): readonly string[] {
  return events.flatMap((event) => (event.kind === 'warning' ? [event.code] : []))
}
