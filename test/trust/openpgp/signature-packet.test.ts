/** What is read of a signature before the openpgp package sees it, held against what gpg made and what that package reads. */
import { createHash } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { createMessage, generateKey, readPrivateKey, sign } from 'openpgp'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { readCertificates } from '#src/trust/openpgp/keys.js'
import { digestFor, parseSignatures, type SignatureClaim } from '#src/trust/openpgp/signature-packet.js'
import { judge } from '#src/trust/openpgp/verify-signature.js'
import { makeTestKeys, type TestKeys } from '../../support/gpg.js'
import { noise } from '../../support/random.js'
import { temporaryDirectory } from '../../support/temp.js'

const directory = temporaryDirectory()
const DOCUMENT = noise(1000)
const file = join(directory, 'document')
let keys: TestKeys

beforeAll(() => {
  keys = makeTestKeys(directory)
  writeFileSync(file, DOCUMENT)
})
afterAll(() => keys[Symbol.dispose]())

function claimIn(bytes: Buffer): SignatureClaim {
  const parsed = parseSignatures(bytes)
  if ('fault' in parsed) throw new Error(parsed.fault)
  const [claim] = parsed
  if (claim === undefined || 'unread' in claim) throw new Error(claim?.unread)
  return claim
}

describe('parseSignatures', () => {
  it('reads who made it, when, and with which hash', () => {
    const claim = claimIn(keys.gpg.sign(file, keys.own, '2021-02-03'))
    expect(claim).toMatchObject({
      version: 4,
      type: 'binary',
      issuerFingerprint: keys.own,
      issuerKeyId: keys.own.slice(-16),
      created: new Date('2021-02-03T12:00:00Z'),
    })
    expect(claimIn(keys.gpg.sign(file, keys.own, undefined, ['--textmode'])).type).toBe('text')
  })

  it.each(['SHA1', 'SHA224', 'SHA256', 'SHA384', 'SHA512'])(
    'knows with what a document has to be hashed: %s',
    async (name) => {
      // The 16 bits of the digest that a signature holds behind its subpackets are gpg's word for it.
      const bytes = keys.gpg.sign(file, keys.current, '2020-06-01', ['--digest-algo', name])
      const { hash, ...claim } = claimIn(bytes)
      expect(hash.algorithm).toBe(name.toLowerCase())
      const digest = digestFor({ ...claim, hash }, DOCUMENT)
      expect(digest).toEqual(createHash(hash.algorithm).update(DOCUMENT).update(hash.suffix).digest())
      const left16 = bytes.indexOf(digest.subarray(0, 2), hash.suffix.length - 6)
      expect(left16).toBeGreaterThan(0)
    },
  )

  it('knows it for version 6, too, where a salt comes first', async () => {
    const { privateKey, publicKey } = await generateKey({
      type: 'curve25519',
      userIDs: [{ name: 'Six', email: 'six@example.com' }],
      config: { v6Keys: true },
      format: 'armored',
    })
    const signature = await sign({
      message: await createMessage({ binary: new Uint8Array(DOCUMENT) }),
      signingKeys: await readPrivateKey({ armoredKey: privateKey }),
      detached: true,
      format: 'binary',
    })
    const claim = claimIn(Buffer.from(signature))
    expect(claim.version).toBe(6)
    expect(claim.hash.prefix.length).toBeGreaterThan(15)
    const certificates = await readCertificates([{ file: 'six', bytes: Buffer.from(publicKey) }], new Date())
    const verdict = async (document: Buffer) =>
      (await judge(claim, digestFor(claim, document), certificates, new Date())).kind
    expect(await verdict(DOCUMENT)).toBe('good')
    expect(await verdict(noise(1000, 2))).toBe('bad')
  })

  it.each<[string, Buffer, string]>([
    ['nothing', Buffer.alloc(0), 'is empty'],
    ['something else', Buffer.from('text'), 'other than an OpenPGP packet at byte 0'],
    ['a packet of another type', Buffer.from([0xcd, 1, 65]), 'type 13 at byte 0'],
    ['a packet in pieces', Buffer.from([0xc2, 0xe0, 4]), 'in pieces'],
    ['a packet without a length', Buffer.from([0x8b, 4]), 'without a length'],
    ['a marker and no more', Buffer.from([0xca, 3, 0x50, 0x47, 0x50]), 'no signature'],
    ['a length beyond the end', Buffer.from([0xc2, 0xff, 0xff, 0xff, 0xff, 0xff]), 'cut short'],
  ])('refuses %s', (_, bytes, says) => {
    expect(parseSignatures(bytes)).toEqual({ fault: expect.stringContaining(says) })
  })

  it('refuses more signatures than anybody makes: each might cost a hash of the whole image', () => {
    const one = keys.gpg.sign(file, keys.own)
    expect(parseSignatures(Buffer.concat(Array(16).fill(one)))).toHaveLength(16)
    expect(parseSignatures(Buffer.concat(Array(17).fill(one)))).toEqual({
      fault: expect.stringContaining('more than 16'),
    })
  })
})
