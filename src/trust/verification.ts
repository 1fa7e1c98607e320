/**
 * What is known about where the input comes from: plain data, for reports and manifests.
 *
 *   signature   a good signature, over the file itself or over digests that it has
 *   digest      the bytes are those that a digest file names; nobody has vouched for that file
 *   unverified  nobody has vouched for anything
 *   off         nobody was asked (`--verify off`)
 */
import type { ExpectedDigest } from './digests.js'
import type { Vendor } from './vendors.js'

/** Who made a good signature, and when. Fingerprints are upper-case hex; times are ISO 8601, in UTC. */
export interface Signer {
  /** The identity: what a pin is compared with. */
  readonly primaryFingerprint: string
  /** The key that made the signature: a subkey, or the primary key itself. */
  readonly keyFingerprint: string
  readonly userId: string | undefined
  /** Whose pinned key it is; undefined for a key that the user trusts and that is no vendor's. */
  readonly vendor: Vendor | undefined
  /** When the signature was made, as it says itself. */
  readonly created: string
  /** Its hash algorithm: `sha512`. */
  readonly hash: string
  /** The key was valid when it signed and has expired since, at this time. */
  readonly expiredSince: string | undefined
}

export type Verification =
  | {
      readonly status: 'signature'
      readonly reason: string
      /** Path of the file that the signature is in. */
      readonly file: string
      /** What was signed: the image, or a file of digests, of which one that the image has is in `digests`. */
      readonly covers: 'image' | 'digests'
      readonly signer: Signer
      /** Others who signed the same, well. */
      readonly cosigners: readonly Signer[]
      /** All that were compared. */
      readonly digests: readonly ExpectedDigest[]
    }
  | { readonly status: 'digest'; readonly reason: string; readonly digests: readonly ExpectedDigest[] }
  | { readonly status: 'unverified'; readonly reason: string }
  | { readonly status: 'off'; readonly reason: string }

/** `signed by Flatcar, key 1EF52974… (Flatcar Buildbot <…>) on 2026-01-02` */
export function describeSigner({ vendor, userId, primaryFingerprint, created, expiredSince }: Signer): string {
  const who = vendor === undefined ? "a key that is not a vendor's" : `${vendor}'s key`
  const name = userId === undefined ? '' : `, ${userId}`
  const expired = expiredSince === undefined ? '' : `; the key was valid then and expired on ${day(expiredSince)}`
  return `${who} ${primaryFingerprint}${name}, on ${day(created)}${expired}`
}

/** The date of an ISO 8601 time. */
export function day(time: string): string {
  return time.slice(0, 10)
}
