/** Keys in several states at once, revoked by others, and signatures that say more than others do; gpg is asked the same. */
import { createHash } from 'node:crypto'
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type VerifyReport, verify } from 'oem-bake'
import { afterAll, describe, expect, it } from 'vitest'
import { addKeys } from '#src/trust/keyring.js'
import { Gpg, gpgVerdict } from '../support/gpg.js'
import { temporaryDirectory } from '../support/temp.js'

const directory = temporaryDirectory()
const gpg = new Gpg()
afterAll(() => gpg[Symbol.dispose]())
const image = join(directory, 'image.bin')
writeFileSync(image, 'an image\n')

const newKey = (name: string): string => gpg.newKey(`${name} <${name}@example.com>`, 'ed25519', 'sign', '2020-01-01')
const exported = (name: string, ...keys: readonly string[]): string => gpg.export(join(directory, name), keys, [])

/** A place with the image and its signature, and nothing of a keyring. */
function placeFor(key: string, flags: readonly string[] = []) {
  const place = mkdtempSync(join(directory, 'place-'))
  const file = join(place, 'image.bin')
  writeFileSync(file, readFileSync(image))
  writeFileSync(`${file}.sig`, gpg.sign(file, key, undefined, flags))
  const env = { ...process.env, XDG_CONFIG_HOME: place, OEM_BAKE_KEYRING: undefined }
  const check = (...keys: readonly string[]): Promise<VerifyReport> => verify({ image: file, keys }, { env })
  return { place, file, env, check }
}

/** Revokes a key in a copy of the keyring that goes away: gpg writes the certificate when it makes the key. */
function revokedCopy(name: string, fingerprint: string): string {
  using other = new Gpg()
  other.run(['--import', exported(`${name}-good.gpg`, fingerprint)])
  const certificate = readFileSync(join(gpg.home, 'openpgp-revocs.d', `${fingerprint}.rev`), 'utf8')
  other.run(['--import'], undefined, certificate.replace(/^:---/m, '---'))
  return other.export(join(directory, `${name}-revoked.gpg`), [fingerprint], [])
}

describe('one key in two states', () => {
  const key = newKey('twice')
  const both = join(directory, 'both.gpg')
  const { check, env, place } = placeFor(key)

  it('is revoked, in whatever order a file has them', async () => {
    const [revoked, good] = [revokedCopy('twice', key), exported('twice.gpg', key)]
    for (const order of [
      [revoked, good],
      [good, revoked],
    ]) {
      writeFileSync(both, Buffer.concat(order.map((file) => readFileSync(file))))
      await expect(check(both)).rejects.toMatchObject({ details: { why: 'revoked' } })
    }
    expect(gpgVerdict([both], join(place, 'image.bin.sig'), join(place, 'image.bin')).words).toContain('REVKEYSIG')
  })

  it('is revoked after both were added, and a copy that is in a file twice is added once', async () => {
    const [revoked, good] = [join(directory, 'twice-revoked.gpg'), join(directory, 'twice.gpg')]
    writeFileSync(both, Buffer.concat([revoked, good, revoked, good].map((file) => readFileSync(file))))
    const added = await addKeys(both, env)
    expect(added.map(({ added: isNew, primaryFingerprint }) => [primaryFingerprint, isNew])).toEqual([
      [key, true],
      [key, true],
    ])
    expect(readdirSync(join(place, 'oem-bake', 'keys'))).toHaveLength(2)
    await expect(check()).rejects.toMatchObject({ details: { why: 'revoked' } })
  })

  it('has the user ids that are left when one of them was revoked, though an older copy has it still', async () => {
    const named = newKey('old')
    const older = exported('older.gpg', named)
    gpg.run(['--quick-add-uid', named, 'new <new@example.com>'])
    gpg.run(['--quick-revoke-uid', named, 'old <old@example.com>'])
    const newer = exported('newer.gpg', named)
    const signed = placeFor(named)
    for (const files of [[newer], [newer, older], [older, newer]])
      expect((await signed.check(...files)).verification).toMatchObject({ signer: { userId: 'new <new@example.com>' } })
  })
})

describe('a key revoked by the revoker that its owner named', () => {
  const [key, revoker] = [newKey('owner'), newKey('revoker')]
  const { check, file } = placeFor(key)

  it('is revoked, with the revoker’s key and without it; before, it is good', async () => {
    gpg.run(['--command-fd', '0', '--edit-key', key], undefined, `addrevoker\n${revoker}\ny\nsave\n`)
    const before = exported('before.gpg', key, revoker)
    expect(await check(before)).toMatchObject({ verified: true })
    const certificate = join(directory, 'revocation.asc')
    const args = ['--command-fd', '0', '--output', certificate, '--desig-revoke', key]
    // Not in a batch: gpg wants to be asked.
    gpg.run(['--no-batch', ...args], undefined, 'y\n0\n\ny\n')
    gpg.run(['--import', certificate])
    const [alone, both] = [exported('alone.gpg', key), exported('with-revoker.gpg', key, revoker)]
    expect(gpgVerdict([both], `${file}.sig`, file).words).toContain('REVKEYSIG')
    for (const keys of [both, alone]) await expect(check(keys)).rejects.toMatchObject({ details: { why: 'revoked' } })
  })
})

describe('a signature', () => {
  const key = newKey('signer')
  const keys = exported('signer.gpg', key)

  it('over a text that is no UTF-8 is good, as gpg says', async () => {
    const { check, file } = placeFor(key)
    const sha256 = createHash('sha256').update(readFileSync(file)).digest('hex')
    const digests = join(directory, 'latin1.DIGESTS')
    writeFileSync(digests, Buffer.from(`# made in M\xfcnchen\n${sha256}  image.bin\n`, 'latin1'))
    gpg.run(['--local-user', key, '--output', `${file}.DIGESTS.asc`, '--clear-sign', digests])
    writeFileSync(`${file}.sig`, '')
    expect(gpgVerdict([keys], `${file}.DIGESTS.asc`).words).toContain('GOODSIG')
    const place = mkdtempSync(join(directory, 'latin1-'))
    for (const name of ['image.bin', 'image.bin.DIGESTS.asc'])
      writeFileSync(join(place, name), readFileSync(join(file, '..', name)))
    const report = await verify({ image: join(place, 'image.bin'), keys: [keys] }, { env: { XDG_CONFIG_HOME: place } })
    expect(report).toMatchObject({ verified: true, verification: { covers: 'digests' } })
    await expect(check(keys)).rejects.toMatchObject({ code: 'ERR_SIGNATURE_INVALID' })
  })

  it('with a critical notation that nobody knows is not taken, and that is the reason', async () => {
    const { check, file } = placeFor(key, ['--set-notation', '!foo@example.org=bar'])
    expect(gpgVerdict([keys], `${file}.sig`, file).words).not.toContain('GOODSIG')
    await expect(check(keys)).rejects.toMatchObject({
      code: 'ERR_SIGNATURE_BAD',
      message: expect.stringContaining('foo@example.org'),
      details: { why: 'critical-notation' },
    })
    const { check: checkOther } = placeFor(key, ['--set-notation', 'foo@example.org=bar'])
    expect(await checkOther(keys)).toMatchObject({ verified: true })
  })
})

it('a file of our own keyring that is no key is to be removed, says the hint', async () => {
  const { check, place } = placeFor(newKey('junk'))
  const junk = join(place, 'oem-bake', 'keys', 'x.asc')
  mkdirSync(join(junk, '..'), { recursive: true })
  writeFileSync(junk, 'x\n')
  await expect(check()).rejects.toMatchObject({ code: 'ERR_KEY_INVALID', hint: `remove it: rm "${junk}"` })
})
