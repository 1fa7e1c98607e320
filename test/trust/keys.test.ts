/** Keys: what is said of them, held against gpg and against a vendor's real key. */
import { execFileSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { examineKeys, reportKeys } from '#src/trust/examine-keys.js'
import { type Certificate, readCertificates } from '#src/trust/openpgp/keys.js'
import type { SignatureClaim } from '#src/trust/openpgp/signature-packet.js'
import { type Case, conclude } from '#src/trust/policy.js'
import { VENDOR_KEYS, vendorKeyOfSubkey, vendorOf } from '#src/trust/vendors.js'
import { CHECKOUT } from '../support/command-line.js'
import { rejectsWithCode } from '../support/errors.js'
import { Gpg, makeTestKeys, retireTestKeys, type TestKeys } from '../support/gpg.js'
import { splitPackets } from '../support/openpgp-packets.js'
import { temporaryDirectory } from '../support/temp.js'

const directory = temporaryDirectory()
const COREOS_2014 = join(CHECKOUT, 'test/fixtures/openpgp/coreos-2014.asc')
const [COREOS, FLATCAR] = VENDOR_KEYS
const now = new Date()
let keys: TestKeys

beforeAll(() => {
  keys = makeTestKeys(directory)
  retireTestKeys(keys)
})
afterAll(() => keys[Symbol.dispose]())

const read = (...files: readonly string[]): Promise<readonly Certificate[]> =>
  readCertificates(
    files.map((file) => ({ file, bytes: readFileSync(file) })),
    now,
  )

describe("CoreOS's real key, as it was in 2014", () => {
  it('is official, and its subkeys are as gpg has them, although all its self-signatures are made with SHA-1', async () => {
    const { keys: reported } = await reportKeys([COREOS_2014], { env: {} })
    expect(reported).toMatchObject([
      {
        primaryFingerprint: COREOS?.primaryFingerprint,
        vendor: 'CoreOS',
        userId: 'CoreOS Buildbot (Offical Builds) <buildbot@coreos.com>',
        state: 'valid',
        expires: undefined,
      },
    ])
    expect(reported[0]?.signing.slice(1)).toMatchObject([
      {
        fingerprint: 'B42942E2EC8E6AA9A7826913A541ECB274E7E361',
        state: 'expired',
        expires: expect.stringContaining('2014-09-06'),
      },
      {
        fingerprint: 'EEFA7555E481D026CC40D8E6A5A96635E5676EFC',
        state: 'expired',
        expires: expect.stringContaining('2015-09-08'),
      },
    ])
  })

  it('is older than what later subkeys signed: doctor says which, and such a signature fails without --key, too', async () => {
    const { findings } = await reportKeys([COREOS_2014], { env: {} })
    expect(findings).toContainEqual({
      severity: 'problem',
      message: expect.stringContaining('lacks 1CB5FA26, B58844F1, 2E16137F, EF4B4ED9, 0638EB2F, 67B3CA0E'),
      hint: expect.stringContaining('04127D0BFABEC8871FFB2CCE50E0885593D2DCB4'),
    })
    const error = await rejectsWithCode(() => conclude(withoutKey(certificates)), 'ERR_SIGNATURE_KEY_UNKNOWN')
    expect(error.message).toContain("an unknown subkey of CoreOS's key")
    expect(error.message).toContain('older than the signature')
    expect(error.hint).toContain('04127D0BFABEC8871FFB2CCE50E0885593D2DCB4')
  })

  let certificates: readonly Certificate[]
  beforeAll(async () => {
    certificates = await read(COREOS_2014)
  })

  it('without it the same signature is UNVERIFIED, and the wanted fingerprint is named', () => {
    const { verification, hint } = conclude(withoutKey([]))
    expect(verification).toMatchObject({
      status: 'unverified',
      reason: expect.stringContaining("a subkey of CoreOS's"),
    })
    expect(hint).toContain('04127D0BFABEC8871FFB2CCE50E0885593D2DCB4')
  })
})

/** A signature by the last of CoreOS's subkeys, which made it in 2020. */
function withoutKey(certificates: readonly Certificate[]): Case {
  const signature: SignatureClaim = {
    version: 4,
    packet: new Uint8Array(),
    type: 'binary',
    issuerFingerprint: 'FD986FB096482F906F55B2EA01C9CAE767B3CA0E',
    issuerKeyId: '01C9CAE767B3CA0E',
    created: new Date('2020-05-22T00:00:00Z'),
    criticalNotation: undefined,
    hash: { algorithm: 'sha512', prefix: new Uint8Array(), suffix: new Uint8Array() },
  }
  return {
    imageName: 'image.bin.bz2',
    imagePath: '/images/image.bin.bz2',
    expected: [],
    judged: [{ file: '/images/image.bin.bz2.sig', covers: 'image', signature, verdict: { kind: 'no key' } }],
    certificates,
    keysNamed: false,
    require: false,
  }
}

describe('pins', () => {
  it('are of whole primary fingerprints: neither a subkey nor a short id makes a key official', () => {
    for (const { vendor, primaryFingerprint, subkeyIds } of VENDOR_KEYS) {
      expect(primaryFingerprint).toMatch(/^[0-9A-F]{40}$/)
      expect(vendorOf(primaryFingerprint)).toBe(vendor)
      for (const other of [
        ...subkeyIds,
        primaryFingerprint.slice(-16),
        primaryFingerprint.toLowerCase(),
        `0${primaryFingerprint.slice(1)}`,
      ])
        expect(vendorOf(other)).toBe(other === primaryFingerprint ? vendor : undefined)
    }
    expect(vendorOf(keys.bot)).toBeUndefined()
  })

  it('know whose a subkey is by its id, for a hint', () => {
    expect(vendorKeyOfSubkey('01C9CAE767B3CA0E')?.vendor).toBe('CoreOS')
    expect(vendorKeyOfSubkey('E25D9AED0593B34A')?.vendor).toBe('Flatcar')
    expect(vendorKeyOfSubkey(keys.current.slice(-16))).toBeUndefined()
    expect(FLATCAR?.retired).toBe(false)
  })
})

describe('the state of keys', () => {
  it('is the one that gpg lists: expired, revoked, cut short, valid', async () => {
    using judge = new Gpg()
    for (const file of [keys.files.bot, keys.files.own]) judge.run(['--import', file])
    const words: Readonly<Record<string, string>> = { e: 'expired', r: 'revoked' }
    const listed = judge.run(['--list-keys', '--with-colons', '--with-subkey-fingerprint'])
    const ofGpg = [...listed.matchAll(/^(?:pub|sub):(.):.*\n(?:fpr:+([0-9A-F]{40}):)/gm)].map(
      ([, state = '', fingerprint = '']) => [fingerprint, words[state] ?? 'valid'],
    )
    const { keys: reported } = await reportKeys([keys.files.bot, keys.files.own], { env: {} })
    const ours = reported.flatMap(({ primaryFingerprint, state, signing }) => [
      [primaryFingerprint, state],
      ...signing.map((key) => [key.fingerprint, key.state]),
    ])
    expect(Object.fromEntries(ours)).toEqual(Object.fromEntries(ofGpg))
    expect(Object.fromEntries(ours)).toMatchObject({
      [keys.expired]: 'expired',
      [keys.revoked]: 'revoked',
      [keys.shortened]: 'expired',
      [keys.current]: 'valid',
    })
  })

  it('says weak, and not bound, of keys that can prove nothing', async () => {
    using gpg = new Gpg()
    const weak = gpg.newKey('Weak <weak@example.com>', 'rsa1024', 'sign', '2010-01-01')
    const file = gpg.export(join(directory, 'weak.asc'), [weak])
    const bare = join(directory, 'bare.gpg')
    // The primary key's packet alone: nobody has said that it is anybody's.
    const packets = execFileSync('gpg', ['--homedir', keys.gpg.home, '--batch', '--export', keys.own])
    writeFileSync(bare, splitPackets(packets)[0] ?? '')
    const { keys: reported, findings } = await reportKeys([file, bare], { env: {} })
    expect(reported.map(({ state }) => state)).toEqual(['weak', 'not bound'])
    expect(findings.filter(({ severity }) => severity === 'problem')).toHaveLength(2)
  })

  it("takes nothing from a subkey that has not signed back, or whose binding is another key's", async () => {
    const of = (key: string): Buffer[] =>
      splitPackets(execFileSync('gpg', ['--homedir', keys.gpg.home, '--batch', '--export', key]))
    const [primary, userId, certification] = of(keys.own)
    // A thief's key: somebody else's signing subkey, with the binding that belongs to it.
    const stolen = of(keys.bot).slice(3, 5)
    const file = join(directory, 'stolen.gpg')
    writeFileSync(file, Buffer.concat([primary!, userId!, certification!, ...stolen]))
    const [certificate] = await read(file)
    expect(certificate?.subkeys).toMatchObject([{ fingerprint: keys.expired, bound: false }])
  })

  it('is told by doctor: no keys at all are a problem, missing vendors a note', async () => {
    expect(examineKeys([], now).findings.map(({ severity }) => severity)).toEqual(['problem', 'note', 'note'])
    const { findings } = examineKeys(await read(keys.files.bot), now)
    expect(findings).toContainEqual({
      severity: 'note',
      message: expect.stringContaining(`${keys.revoked} has been revoked`),
      hint: undefined,
    })
  })
})
