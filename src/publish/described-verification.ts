/**
 * What is known of the input's origin, as it may be published: the same data, with names of files instead of paths.
 */
import { basename } from 'node:path'
import type { ExpectedDigest } from '../trust/digests.js'
import type { Signer, Verification } from '../trust/verification.js'
import type { Redactor } from './redact.js'

export interface DescribedVerification {
  readonly status: Verification['status']
  readonly reason: string
  /** Of a good signature: the file that it is in, what it covers, and who made it. */
  readonly file?: string
  readonly covers?: 'image' | 'digests'
  readonly signer?: Signer
  readonly cosigners?: readonly Signer[]
  /** What the bytes were compared with, and the digest files that said so. */
  readonly digests?: readonly ExpectedDigest[]
}

export function describeVerification(verification: Verification, redactor: Redactor): DescribedVerification {
  const { status } = verification
  const reason = redactor.text(verification.reason)
  switch (status) {
    case 'unverified':
    case 'off':
      return { status, reason }
    case 'digest':
      return { status, reason, digests: verification.digests.map(describeDigest) }
    case 'signature': {
      const { cosigners, covers, digests, file, signer } = verification
      return { status, reason, file: basename(file), covers, signer, cosigners, digests: digests.map(describeDigest) }
    }
  }
}

function describeDigest(digest: ExpectedDigest): ExpectedDigest {
  return { ...digest, file: basename(digest.file) }
}
