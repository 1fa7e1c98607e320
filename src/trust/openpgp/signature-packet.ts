/**
 * Detached signatures as packets: just enough of them to know how to hash what they are over, and whose key is wanted.
 *
 * RFC 9580 sections 4.2 (packet headers), 5.2.2 and 5.2.3 (signature packets), 5.2.4 (what is hashed); version 5 as in
 * draft-ietf-openpgp-rfc4880bis-10 section 5.2.4. A signature is over a hash of: a salt (version 6), the document, and the
 * signature's own first fields with a trailer. So the file can be hashed by any hash function, anywhere, before a
 * library that knows keys is even loaded. Nothing here decides whether a signature is good: `verify-signature.ts` does,
 * where the openpgp package parses the same bytes again; a disagreement between both would be a digest that doesn't fit.
 *
 * Pure. Offsets are from the start of the packet's body.
 */
import { createHash } from 'node:crypto'
import type { SignedHash } from '../../source/file-hash.js'

/** A signature that has been read and not been judged. */
export interface SignatureClaim {
  readonly version: number
  /** The packet, header included. */
  readonly packet: Uint8Array
  /** `text`: over the document with line ends as CR LF. */
  readonly type: 'binary' | 'text'
  /** Upper-case hex: 16 digits. */
  readonly issuerKeyId: string | undefined
  /** Upper-case hex: 40 digits, or 64 of a version 5 or 6 key. */
  readonly issuerFingerprint: string | undefined
  readonly created: Date
  readonly hash: SignedHash
  /** Name of a notation without which the signer wants the signature not to be taken (section 5.2.3.24). */
  readonly criticalNotation: string | undefined
}

/** There, but of a kind that is not read: its version, type or hash algorithm. */
export interface UnreadSignature {
  readonly unread: string
}

export type ParsedSignature = SignatureClaim | UnreadSignature
/** What is wrong with the bytes; completes a sentence that starts with the file's name. */
export interface SignatureFault {
  readonly fault: string
}

/** Section 9.5. */
const HASH_ALGORITHMS: Readonly<Record<number, string>> = {
  2: 'sha1',
  8: 'sha256',
  9: 'sha384',
  10: 'sha512',
  11: 'sha224',
  12: 'sha3-256',
  14: 'sha3-512',
}
/** Broken, and nothing that anybody still signs with. */
const BROKEN_ALGORITHMS: Readonly<Record<number, string>> = { 1: 'MD5', 3: 'RIPEMD-160' }
/** Section 5.2.1. */
const TYPES: Readonly<Record<number, SignatureClaim['type']>> = { 0: 'binary', 1: 'text' }

/** Section 5: packet types. */
const SIGNATURE = 2
/** Marker, trust and padding packets are to be passed over wherever they are (sections 5.8, 5.10, 5.14). */
const PASSED_OVER: ReadonlySet<number> = new Set([10, 12, 21])
/** Section 5.2.3.7: subpacket types. */
const [CREATION_TIME, ISSUER_KEY_ID, NOTATION, ISSUER_FINGERPRINT] = [2, 16, 20, 33]
/** Set in the type of a subpacket without which the signature is not to be taken. */
const CRITICAL = 0x80
/** More than anybody signs with; each is a hash of the whole file at worst. */
const SIGNATURES_MAX = 16

/** Reads past the end of the bytes. */
class Cut extends Error {}

/** Parses a file of signature packets to its last byte: at least one signature, and nothing else. */
export function parseSignatures(bytes: Buffer): readonly ParsedSignature[] | SignatureFault {
  const signatures: ParsedSignature[] = []
  if (bytes.length === 0) return { fault: 'is empty: expected a signature' }
  try {
    for (let at = 0; at < bytes.length; ) {
      const { type, bodyAt, endAt } = parseHeader(bytes, at)
      if (type === SIGNATURE) signatures.push(parseBody(bytes.subarray(bodyAt, endAt), bytes.subarray(at, endAt)))
      else if (!PASSED_OVER.has(type))
        return { fault: `holds a packet of type ${type} at byte ${at}: expected signatures only` }
      if (signatures.length > SIGNATURES_MAX) return { fault: `holds more than ${SIGNATURES_MAX} signatures` }
      at = endAt
    }
  } catch (error) {
    if (!(error instanceof Cut)) throw error
    return { fault: error.message }
  }
  return signatures.length === 0 ? { fault: 'holds no signature' } : signatures
}

/** The digest that a signature is over, of a document that is small enough to be in memory. */
export function digestFor({ hash, type }: SignatureClaim, document: Buffer): Buffer {
  const bytes = type === 'binary' ? document : withNetworkLineEnds(document)
  return createHash(hash.algorithm).update(hash.prefix).update(bytes).update(hash.suffix).digest()
}

/** Section 5.2.1.2: every line end as CR LF. Through latin1, which keeps all bytes. */
function withNetworkLineEnds(document: Buffer): Buffer {
  return Buffer.from(document.toString('latin1').replace(/\r?\n/g, '\r\n'), 'latin1')
}

/** Section 4.2. Partial and indeterminate lengths are for packets that hold data, not for signatures. */
function parseHeader(bytes: Buffer, at: number): { type: number; bodyAt: number; endAt: number } {
  const tag = byteAt(bytes, at)
  if ((tag & 0x80) === 0) throw new Cut(`holds something other than an OpenPGP packet at byte ${at}`)
  const lengthAt = at + 1
  const header = (tag & 0x40) === 0 ? oldLength(bytes, lengthAt, tag & 0x03) : newLength(bytes, lengthAt)
  const bodyAt = lengthAt + header.bytes
  const endAt = bodyAt + header.length
  if (endAt > bytes.length)
    throw new Cut(`is cut short: a packet at byte ${at} ends at byte ${endAt} of ${bytes.length}`)
  return { type: (tag & 0x40) === 0 ? (tag & 0x3c) >> 2 : tag & 0x3f, bodyAt, endAt }
}

interface Length {
  readonly length: number
  /** Of the length field itself. */
  readonly bytes: number
}

function oldLength(bytes: Buffer, at: number, lengthType: number): Length {
  if (lengthType === 3) throw new Cut(`holds a packet without a length at byte ${at - 1}`)
  const width = 1 << lengthType
  return { length: numberAt(bytes, at, width), bytes: width }
}

function newLength(bytes: Buffer, at: number): Length {
  const first = byteAt(bytes, at)
  if (first < 192) return { length: first, bytes: 1 }
  if (first < 224) return { length: ((first - 192) << 8) + byteAt(bytes, at + 1) + 192, bytes: 2 }
  if (first === 255) return { length: numberAt(bytes, at + 1, 4), bytes: 5 }
  throw new Cut(`holds a packet in pieces at byte ${at - 1}`)
}

function parseBody(body: Buffer, packet: Buffer): ParsedSignature {
  // 0 u8 version
  const version = byteAt(body, 0)
  if (version !== 4 && version !== 5 && version !== 6) return { unread: `a signature of version ${version}` }
  // 1 u8 type, 2 u8 public-key algorithm, 3 u8 hash algorithm
  const type = TYPES[byteAt(body, 1)]
  const algorithm = HASH_ALGORITHMS[byteAt(body, 3)]
  // 4 u16 (version 6: u32) length of the hashed subpackets; they follow
  const width = version === 6 ? 4 : 2
  const hashedAt = 4 + width
  const hashedEnd = hashedAt + numberAt(body, 4, width)
  // then the same for those that are not hashed
  const unhashedAt = hashedEnd + width
  const unhashedEnd = unhashedAt + numberAt(body, hashedEnd, width)
  // then u16 first bytes of the digest; version 6: u8 length of the salt, the salt
  byteAt(body, unhashedEnd + 1)
  const saltAt = unhashedEnd + 3
  const saltEnd = version === 6 ? saltAt + byteAt(body, saltAt - 1) : saltAt
  if (version === 6 && saltEnd > body.length) throw new Cut('is cut short inside a salt')
  const hashed = parseSubpackets(body.subarray(hashedAt, hashedEnd))
  const unhashed = parseSubpackets(body.subarray(unhashedAt, unhashedEnd))
  if (type === undefined) return { unread: `a signature of type ${byteAt(body, 1)}, which is not over a file` }
  if (algorithm === undefined) {
    const broken = BROKEN_ALGORITHMS[byteAt(body, 3)]
    if (broken !== undefined) return { unread: `a signature made with ${broken}, which proves nothing` }
    return { unread: `a signature with hash algorithm ${byteAt(body, 3)}` }
  }
  const created = hashed.get(CREATION_TIME)
  if (created?.length !== 4) throw new Cut('holds a signature that does not say when it was made')
  const fingerprint = (hashed.get(ISSUER_FINGERPRINT) ?? unhashed.get(ISSUER_FINGERPRINT))?.subarray(1)
  const keyId = hashed.get(ISSUER_KEY_ID) ?? unhashed.get(ISSUER_KEY_ID)
  return {
    version,
    packet,
    type,
    issuerFingerprint: fingerprint && hex(fingerprint),
    issuerKeyId: keyId ? hex(keyId) : fingerprint && keyIdOf(hex(fingerprint)),
    created: new Date(created.readUInt32BE(0) * 1000),
    criticalNotation: notationName(hashed.get(NOTATION | CRITICAL)),
    hash: {
      algorithm,
      prefix: version === 6 ? body.subarray(saltAt, saltEnd) : new Uint8Array(),
      suffix: Buffer.concat([body.subarray(0, hashedEnd), trailer(version, hashedEnd)]),
    },
  }
}

/** Section 5.2.4: version, 0xFF, and the length of what was hashed of the signature itself. */
function trailer(version: number, length: number): Buffer {
  const length32 = Buffer.alloc(4)
  length32.writeUInt32BE(length)
  // Version 5 also hashes the literal packet's format, name and date, which a detached signature has none of; 64-bit length.
  if (version === 5) return Buffer.concat([Buffer.alloc(6), Buffer.from([5, 0xff, 0, 0, 0, 0]), length32])
  return Buffer.concat([Buffer.from([version, 0xff]), length32])
}

/** Section 5.2.3.7. Of several of a type the last one counts; a critical one is there under its type with {@link CRITICAL}, too. */
function parseSubpackets(area: Buffer): ReadonlyMap<number, Buffer> {
  const found = new Map<number, Buffer>()
  for (let at = 0; at < area.length; ) {
    const first = byteAt(area, at)
    const header: Length =
      first < 192
        ? { length: first, bytes: 1 }
        : first < 255
          ? { length: ((first - 192) << 8) + byteAt(area, at + 1) + 192, bytes: 2 }
          : { length: numberAt(area, at + 1, 4), bytes: 5 }
    const typeAt = at + header.bytes
    const end = typeAt + header.length
    if (header.length === 0 || end > area.length) throw new Cut('holds a signature with a subpacket that is cut short')
    const type = byteAt(area, typeAt)
    found.set(type & ~CRITICAL, area.subarray(typeAt + 1, end))
    if ((type & CRITICAL) !== 0) found.set(type, area.subarray(typeAt + 1, end))
    at = end
  }
  return found
}

/** Section 5.2.3.24: 4 octets of flags, u16 length of the name, u16 length of the value, the name, the value. */
function notationName(notation: Buffer | undefined): string | undefined {
  return notation?.subarray(8, 8 + numberAt(notation, 4, 2)).toString('utf8')
}

/** The last 8 bytes of a version 4 fingerprint, the first 8 of a longer one (section 5.5.4). */
export function keyIdOf(fingerprint: string): string {
  return fingerprint.length === 40 ? fingerprint.slice(-16) : fingerprint.slice(0, 16)
}

function hex(bytes: Buffer): string {
  return bytes.toString('hex').toUpperCase()
}

function byteAt(bytes: Buffer, at: number): number {
  const value = bytes[at]
  if (value === undefined) throw new Cut(`is cut short: it ends at byte ${bytes.length} inside a packet`)
  return value
}

function numberAt(bytes: Buffer, at: number, width: number): number {
  if (at + width > bytes.length) throw new Cut(`is cut short: it ends at byte ${bytes.length} inside a packet`)
  return bytes.readUIntBE(at, width)
}
