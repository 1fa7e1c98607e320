/**
 * Side files are judged in a directory that is given another name, or taken away, when the run ends. Whatever is said of them names
 * them by what can still be found then: their URLs while nothing has its name, and the finished files in the report.
 */
import { join } from 'node:path'
import { assertNever, VerificationError } from '../errors.js'
import type { RunContext } from '../progress.js'
import type { ExpectedDigest } from '../trust/digests.js'
import type { Verification } from '../trust/verification.js'
import { shown } from './address.js'
import type { SideFile } from './side-files.js'

/** Puts names that are told in place of those in use. */
export type Telling = (text: string) => string

export function byUrl(sides: readonly SideFile[], directory: string): Telling {
  // Longest first: the name of one may be the beginning of another's.
  const named = sides
    .map(({ name, url }) => ({ path: join(directory, name), address: shown(url) }))
    .toSorted((a, b) => b.path.length - a.path.length)
  return (text) => named.reduce((told, { path, address }) => told.replaceAll(path, address), text)
}

export function byPath(directory: string, finished: string): Telling {
  return (text) => text.replaceAll(join(directory, '/'), join(finished, '/'))
}

export function tellingContext(context: RunContext, told: Telling): RunContext {
  return {
    ...context,
    report: (event) => context.report('message' in event ? { ...event, message: told(event.message) } : event),
  }
}

/** The same failure; any but a failed verification is about other files. */
export function tellError(error: unknown, told: Telling): unknown {
  if (!(error instanceof VerificationError)) return error
  const details = Object.entries(error.details).map(([name, value]) => [
    name,
    typeof value === 'string' ? told(value) : value,
  ])
  return new VerificationError(error.code, told(error.message), {
    hint: error.hint,
    details: Object.fromEntries(details),
    cause: error,
  })
}

export function tellVerification(verification: Verification, told: Telling): Verification {
  const reason = told(verification.reason)
  const toldOf = (digests: readonly ExpectedDigest[]): readonly ExpectedDigest[] =>
    digests.map((digest) => ({ ...digest, file: told(digest.file) }))
  switch (verification.status) {
    case 'signature':
      return { ...verification, reason, file: told(verification.file), digests: toldOf(verification.digests) }
    case 'digest':
      return { ...verification, reason, digests: toldOf(verification.digests) }
    case 'unverified':
    case 'off':
      return { ...verification, reason }
    default:
      return assertNever(verification)
  }
}
