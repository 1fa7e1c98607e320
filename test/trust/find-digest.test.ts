import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { mkdirSync, mkdtempSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { VerificationError } from '#src/errors.js'
import { type ExpectedDigest, isWholeDigest } from '#src/trust/digests.js'
import { findDigests } from '#src/trust/find-digest.js'
import { rejectsWithCode } from '../support/errors.js'
import { withFault } from '../support/faults.js'
import { temporaryDirectory } from '../support/temp.js'

const parent = temporaryDirectory()
const IMAGE = 'coreos_production_openstack_image.img.bz2'
const hash = (algorithm: string, text: string): string => createHash(algorithm).update(text).digest('hex')
const SHA256 = hash('sha256', 'image')
const SHA512 = hash('sha512', 'image')
const OTHER256 = hash('sha256', 'other')
const OTHER512 = hash('sha512', 'other')
const vendor = (name: string, sha512 = SHA512): string =>
  `# MD5 HASH\n${hash('md5', 'image')}  ${name}\n# SHA1 HASH\n${hash('sha1', 'image')}  ${name}\n# SHA512 HASH\n${sha512}  ${name}\n`

/** A directory of its own with these files in it. */
function directoryWith(files: Readonly<Record<string, string>>): string {
  const directory = mkdtempSync(join(parent, 'images-'))
  for (const [name, content] of Object.entries(files)) writeFileSync(join(directory, name), content)
  return directory
}

async function digestsBeside(files: Readonly<Record<string, string>>, image = IMAGE) {
  const directory = directoryWith(files)
  const { expected: found } = await findDigests(join(directory, image))
  return found.map(({ file, ...digest }) => ({ ...digest, file: file.replace(`${directory}/`, '') }))
}

const is256 = (file: string) => ({ algorithm: 'sha256', hex: SHA256, file })
const is512 = (file: string) => ({ algorithm: 'sha512', hex: SHA512, file })

describe('findDigests', () => {
  it('finds none where there is none', async () => {
    expect(await digestsBeside({ [IMAGE]: '', 'README.md': SHA256 })).toEqual([])
  })

  it.each([
    [`${IMAGE}.DIGESTS`, vendor(IMAGE), is512],
    [
      'coreos_production_openstack.DIGESTS',
      `${vendor('coreos_production_openstack.txt', OTHER512)}${vendor(IMAGE)}`,
      is512,
    ],
    ['coreos_production_openstack_image.DIGESTS', vendor(IMAGE), is512],
    ['coreos_production_openstack_image.img.DIGESTS', vendor(IMAGE), is512],
    [`${IMAGE}.sha256`, `${SHA256.toUpperCase()}  ${IMAGE}\r\n`, is256],
    [`${IMAGE}.sha256`, SHA256, is256],
    [`${IMAGE}.sha512`, `SHA512 (${IMAGE}) = ${SHA512}\n`, is512],
    [`${IMAGE}.sha256`, `${SHA256}  /build/out/${IMAGE}\n`, is256],
    ['SHA256SUMS', `${OTHER256} *other.img\n${SHA256} *./${IMAGE}\n`, is256],
    ['SHA512SUMS', `${SHA512}  ${IMAGE}\n`, is512],
  ])('finds it in %s', async (file, content, expected) => {
    expect(await digestsBeside({ [file]: content })).toEqual([expected(file)])
  })

  it('gives every algorithm that some file has, SHA-256 first', async () => {
    const own = `${IMAGE}.DIGESTS`
    expect(await digestsBeside({ [own]: vendor(IMAGE), SHA256SUMS: `${SHA256}  ${IMAGE}\n` })).toEqual([
      is256('SHA256SUMS'),
      is512(own),
    ])
    expect(await digestsBeside({ [own]: `${vendor(IMAGE)}# SHA256 HASH\n${SHA256}  ${IMAGE}\n` })).toEqual([
      is256(own),
      is512(own),
    ])
  })

  it('gives a digest once, however often it is written', async () => {
    const line = `${SHA256}  ${IMAGE}\n`
    expect(await digestsBeside({ [`${IMAGE}.sha256`]: line + line, SHA256SUMS: line })).toEqual([
      is256(`${IMAGE}.sha256`),
    ])
  })

  it('takes the line with just the name before one in a directory of the same name', async () => {
    const SHA256SUMS = `${OTHER256}  arm64/${IMAGE}\n${SHA256}  ${IMAGE}\n`
    expect(await digestsBeside({ SHA256SUMS })).toEqual([is256('SHA256SUMS')])
  })

  it.each([
    ['SHA256SUMS', `${SHA256}  other-${IMAGE}\n`],
    ['SHA256SUMS', `${SHA256}\n`],
    ['SHA512SUMS', 'none yet\n'],
    ['coreos_production_openstack.DIGESTS', vendor('coreos_production_openstack.txt')],
    ['coreos_production_openstack.DIGESTS', 'MD5 HASH'],
  ])('passes over a %s that does not mention the image', async (file, content) => {
    expect(await digestsBeside({ [file]: content })).toEqual([])
  })

  it('passes over the digests of the compressed image when that was unpacked', async () => {
    const image = 'flatcar_production_image.bin'
    expect(await digestsBeside({ [`${image}.DIGESTS`]: vendor(`${image}.bz2`) }, image)).toEqual([])
  })

  it('finds it beside an image in the working directory, and through a link', async () => {
    const directory = directoryWith({ sums: `${SHA256}  ${IMAGE}\n` })
    symlinkSync('sums', join(directory, 'SHA256SUMS'))
    symlinkSync('nowhere', join(directory, `${IMAGE}.sha512`))
    expect((await findDigests(join(directory, IMAGE))).expected).toEqual([is256(join(directory, 'SHA256SUMS'))])
    expect(await findDigests('no-image-of-this-name.img')).toEqual({ expected: [], signed: [] })
  })

  it('finds none for a name that has no room for an ending', async () => {
    expect(await digestsBeside({}, 'x'.repeat(255))).toEqual([])
  })
})

describe('ERR_DIGESTS_INVALID', () => {
  const refusals: readonly (readonly [string, Readonly<Record<string, string>>, string])[] = [
    ['is empty', { [`${IMAGE}.DIGESTS`]: '' }, 'none of any file'],
    ['has only MD5 and SHA-1', { [`${IMAGE}.DIGESTS`]: vendor(IMAGE).split('# SHA512')[0] ?? '' }, 'MD5 and SHA-1'],
    ['is of another file', { [`${IMAGE}.sha256`]: `${SHA256}  other.img\n` }, '"other.img"'],
    ['is of many other files', { [`${IMAGE}.DIGESTS`]: ['a', 'b', 'c', 'd'].map((n) => vendor(n)).join('') }, '1 more'],
    ['is a web page', { [`${IMAGE}.sha256`]: '<html>404 Not Found</html>' }, 'expected a line'],
    ['is cut short', { [`${IMAGE}.sha256`]: SHA256.slice(0, 40) }, 'line 1: expected 64 hex digits of SHA-256'],
    ['has a digest of the other algorithm', { [`${IMAGE}.sha256`]: `${SHA512}  ${IMAGE}` }, '64 hex digits'],
    ['has a damaged line', { [`${IMAGE}.DIGESTS`]: vendor(IMAGE, SHA512.slice(1)) }, 'line 6: expected 128 hex digits'],
    ['has a damaged digit', { SHA256SUMS: `\n${SHA256.replace(/.$/, 'x')}  ${IMAGE}` }, 'line 2: expected 64'],
    [
      'has two digests',
      { [`${IMAGE}.sha256`]: `${SHA256}  ${IMAGE}\n${OTHER256}  ${IMAGE}\n` },
      'line 2: expected one',
    ],
    [
      'has two digests for two directories',
      { SHA256SUMS: `${SHA256}  a/${IMAGE}\n${OTHER256}  b/${IMAGE}\n` },
      'line 2',
    ],
    ['has two bare digests', { [`${IMAGE}.sha256`]: `${SHA256}\n${OTHER256}\n` }, 'line 2'],
    ['disagrees with another', { [`${IMAGE}.sha512`]: SHA512, SHA512SUMS: `${OTHER512}  ${IMAGE}\n` }, OTHER512],
    ['is one long line', { [`${IMAGE}.sha256`]: 'a'.repeat(1 << 20) }, 'aaaa…'],
    ['has more than 1 MiB', { SHA256SUMS: `${SHA256}  ${IMAGE}\n`.padEnd((1 << 20) + 1, '#') }, 'more than 1 MiB'],
  ]
  it.each(refusals)('a file that %s', async (_, files, part) => {
    const error = await rejectsWithCode(digestsBeside(files), 'ERR_DIGESTS_INVALID')
    expect(error).toBeInstanceOf(VerificationError)
    expect(error.message).toContain(part)
    expect(error.message).toContain(IMAGE)
    const file = Object.keys(files).at(-1) ?? ''
    expect(error.message).toContain(file)
    expect(error.hint).toContain(file)
    expect(error.message.length).toBeLessThan(1000)
    expect(String(error.details.file)).toContain(file)
  })

  it('a pipe or a directory, at once', async () => {
    const directory = directoryWith({})
    mkdirSync(join(directory, 'a.img.sha256'))
    execFileSync('mkfifo', [join(directory, 'b.img.sha256')])
    await rejectsWithCode(findDigests(join(directory, 'a.img')), 'ERR_DIGESTS_INVALID')
    await rejectsWithCode(findDigests(join(directory, 'b.img')), 'ERR_DIGESTS_INVALID')
  })

  it('is all that garbage can lead to', async () => {
    const directory = directoryWith({})
    const image = join(directory, IMAGE)
    const word = fc.constantFrom('# SHA512 HASH\n', '\n', '  ', '(', ')', ' = ', 'SHA512', '\\', SHA256, SHA512, IMAGE)
    const garbage = fc.oneof(
      fc.string({ unit: 'binary' }).map((text) => Buffer.from(text)),
      fc.uint8Array().map((bytes) => Buffer.from(bytes)),
      fc.array(word, { maxLength: 20 }).map((words) => Buffer.from(words.join(''))),
    )
    await fc.assert(
      fc.asyncProperty(garbage, garbage, async (own, set) => {
        writeFileSync(`${image}.DIGESTS`, own)
        writeFileSync(join(directory, 'SHA512SUMS'), set)
        const found = await findDigests(image).then(
          ({ expected }) => expected,
          (error: unknown) => error,
        )
        if (found instanceof Error) expect(found).toMatchObject({ code: 'ERR_DIGESTS_INVALID' })
        else for (const digest of found as ExpectedDigest[]) expect(isWholeDigest(digest)).toBe(true)
      }),
    )
  })
})

it('a digest file that can not be read is not taken for absent', async () => {
  const image = join(directoryWith({ SHA256SUMS: '' }), IMAGE)
  for (const [kind, code] of [
    ['EACCES', 'ERR_PERMISSION'],
    ['EIO', 'ERR_IO'],
  ] as const) {
    const { fired, failure } = await withFault({ kind, nth: 1, operations: ['read'] }, () => findDigests(image))
    expect(fired).toBe('read')
    await rejectsWithCode(Promise.reject(failure), code)
  }
})
