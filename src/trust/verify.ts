/**
 * The gate: nothing is decoded that has not passed through here, and nothing is published before it has been judged.
 *
 * Two moments. `verifyOrigin` finds signatures, digests and keys, and fails at once where it is clear that nothing can vouch.
 * `Origin.judge` comes when the file has been hashed, in the one read that decoding needs anyway (`input-digest.ts`); the
 * openpgp package is loaded meanwhile, and only where there are both a signature and a key.
 *
 * `--verify` (README, "Trust"): `auto` takes what is there and never passes over what is bad; `require` wants a good signature;
 * `off` looks at nothing, and says so.
 */
import { UsageError } from '../errors.js'
import type { RunContext } from '../progress.js'
import type { TrustRequest } from '../request.js'
import type { OpenedImage } from '../source/source.js'
import type { ExpectedDigest } from './digests.js'
import { findDigests } from './find-digest.js'
import { findSignatures } from './find-signature.js'
import { findKeyFiles } from './keyring.js'
import { Origin } from './origin.js'
import type { Verification } from './verification.js'

export type { Signer, Verification } from './verification.js'

/** What an image's bytes have to agree with. */
export type InputOrigin = Pick<Origin, 'binds' | 'hashing' | 'vouches' | 'judge' | 'verification'>

/** An opened image whose origin has been looked into. */
export interface VerifiedImage extends Omit<OpenedImage, 'stage'> {
  readonly stage: 'verified'
  /** Has the verification once it has judged. */
  readonly origin: InputOrigin
  /** What the image must hash to; empty when nobody has said. */
  readonly expected: readonly ExpectedDigest[]
}

/**
 * Finds what is there.
 *
 * @throws ERR_DIGESTS_INVALID | ERR_SIGNATURE_INVALID when a file is there for the image that can't be understood
 * @throws ERR_UNVERIFIED when a signature is required and it is clear already that there is none, or no key
 * @throws ERR_INPUT_FILE for a file that the request names and that is not there; ERR_USAGE
 */
export async function verifyOrigin(
  image: OpenedImage,
  request: TrustRequest,
  context: RunContext,
): Promise<VerifiedImage> {
  if (request.verify === 'off')
    return { ...image, stage: 'verified', expected: [], origin: nobodyAsked(image.name, request, context) }
  const keys = request.keys ?? []
  const [signatures, digests] = await Promise.all([
    findSignatures(image.path, request.signature),
    findDigests(image.path, request.digests),
  ])
  const isSigned = signatures.length > 0 || digests.signed.length > 0
  const keyFiles = isSigned || keys.length > 0 ? await findKeyFiles(keys, context.env) : []
  const { name: imageName, path: imagePath } = image
  const require = request.verify === 'require'
  const found = { ...digests, imageName, imagePath, signatures, keyFiles, keysNamed: keys.length > 0, require }
  return { ...image, stage: 'verified', expected: digests.expected, origin: new Origin(found, context) }
}

function nobodyAsked(
  imageName: string,
  { signature, digests, keys = [] }: TrustRequest,
  context: RunContext,
): InputOrigin {
  const pointless = Object.entries({ signature, digests, key: keys[0] }).find(([, given]) => given !== undefined)
  if (pointless !== undefined) {
    throw new UsageError(
      'ERR_USAGE',
      `--verify off looks at no signature and no digest, and --${pointless[0]} was given`,
      {
        hint: `leave out --verify off, or --${pointless[0]}`,
      },
    )
  }
  const verification: Verification = { status: 'off', reason: 'nobody was asked: --verify off' }
  context.report({
    kind: 'warning',
    code: 'VERIFY_OFF',
    message: `${imageName} is not verified: --verify off`,
    hint: 'leave --verify off out, to have signatures and digests checked that are there',
  })
  return {
    binds: false,
    hashing: { withSha512: false },
    vouches: async () => false,
    judge: async () => verification,
    verification,
  }
}
