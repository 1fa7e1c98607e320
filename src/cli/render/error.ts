/**
 * An error as a person reads it, and as a program does.
 */
import type { OemBakeError } from '../../errors.js'
import { visible } from './table.js'

export function errorText(error: OemBakeError): string {
  const hint =
    error.hint === undefined
      ? ''
      : error.hint
          .split('\n')
          .map((line) => `\nhint: ${line}`)
          .join('')
  // Messages quote labels, paths and the words of programs.
  return visible(`error: ${error.message}${hint}`)
}

export function errorDocument(error: OemBakeError): object {
  return {
    error: {
      code: error.code,
      exitCode: error.exitCode,
      message: error.message,
      hint: error.hint,
      details: error.details,
    },
  }
}
