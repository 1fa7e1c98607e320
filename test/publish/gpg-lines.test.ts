/** What gpg says, and what others could make it seem to say. */
import { describe, expect, it } from 'vitest'
import { createdBy, parseSecretKeys, validBy } from '#src/publish/gpg-lines.js'

const ONE = 'A'.repeat(40)
const OTHER = 'B'.repeat(40)

const LISTING = `sec:u:255:22:AAAAAAAAAAAAAAAA:1700000000:::u:::scESC:::+::ed25519:::0:
fpr:::::::::${ONE}:
grp:::::::::${'C'.repeat(40)}:
uid:u::::1700000000::X::Somebody <a@example.com>::::::::::0:
ssb:u:255:18:BBBBBBBBBBBBBBBB:1700000000::::::s:::+::ed25519::
fpr:::::::::${OTHER}:
grp:::::::::${'D'.repeat(40)}:
`

describe('parseSecretKeys', () => {
  it('takes a key with its subkeys, and no keygrip for a fingerprint', () => {
    expect(parseSecretKeys(LISTING)).toEqual([{ primary: ONE, fingerprints: [ONE, OTHER] }])
  })

  it('tells two keys apart, and finds none where there is none', () => {
    expect(parseSecretKeys(LISTING + LISTING)).toHaveLength(2)
    expect(parseSecretKeys('')).toEqual([])
    expect(parseSecretKeys(`fpr:::::::::${ONE}:\n`)).toEqual([])
  })
})

describe('createdBy', () => {
  it('says which key made the signature, and with which hash', () => {
    expect(createdBy(`[GNUPG:] BEGIN_SIGNING H10\n[GNUPG:] SIG_CREATED D 22 10 00 1700000000 ${ONE}\n`)).toEqual({
      hashAlgorithm: 10,
      fingerprint: ONE,
    })
  })

  it('says nothing of two signatures, of none, and of a line that is not at its beginning', () => {
    const line = `[GNUPG:] SIG_CREATED D 22 10 00 1700000000 ${ONE}\n`
    for (const status of ['', line + line, ` ${line}`, '[GNUPG:] SIG_CREATED D 22\n'])
      expect(createdBy(status)).toBeUndefined()
  })
})

describe('validBy', () => {
  const good = `[GNUPG:] GOODSIG AAAAAAAAAAAAAAAA Somebody\n`
  const valid = `[GNUPG:] VALIDSIG ${ONE} 2026-11-25 1700000000 0 4 0 22 10 00 ${ONE}\n`

  it('wants one signature that is good and valid', () => {
    expect(validBy(good + valid)).toEqual({ fingerprint: ONE })
    for (const status of ['', good, valid, good + valid + valid, `[GNUPG:] EXPKEYSIG A\n${valid}`])
      expect(validBy(status)).toBeUndefined()
  })
})
