/**
 * Finds the detached signature of an image: `<image>.sig` or `<image>.asc` beside it, or the file that the user names.
 *
 * `.sig` is what both vendors publish (coreos/scripts and flatcar/scripts, build_library/release_util.sh): binary packets. Either
 * name may hold either form. A file that is there and is no signature is a failure, an empty one too: somebody meant it
 * to be one.
 */
import { basename } from 'node:path'
import { UsageError, VerificationError } from '../errors.js'
import { readSmallBytes } from '../small-file.js'
import { isArmored, parseArmor } from './openpgp/armor.js'
import { type ParsedSignature, parseSignatures, type SignatureFault } from './openpgp/signature-packet.js'

/** A file with signatures in it, not judged. */
export interface SignatureFile {
  readonly file: string
  readonly signatures: readonly ParsedSignature[]
}

/** With 16 signatures by 16384-bit RSA keys, in armor. */
export const SIGNATURE_LIMIT_BYTES = 64 << 10

/**
 * @param named by `--signature`
 * @throws ERR_SIGNATURE_INVALID when a file is there that holds no signature
 * @throws ERR_INPUT_FILE when the named one is not there; ERR_PERMISSION | ERR_IO
 */
export async function findSignatures(imagePath: string, named?: string): Promise<readonly SignatureFile[]> {
  const paths = named === undefined ? [`${imagePath}.sig`, `${imagePath}.asc`] : [named]
  const found = await Promise.all(paths.map((path) => readSignatureFile(path)))
  if (named !== undefined && found[0] === undefined) throw noSuchFile('--signature', named)
  return found.filter((file) => file !== undefined)
}

/** Undefined when there is no such file. @throws ERR_SIGNATURE_INVALID, ERR_PERMISSION | ERR_IO */
export async function readSignatureFile(path: string): Promise<SignatureFile | undefined> {
  const found = await readSmallBytes(path, SIGNATURE_LIMIT_BYTES)
  if (found.kind === 'absent') return undefined
  if (found.kind === 'unfit') throw invalidSignature(path, found.reason)
  const parsed = parseSignatureFile(found.bytes)
  if ('fault' in parsed) throw invalidSignature(path, parsed.fault)
  return { file: path, signatures: parsed }
}

/** Both forms. Pure: any bytes give signatures or a fault, nothing is thrown. */
export function parseSignatureFile(bytes: Buffer): readonly ParsedSignature[] | SignatureFault {
  if (!isArmored(bytes)) return parseSignatures(bytes)
  const blocks = parseArmor(bytes.toString('utf8'))
  if ('fault' in blocks) return blocks
  const other = blocks.find(({ kind }) => kind !== 'SIGNATURE')
  if (other !== undefined) return { fault: `holds a PGP ${other.kind}: expected a PGP SIGNATURE` }
  if (blocks.length === 0) return { fault: 'is text without a PGP SIGNATURE in it' }
  return parseSignatures(Buffer.concat(blocks.map((block) => block.bytes)))
}

export function invalidSignature(path: string, reason: string): VerificationError {
  return new VerificationError('ERR_SIGNATURE_INVALID', `${path} ${reason}`, {
    hint: `download ${basename(path)} again from where the image came from, or move it away to go without it`,
    details: { file: path },
  })
}

/** For a file that a flag names. */
export function noSuchFile(flag: string, path: string): UsageError {
  return new UsageError('ERR_INPUT_FILE', `${flag} ${path}: ${path} does not exist`, { hint: 'check the path' })
}
