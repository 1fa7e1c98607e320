/**
 * Finds the digests that lie beside an image and are about it.
 *
 * Names that are looked for, for `coreos_production_openstack_image.img.bz2`:
 *
 *   <image>.DIGESTS  <image>.sha256  <image>.sha512       the image's own: they must tell
 *   …_image.img.DIGESTS  …_image.DIGESTS  …openstack.DIGESTS, SHA256SUMS  SHA512SUMS       of a set: they may not mention it
 *
 * Each may be signed: `<name>.sig` and `<name>.asc` hold a detached signature of it, or `<name>.asc` holds the digests themselves,
 * clear-signed. `--digests FILE` names one file instead, which must tell.
 *
 * Container Linux has one `.DIGESTS` for all files of an image type, and copies of it under the older names (coreos/scripts
 * and flatcar/scripts, build_library/release_util.sh). What the files say is taken together: they may not contradict
 * themselves or each other, and every algorithm that one of them has is to be checked by the caller.
 */
import { basename, dirname, join } from 'node:path'
import { VerificationError } from '../errors.js'
import { readSmallBytes } from '../small-file.js'
import {
  type DigestAlgorithm,
  type ExpectedDigest,
  type FileDigest,
  formatAlgorithm,
  formatDigestForm,
  isWholeDigest,
  parseDigests,
} from './digests.js'
import {
  invalidSignature,
  noSuchFile,
  parseSignatureFile,
  readSignatureFile,
  type SignatureFile,
} from './find-signature.js'
import { isClearSigned, parseClearSigned } from './openpgp/armor.js'

/** SHA-256 first: processors have instructions for it, so it is the cheaper one to check. */
const ALGORITHMS: readonly DigestAlgorithm[] = ['sha256', 'sha512']
const LIMIT_BYTES = 1 << 20
/** A SHA-512, a little too long to be one, is shown whole. */
const QUOTED_CHARACTERS = 512 / 4 + 8
const COMPRESSED = /\.(?:bz2|gz|xz|zip|zst)$/

interface Candidate {
  readonly path: string
  /** `own`: named after the image, so it is about the image or it is wrong. `named`: by the user; the same, and it must tell. */
  readonly scope: 'own' | 'set' | 'named'
  readonly algorithm?: DigestAlgorithm
}

/** A line, and the file that it is in. */
interface Claim extends ExpectedDigest {
  readonly line: number
}

/** Digests of the image that somebody signed, not judged. */
export interface SignedDigests {
  readonly digests: readonly ExpectedDigest[]
  /** Exactly what was signed. */
  readonly document: Buffer
  readonly signature: SignatureFile
}

export interface FoundDigests {
  /** What the image must have: at most one an algorithm, SHA-256 first; none when no file is about it. */
  readonly expected: readonly ExpectedDigest[]
  readonly signed: readonly SignedDigests[]
}

/** A file of digests as it was read: its text, and who is said to have signed it. */
interface Document {
  readonly file: string
  readonly text: string
  readonly bytes: Buffer
  readonly signatures: readonly SignatureFile[]
}

/**
 * The digests that lie beside the image, or in one file that is named.
 *
 * @param named by `--digests`
 * @throws ERR_DIGESTS_INVALID when a file is there and can't be understood, or two disagree
 * @throws ERR_SIGNATURE_INVALID when a signature of such a file is there and can't be understood
 * @throws ERR_INPUT_FILE when the named one is not there; ERR_PERMISSION | ERR_IO
 */
export async function findDigests(imagePath: string, named?: string): Promise<FoundDigests> {
  const imageName = basename(imagePath)
  const candidates = named === undefined ? candidatesFor(imagePath) : [candidateAt(named)]
  const claims: Claim[] = []
  const signed: SignedDigests[] = []
  const read = await Promise.all(candidates.map(readDocuments(imageName)))
  if (named !== undefined && read.flat().length === 0) throw noSuchFile('--digests', named)
  for (const [index, documents] of read.entries()) {
    for (const { file, text, bytes, signatures } of documents) {
      const { algorithm, scope = 'set' } = candidates[index] ?? {}
      const found = claimsOf(imageName, file, parseDigests(text, algorithm), scope)
      claims.push(...found)
      const digests = found.map(({ algorithm: by, hex }) => ({ algorithm: by, hex, file }))
      if (digests.length > 0) signed.push(...signatures.map((signature) => ({ digests, document: bytes, signature })))
    }
  }
  return { expected: ALGORITHMS.flatMap((algorithm) => agreed(imageName, claims, algorithm)), signed }
}

function candidatesFor(imagePath: string): readonly Candidate[] {
  const imageName = basename(imagePath)
  const unpacked = imageName.replace(COMPRESSED, '')
  const stem = unpacked.replace(/\.[^.]*$/, '')
  const stems = new Set([unpacked, stem, stem.replace(/_image$/, '')])
  stems.delete(imageName)
  stems.delete('')
  const beside = (name: string): string => join(dirname(imagePath), name)
  return [
    { path: `${imagePath}.DIGESTS`, scope: 'own' },
    { path: `${imagePath}.sha256`, scope: 'own', algorithm: 'sha256' },
    { path: `${imagePath}.sha512`, scope: 'own', algorithm: 'sha512' },
    ...[...stems].map((name): Candidate => ({ path: beside(`${name}.DIGESTS`), scope: 'set' })),
    { path: beside('SHA256SUMS'), scope: 'set', algorithm: 'sha256' },
    { path: beside('SHA512SUMS'), scope: 'set', algorithm: 'sha512' },
  ]
}

/** A file that the user named is about the image, or it is the wrong one. */
function candidateAt(path: string): Candidate {
  const algorithm = /sha(256|512)/i.exec(basename(path))?.[1]
  if (algorithm === undefined) return { path, scope: 'named' }
  return { path, scope: 'named', algorithm: algorithm === '256' ? 'sha256' : 'sha512' }
}

/** The file and its clear-signed twin, each with its signatures; neither need be there. */
const readDocuments =
  (imageName: string) =>
  async ({ path }: Candidate): Promise<readonly Document[]> => {
    const [plain, twin] = await Promise.all([readDocument(imageName, path), readDocument(imageName, `${path}.asc`)])
    // Armored, and not clear-signed: a detached signature of the file, whether that is there or not.
    const armored = twin?.kind === 'other' ? asSignature(twin) : undefined
    if (plain === undefined) return twin?.kind === 'clear-signed' ? [twin] : []
    if (plain.kind === 'clear-signed') return [plain]
    const detached = [await readSignatureFile(`${path}.sig`), armored]
    const signatures = [...plain.signatures, ...detached.filter((file) => file !== undefined)]
    return [{ ...plain, signatures }, ...(twin?.kind === 'clear-signed' ? [twin] : [])]
  }

async function readDocument(
  imageName: string,
  file: string,
): Promise<(Document & { readonly kind: 'clear-signed' | 'other' }) | undefined> {
  const found = await readSmallBytes(file, LIMIT_BYTES)
  if (found.kind === 'absent') return undefined
  if (found.kind === 'unfit') throw invalid(`${file} ${found.reason}: expected digests of ${imageName}`, file)
  const { bytes } = found
  if (!isClearSigned(bytes)) return { kind: 'other', file, text: bytes.toString('utf8'), bytes, signatures: [] }
  const parsed = parseClearSigned(bytes)
  if ('fault' in parsed) throw invalidSignature(file, parsed.fault)
  const signatures = parseSignatureFile(parsed.signature)
  if ('fault' in signatures) throw invalidSignature(file, signatures.fault)
  return {
    kind: 'clear-signed',
    file,
    // Blank lines for what stands before, so that lines are counted as the reader of the file does.
    text: `${'\n'.repeat(parsed.firstLine - 1)}${parsed.text}`,
    bytes: parsed.canonical,
    signatures: [{ file, signatures }],
  }
}

function asSignature({ file, bytes }: Document): SignatureFile {
  const signatures = parseSignatureFile(bytes)
  if ('fault' in signatures) throw invalidSignature(file, signatures.fault)
  return { file, signatures }
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
  const mustTell = scope === 'named' || (scope === 'own' && !isOfCompressedImage(imageName, digests))
  if (lines.length === 0 && mustTell) {
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
  return scope !== 'set' ? digests.filter(({ name }) => name === undefined) : []
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
