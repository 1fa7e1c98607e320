/** A good signature, and everything about its key that makes it a bad one: one thing at a time. */

import { execFileSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Certificate, readCertificates, type SigningKey } from '#src/trust/openpgp/keys.js'
import { digestFor, parseSignatures, type SignatureClaim } from '#src/trust/openpgp/signature-packet.js'
import { judge, type Verdict } from '#src/trust/openpgp/verify-signature.js'
import { makeTestKeys, retireTestKeys, type TestKeys } from '../../support/gpg.js'
import { splitPackets, withoutUnhashed } from '../../support/openpgp-packets.js'
import { noise } from '../../support/random.js'
import { temporaryDirectory } from '../../support/temp.js'

const directory = temporaryDirectory()
const DOCUMENT = noise(1000)
const NOW = new Date('2026-11-25T00:00:00Z')
const file = join(directory, 'document')
let keys: TestKeys
let claim: SignatureClaim
let lapsed: SignatureClaim
let certificate: Certificate

function claimIn(bytes: Buffer): SignatureClaim {
  const parsed = parseSignatures(bytes)
  const [first] = 'fault' in parsed ? [] : parsed
  if (first === undefined || 'unread' in first) throw new Error('no signature')
  return first
}

beforeAll(async () => {
  keys = makeTestKeys(directory)
  writeFileSync(file, DOCUMENT)
  // Made in 2020, by a subkey of that year.
  claim = claimIn(keys.gpg.sign(file, keys.current, '2020-06-01'))
  lapsed = claimIn(keys.gpg.sign(file, keys.current, '2020-06-01', ['--default-sig-expire', '30d']))
  retireTestKeys(keys)
  const [read] = await readCertificates([{ file: keys.files.bot, bytes: readFileSync(keys.files.bot) }], NOW)
  if (read === undefined) throw new Error('no key')
  certificate = read
})
afterAll(() => keys[Symbol.dispose]())

type Change = Partial<SigningKey>

async function verdict(
  change: { readonly primary?: Change; readonly subkey?: Change },
  of = claim,
  now = NOW,
): Promise<Verdict> {
  const { primary, subkeys } = certificate
  const changed = {
    ...certificate,
    primary: { ...primary, ...change.primary },
    subkeys: subkeys.map((key) => (key.fingerprint === keys.current ? { ...key, ...change.subkey } : key)),
  }
  return judge(of, digestFor(of, DOCUMENT), [changed], now)
}

const on = (day: string): Date => new Date(`${day}T00:00:00Z`)

describe('judge', () => {
  it('calls it good as it is', async () => {
    expect(await verdict({})).toMatchObject({
      kind: 'good',
      signer: { keyFingerprint: keys.current, expiredSince: undefined },
    })
  })

  it.each<[string, Parameters<typeof verdict>[0], string]>([
    ['a subkey that is not for signing', { subkey: { signs: false } }, 'not-for-signing'],
    ['a subkey that nothing ties to the primary key', { subkey: { bound: false } }, 'not-bound'],
    ['a primary key that nothing of its own speaks for', { primary: { bound: false } }, 'not-bound'],
    ['a revoked subkey', { subkey: { revoked: true } }, 'revoked'],
    ['a revoked primary key', { primary: { revoked: true } }, 'revoked'],
    ['a subkey that is too short', { subkey: { weak: 'RSA 1024' } }, 'weak-key'],
    ['a primary key that is too short', { primary: { weak: 'RSA 1024' } }, 'weak-key'],
    ['a subkey that was made later', { subkey: { created: on('2020-06-02') } }, 'made-before-key'],
    ['a primary key that was made later', { primary: { created: on('2020-06-02') } }, 'made-before-key'],
    ['a subkey that had expired by then', { subkey: { expires: on('2020-06-01') } }, 'made-after-expiry'],
    ['a primary key that had expired by then', { primary: { expires: on('2020-06-01') } }, 'made-after-expiry'],
  ])('calls it bad with %s', async (_, change, why) => {
    expect(await verdict(change)).toMatchObject({ kind: 'bad', why, keyFingerprint: keys.current })
  })

  it.each<[string, Parameters<typeof verdict>[0]]>([
    ['a subkey', { subkey: { expires: on('2020-06-02') } }],
    ['a primary key', { primary: { expires: on('2020-06-02') } }],
  ])('calls it good, and says since when, with %s that has expired since', async (_, change) => {
    expect(await verdict(change)).toMatchObject({ kind: 'good', signer: { expiredSince: '2020-06-02T00:00:00.000Z' } })
  })

  it('calls one from the future bad, but for a day, and one that has lapsed', async () => {
    expect(await verdict({}, claim, on('2020-05-31'))).toMatchObject({ kind: 'bad', why: 'made-in-the-future' })
    expect((await verdict({}, claim, on('2020-06-01'))).kind).toBe('good')
    expect((await verdict({}, lapsed, on('2020-06-15'))).kind).toBe('good')
    expect(await verdict({}, lapsed)).toMatchObject({ kind: 'bad', why: 'signature-expired' })
  })

  it('needs the digest to be that of the document, to its last bit', async () => {
    const digest = digestFor(claim, DOCUMENT)
    for (const [at, bit] of [
      [0, 1],
      [1, 0x80],
      [digest.length - 1, 1],
    ] as const) {
      const other = Buffer.from(digest)
      other.writeUInt8(other.readUInt8(at) ^ bit, at)
      expect(await judge(claim, other, [certificate], NOW)).toMatchObject({ kind: 'bad', why: 'mismatch' })
    }
    expect((await judge(claim, digest, [], NOW)).kind).toBe('no key')
  })
})

describe('a signing subkey', () => {
  it('belongs to a primary key only if it says so itself: without its signature back it is not bound', async () => {
    const packets = splitPackets(execFileSync('gpg', ['--homedir', keys.gpg.home, '--batch', '--export', keys.bot]))
    const read = async (bytes: Buffer) => {
      const [{ subkeys } = certificate] = await readCertificates([{ file: 'bot', bytes }], NOW)
      return subkeys.find(({ fingerprint }) => fingerprint === keys.current)?.bound
    }
    expect(await read(Buffer.concat(packets))).toBe(true)
    // gpg puts the signature back where it is not hashed: the binding holds without it.
    expect(
      await read(Buffer.concat(packets.map((packet) => (isBinding(packet) ? withoutUnhashed(packet) : packet)))),
    ).toBe(false)
  })
})

/** A signature packet of type 0x18, by its old header with a length of 2 bytes. */
function isBinding(packet: Buffer): boolean {
  return packet.readUInt8(0) === 0x89 && packet.readUInt8(4) === 0x18
}
