/**
 * Digest files: what their lines say, and the failure of an image that is not what they say.
 *
 * Two families are read. The vendors' `.DIGESTS` (coreos/scripts make_digests, after Gentoo's catalyst): a header line for
 * each algorithm, `# SHA512 HASH`, then a line for each file, digest and name two spaces apart; one file may repeat headers
 * and covers several artifacts. And the output of sha256sum, sha512sum, shasum and openssl: the same lines without header, or
 * `SHA256 (name) = digest`. MD5 and SHA-1 prove nothing and are parsed past.
 *
 * Pure: files are found and chosen in find-digest.ts. A digest is as trustworthy as the way that its file came; signatures
 * are another module's.
 */
import { VerificationError } from '../errors.js'

export type DigestAlgorithm = 'sha256' | 'sha512'

/** One line of a digest file. */
export interface FileDigest {
  readonly algorithm: DigestAlgorithm
  /** Lower-case, as found: it may be damaged, so see {@link isWholeDigest}. */
  readonly hex: string
  /** As written, directories included; undefined for a line that is only a digest. */
  readonly name: string | undefined
  /** Counted from 1. */
  readonly line: number
}

/** What the bytes of an image must hash to, and who says so. */
export interface ExpectedDigest {
  readonly algorithm: DigestAlgorithm
  /** Lower-case. */
  readonly hex: string
  /** Path of the digest file. */
  readonly file: string
}

const HEX_DIGITS: Readonly<Record<DigestAlgorithm, number>> = { sha256: 256 / 4, sha512: 512 / 4 }
const TITLES: Readonly<Record<DigestAlgorithm, string>> = { sha256: 'SHA-256', sha512: 'SHA-512' }

/** `# SHA512 HASH` */
const HEADER = /^#\s*(\S+) HASH\s*$/
/** `SHA256 (name) = digest`; openssl has other blanks. The length keeps a digest from being taken for an algorithm. */
const TAGGED = /^([A-Za-z0-9/-]{1,20}) ?\((.*)\) ?= ?([0-9A-Za-z]*)$/s
/** Digest, blank, a blank or `*` (sha256sum's mark of binary mode), name. Letters past f are damage, to be told of. */
const NAMED = /^([0-9A-Za-z]+)(?: [ *]|[ \t])(.+)$/s
const BARE = /^[0-9A-Fa-f]+$/

/**
 * Parses a digest file; lines that are none are passed over.
 *
 * @param assumed the algorithm of lines under no header: what the file's own name says. Without it their length tells.
 */
export function parseDigests(text: string, assumed?: DigestAlgorithm): readonly FileDigest[] {
  const digests: FileDigest[] = []
  let block: DigestAlgorithm | 'none' | 'by-length' = assumed ?? 'by-length'
  for (const [index, whole] of text
    .replace(/^\uFEFF/, '')
    .split(/\r?\n/)
    .entries()) {
    // sha256sum puts a backslash before the line when the name holds one, or a line break.
    const escaped = whole.startsWith('\\')
    const line = escaped ? whole.slice(1) : whole
    const add = (algorithm: DigestAlgorithm | undefined, hex: string, name: string | undefined): void => {
      if (algorithm === undefined) return
      digests.push({
        algorithm,
        hex: hex.toLowerCase(),
        name: name !== undefined && escaped ? unescapeName(name) : name,
        line: index + 1,
      })
    }
    const header = HEADER.exec(line)?.[1]
    const [tagged, tag = '', taggedName, taggedHex = ''] = TAGGED.exec(line) ?? []
    const [named, hex = '', name] = NAMED.exec(line) ?? []
    if (header !== undefined) block = algorithmNamed(header) ?? 'none'
    else if (tagged !== undefined) add(algorithmNamed(tag), taggedHex, taggedName)
    else if (named !== undefined) add(algorithmOf(hex, block), hex, name)
    else if (BARE.test(line.trim())) add(algorithmOf(line.trim(), block), line.trim(), undefined)
  }
  return digests
}

/** Whether a digest has the form that its algorithm gives. */
export function isWholeDigest({ algorithm, hex }: Pick<FileDigest, 'algorithm' | 'hex'>): boolean {
  return hex.length === HEX_DIGITS[algorithm] && BARE.test(hex)
}

/** For people: `SHA-256`. */
export function formatAlgorithm(algorithm: DigestAlgorithm): string {
  return TITLES[algorithm]
}

/** For people: what {@link isWholeDigest} wants. */
export function formatDigestForm(algorithm: DigestAlgorithm): string {
  return `${HEX_DIGITS[algorithm]} hex digits of ${TITLES[algorithm]}`
}

/** The failure of an image that does not hash to what its digest file says; for whoever hashes it to throw. */
export function digestMismatch(imageName: string, expected: ExpectedDigest, foundHex: string): VerificationError {
  const { algorithm, hex, file } = expected
  return new VerificationError(
    'ERR_DIGEST_MISMATCH',
    `${imageName} is not the image that ${file} describes: expected ${TITLES[algorithm]} ${hex}, found ${foundHex}`,
    {
      hint: 'download the image and its digest file again, both from the same release',
      details: { algorithm, expected: hex, found: foundHex, file },
    },
  )
}

/** SHA512, SHA-512 and openssl's SHA2-512; not SHA512/256 and not SHA3-512. */
function algorithmNamed(word: string): DigestAlgorithm | undefined {
  const bits = /^SHA(?:2?-)?(256|512)$/i.exec(word)?.[1]
  return bits === undefined ? undefined : bits === '256' ? 'sha256' : 'sha512'
}

function algorithmOf(hex: string, block: DigestAlgorithm | 'none' | 'by-length'): DigestAlgorithm | undefined {
  if (block === 'none') return undefined
  if (block !== 'by-length') return block
  if (!BARE.test(hex)) return undefined
  return hex.length === HEX_DIGITS.sha256 ? 'sha256' : hex.length === HEX_DIGITS.sha512 ? 'sha512' : undefined
}

function unescapeName(name: string): string {
  return name.replace(/\\([\\nr])/g, (_, letter: string) => (letter === 'n' ? '\n' : letter === 'r' ? '\r' : '\\'))
}
