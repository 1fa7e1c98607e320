/**
 * An error as a person reads it, and as a program does.
 */
import type { OemBakeError } from '../../errors.js'
import { label } from './label.js'
import { visible } from './table.js'

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

/** @param exitCode where the run ends with another one than the error's own: by which signal it was cancelled */
export function errorDocument(error: OemBakeError, exitCode = error.exitCode): object {
  return {
    error: {
      code: error.code,
      exitCode,
      message: error.message,
      hint: error.hint,
      details: error.details,
    },
  }
}
