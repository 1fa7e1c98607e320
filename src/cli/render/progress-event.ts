/** Reads back what `--progress json` writes: for a process that bakes in another one. */
import { given } from '../../given.js'
import { field, isMapping, type Mapping, stringField } from '../../oem/mapping.js'
import type { ProgressEvent } from '../../progress.js'
import { isPhase } from './progress.js'

/** What a run failed with, as its last line says. @returns undefined for any other line */
export function asErrorEvent(line: string): Mapping | undefined {
  const value = parse(line)
  return isMapping(value) && value.kind === 'error' ? value : undefined
}

/** @returns undefined for a line that is none, for an error, or an event that we don't know */
export function asProgressEvent(line: string): ProgressEvent | undefined {
  const value = parse(line)
  const message = stringField(value, 'message')
  const phase = stringField(value, 'phase')
  switch (field(value, 'kind')) {
    case 'phase': {
      const detail = stringField(value, 'detail')
      if (phase === undefined || !isPhase(phase)) return undefined
      return given({ kind: 'phase', phase, detail })
    }
    case 'progress': {
      const doneBytes = field(value, 'doneBytes')
      const totalBytes = field(value, 'totalBytes')
      if (phase === undefined || !isPhase(phase)) return undefined
      if (typeof doneBytes !== 'number' || typeof totalBytes !== 'number') return undefined
      return { kind: 'progress', phase, doneBytes, totalBytes }
    }
    case 'warning': {
      const code = stringField(value, 'code')
      const hint = stringField(value, 'hint')
      if (message === undefined || code === undefined) return undefined
      return given({ kind: 'warning', code, message, hint })
    }
    case 'note':
      return message === undefined ? undefined : { kind: 'note', message }
    default:
      return undefined
  }
}

function parse(line: string): unknown {
  if (!line.startsWith('{')) return undefined
  try {
    return JSON.parse(line)
  } catch {
    return undefined
  }
}
