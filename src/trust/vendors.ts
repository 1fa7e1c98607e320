/**
 * The keys that official images are signed with, by their pinned primary fingerprints.
 *
 * Only the fingerprints are known here, never the keys: those come from the user, and count as a vendor's when their primary
 * fingerprint is one of these. Signing subkeys are listed by their short ids, to tell a key file that is older than a
 * signature from a signature by a stranger; nothing is ever accepted because of this list. Sources: the keys that
 * coreos/init bin/coreos-install and flatcar/init bin/flatcar-install carry.
 */
export type Vendor = 'CoreOS' | 'Flatcar'

export interface VendorKey {
  readonly vendor: Vendor
  /** Of the primary key: 40 upper-case hex digits. */
  readonly primaryFingerprint: string
  /** Short ids of all signing subkeys until 2026: the last 8 digits of their fingerprints. */
  readonly subkeyIds: readonly string[]
  /** Whether no image will be signed by it any more. */
  readonly retired: boolean
}

export const VENDOR_KEYS: readonly VendorKey[] = [
  {
    vendor: 'CoreOS',
    primaryFingerprint: '04127D0BFABEC8871FFB2CCE50E0885593D2DCB4',
    subkeyIds: ['74E7E361', 'E5676EFC', '1CB5FA26', 'B58844F1', '2E16137F', 'EF4B4ED9', '0638EB2F', '67B3CA0E'],
    retired: true,
  },
  {
    vendor: 'Flatcar',
    primaryFingerprint: 'F88CFEDEFF29A5B4D9523864E25D9AED0593B34A',
    subkeyIds: [
      '064D542D',
      'D0FC498C',
      '896E394F',
      'AF9CF1AF',
      'FCBEAB91',
      '250D4A42',
      '267EC954',
      '8837E271',
      '1EF52974',
    ],
    retired: false,
  },
]

/** Whose key a primary key is; undefined for anybody else's. */
export function vendorOf(primaryFingerprint: string, keys = VENDOR_KEYS): Vendor | undefined {
  return keys.find((key) => key.primaryFingerprint === primaryFingerprint)?.vendor
}

/** The vendor's key that has a subkey, or is a key, with this id: a hint, no proof. */
export function vendorKeyOfSubkey(keyId: string): VendorKey | undefined {
  return VENDOR_KEYS.find(
    ({ primaryFingerprint, subkeyIds }) => primaryFingerprint.endsWith(keyId) || subkeyIds.includes(keyId.slice(-8)),
  )
}

/** For people: both fingerprints, with the names of their vendors. */
export function formatVendorKeys(): string {
  return VENDOR_KEYS.map(({ vendor, primaryFingerprint }) => `${primaryFingerprint} (${vendor})`).join(' or ')
}
