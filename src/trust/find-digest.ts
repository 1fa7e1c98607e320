/**
 * Finds the digests that lie beside an image and are about it.
 *
 * Names that are looked for, for `coreos_production_openstack_image.img.bz2`:
 *
 *   <image>.DIGESTS  <image>.sha256  <image>.sha512       the image's own: they must tell
 *   …_image.img.DIGESTS  …_image.DIGESTS  …openstack.DIGESTS, SHA256SUMS  SHA512SUMS       of a set: they may not mention it
 *
 * Container Linux has one `.DIGESTS` for all files of an image type, and copies of it under the older names (coreos/scripts
 * and flatcar/scripts, build_library/release_util.sh). What the files say is taken together: they may not contradict
 * themselves or each other, and every algorithm that one of them has is to be checked by the caller.
 */
import { basename, dirname, join } from 'node:path'
import { VerificationError } from '../errors.js'
import { readSmallFile } from '../small-file.js'
import {
  type DigestAlgorithm,
  type ExpectedDigest,
  type FileDigest,
  formatAlgorithm,
  formatDigestForm,
  isWholeDigest,
  parseDigests,
} from './digests.js'

/** SHA-256 first: processors have instructions for it, so it is the cheaper one to check. */
const ALGORITHMS: readonly DigestAlgorithm[] = ['sha256', 'sha512']
const LIMIT_BYTES = 1 << 20
/** A SHA-512, a little too long to be one, is shown whole. */
const QUOTED_CHARACTERS = 512 / 4 + 8
const COMPRESSED = /\.(?:bz2|gz|xz|zip|zst)$/

interface Candidate {
  readonly name: string
  /** `own`: named after the image, so it is about the image or it is wrong. */
  readonly scope: 'own' | 'set'
  readonly algorithm?: DigestAlgorithm
}

/** A line, and the file that it is in. */
interface Claim extends ExpectedDigest {
  readonly line: number
}

/**
 * The digests that the image must have: at most one an algorithm, SHA-256 first; none when no file is about it.
 *
 * @throws ERR_DIGESTS_INVALID when a file is there and can't be understood, or two disagree
 * @throws ERR_PERMISSION | ERR_IO
 */
export async function findDigests(imagePath: string): Promise<readonly ExpectedDigest[]> {
  const imageName = basename(imagePath)
  const claims: Claim[] = []
  for (const candidate of candidatesFor(imageName)) {
    const file = join(dirname(imagePath), candidate.name)
    const found = await readSmallFile(file, LIMIT_BYTES)
    if (found.kind === 'absent') continue
    if (found.kind === 'unfit') throw invalid(`${file} ${found.reason}: expected digests of ${imageName}`, file)
    claims.push(...claimsOf(imageName, file, parseDigests(found.text, candidate.algorithm), candidate.scope))
  }
  return ALGORITHMS.flatMap((algorithm) => agreed(imageName, claims, algorithm))
}

function candidatesFor(imageName: string): readonly Candidate[] {
  const unpacked = imageName.replace(COMPRESSED, '')
  const stem = unpacked.replace(/\.[^.]*$/, '')
  const stems = new Set([unpacked, stem, stem.replace(/_image$/, '')])
  stems.delete(imageName)
  stems.delete('')
  return [
    { name: `${imageName}.DIGESTS`, scope: 'own' },
    { name: `${imageName}.sha256`, scope: 'own', algorithm: 'sha256' },
    { name: `${imageName}.sha512`, scope: 'own', algorithm: 'sha512' },
    ...[...stems].map((name): Candidate => ({ name: `${name}.DIGESTS`, scope: 'set' })),
    { name: 'SHA256SUMS', scope: 'set', algorithm: 'sha256' },
    { name: 'SHA512SUMS', scope: 'set', algorithm: 'sha512' },
  ]
}

/** What one file says of the image. */
function claimsOf(
  imageName: string,
  file: string,
  digests: readonly FileDigest[],
  scope: Candidate['scope'],
): readonly Claim[] {
  const lines = linesAbout(imageName, digests, scope)
  const damaged = lines.find((line) => !isWholeDigest(line))
  if (damaged !== undefined) {
    throw invalid(
      `${file} line ${damaged.line}: expected ${formatDigestForm(damaged.algorithm)} for ${imageName}, found ${quote(damaged.hex)}`,
      file,
    )
  }
  if (lines.length === 0 && scope === 'own' && !isOfCompressedImage(imageName, digests)) {
    throw invalid(
      `${file} has no digest of ${imageName}: expected a line with its SHA-256 or SHA-512 (MD5 and SHA-1 prove nothing), found ${describeNames(digests)}`,
      file,
    )
  }
  return lines.map(({ algorithm, hex, line }) => ({ algorithm, hex, file, line }))
}

/**
 * By name; where no line has just the name, by the name behind directories, as `sha256sum /build/image` writes it. Lines
 * without any name count only in a file that is named after the image.
 */
function linesAbout(
  imageName: string,
  digests: readonly FileDigest[],
  scope: Candidate['scope'],
): readonly FileDigest[] {
  const exact = digests.filter(({ name }) => name === imageName || name === `./${imageName}`)
  if (exact.length > 0) return exact
  const behindDirectories = digests.filter(({ name }) => name !== undefined && basename(name) === imageName)
  if (behindDirectories.length > 0) return behindDirectories
  return scope === 'own' ? digests.filter(({ name }) => name === undefined) : []
}

/** Flatcar has an `X.bin.DIGESTS` that is about X.bin.bz2: when that was unpacked beside it, it is no digest of X.bin. */
function isOfCompressedImage(imageName: string, digests: readonly FileDigest[]): boolean {
  return digests.some(
    ({ name }) => name !== undefined && COMPRESSED.test(name) && basename(name).replace(COMPRESSED, '') === imageName,
  )
}

function agreed(imageName: string, claims: readonly Claim[], algorithm: DigestAlgorithm): readonly ExpectedDigest[] {
  const [first, ...others] = claims.filter((claim) => claim.algorithm === algorithm)
  if (first === undefined) return []
  const other = others.find(({ hex }) => hex !== first.hex)
  if (other !== undefined) {
    throw invalid(
      `${formatAlgorithm(algorithm)} of ${imageName} is said to be ${first.hex} in ${first.file} line ${first.line}, and ${other.hex} in ${other.file} line ${other.line}: expected one`,
      other.file,
    )
  }
  return [{ algorithm, hex: first.hex, file: first.file }]
}

function describeNames(digests: readonly FileDigest[]): string {
  const names = [...new Set(digests.flatMap(({ name }) => (name === undefined ? [] : [name])))]
  const shown = names.slice(0, 3).map(quote)
  if (shown.length === 0) return 'none of any file'
  return `those of ${shown.join(', ')}${names.length > shown.length ? ` and ${names.length - shown.length} more` : ''}`
}

/** A line may be as long as the file. */
function quote(text: string): string {
  return JSON.stringify(text.length > QUOTED_CHARACTERS ? `${text.slice(0, QUOTED_CHARACTERS)}…` : text)
}

function invalid(message: string, file: string): VerificationError {
  return new VerificationError('ERR_DIGESTS_INVALID', message, {
    hint: `download ${basename(file)} again from where the image came from, or move it away to go without it`,
    details: { file },
  })
}
