/**
 * Our verdict on a config against ignition-validate's. It may refuse nothing that we take; what we refuse beyond it must be
 * by a rule that stands here, with the reason.
 */
import { OemBakeError } from '#src/errors.js'
import type { Finding } from '#src/oem/finding.js'
import { checkIgnitionFile } from '#src/oem/ignition/ignition.js'
import { ignitionValidate } from './ignition-validate.js'

/** Ignition itself fails at these, but later: when it fetches, creates a user, makes a directory. */
const BEYOND: Readonly<Record<string, string>> = {
  'ignition-gzip': 'content is unpacked when it is fetched',
  'ignition-hash-mismatch': 'content is compared when it is fetched',
  'ignition-missing': 'names of users, groups and arrays are given to programs as they are',
  'ignition-path-conflict': 'files as folders are refused from 3.6.0 on, and fail before',
}

export interface Verdicts {
  readonly ours: readonly Finding[]
  readonly agree: boolean
  readonly says: string
}

/** @param text JSON of a spec that ignition-validate knows, without oem:// URLs */
export async function compareVerdicts(text: string): Promise<Verdicts> {
  const judged = await ignitionValidate(text)
  const ours = errorsOf(text)
  const onlyBeyond = ours.every(({ message, rule }) => rule in BEYOND || isBeyond(message))
  return { ours, agree: judged.accepted ? onlyBeyond : ours.length > 0, says: judged.says }
}

/** Compression of what comes from S3 is refused when it is fetched; null in a list is an
 * empty item to Go, which nobody can mean. */
function isBeyond(message: string): boolean {
  return message.includes('from S3') || /\[\d+\] is nothing, expected/.test(message)
}

function errorsOf(text: string): readonly Finding[] {
  try {
    const { findings } = checkIgnitionFile(Buffer.from(text), 'x.ign', '/base/base.ign')
    return findings.filter(({ severity }) => severity === 'error')
  } catch (error) {
    if (!(error instanceof OemBakeError)) throw error
    return [{ rule: 'not a config', severity: 'error', message: error.message }]
  }
}
