/**
 * An error as a person reads it, and the exit code that it stands for.
 */
import { fileError, InternalError, isErrnoException, OemBakeError } from '../../errors.js'
import { visible } from './table.js'

/** A failed system call is the machine's; anything else that is not one of ours is a defect of ours. */
export function asOemBakeError(error: unknown): OemBakeError {
  if (error instanceof OemBakeError) return error
  if (isErrnoException(error) && error.syscall !== undefined) return fileError(error, doing(error))
  return new InternalError('ERR_INTERNAL', error instanceof Error ? error.message : String(error), {
    hint: 'this is a defect of oem-bake; please report it with the command and OEM_BAKE_DEBUG=1 output',
    cause: error,
  })
}

/** Libraries read files of their own, and don't say what for: yargs its texts. */
function doing({ path, syscall }: NodeJS.ErrnoException): string {
  return path === undefined ? `${syscall}` : `${syscall} ${path}`
}

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

export function errorDocument(error: OemBakeError): unknown {
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
