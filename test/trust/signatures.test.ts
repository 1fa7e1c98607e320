/** Every kind of signature, with our verdict beside gpg's own status lines. */
import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { mkdtempSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { VerifyRequest } from '#src/request.js'
import type { Verification } from '#src/trust/verification.js'
import { type VerifyReport, verifyFile } from '#src/trust/verify-file.js'
import { testContext } from '../support/context.js'
import { rejectsWithCode } from '../support/errors.js'
import { gpgVerdict, makeTestKeys, retireTestKeys, type TestKeys } from '../support/gpg.js'
import { noise } from '../support/random.js'
import { temporaryDirectory } from '../support/temp.js'

const directory = temporaryDirectory()
const IMAGE = noise(300_000)
const NAME = 'coreos_production_image.bin'
const signatures: Record<
  'expired' | 'revoked' | 'shortened' | 'current' | 'own' | 'stranger' | 'armored' | 'sha1' | 'sha1Now',
  Buffer
> = Object.create(null)
let keys: TestKeys

beforeAll(() => {
  keys = makeTestKeys(directory)
  const file = join(directory, 'signed')
  writeFileSync(file, IMAGE)
  const { gpg, expired, revoked, shortened, current, own, stranger } = keys
  signatures.expired = gpg.sign(file, expired, '2014-03-01')
  signatures.revoked = gpg.sign(file, revoked, '2015-01-01')
  signatures.shortened = gpg.sign(file, shortened, '2019-06-01')
  signatures.current = gpg.sign(file, current, '2020-06-01')
  signatures.own = gpg.sign(file, own)
  signatures.stranger = gpg.sign(file, stranger)
  signatures.armored = gpg.sign(file, own, undefined, ['--armor'])
  signatures.sha1 = gpg.sign(file, expired, '2014-03-01', ['--digest-algo', 'SHA1'])
  signatures.sha1Now = gpg.sign(file, current, '2020-06-01', ['--digest-algo', 'SHA1'])
  retireTestKeys(keys)
})
afterAll(() => keys[Symbol.dispose]())

interface Place {
  readonly image: string
  readonly at: (name: string) => string
}

/** A directory with an image, and files named after it. */
function place(beside: Readonly<Record<string, string | Buffer>>, image: Buffer = IMAGE, name = NAME): Place {
  const own = mkdtempSync(join(directory, 'images-'))
  const at = (file: string): string => join(own, file)
  writeFileSync(at(name), image)
  for (const [suffix, content] of Object.entries(beside)) writeFileSync(at(`${name}.${suffix}`), content)
  return { image: at(name), at }
}

/** With no keyring of anybody's. */
function verify({ image }: Place, request: Partial<VerifyRequest> = {}, env = {}): Promise<VerifyReport> {
  return verifyFile({ image, ...request }, testContext({ env }))
}

type Signed = Extract<Verification, { status: 'signature' }>

function signed(report: VerifyReport): Signed {
  expect(report.verified).toBe(true)
  if (report.verification.status !== 'signature') throw new Error(report.verification.reason)
  return report.verification
}

type KeyFile = keyof TestKeys['files']

interface Row {
  readonly title: string
  readonly signature: () => Buffer
  readonly keys: readonly KeyFile[]
  readonly image?: Buffer
  /** Of gpg, in its order, without repetitions. */
  readonly gpg: string
  readonly ours: 'good' | `${string} ${string}`
}

const flipped = Buffer.from(IMAGE)
flipped.writeUInt8(flipped.readUInt8(150_000) ^ 0x10, 150_000)

/** A short packet of version 4: header of 2 bytes, version, type, key algorithm, then this. */
function withHashAlgorithm(signature: Buffer, algorithm: number): Buffer {
  const changed = Buffer.from(signature)
  changed.writeUInt8(algorithm, 2 + 3)
  return changed
}

const ROWS: readonly Row[] = [
  { title: 'a good one', signature: () => signatures.own, keys: ['own'], gpg: 'GOODSIG VALIDSIG', ours: 'good' },
  {
    title: 'a good one in armor',
    signature: () => signatures.armored,
    keys: ['own'],
    gpg: 'GOODSIG VALIDSIG',
    ours: 'good',
  },
  {
    title: 'one by a subkey that is valid',
    signature: () => signatures.current,
    keys: ['bot'],
    gpg: 'GOODSIG VALIDSIG',
    ours: 'good',
  },
  {
    title: 'one made in time by a subkey that has expired since',
    signature: () => signatures.expired,
    keys: ['bot'],
    gpg: 'EXPKEYSIG VALIDSIG',
    ours: 'good',
  },
  {
    title: 'one made with SHA-1 when that was usual',
    signature: () => signatures.sha1,
    keys: ['bot'],
    gpg: 'EXPKEYSIG VALIDSIG',
    ours: 'good',
  },
  {
    title: 'one made with SHA-1 when others could prepare that',
    signature: () => signatures.sha1Now,
    keys: ['bot'],
    gpg: 'GOODSIG VALIDSIG',
    ours: 'ERR_SIGNATURE_BAD weak-hash',
  },
  {
    title: 'one made after the subkey had expired',
    signature: () => signatures.shortened,
    keys: ['bot'],
    gpg: 'EXPKEYSIG VALIDSIG',
    ours: 'ERR_SIGNATURE_BAD made-after-expiry',
  },
  {
    title: 'one by a subkey that was revoked afterwards',
    signature: () => signatures.revoked,
    keys: ['bot'],
    gpg: 'REVKEYSIG VALIDSIG',
    ours: 'ERR_SIGNATURE_BAD revoked',
  },
  {
    title: 'a byte flipped',
    signature: () => signatures.own,
    keys: ['own'],
    image: flipped,
    gpg: 'BADSIG',
    ours: 'ERR_SIGNATURE_BAD mismatch',
  },
  {
    title: 'a byte appended',
    signature: () => signatures.own,
    keys: ['own'],
    image: Buffer.concat([IMAGE, Buffer.from([0])]),
    gpg: 'BADSIG',
    ours: 'ERR_SIGNATURE_BAD mismatch',
  },
  {
    title: 'the last byte missing',
    signature: () => signatures.own,
    keys: ['own'],
    image: IMAGE.subarray(0, -1),
    gpg: 'BADSIG',
    ours: 'ERR_SIGNATURE_BAD mismatch',
  },
  {
    title: 'another image altogether',
    signature: () => signatures.current,
    keys: ['bot'],
    image: noise(300_000, 2),
    gpg: 'BADSIG',
    ours: 'ERR_SIGNATURE_BAD mismatch',
  },
  {
    title: 'one by an unknown key',
    signature: () => signatures.stranger,
    keys: ['own'],
    gpg: 'ERRSIG NO_PUBKEY',
    ours: 'ERR_SIGNATURE_KEY_UNKNOWN none of the keys',
  },
  {
    title: 'one by a subkey that the key file is too old to have',
    signature: () => signatures.current,
    keys: ['botOld'],
    gpg: 'ERRSIG NO_PUBKEY',
    ours: 'ERR_SIGNATURE_KEY_UNKNOWN older than the signature',
  },
  {
    title: 'two, both good',
    signature: () => Buffer.concat([signatures.own, signatures.current]),
    keys: ['own', 'bot'],
    gpg: 'GOODSIG VALIDSIG',
    ours: 'good',
  },
  {
    title: 'two, one of them by an unknown key',
    signature: () => Buffer.concat([signatures.stranger, signatures.own]),
    keys: ['own'],
    gpg: 'ERRSIG NO_PUBKEY GOODSIG VALIDSIG',
    ours: 'good',
  },
  {
    title: 'two, one of them bad',
    signature: () => Buffer.concat([signatures.own, signatures.revoked]),
    keys: ['own', 'bot'],
    gpg: 'GOODSIG VALIDSIG REVKEYSIG',
    ours: 'ERR_SIGNATURE_BAD revoked',
  },
  {
    title: 'an empty file',
    signature: () => Buffer.alloc(0),
    keys: ['own'],
    gpg: 'NODATA',
    ours: 'ERR_SIGNATURE_INVALID is empty',
  },
  {
    title: 'a signature cut short',
    signature: () => signatures.current.subarray(0, -20),
    keys: ['bot'],
    gpg: 'NODATA',
    ours: 'ERR_SIGNATURE_INVALID cut short',
  },
  {
    title: 'one that says it was made with MD5',
    signature: () => withHashAlgorithm(signatures.own, 1),
    keys: ['own'],
    gpg: 'ERRSIG',
    ours: 'ERR_SIGNATURE_INVALID made with MD5',
  },
  {
    title: 'a web page',
    signature: () => Buffer.from('<html>404</html>\n'),
    keys: ['own'],
    gpg: 'NODATA',
    ours: 'ERR_SIGNATURE_INVALID text without a PGP SIGNATURE',
  },
]

describe('a signature of the image', () => {
  it.each(ROWS)('$title: gpg says "$gpg", we say $ours', async ({ signature, keys: given, image, gpg, ours }) => {
    const there = place({ sig: signature() }, image)
    const files = given.map((name) => keys.files[name])
    const { words } = gpgVerdict(files, there.at(`${NAME}.sig`), there.image)
    expect([...new Set(words)].join(' ')).toBe(gpg)
    const verdict = verify(there, { keys: files })
    if (ours === 'good') {
      expect(signed(await verdict).covers).toBe('image')
      return
    }
    const [code = '', ...rest] = ours.split(' ')
    const error = await rejectsWithCode(verdict, code)
    expect(error.exitCode).toBe(3)
    if (code === 'ERR_SIGNATURE_BAD') expect(error.details.why).toBe(rest.join(' '))
    else expect(error.message).toContain(rest.join(' '))
  })

  it('tells who signed, with which subkey, when, and since when that has been expired', async () => {
    const { signer, file, cosigners } = signed(
      await verify(place({ sig: signatures.expired }), { keys: [keys.files.bot] }),
    )
    expect(file).toMatch(/\.sig$/)
    expect(cosigners).toEqual([])
    expect(signer).toEqual({
      primaryFingerprint: keys.bot,
      keyFingerprint: keys.expired,
      userId: 'Test Buildbot <buildbot@example.com>',
      vendor: undefined,
      created: '2014-03-01T12:00:00.000Z',
      hash: 'sha512',
      expiredSince: '2014-09-07T12:00:00.000Z',
    })
  })

  it('tells all who signed well', async () => {
    const both = Buffer.concat([signatures.own, signatures.current])
    const { signer, cosigners } = signed(await verify(place({ sig: both }), { keys: [keys.files.bot, keys.files.own] }))
    expect([signer, ...cosigners].map(({ keyFingerprint }) => keyFingerprint)).toEqual([keys.own, keys.current])
  })

  it('is found as .asc, too, and a bad one of two files counts', async () => {
    const request = { keys: [keys.files.own, keys.files.bot] }
    expect(signed(await verify(place({ asc: signatures.armored }), request)).file).toMatch(/\.asc$/)
    const error = await rejectsWithCode(
      verify(place({ asc: signatures.armored, sig: signatures.revoked }), request),
      'ERR_SIGNATURE_BAD',
    )
    expect(error.details.why).toBe('revoked')
  })

  it('can be named, and then those beside the image are not looked at', async () => {
    const there = place({ sig: '', elsewhere: signatures.own })
    await verify(there, { keys: [keys.files.own], signature: there.at(`${NAME}.elsewhere`) })
    await rejectsWithCode(verify(there, { signature: there.at('nowhere') }), 'ERR_INPUT_FILE')
  })

  it('counts although the revocation is known from another file only', async () => {
    const there = place({ sig: signatures.revoked })
    const before = join(directory, 'before-revocation.gpg')
    const bytes = execFileSync('gpg', [
      '--homedir',
      keys.gpg.home,
      '--batch',
      '--export-options',
      'export-minimal',
      '--export',
      keys.bot,
    ])
    writeFileSync(before, bytes)
    for (const files of [
      [keys.files.botOld, before],
      [before, keys.files.botOld],
    ])
      expect((await rejectsWithCode(verify(there, { keys: files }), 'ERR_SIGNATURE_BAD')).details.why).toBe('revoked')
  })

  it('is over the file as published: one over the expanded image is none of the compressed one', async () => {
    for (const [program, ...flags] of [
      ['bzip2', '-zc'],
      ['lbzip2', '-zc'],
      ['pbzip2', '-zc', '-b1'],
    ] as const) {
      const compressed = execFileSync(program, flags, { input: IMAGE })
      const name = `${NAME}.bz2`
      const request = { keys: [keys.files.own] }
      const expanded = await rejectsWithCode(
        verify(place({ sig: signatures.own }, compressed, name), request),
        'ERR_SIGNATURE_BAD',
      )
      expect(expanded.hint).toContain('compressed')
      const there = place({}, compressed, name)
      const sig = keys.gpg.sign(there.image, keys.own)
      signed(await verify(place({ sig }, compressed, name), request))
      const longer = Buffer.concat([compressed, Buffer.from([0])])
      const error = await rejectsWithCode(verify(place({ sig }, longer, name), request), 'ERR_SIGNATURE_BAD')
      expect(error.details.why).toBe('mismatch')
    }
  })
})

describe('without the key', () => {
  it('the image is UNVERIFIED, a warning that names the key that is wanted', async () => {
    const context = testContext({ env: {} })
    const report = await verifyFile({ image: place({ sig: signatures.current }).image }, context)
    expect(report).toMatchObject({ verified: false, verification: { status: 'unverified' } })
    const warning = context.events.find(({ kind }) => kind === 'warning')
    expect(warning).toMatchObject({ code: 'UNVERIFIED', message: expect.stringContaining(keys.current) })
  })

  it('or without a signature, the fingerprints of both vendors are named', async () => {
    const context = testContext({ env: {} })
    await verifyFile({ image: place({}).image }, context)
    const hint = context.events.flatMap((event) => (event.kind === 'warning' ? [event.hint ?? ''] : [])).join()
    expect(hint).toContain('04127D0BFABEC8871FFB2CCE50E0885593D2DCB4')
    expect(hint).toContain('F88CFEDEFF29A5B4D9523864E25D9AED0593B34A')
  })

  it.each([
    ['no signature', {}],
    ['no key', { sig: () => signatures.current }],
    ['digests that nobody signed', { sha256: () => `${hash('sha256', IMAGE)}\n` }],
  ])('require fails: %s', async (_, beside) => {
    const files = Object.fromEntries(Object.entries(beside).map(([suffix, make]) => [suffix, make()]))
    const error = await rejectsWithCode(verify(place(files), { verify: 'require' }), 'ERR_UNVERIFIED')
    expect(error.exitCode).toBe(3)
  })

  it('a key of somebody else in a keyring is no reason to fail, and none to trust', async () => {
    const there = place({ sig: signatures.current })
    const env = { OEM_BAKE_KEYRING: keys.files.own }
    expect((await verify(there, {}, env)).verification).toMatchObject({
      status: 'unverified',
      reason: expect.stringContaining('none of the keys'),
    })
    await rejectsWithCode(verify(there, { verify: 'require' }, env), 'ERR_UNVERIFIED')
  })

  it('a signature that can not be understood fails all the same', () =>
    rejectsWithCode(verify(place({ sig: '' })), 'ERR_SIGNATURE_INVALID'))
})

describe('keys', () => {
  it('are taken from a file or a directory that OEM_BAKE_KEYRING names, and from our own keyring', async () => {
    const there = place({ sig: signatures.own })
    signed(await verify(there, {}, { OEM_BAKE_KEYRING: keys.files.own }))
    signed(await verify(there, {}, { OEM_BAKE_KEYRING: directory }))
    const { addKeys } = await import('#src/trust/keyring.js')
    const env = { XDG_CONFIG_HOME: mkdtempSync(join(directory, 'config-')) }
    await rejectsWithCode(verify(there, { verify: 'require' }, env), 'ERR_UNVERIFIED')
    expect(await addKeys(keys.files.own, env)).toMatchObject([{ primaryFingerprint: keys.own, added: true }])
    expect(await addKeys(keys.files.own, env)).toMatchObject([{ primaryFingerprint: keys.own, added: false }])
    signed(await verify(there, { verify: 'require' }, env))
  })

  it('that are none, or not there, are told of', async () => {
    const there = place({ sig: signatures.own })
    await rejectsWithCode(verify(there, { keys: [there.image] }), 'ERR_KEY_INVALID')
    await rejectsWithCode(verify(there, { keys: [there.at(`${NAME}.sig`)] }), 'ERR_KEY_INVALID')
    const { message } = await rejectsWithCode(verify(there, { keys: [there.at('nowhere')] }), 'ERR_INPUT_FILE')
    expect(message).toBe(`--key ${there.at('nowhere')}: ${there.at('nowhere')} does not exist`)
    const { addKeys } = await import('#src/trust/keyring.js')
    const added = await rejectsWithCode(addKeys('nowhere.asc', { XDG_CONFIG_HOME: directory }), 'ERR_INPUT_FILE')
    expect(added.message).toBe('nowhere.asc does not exist')
    await rejectsWithCode(verify(there, {}, { OEM_BAKE_KEYRING: there.at('nowhere') }), 'ERR_INPUT_FILE')
  })
})

const hash = (algorithm: string, bytes: Buffer): string => createHash(algorithm).update(bytes).digest('hex')

/** As the vendors write them, about two files. */
function digests(image: Buffer): string {
  const block = (title: string, algorithm: string): string =>
    `# ${title} HASH\n${hash(algorithm, noise(5))}  coreos_production_image.vmdk\n${hash(algorithm, image)}  ${NAME}\n`
  return block('MD5', 'md5') + block('SHA1', 'sha1') + block('SHA512', 'sha512')
}

describe('signed digests', () => {
  const clear = (text: string): string => keys.gpg.clearSign(text, keys.own)

  it('vouch for the image, clear-signed and with a detached signature, when one of several files is this one', async () => {
    const request = { keys: [keys.files.own] }
    const asc = place({ 'DIGESTS.asc': clear(digests(IMAGE)) })
    expect(gpgVerdict(request.keys, asc.at(`${NAME}.DIGESTS.asc`)).words).toEqual(['GOODSIG', 'VALIDSIG'])
    expect(signed(await verify(asc, request))).toMatchObject({
      covers: 'digests',
      file: asc.at(`${NAME}.DIGESTS.asc`),
      digests: [{ algorithm: 'sha512', hex: hash('sha512', IMAGE) }],
    })
    const there = place({ DIGESTS: digests(IMAGE) })
    for (const [suffix, flags] of [
      ['sig', []],
      ['asc', ['--armor']],
      ['sig', ['--textmode']],
    ] as const) {
      const sig = keys.gpg.sign(there.at(`${NAME}.DIGESTS`), keys.own, undefined, flags)
      const beside = place({ DIGESTS: digests(IMAGE), [`DIGESTS.${suffix}`]: sig })
      expect(
        gpgVerdict(request.keys, beside.at(`${NAME}.DIGESTS.${suffix}`), beside.at(`${NAME}.DIGESTS`)).words,
      ).toEqual(['GOODSIG', 'VALIDSIG'])
      expect(signed(await verify(beside, request)).covers).toBe('digests')
    }
  })

  it('of a set are found, and can be named', async () => {
    const there = place({})
    writeFileSync(there.at('coreos_production.DIGESTS.asc'), clear(digests(IMAGE)))
    expect(signed(await verify(there, { keys: [keys.files.own] })).covers).toBe('digests')
    writeFileSync(there.at('elsewhere'), clear(digests(IMAGE)))
    expect(signed(await verify(there, { keys: [keys.files.own], digests: there.at('elsewhere') })).file).toBe(
      there.at('elsewhere'),
    )
    await rejectsWithCode(verify(there, { digests: there.at('nowhere') }), 'ERR_INPUT_FILE')
    writeFileSync(there.at('others'), digests(IMAGE).replaceAll(NAME, 'other.bin'))
    await rejectsWithCode(verify(there, { digests: there.at('others') }), 'ERR_DIGESTS_INVALID')
  })

  it.each<[string, (text: string) => string, string]>([
    ['another digest', (text) => text.replace(hash('sha512', IMAGE), hash('sha512', flipped)), 'ERR_DIGEST_MISMATCH'],
    [
      'another digest of another file',
      (text) => text.replace(hash('sha512', noise(5)), hash('sha512', noise(6))),
      'ERR_SIGNATURE_BAD',
    ],
    ['a line more', (text) => text.replace('# SHA1', '# SHA1\n# SHA1'), 'ERR_SIGNATURE_BAD'],
    ['a line before the signed text', (text) => `x\n${text}`, 'ERR_SIGNATURE_INVALID'],
    ['a line after the signature', (text) => `${text}x\n`, 'ERR_SIGNATURE_INVALID'],
    ['no signature', (text) => text.slice(0, text.indexOf('-----BEGIN PGP SIGNATURE')), 'ERR_SIGNATURE_INVALID'],
    ['a header that looks like text', (text) => text.replace('Hash:', 'Note: x\nHash:'), 'ERR_SIGNATURE_INVALID'],
  ])('that were altered vouch for nothing: %s', async (_, alter, code) => {
    const there = place({ 'DIGESTS.asc': alter(clear(digests(IMAGE))) })
    const { words, exitCode } = gpgVerdict([keys.files.own], there.at(`${NAME}.DIGESTS.asc`))
    if (code === 'ERR_SIGNATURE_BAD') expect([words, exitCode]).toEqual([['BADSIG'], 1])
    const error = await rejectsWithCode(verify(there, { keys: [keys.files.own] }), code)
    expect(error.exitCode).toBe(3)
  })

  it('by a revoked subkey fail, although the image has the digests', async () => {
    const there = place({ sig: signatures.own, 'DIGESTS.asc': clear(digests(IMAGE)) })
    signed(await verify(there, { keys: [keys.files.own] }))
    writeFileSync(there.at(`${NAME}.DIGESTS`), digests(IMAGE))
    const sig = keys.gpg.sign(there.image, keys.stranger)
    writeFileSync(there.at(`${NAME}.DIGESTS.sig`), sig)
    await rejectsWithCode(verify(there, { keys: [keys.files.own, keys.files.stranger] }), 'ERR_SIGNATURE_BAD')
  })

  it('of another image are a mismatch, whoever signed them', async () => {
    const there = place({ 'DIGESTS.asc': clear(digests(flipped)) })
    await rejectsWithCode(verify(there, { keys: [keys.files.own] }), 'ERR_DIGEST_MISMATCH')
  })

  it('without a key are digests like others', async () => {
    const there = place({ 'DIGESTS.asc': clear(digests(IMAGE)) })
    expect((await verify(there)).verification).toMatchObject({ status: 'digest', digests: [{ algorithm: 'sha512' }] })
    await rejectsWithCode(verify(there, { verify: 'require' }), 'ERR_UNVERIFIED')
  })
})
