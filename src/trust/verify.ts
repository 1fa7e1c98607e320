/**
 * What is known about where the input comes from, as a value that every later stage carries.
 *
 * A digest file beside the image tells whether the bytes are those that somebody published; it does not tell who did.
 * Signatures are not read by this version: every input is `unverified`, or `digest` at best, which is a value, a warning
 * and a line in the report, never silence. The type is the gate: nothing is decoded that has not passed through here, and
 * nothing is published before the digests have been compared (`input-digest.ts`).
 */
import type { RunContext } from '../progress.js'
import type { OpenedImage } from '../source/source.js'
import { type ExpectedDigest, formatAlgorithm } from './digests.js'
import { findDigests } from './find-digest.js'

export type Verification =
  | { readonly status: 'unverified'; readonly reason: string }
  /** The bytes are those that the digest file names. Nobody has vouched for the digest file. */
  | {
      readonly status: 'digest'
      readonly reason: string
      readonly digests: readonly ExpectedDigest[]
    }

/** An opened image whose origin has been looked into. */
export interface VerifiedImage extends Omit<OpenedImage, 'stage'> {
  readonly stage: 'verified'
  /** Holds once the digests have been compared. */
  readonly verification: Verification
  /** What the image must hash to; empty when nobody has said. */
  readonly expected: readonly ExpectedDigest[]
}

const NO_SIGNATURES = 'this version of oem-bake does not read signatures'

/** @throws ERR_DIGESTS_INVALID when there is a digest file for the image that can't be understood */
export async function verifyOrigin(image: OpenedImage, context: RunContext): Promise<VerifiedImage> {
  const expected = await findDigests(image.path)
  const verification = describe(expected)
  context.report({
    kind: 'warning',
    code: 'UNVERIFIED',
    message: `${image.name} is UNVERIFIED: ${verification.reason}`,
    hint: `gpg --verify ${image.name}.sig ${image.name}`,
  })
  return { ...image, stage: 'verified', verification, expected }
}

function describe(digests: readonly ExpectedDigest[]): Verification {
  if (digests.length === 0) return { status: 'unverified', reason: NO_SIGNATURES }
  const [first] = digests
  const algorithms = digests.map(({ algorithm }) => formatAlgorithm(algorithm)).join(' and ')
  const reason = `its ${algorithms} is checked against ${first?.file}, but ${NO_SIGNATURES}`
  return { status: 'digest', reason, digests }
}
