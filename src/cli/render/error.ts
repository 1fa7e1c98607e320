/**
 * An error as a person reads it, and as a program does.
 */
import type { OemBakeError } from '../../errors.js'
import { given } from '../../given.js'
import { label } from './label.js'
import { visible } from './table.js'

/** How standard error is read: by people, on a terminal or not, or as the stream of `--progress json`. */
export type ErrorStyle = 'plain' | 'coloured' | 'json'

/**
 * What standard error gets of an error, with its line feed.
 *
 * @param job which of several things it is about
 */
export function errorLines(error: OemBakeError, style: ErrorStyle, job?: string): string {
  if (style === 'json') return errorEvent(error, given({ job }))
  const about = job === undefined ? '' : `${visible(job)}: `
  return `${about}${errorText(error, style === 'coloured')}\n`
}

/** @param coloured for a terminal */
export function errorText(error: OemBakeError, coloured = false): string {
  const hint =
    error.hint === undefined
      ? ''
      : error.hint
          .split('\n')
          .map((line) => `\nhint: ${line}`)
          .join('')
  // Messages quote labels, paths and the words of programs.
  return `${label('error', coloured)} ${visible(`${error.message}${hint}`)}`
}

/** A line of the stream of progress events: the fields of the document, in an event of a kind of its own. */
export function errorEvent(
  error: OemBakeError,
  { exitCode, job }: { readonly exitCode?: number; readonly job?: string } = {},
): string {
  return `${JSON.stringify({ kind: 'error', job, ...errorFields(error, exitCode) })}\n`
}

/** @param exitCode where the run ends with another one than the error's own: by which signal it was cancelled */
export function errorDocument(error: OemBakeError, exitCode?: number): object {
  return { error: errorFields(error, exitCode) }
}

function errorFields({ code, details, exitCode: own, hint, message }: OemBakeError, exitCode = own): object {
  return { code, exitCode, message, hint, details }
}
