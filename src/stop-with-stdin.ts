/**
 * A parent that gives this process a pipe as standard input and sets the variable wants it to end when the pipe does: that
 * reaches us even when the parent was killed. The Packer plugin (`packer/run-bake.ts`) bakes in such a child.
 */
export const STOP_WITH_STDIN = 'OEM_BAKE_STOP_WITH_STDIN'

export function whenStdinEnds(stop: () => void): void {
  // Reading is what notices the end; nothing that is read counts.
  process.stdin.on('error', stop).on('end', stop).resume()
  // It is no reason to stay.
  if ('unref' in process.stdin && typeof process.stdin.unref === 'function') process.stdin.unref()
}
