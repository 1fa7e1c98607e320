/** What `oem-bake keys` says, as data. Types alone: whoever uses the library need not have openpgp's. */
import type { Vendor } from './vendors.js'

export type KeyState = 'valid' | 'expired' | 'revoked' | 'weak' | 'not bound'

/** Times are ISO 8601, in UTC; fingerprints upper-case hex. */
export interface SigningKeyReport {
  readonly fingerprint: string
  readonly created: string
  readonly expires: string | undefined
  readonly state: KeyState
}

export interface KeyReport {
  readonly primaryFingerprint: string
  readonly userId: string | undefined
  readonly vendor: Vendor | undefined
  readonly created: string
  readonly expires: string | undefined
  readonly state: KeyState
  /** The keys that sign files: subkeys, and the primary key where it does; oldest first. */
  readonly signing: readonly SigningKeyReport[]
  readonly files: readonly string[]
}

export interface KeyFinding {
  /** A `problem` makes a verification fail that should not; a `note` is worth knowing. */
  readonly severity: 'problem' | 'note'
  readonly message: string
  readonly hint: string | undefined
}

export interface KeysReport {
  readonly keys: readonly KeyReport[]
  readonly findings: readonly KeyFinding[]
}
