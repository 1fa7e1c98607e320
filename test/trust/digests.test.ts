import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { VerificationError } from '#src/errors.js'
import { type DigestAlgorithm, digestMismatch, isWholeDigest, parseDigests } from '#src/trust/digests.js'
import { rejectsWithCode } from '../support/errors.js'
import { temporaryDirectory } from '../support/temp.js'

const hash = (algorithm: string, text: string): string => createHash(algorithm).update(text).digest('hex')
const SHA256 = hash('sha256', 'image')
const SHA512 = hash('sha512', 'image')

/** A `.DIGESTS` file as the vendors' make_digests writes it. */
function vendorDigests(names: readonly string[], headers: readonly string[] = ['MD5', 'SHA1', 'SHA512']): string {
  const block = (header: string) => names.map((name) => `${hash(header.toLowerCase(), name)}  ${name}\n`).join('')
  return headers.map((header) => `# ${header} HASH\n${block(header)}`).join('')
}

describe('parseDigests', () => {
  it('reads the SHA-512 block of a vendor file, every file in it, and neither MD5 nor SHA-1', () => {
    const names = ['coreos_production_openstack_image.img.bz2', 'coreos_production_openstack.README']
    expect(parseDigests(vendorDigests(names))).toEqual(
      names.map((name, index) => ({ algorithm: 'sha512', hex: hash('sha512', name), name, line: 8 + index })),
    )
  })

  it('reads a SHA-256 block, headers that come again, and Windows line ends', () => {
    const headers = ['MD5', 'SHA256', 'SHA512', 'MD5', 'SHA512']
    const text = vendorDigests(['a'], headers)
    const found = parseDigests(text)
    expect(found.map(({ algorithm, line }) => [algorithm, line])).toEqual([
      ['sha256', 4],
      ['sha512', 6],
      ['sha512', 10],
    ])
    expect(parseDigests(text.replaceAll('\n', '\r\n'))).toEqual(found)
  })

  it('takes no line of a block of another algorithm, whatever its length', () => {
    for (const header of ['MD5', 'SHA1', 'SHA384', 'SHA3-256', 'SHA512/256', 'BLAKE2B', 'WHIRLPOOL'])
      expect(parseDigests(`# ${header} HASH\n${SHA256}  a\n${SHA512}  a\n`, 'sha256')).toEqual([])
  })

  it.each([
    `${SHA256}  a b.img`,
    `${SHA256} *a b.img`,
    `${SHA256} a b.img`,
    `${SHA256}\ta b.img`,
    `${SHA256.toUpperCase()}  a b.img`,
    `SHA256 (a b.img) = ${SHA256}`,
    `SHA256(a b.img)= ${SHA256}`,
    `SHA2-256(a b.img)= ${SHA256}`,
    `\uFEFF${SHA256}  a b.img`,
  ])('reads %j', (line) => {
    expect(parseDigests(`${line}\n`)).toEqual([{ algorithm: 'sha256', hex: SHA256, name: 'a b.img', line: 1 }])
  })

  it('reads a digest that stands alone', () => {
    for (const text of [SHA512, `${SHA512}\n`, `\n ${SHA512} \r\n`])
      expect(parseDigests(text)).toMatchObject([{ algorithm: 'sha512', hex: SHA512, name: undefined }])
  })

  it.each([
    '',
    'MD5 (a) = d41d8cd98f00b204e9800998ecf8427e',
    `SHA512/256 (a) = ${SHA256}`,
    `SHA3-256 (a) = ${SHA256}`,
    'd41d8cd98f00b204e9800998ecf8427e  a',
    'da39a3ee5e6b4b0d3255bfef95601890afd80709  a',
    `${'z'.repeat(64)}  a`,
    `${SHA256}${SHA256.slice(1)}  a`,
    '-----BEGIN PGP SIGNED MESSAGE-----\nHash: SHA512\n',
    '<html><body>404</body></html>',
  ])('finds nothing in %j', (text) => {
    expect(parseDigests(text)).toEqual([])
  })

  it('hands on a damaged line where a header or the file name tells its algorithm', () => {
    const damaged = [SHA512.slice(1), `${SHA512}0`, SHA256, SHA512.replace(/.$/, 'g')]
    for (const hex of damaged) {
      const expected = [{ algorithm: 'sha512', hex, name: 'a' }]
      const found = parseDigests(`# SHA512 HASH\n${hex}  a\n`)
      expect(found).toMatchObject(expected)
      expect(parseDigests(`${hex}  a\n`, 'sha512')).toMatchObject(expected)
      expect(parseDigests(`SHA512 (a) = ${hex}\n`)).toMatchObject(expected)
      expect(found.map(isWholeDigest)).toEqual([false])
    }
  })

  it('reads what the coreutils write, for names of any kind', () => {
    const directory = temporaryDirectory()
    const names = [
      'plain.img',
      'two words',
      'back\\slash',
      'line\nbreak',
      'a\rb',
      'par(en) = 0',
      ' blank',
      '\u2028',
      'ü',
    ]
    for (const name of names) writeFileSync(`${directory}/${name}`, name)
    for (const algorithm of ['sha256', 'sha512'] as const) {
      for (const flags of [[], ['--binary'], ['--tag']]) {
        const text = execFileSync(`${algorithm}sum`, [...flags, '--', ...names], { cwd: directory, encoding: 'utf8' })
        expect(parseDigests(text).map(({ line, ...digest }) => digest)).toEqual(
          names.map((name) => ({ algorithm, hex: hash(algorithm, name), name })),
        )
      }
    }
  })

  it('gives back what was formatted', () => {
    const digest = fc
      .record({ algorithm: fc.constantFrom<DigestAlgorithm>('sha256', 'sha512'), seed: fc.string(), name })
      .map(({ algorithm, seed, name }) => ({ algorithm, hex: hash(algorithm, seed), name }))
    fc.assert(
      fc.property(fc.array(digest), fc.constantFrom('\n', '\r\n'), fc.boolean(), (digests, lineEnd, upper) => {
        const text = formats(digests)
        for (const lines of [text.plain, text.tagged, text.blocks]) {
          const written = lines.map((line) => line + lineEnd).join('')
          const found = parseDigests(upper ? written.replace(/[0-9a-f]{64,}/g, (hex) => hex.toUpperCase()) : written)
          expect(found.map(({ line, ...rest }) => rest)).toEqual(digests)
        }
      }),
    )
  })

  it('never throws and never hangs, whatever it is given', () => {
    const word = fc.constantFrom(
      '# SHA512 HASH',
      '\n',
      '  ',
      ' *',
      '(',
      ')',
      ' = ',
      'SHA256',
      '\\',
      SHA256,
      SHA512,
      'a',
    )
    const text = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.array(word, { maxLength: 40 }).map((words) => words.join('')),
    )
    fc.assert(
      fc.property(text, fc.constantFrom(undefined, 'sha256' as const, 'sha512' as const), (garbage, assumed) => {
        for (const { algorithm, hex, line } of parseDigests(garbage, assumed)) {
          expect(['sha256', 'sha512']).toContain(algorithm)
          expect(hex).toBe(hex.toLowerCase())
          expect(line).toBeGreaterThan(0)
        }
      }),
    )
    for (const unit of [
      '(',
      ')',
      'A(',
      ')=',
      ')=a',
      ' ',
      '#',
      '# ',
      'a',
      'a ',
      '\\',
      ' HASH',
      '\r',
      '\n',
      '# SHA512 HASH ',
    ])
      for (const start of ['', 'A(', '# ', `${SHA256}  `])
        parseDigests(start + unit.repeat((1 << 20) / unit.length), 'sha256')
  })
})

describe('digestMismatch', () => {
  it('names image, file, both digests and a way out: ERR_DIGEST_MISMATCH', async () => {
    const expected = { algorithm: 'sha256', hex: SHA256, file: '/images/a.sha256' } as const
    const error = await rejectsWithCode(() => {
      throw digestMismatch('a.img', expected, SHA512)
    }, 'ERR_DIGEST_MISMATCH')
    expect(error).toBeInstanceOf(VerificationError)
    expect(error.exitCode).toBe(3)
    for (const part of ['a.img', '/images/a.sha256', 'SHA-256', SHA256, SHA512]) expect(error.message).toContain(part)
    expect(error.hint).toContain('download')
    expect(error.details).toEqual({ algorithm: 'sha256', expected: SHA256, found: SHA512, file: '/images/a.sha256' })
  })
})

/** Anything that a file can be called, though not only blanks in front: one blank is part of the separator. */
const name = fc
  .string({ unit: 'grapheme', minLength: 1, maxLength: 30 })
  .filter((text) => !/^[ \t*]/.test(text) && !text.includes('\0'))

interface Digest {
  readonly algorithm: DigestAlgorithm
  readonly hex: string
  readonly name: string
}

function formats(digests: readonly Digest[]) {
  const escaped = ({ name }: Digest): string =>
    name.replaceAll('\\', '\\\\').replaceAll('\n', '\\n').replaceAll('\r', '\\r')
  const mark = (digest: Digest): string => (escaped(digest) === digest.name ? '' : '\\')
  const line = (digest: Digest): string => `${mark(digest)}${digest.hex}  ${escaped(digest)}`
  return {
    plain: digests.map(line),
    tagged: digests.map(
      (digest) => `${mark(digest)}${digest.algorithm.toUpperCase()} (${escaped(digest)}) = ${digest.hex}`,
    ),
    blocks: digests.flatMap((digest) => [`# ${digest.algorithm.toUpperCase()} HASH`, line(digest)]),
  }
}
