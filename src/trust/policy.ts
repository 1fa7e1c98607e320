/**
 * What follows from everything that was found and judged: what `--verify auto` and `require` mean.
 *
 *   a bad signature                    fails, always
 *   a good one                         vouches; over the image before over digests of it, a vendor's before others'
 *   one that can't be read             fails, unless another one is good
 *   one by a key that is not there     fails when the user named the keys it should be by, or when a vendor's key file that is there
 *                                      is only too old to have it; else the image is UNVERIFIED
 *   none                               the image is UNVERIFIED, with or without digests
 *
 * UNVERIFIED is a value and a warning with `auto`, a failure with `require`. Pure.
 */
import { VerificationError } from '../errors.js'
import { type ExpectedDigest, formatAlgorithm } from './digests.js'
import { invalidSignature } from './find-signature.js'
import type { Certificate } from './openpgp/keys.js'
import type { ParsedSignature, SignatureClaim } from './openpgp/signature-packet.js'
import type { Verdict } from './openpgp/verify-signature.js'
import { formatVendorKeys, vendorKeyOfSubkey } from './vendors.js'
import { day, describeSigner, type Signer, type Verification } from './verification.js'

export interface JudgedSignature {
  readonly file: string
  readonly covers: 'image' | 'digests'
  readonly signature: ParsedSignature
  /** Of what can't be read: `unread`. */
  readonly verdict: Verdict
}

export interface Case {
  readonly imageName: string
  readonly imagePath: string
  readonly expected: readonly ExpectedDigest[]
  readonly judged: readonly JudgedSignature[]
  readonly certificates: readonly Certificate[]
  /** The user named keys for this run. */
  readonly keysNamed: boolean
  readonly require: boolean
}

/**
 * @returns what is known, with a hint for what is not
 * @throws ERR_SIGNATURE_BAD, ERR_SIGNATURE_INVALID, ERR_SIGNATURE_KEY_UNKNOWN, ERR_UNVERIFIED
 */
export function conclude(found: Case): { readonly verification: Verification; readonly hint: string | undefined } {
  const { expected, imageName, judged } = found
  for (const { file, verdict } of judged) if (verdict.kind === 'bad') throw bad(file, verdict)
  const good = judged.flatMap(({ file, covers, verdict }) =>
    verdict.kind === 'good' ? [{ file, covers, signer: verdict.signer }] : [],
  )
  const [best] = good.toSorted((a, b) => rank(b) - rank(a))
  if (best !== undefined) {
    const { file, covers, signer } = best
    const cosigners = good
      .filter(
        (other) => other !== best && other.covers === covers && other.signer.keyFingerprint !== signer.keyFingerprint,
      )
      .map((other) => other.signer)
    const over =
      covers === 'image'
        ? file
        : `${file} over ${expected.map(({ algorithm }) => formatAlgorithm(algorithm)).join(' and ')}`
    const reason = `${over}, by ${describeSigner(signer)}`
    return {
      verification: { status: 'signature', reason, file, covers, signer, cosigners, digests: expected },
      hint: undefined,
    }
  }
  for (const { file, verdict } of judged)
    if (verdict.kind === 'unread') throw invalidSignature(file, `holds ${verdict.unread}`)
  for (const one of judged) assertKeyNotMissed(found, one)
  const { reason, hint } = whyUnverified(found)
  if (found.require) throw new VerificationError('ERR_UNVERIFIED', `${imageName} is not verified: ${reason}`, { hint })
  return {
    verification:
      expected.length > 0 ? { status: 'digest', reason, digests: expected } : { status: 'unverified', reason },
    hint,
  }
}

function rank({ covers, signer }: { readonly covers: 'image' | 'digests'; readonly signer: Signer }): number {
  return (covers === 'image' ? 2 : 0) + (signer.vendor === undefined ? 0 : 1)
}

function bad(
  file: string,
  { why, reason, hint, keyFingerprint }: Extract<Verdict, { kind: 'bad' }>,
): VerificationError {
  return new VerificationError('ERR_SIGNATURE_BAD', `${file} ${reason}`, {
    hint,
    details: { file, why, keyFingerprint },
  })
}

/** @throws ERR_SIGNATURE_KEY_UNKNOWN when the key should have been there */
function assertKeyNotMissed({ certificates, keysNamed }: Case, { file, signature }: JudgedSignature): void {
  if ('unread' in signature) return
  const issuer = issuerOf(signature)
  const details = { file, issuer, created: signature.created.toISOString() }
  const vendorKey = vendorKeyOfSubkey(issuer.slice(-16))
  const stale = certificates.find(({ primaryFingerprint }) => primaryFingerprint === vendorKey?.primaryFingerprint)
  if (vendorKey !== undefined && stale !== undefined) {
    throw new VerificationError(
      'ERR_SIGNATURE_KEY_UNKNOWN',
      `${file} is by ${issuer}, an unknown subkey of ${vendorKey.vendor}'s key: the key file ${stale.files.join(', ')} is older than the signature`,
      {
        hint: `get the key ${vendorKey.primaryFingerprint} again from ${vendorKey.vendor}, and add it with oem-bake keys add FILE`,
        details,
      },
    )
  }
  if (!keysNamed) return
  const older = certificates.find((certificate) => isOlder(certificate, signature))
  throw new VerificationError(
    'ERR_SIGNATURE_KEY_UNKNOWN',
    older === undefined
      ? `${file} is by ${issuer}, which is none of the keys that were given`
      : `${file} is by ${issuer}, which is none of the keys that were given, or an unknown subkey of ${older.primaryFingerprint}: the key file ${older.files.join(', ')} is older than the signature`,
    {
      hint:
        older === undefined
          ? 'give the key that made the signature with --key FILE, once you trust it'
          : 'get the key again from its owner: newer files have newer subkeys',
      details,
    },
  )
}

/** Whether every signing key of a certificate had expired, or wasn't there yet to be replaced, when a signature was made. */
function isOlder({ primary, subkeys }: Certificate, { created }: SignatureClaim): boolean {
  const signing = [primary, ...subkeys].filter(({ signs }) => signs)
  return signing.length > 0 && signing.every(({ expires }) => expires !== undefined && expires <= created)
}

function whyUnverified({ certificates, expected, imageName, judged }: Case): {
  readonly reason: string
  readonly hint: string
} {
  const checked = expected.map(({ algorithm }) => formatAlgorithm(algorithm)).join(' and ')
  const but = checked === '' ? '' : `its ${checked} is checked against ${expected[0]?.file}, but `
  const [first] = judged
  if (first === undefined || 'unread' in first.signature) {
    return {
      reason: `${but}${checked === '' ? 'there is no signature of it' : 'nobody has signed that'}`,
      hint: `put ${imageName}.sig beside it and give its key, whose primary fingerprint is ${formatVendorKeys()}, with --key FILE`,
    }
  }
  const issuer = issuerOf(first.signature)
  const vendorKey = vendorKeyOfSubkey(issuer.slice(-16))
  const whose = vendorKey === undefined ? '' : `, a subkey of ${vendorKey.vendor}'s`
  const wanted =
    vendorKey === undefined
      ? `the key ${issuer}`
      : `${vendorKey.vendor}'s key, primary fingerprint ${vendorKey.primaryFingerprint},`
  return {
    reason: `${but}${certificates.length === 0 ? 'there is no key' : 'none of the keys that are there is the one'} for ${first.file}, made by ${issuer}${whose} on ${day(first.signature.created.toISOString())}`,
    hint: `give ${wanted} with --key FILE, or once and for all with oem-bake keys add FILE`,
  }
}

function issuerOf({ issuerFingerprint, issuerKeyId }: SignatureClaim): string {
  return issuerFingerprint ?? issuerKeyId ?? 'an unnamed key'
}
