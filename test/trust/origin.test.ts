/** What can go wrong between finding a signature and judging it: nothing of it may look like a good one. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { FileHash } from '#src/source/file-hash.js'
import { openImage } from '#src/source/source.js'
import { InputDigest } from '#src/trust/input-digest.js'
import { verifyOrigin } from '#src/trust/verify.js'
import { testContext } from '../support/context.js'
import { rejectsWithCode } from '../support/errors.js'
import { makeTestKeys, type TestKeys } from '../support/gpg.js'
import { noise } from '../support/random.js'
import { temporaryDirectory } from '../support/temp.js'

const directory = temporaryDirectory()
const image = join(directory, 'image.bin')
let keys: TestKeys

beforeAll(() => {
  keys = makeTestKeys(directory)
  writeFileSync(image, noise(5_000_000))
  writeFileSync(`${image}.sig`, keys.gpg.sign(image, keys.own))
})
afterAll(() => keys[Symbol.dispose]())

const context = () => testContext({ env: {} })
const request = () => ({ keys: [keys.files.own] })

describe('the origin of an image', () => {
  it('can not be read before it has been judged', async () => {
    await using opened = await openImage(image)
    const { origin } = await verifyOrigin(opened, request(), context())
    expect(origin.binds).toBe(true)
    await rejectsWithCode(() => origin.verification, 'ERR_INTERNAL')
    expect(await origin.vouches()).toBe(true)
    await rejectsWithCode(() => origin.verification, 'ERR_INTERNAL')
  })

  it('is not good when the file was hashed without asking what for', async () => {
    await using opened = await openImage(image)
    const verified = await verifyOrigin(opened, request(), context())
    await using hash = new FileHash({ withSha512: true }, context())
    await rejectsWithCode(new InputDigest(verified, hash, context()).settled(), 'ERR_INTERNAL')
    await rejectsWithCode(() => verified.origin.verification, 'ERR_INTERNAL')
  })

  it('is known when the digest has settled, from the same read of the file', async () => {
    await using opened = await openImage(image)
    const verified = await verifyOrigin(opened, request(), context())
    await using hash = new FileHash(verified.origin.hashing, context())
    const digests = await new InputDigest(verified, hash, context()).settled()
    expect(digests).toMatchObject({ sha256: expect.stringMatching(/^[0-9a-f]{64}$/), signed: [expect.any(Uint8Array)] })
    expect(verified.origin.verification).toMatchObject({
      status: 'signature',
      signer: { primaryFingerprint: keys.own },
    })
  })

  it('vouches only when the key that made the signature is there', async () => {
    await using opened = await openImage(image)
    const withStranger = await verifyOrigin(opened, { keys: [keys.files.stranger] }, context())
    expect(await withStranger.origin.vouches()).toBe(false)
    const withoutKeys = await verifyOrigin(opened, {}, context())
    expect(await withoutKeys.origin.vouches()).toBe(false)
    expect(withoutKeys.origin.binds).toBe(false)
  })

  it("is nobody's with --verify off, a value and a warning, and a digest that does not fit is not looked at", async () => {
    const told = context()
    await using opened = await openImage(image)
    const { origin, expected } = await verifyOrigin(opened, { verify: 'off' }, told)
    expect([origin.verification.status, origin.binds, await origin.vouches(), expected]).toEqual([
      'off',
      false,
      false,
      [],
    ])
    expect(told.events).toMatchObject([{ kind: 'warning', code: 'VERIFY_OFF' }])
    for (const given of [{ signature: 'x' }, { digests: 'x' }, { keys: ['x'] }])
      await rejectsWithCode(verifyOrigin(opened, { verify: 'off', ...given }, told), 'ERR_USAGE')
  })
})
