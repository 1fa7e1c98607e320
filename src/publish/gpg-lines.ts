/**
 * What gpg says to programs: colon-separated key listings and status lines (GnuPG doc/DETAILS). Pure.
 */

export interface SecretKey {
  /** Fingerprint of the primary key, upper-case hex. */
  readonly primary: string
  /** Of the primary key and all of its subkeys. */
  readonly fingerprints: readonly string[]
}

/** `--list-secret-keys --with-colons`: `sec` begins a key, `ssb` a subkey; the `fpr` after each has its fingerprint. */
export function parseSecretKeys(listing: string): readonly SecretKey[] {
  const keys: { readonly primary: string; readonly fingerprints: string[] }[] = []
  let last = ''
  for (const line of listing.split('\n')) {
    const fields = line.split(':')
    const [record = ''] = fields
    // Field 10 of an fpr record.
    const fingerprint = record === 'fpr' ? fields[9] : undefined
    if (fingerprint !== undefined && last === 'sec') keys.push({ primary: fingerprint, fingerprints: [fingerprint] })
    if (fingerprint !== undefined && last === 'ssb') keys.at(-1)?.fingerprints.push(fingerprint)
    last = record
  }
  return keys
}

/** `[GNUPG:] SIG_CREATED <type> <pk_algo> <hash_algo> <class> <timestamp> <keyfpr>`; undefined unless there is just one. */
export function createdBy(
  status: string,
): { readonly hashAlgorithm: number; readonly fingerprint: string } | undefined {
  const [created, other] = statusLines(status, 'SIG_CREATED')
  const [, , hash, , , fingerprint] = created ?? []
  if (other !== undefined || hash === undefined || fingerprint === undefined) return undefined
  return { hashAlgorithm: Number(hash), fingerprint }
}

/** `[GNUPG:] VALIDSIG <fpr> …`; undefined unless there is just one, and a GOODSIG. */
export function validBy(status: string): { readonly fingerprint: string } | undefined {
  const [valid, other] = statusLines(status, 'VALIDSIG')
  const [fingerprint] = valid ?? []
  if (other !== undefined || fingerprint === undefined || statusLines(status, 'GOODSIG').length !== 1) return undefined
  return { fingerprint }
}

/** Arguments of each status line with a keyword. */
function statusLines(status: string, keyword: string): readonly (readonly string[])[] {
  const start = `[GNUPG:] ${keyword} `
  return status
    .split('\n')
    .filter((line) => line.startsWith(start))
    .map((line) => line.slice(start.length).trim().split(' '))
}
