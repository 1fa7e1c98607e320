/**
 * Files of OpenPGP keys: their armor and packets, and what stands beside each primary key in them. Nothing is proven here.
 *
 * One of the three modules that know the openpgp package (with `keys.ts` and `verify-signature.ts`); loaded only when there are a
 * signature and a key.
 */
import {
  type AnyKeyPacket,
  type AnyPacket,
  type Config,
  config as defaultConfig,
  enums,
  PublicSubkeyPacket,
  readKeys,
  SignaturePacket,
  UserIDPacket,
} from 'openpgp'
import { isArmored, parseArmor } from './armor.js'

/** Broken for anything. */
const BROKEN_HASHES = new Set([enums.hash.md5, enums.hash.ripemd])

/** For every call of the package: what it would refuse or skip by its own defaults is decided here. */
export const CONFIG: Config = {
  ...defaultConfig,
  rejectHashAlgorithms: BROKEN_HASHES,
  rejectMessageHashAlgorithms: BROKEN_HASHES,
  enableParsingV5Entities: true,
}

/** What one file has of one primary key, nothing proven. */
export interface KeyParts {
  readonly primary: AnyKeyPacket
  /** Over the primary key alone. */
  readonly direct: SignaturePacket[]
  readonly users: Signed<UserIDPacket>[]
  readonly subkeys: Signed<AnyKeyPacket>[]
}

export interface KeyBytes {
  /** Path. */
  readonly file: string
  readonly bytes: Buffer
}

/** Bytes that are no keys. */
export class NoKeys extends Error {
  readonly file: string
  constructor(file: string, reason: string, cause?: unknown) {
    super(reason, { cause })
    this.file = file
  }
}

/** A public key as binary packets. */
export interface KeyPackets {
  readonly primaryFingerprint: string
  readonly packets: Uint8Array
}

/** The public keys in a file; one that is in it twice, in two states perhaps, comes twice. @throws NoKeys */
export async function splitKeys(file: string, bytes: Buffer): Promise<readonly KeyPackets[]> {
  const keys = await publicKeysIn(file, bytes)
  return keys.map((key) => ({ primaryFingerprint: key.getFingerprint().toUpperCase(), packets: key.write() }))
}

async function publicKeysIn(file: string, bytes: Buffer) {
  const blocks = isArmored(bytes) ? armoredKeys(file, bytes) : [bytes]
  const keys = []
  for (const block of blocks) {
    try {
      keys.push(...(await readKeys({ binaryKeys: block, config: CONFIG })).map((key) => key.toPublic()))
    } catch (error) {
      // The package tells what is wrong in text only.
      throw new NoKeys(
        file,
        `is no file of OpenPGP keys: ${error instanceof Error ? error.message : String(error)}`,
        error,
      )
    }
  }
  return keys
}

function armoredKeys(file: string, bytes: Buffer): readonly Buffer[] {
  const armor = parseArmor(bytes.toString('utf8'))
  if ('fault' in armor) throw new NoKeys(file, armor.fault)
  const keys = armor.filter(({ kind }) => kind === 'PUBLIC KEY BLOCK' || kind === 'PRIVATE KEY BLOCK')
  if (keys.length > 0) return keys.map((block) => block.bytes)
  const found = armor[0] === undefined ? 'text' : `a PGP ${armor[0].kind}`
  throw new NoKeys(file, `is no file of OpenPGP keys: it holds ${found}`)
}

/** The keys of a file, with what stands beside them. @throws NoKeys */
export async function parseKeys(file: string, bytes: Buffer): Promise<readonly KeyParts[]> {
  const keys = await publicKeysIn(file, bytes)
  return keys.map((key) => partsOf(key.keyPacket, key.toPacketList()))
}

function partsOf(primary: AnyKeyPacket, packets: readonly AnyPacket[]): KeyParts {
  const parts: KeyParts = { primary, direct: [], users: [], subkeys: [] }
  let signatures: SignaturePacket[] | undefined = parts.direct
  for (const packet of packets) {
    if (packet === primary) continue
    if (packet instanceof SignaturePacket) signatures?.push(packet)
    else if (packet instanceof UserIDPacket) {
      signatures = []
      parts.users.push({ packet, signatures })
    } else if (packet instanceof PublicSubkeyPacket) {
      signatures = []
      parts.subkeys.push({ packet, signatures })
      // Of user attributes, and of packets that nobody knows, signatures are of no interest.
    } else signatures = undefined
  }
  return parts
}

/** All that several copies of one key have, together: an older one may know of a revocation, a newer one of other users. */
export function mergeParts(copies: readonly KeyParts[]): KeyParts {
  const [first] = copies
  if (first === undefined) throw new RangeError('a certificate is in a file at least')
  return {
    primary: first.primary,
    direct: copies.flatMap(({ direct }) => direct),
    users: merged(
      copies.flatMap(({ users }) => users),
      ({ userID }) => userID,
    ),
    subkeys: merged(
      copies.flatMap(({ subkeys }) => subkeys),
      fingerprintOf,
    ),
  }
}

interface Signed<Packet> {
  readonly packet: Packet
  readonly signatures: SignaturePacket[]
}

function merged<Packet>(all: readonly Signed<Packet>[], nameOf: (packet: Packet) => string): Signed<Packet>[] {
  const byName = new Map<string, Signed<Packet>>()
  for (const { packet, signatures } of all) {
    const known = byName.get(nameOf(packet)) ?? { packet, signatures: [] }
    known.signatures.push(...signatures)
    byName.set(nameOf(packet), known)
  }
  return [...byName.values()]
}

/** Upper-case hex. */
export function fingerprintOf(packet: AnyKeyPacket): string {
  return packet.getFingerprint().toUpperCase()
}
