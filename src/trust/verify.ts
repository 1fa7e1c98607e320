/**
 * What is known about where the input comes from, as a value that every later stage carries.
 *
 * Signatures are not read by this version: every input is `unverified`, which is a value, a warning and a line in the
 * report, never silence. The type is the gate: nothing is decoded that has not passed through here.
 */
import type { RunContext } from '../progress.js'
import type { OpenedImage } from '../source/source.js'

export interface Verification {
  readonly status: 'unverified'
  readonly reason: string
}

/** An opened image whose origin has been looked into. */
export interface VerifiedImage extends Omit<OpenedImage, 'stage'> {
  readonly stage: 'verified'
  readonly verification: Verification
}

export function verifyOrigin(image: OpenedImage, context: RunContext): VerifiedImage {
  const verification: Verification = {
    status: 'unverified',
    reason: 'this version of oem-bake does not read signatures',
  }
  context.report({
    kind: 'warning',
    code: 'UNVERIFIED',
    message: `${image.name} is UNVERIFIED: ${verification.reason}`,
    hint: `gpg --verify ${image.name}.sig ${image.name}`,
  })
  return { ...image, stage: 'verified', verification }
}
