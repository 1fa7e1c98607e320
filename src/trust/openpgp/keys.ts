/**
 * Keys: from the packets of key files to certificates whose validity has been proven, by the openpgp package.
 *
 * A certificate here is all that is known of one primary key from all files together, so that a revocation in one file
 * counts against a copy in another. The package parses packets and does the cryptography; what makes a key valid is decided
 * here, because its own `getSigningKey` answers another question: it wants self-signatures that are older than the signature
 * (which exports with `export-clean` have lost), refuses SHA-1 in them (which the key of 2013 has), and tells expired, revoked
 * and unknown keys apart in message text only.
 *
 * What counts, after RFC 9580 sections 5.2.3 and 10.1 and what gpg does: the latest self-signature says when a key
 * expires and what it is for; a signing subkey must have signed back; any revocation by the owner, or by a revoker of the
 * owner's choice, counts for all time.
 */
import { type AnyKeyPacket, enums, type SignaturePacket } from 'openpgp'
import { CONFIG, fingerprintOf, type KeyBytes, type KeyParts, mergeParts, parseKeys } from './key-file.js'
import { keyIdOf } from './signature-packet.js'

/** Smaller ones can be, or soon will be, computed by others. */
const LEAST_BITS = 2048

export interface Certificate {
  readonly primary: SigningKey
  readonly primaryFingerprint: string
  readonly userId: string | undefined
  /** Beside the primary key; those that can sign nothing (for encryption) too. */
  readonly subkeys: readonly SigningKey[]
  /** Paths of the files that it is in. */
  readonly files: readonly string[]
}

/** A primary key or a subkey, with what its owner says of it. */
export interface SigningKey {
  readonly packet: AnyKeyPacket
  /** Upper-case hex. */
  readonly fingerprint: string
  readonly keyId: string
  readonly created: Date
  /** Undefined: never. */
  readonly expires: Date | undefined
  /** Proven to belong to the primary key, and the primary key to have been used by its owner. */
  readonly bound: boolean
  readonly revoked: boolean
  /** Meant for signing data. */
  readonly signs: boolean
  /** `RSA 1024`, when it is too weak to prove anything. */
  readonly weak: string | undefined
}

/**
 * Parses files and proves what is in them.
 *
 * @throws NoKeys when a file is no file of keys
 */
export async function readCertificates(files: readonly KeyBytes[], now: Date): Promise<readonly Certificate[]> {
  const read = new Map<string, { readonly copies: KeyParts[]; readonly files: Set<string> }>()
  for (const { file, bytes } of files) {
    for (const parts of await parseKeys(file, bytes)) {
      const fingerprint = fingerprintOf(parts.primary)
      const entry = read.get(fingerprint) ?? { copies: [], files: new Set() }
      entry.copies.push(parts)
      entry.files.add(file)
      read.set(fingerprint, entry)
    }
  }
  const keys = [...read.values()].map((entry) => ({ parts: mergeParts(entry.copies), files: [...entry.files] }))
  const primaries = new Map(keys.map(({ parts: { primary } }) => [fingerprintOf(primary), primary]))
  return Promise.all(keys.map(({ parts, files: from }) => prove(parts, from, primaries, now)))
}

async function prove(
  { direct, primary, subkeys, users }: KeyParts,
  files: readonly string[],
  primaries: ReadonlyMap<string, AnyKeyPacket>,
  now: Date,
): Promise<Certificate> {
  const self = [...(await held(direct, [enums.signature.key], primary, { key: primary }, now))]
  const named: { readonly userId: string; readonly by: SignaturePacket }[] = []
  for (const { packet, signatures } of users) {
    const data = { userID: packet, key: primary }
    const latest = newest(await held(signatures, CERTIFICATIONS, primary, data, now))
    if (latest === undefined) continue
    const taken = newest(await held(signatures, [enums.signature.certRevocation], primary, data, now))
    if (taken !== undefined && time(taken) >= time(latest)) continue
    self.push(latest)
    named.push({ userId: packet.userID, by: latest })
  }
  const latest = newest(self)
  const main: SigningKey = {
    ...describe(primary),
    expires: expiry(primary, latest),
    bound: latest !== undefined,
    revoked: await isRevoked(primary, direct, revokersIn(self), primaries, now),
    signs: latest !== undefined && maySign(latest),
  }
  return {
    primary: main,
    primaryFingerprint: main.fingerprint,
    userId: (named.find(({ by }) => by.isPrimaryUserID === true) ?? named[0])?.userId,
    subkeys: await Promise.all(subkeys.map((subkey) => proveSubkey(primary, subkey, now))),
    files,
  }
}

/** Section 5.2.3.23: whose revocations of the key count as its owner's own; fingerprints. */
function revokersIn(self: readonly SignaturePacket[]): ReadonlySet<string> {
  return new Set(
    self.flatMap(({ revocationKeyFingerprint: fingerprint }) =>
      fingerprint === null ? [] : [Buffer.from(fingerprint).toString('hex').toUpperCase()],
    ),
  )
}

/**
 * By its owner, or by somebody whom the owner lets do it. A revocation that says it is by one of those, whose key is not there to
 * tell, counts: who has that key would know better.
 */
async function isRevoked(
  primary: AnyKeyPacket,
  direct: readonly SignaturePacket[],
  revokers: ReadonlySet<string>,
  primaries: ReadonlyMap<string, AnyKeyPacket>,
  now: Date,
): Promise<boolean> {
  const heldBy = (by: AnyKeyPacket) => held(direct, [enums.signature.keyRevocation], by, { key: primary }, now)
  if ((await heldBy(primary)).length > 0) return true
  for (const fingerprint of revokers) {
    const revoker = primaries.get(fingerprint)
    if (revoker !== undefined && (await heldBy(revoker)).length > 0) return true
    const isClaimed = direct.some(
      ({ issuerKeyID, signatureType }) =>
        signatureType === enums.signature.keyRevocation && issuerKeyID.toHex().toUpperCase() === keyIdOf(fingerprint),
    )
    if (revoker === undefined && isClaimed) return true
  }
  return false
}

async function proveSubkey(
  primary: AnyKeyPacket,
  { packet, signatures }: { readonly packet: AnyKeyPacket; readonly signatures: readonly SignaturePacket[] },
  now: Date,
): Promise<SigningKey> {
  const data = { key: primary, bind: packet }
  const latest = newest(await held(signatures, [enums.signature.subkeyBinding], primary, data, now))
  const revocations = await held(signatures, [enums.signature.subkeyRevocation], primary, data, now)
  const signs = latest !== undefined && maySign(latest)
  // Section 5.2.1.9: else anybody could claim somebody's signing key as a subkey of their own.
  const signedBack = latest?.embeddedSignature ?? undefined
  const back =
    signs && signedBack !== undefined ? await held([signedBack], [enums.signature.keyBinding], packet, data, now) : []
  return {
    ...describe(packet),
    expires: expiry(packet, latest),
    bound: latest !== undefined && (!signs || back.length > 0),
    revoked: revocations.length > 0,
    signs,
  }
}

const CERTIFICATIONS = [
  enums.signature.certGeneric,
  enums.signature.certPersona,
  enums.signature.certCasual,
  enums.signature.certPositive,
]

const REVOCATIONS: ReadonlySet<number> = new Set([
  enums.signature.keyRevocation,
  enums.signature.subkeyRevocation,
  enums.signature.certRevocation,
])

/** Those of some types that the key really made over the data, and that are in force. */
async function held(
  signatures: readonly SignaturePacket[],
  types: readonly number[],
  by: AnyKeyPacket,
  data: object,
  now: Date,
): Promise<readonly SignaturePacket[]> {
  const good: SignaturePacket[] = []
  for (const signature of signatures) {
    const { signatureType: type, created } = signature
    if (type === null || created === null || !types.includes(type)) continue
    // A revocation counts for all time, that before its own date too: this machine's clock may be slow.
    if (!REVOCATIONS.has(type) && signature.isExpired(now)) continue
    // The package refuses what names a revoker, because it asks none; `isRevoked` does.
    Object.assign(signature, { revocationKeyClass: null })
    try {
      // At its own time: whether it is in force has been asked.
      await signature.verify(by, type, data, created, false, CONFIG)
      good.push(signature)
    } catch {
      // Somebody else's, or damaged: it says nothing.
    }
  }
  return good
}

/** Of several of the same second, the one that lets the key expire first. */
function newest(signatures: readonly SignaturePacket[]): SignaturePacket | undefined {
  return signatures.toSorted(
    (a, b) => time(b) - time(a) || (a.keyExpirationTime ?? Infinity) - (b.keyExpirationTime ?? Infinity),
  )[0]
}

function time(signature: SignaturePacket): number {
  return signature.created?.getTime() ?? 0
}

function expiry(packet: AnyKeyPacket, latest: SignaturePacket | undefined): Date | undefined {
  const seconds = latest?.keyExpirationTime
  return seconds === undefined || seconds === null || seconds === 0
    ? undefined
    : new Date(packet.created.getTime() + seconds * 1000)
}

/** Section 5.2.3.29: 0x02, "may be used to sign data". Keys from before key flags have none, and may. */
function maySign({ keyFlags }: SignaturePacket): boolean {
  return keyFlags === null || ((keyFlags[0] ?? 0) & enums.keyFlags.signData) !== 0
}

function describe(packet: AnyKeyPacket): Pick<SigningKey, 'packet' | 'fingerprint' | 'keyId' | 'created' | 'weak'> {
  const { algorithm, bits } = packet.getAlgorithmInfo()
  return {
    packet,
    fingerprint: fingerprintOf(packet),
    keyId: packet.getKeyID().toHex().toUpperCase(),
    created: packet.created,
    weak: bits !== undefined && bits < LEAST_BITS ? `${/^rsa/.test(algorithm) ? 'RSA' : 'DSA'} ${bits}` : undefined,
  }
}
