/**
 * What there is of keys, and whether it will do: for `oem-bake keys`.
 *
 * A signing key that has expired is not a fault: what it signed before stays good. A fault is what makes a signature fail that
 * somebody will want to check: a vendor's key file that lacks the subkeys of today, a revoked key, a weak one.
 */
import type { RunContext } from '../progress.js'
import type { KeyFinding, KeyReport, KeyState, KeysReport } from './key-report.js'
import { findKeyFiles, openKeyring } from './keyring.js'
import type { Certificate, SigningKey } from './openpgp/keys.js'
import { VENDOR_KEYS, type VendorKey, vendorOf } from './vendors.js'
import { day } from './verification.js'

/** How long before a vendor's signing key expires it is worth looking for the next one. */
const SOON_MS = 90 * 24 * 60 * 60 * 1000

/**
 * @param named beside those of the keyrings
 * @throws ERR_KEY_INVALID, ERR_INPUT_FILE, ERR_PERMISSION | ERR_IO
 */
export async function reportKeys(named: readonly string[], { env }: Pick<RunContext, 'env'>): Promise<KeysReport> {
  const now = new Date()
  const files = await findKeyFiles(named, env)
  const certificates = files.length === 0 ? [] : await openKeyring(files, now)
  return examineKeys(certificates, now)
}

/** The same of keys that have been read. Pure. */
export function examineKeys(certificates: readonly Certificate[], now: Date): KeysReport {
  const keys = certificates.map((certificate) => describe(certificate, now))
  const findings = [
    ...(keys.length === 0 ? [problem('there are no keys', 'oem-bake keys add FILE, or --key FILE')] : []),
    ...keys.flatMap(findingsOf),
    ...VENDOR_KEYS.flatMap((vendorKey) => findingsOfVendor(vendorKey, keys, now)),
  ]
  return { keys, findings }
}

function describe({ primary, primaryFingerprint, subkeys, userId, files }: Certificate, now: Date): KeyReport {
  const signing = [primary, ...subkeys].filter(({ signs }) => signs)
  return {
    primaryFingerprint,
    userId,
    vendor: vendorOf(primaryFingerprint),
    created: primary.created.toISOString(),
    expires: primary.expires?.toISOString(),
    state: stateOf(primary, now),
    signing: signing
      .toSorted((a, b) => a.created.getTime() - b.created.getTime())
      .map((key) => ({
        fingerprint: key.fingerprint,
        created: key.created.toISOString(),
        expires: key.expires?.toISOString(),
        state: stateOf(key, now),
      })),
    files,
  }
}

function stateOf({ bound, expires, revoked, weak }: SigningKey, now: Date): KeyState {
  if (!bound) return 'not bound'
  if (revoked) return 'revoked'
  if (weak !== undefined) return 'weak'
  return expires !== undefined && expires <= now ? 'expired' : 'valid'
}

function findingsOf({ primaryFingerprint: fingerprint, signing, state }: KeyReport): readonly KeyFinding[] {
  if (state === 'revoked')
    return [problem(`${fingerprint} has been revoked: nothing it signed is good`, 'ask its owner for the new one')]
  if (state === 'weak')
    return [problem(`${fingerprint} is too short to prove anything`, 'ask its owner for a longer one')]
  if (state === 'not bound')
    return [problem(`${fingerprint} has no signature of its own that holds`, 'take the file from its owner again')]
  if (signing.length === 0)
    return [problem(`${fingerprint} has no key that signs files`, 'take the file from its owner again')]
  return signing
    .filter((key) => key.state === 'revoked')
    .map((key) => note(`${fingerprint}: signing key ${key.fingerprint} has been revoked, what it signed is bad`))
}

function findingsOfVendor(vendorKey: VendorKey, keys: readonly KeyReport[], now: Date): readonly KeyFinding[] {
  const { vendor, primaryFingerprint, retired, subkeyIds } = vendorKey
  const again = `take ${vendor}'s key, primary fingerprint ${primaryFingerprint}, from where it is published, and add it with oem-bake keys add FILE`
  const key = keys.find((other) => other.primaryFingerprint === primaryFingerprint)
  if (key === undefined) return [note(`${vendor}'s key is not there: images that it signed are UNVERIFIED`, again)]
  const missing = subkeyIds.filter((id) => !key.signing.some(({ fingerprint }) => fingerprint.endsWith(id)))
  const lacks =
    missing.length === 0
      ? []
      : [problem(`${vendor}'s key lacks ${missing.join(', ')}: what these signed is by an unknown subkey`, again)]
  if (retired) return lacks
  const valid = key.signing.filter(({ state }) => state === 'valid')
  if (valid.length === 0)
    return [
      ...lacks,
      problem(
        `${vendor}'s key has no signing key that is valid today: this file is older than what is signed now`,
        again,
      ),
    ]
  // One that never expires is no worry.
  const last =
    valid
      .map(({ expires }) => expires ?? '9999')
      .toSorted()
      .at(-1) ?? '9999'
  if (Date.parse(last) - now.getTime() > SOON_MS) return lacks
  return [...lacks, note(`${vendor}'s last signing key expires on ${day(last)}: there will be a new one`, again)]
}

function problem(message: string, hint: string): KeyFinding {
  return { severity: 'problem', message, hint }
}

function note(message: string, hint?: string): KeyFinding {
  return { severity: 'note', message, hint }
}
