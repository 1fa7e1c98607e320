/**
 * The verdict on one signature, once the digest that it is over has been taken.
 *
 * The openpgp package is given the finished digest, never the file and never a stream: what it fails to wait for can't
 * pass for a good signature, because good is a value that only the last line of `judge` makes. The order of the questions is
 * gpg's: whether the bytes are the ones that were signed comes before who signed them.
 *
 * Stricter than gpg 2.2: a signature that was made after its key had expired is bad (gpg says EXPKEYSIG for both and exits
 * with 0), and so is one with a short key, with MD5, or with a SHA-1 from a time when others could have prepared it.
 */
import { readSignature, SignaturePacket } from 'openpgp'
import { vendorOf } from '../vendors.js'
import type { Signer } from '../verification.js'
import { CONFIG } from './key-file.js'
import type { Certificate, SigningKey } from './keys.js'
import type { SignatureClaim } from './signature-packet.js'

export type BadReason =
  | 'mismatch'
  | 'critical-notation'
  | 'weak-hash'
  | 'weak-key'
  | 'not-bound'
  | 'not-for-signing'
  | 'revoked'
  | 'made-before-key'
  | 'made-after-expiry'
  | 'signature-expired'
  | 'made-in-the-future'

export type Verdict =
  | { readonly kind: 'good'; readonly signer: Signer }
  | {
      readonly kind: 'bad'
      readonly why: BadReason
      /** Completes a sentence that starts with the signature's file. */
      readonly reason: string
      readonly hint: string
      readonly keyFingerprint: string
    }
  /** None of the keys made it. */
  | { readonly kind: 'no key' }
  /** The package can't read it. */
  | { readonly kind: 'unread'; readonly unread: string }

/**
 * Two files with the same SHA-1 that say different things became affordable to make in January 2020 (Leurent and Peyrin,
 * "SHA-1 is a Shambles"). gpg 2.0, which signed the first years of images, used SHA-1 unless told otherwise.
 */
const SHA1_UNTIL = new Date('2020-01-01T00:00:00Z')
/** Clocks differ. */
const CLOCK_MS = 24 * 60 * 60 * 1000

/** Which of the certificates' keys a signature says that it is by; ids are short, so there may be several. */
export function keysFor(claim: SignatureClaim, certificates: readonly Certificate[]) {
  return certificates.flatMap((certificate) =>
    [certificate.primary, ...certificate.subkeys]
      .filter(({ fingerprint, keyId }) =>
        claim.issuerFingerprint === undefined ? keyId === claim.issuerKeyId : fingerprint === claim.issuerFingerprint,
      )
      .map((key) => ({ certificate, key })),
  )
}

/** @param digest the document's, taken as the claim says */
export async function judge(
  claim: SignatureClaim,
  digest: Uint8Array,
  certificates: readonly Certificate[],
  now: Date,
): Promise<Verdict> {
  const verdicts: Verdict[] = []
  for (const { certificate, key } of keysFor(claim, certificates))
    verdicts.push(await judgeBy(claim, digest, certificate, key, now))
  return verdicts.find(({ kind }) => kind === 'good') ?? verdicts[0] ?? { kind: 'no key' }
}

async function judgeBy(
  claim: SignatureClaim,
  digest: Uint8Array,
  certificate: Certificate,
  key: SigningKey,
  now: Date,
): Promise<Verdict> {
  const signature = await parse(claim)
  if (signature === undefined)
    return { kind: 'unread', unread: `a signature of version ${claim.version} that it can't read` }
  const { created } = signature
  const bad = (why: BadReason, reason: string, hint: string): Verdict => ({
    kind: 'bad',
    why,
    reason,
    hint,
    keyFingerprint: key.fingerprint,
  })
  const { primary } = certificate
  const name = `key ${key.fingerprint}`
  // The package verifies none with such a notation; that it knows nothing of it comes first, as with gpg.
  if (claim.criticalNotation !== undefined)
    return bad(
      'critical-notation',
      `is not to be taken by whoever does not know the notation ${JSON.stringify(claim.criticalNotation)}, and oem-bake does not`,
      'ask who made the signature for one without a critical notation',
    )
  if (created === null || signature.signatureType === null || !(await fits(signature, digest, key))) {
    return bad(
      'mismatch',
      `has no signature of these bytes: ${name} signed others`,
      'download both again; a signature is over the file as it was published, compressed',
    )
  }
  if (claim.hash.algorithm === 'sha1' && created >= SHA1_UNTIL)
    return bad('weak-hash', `was made with SHA-1 on ${on(created)}, which proves nothing since 2020`, ASK)
  const weak = key.weak ?? primary.weak
  if (weak !== undefined) return bad('weak-key', `was made by ${name}, which is ${weak} and so proves nothing`, ASK)
  if (!primary.bound || !key.bound)
    return bad(
      'not-bound',
      `was made by ${name}, which nothing ties to a primary key`,
      'take the key file from its owner again',
    )
  if (primary.revoked || key.revoked)
    return bad(
      'revoked',
      `was made by ${name}, which its owner has revoked`,
      'take a newer release, signed by a key that is not revoked',
    )
  if (!key.signs) return bad('not-for-signing', `was made by ${name}, which is not for signing files`, ASK)
  if (created < primary.created || created < key.created)
    return bad('made-before-key', `was made on ${on(created)}, before ${name} was, on ${on(key.created)}`, ASK)
  const expires = earlier(primary.expires, key.expires)
  if (expires !== undefined && created >= expires) {
    return bad(
      'made-after-expiry',
      `was made on ${on(created)}, after ${name} had expired, on ${on(expires)}`,
      'if its owner has extended the key since, take the key file from them again and give it with --key',
    )
  }
  if (created.getTime() > now.getTime() + CLOCK_MS)
    return bad(
      'made-in-the-future',
      `was made on ${on(created)}, and today is ${on(now)}`,
      'check the clock of this machine',
    )
  const lapses = signature.getExpirationTime()
  if (lapses instanceof Date && lapses <= now)
    return bad('signature-expired', `holds only until ${on(lapses)}, as the signer said`, ASK)
  return {
    kind: 'good',
    signer: {
      primaryFingerprint: certificate.primaryFingerprint,
      keyFingerprint: key.fingerprint,
      userId: certificate.userId,
      vendor: vendorOf(certificate.primaryFingerprint),
      created: created.toISOString(),
      hash: claim.hash.algorithm,
      expiredSince: expires !== undefined && expires <= now ? expires.toISOString() : undefined,
    },
  }
}

const ASK = 'ask who made the signature for another one'

/** The one packet, by the package; undefined for a version or an algorithm that it does not know. */
async function parse({ packet }: SignatureClaim): Promise<SignaturePacket | undefined> {
  try {
    const { packets } = await readSignature({ binarySignature: packet, config: CONFIG })
    return packets[0] instanceof SignaturePacket ? packets[0] : undefined
  } catch {
    // It says why in text only.
    return undefined
  }
}

/** Whether the key made the signature over that digest: all of the cryptography. */
async function fits(signature: SignaturePacket, digest: Uint8Array, { packet }: SigningKey): Promise<boolean> {
  if (signature.signatureType === null || signature.created === null) return false
  // Where `hashed` is set the package takes it for the digest, as it does for the streams of its own one-pass signatures.
  Object.assign(signature, { hashed: digest })
  try {
    await signature.verify(packet, signature.signatureType, new Uint8Array(), signature.created, true, CONFIG)
    return true
  } catch {
    return false
  }
}

function earlier(a: Date | undefined, b: Date | undefined): Date | undefined {
  if (a === undefined || b === undefined) return a ?? b
  return a < b ? a : b
}

function on(date: Date): string {
  return date.toISOString().slice(0, 10)
}
