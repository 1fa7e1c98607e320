/** A run context for tests: remembers what was reported. */
import type { ProgressEvent, RunContext } from '#src/progress.js'

export interface RecordingContext extends RunContext {
  readonly events: readonly ProgressEvent[]
}

export function testContext(
  options: { readonly signal?: AbortSignal; readonly env?: RunContext['env'] } = {},
): RecordingContext {
  const events: ProgressEvent[] = []
  return {
    events,
    report: (event) => void events.push(event),
    signal: options.signal ?? new AbortController().signal,
    env: options.env ?? process.env,
  }
}
