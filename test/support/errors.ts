import { expect } from 'vitest'
import { OemBakeError } from '#src/errors.js'

/** Asserts that a promise, or what a function does, fails with this code; returns the error for a look at its parts. */
export async function rejectsWithCode(
  attempt: Promise<unknown> | (() => unknown),
  code: string,
): Promise<OemBakeError> {
  let failure: unknown
  try {
    await (typeof attempt === 'function' ? attempt() : attempt)
  } catch (error) {
    failure = error
  }
  expect(failure, `expected ${code}, but nothing was thrown`).toBeInstanceOf(OemBakeError)
  if (!(failure instanceof OemBakeError)) throw new Error('unreachable')
  expect(failure.code, failure.message).toBe(code)
  return failure
}
