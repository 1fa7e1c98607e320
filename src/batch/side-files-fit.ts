/**
 * Whether what lies beside an output is what was published there, as far as one file tells of another: digest files are written
 * again and compared, a provenance has to name the output, and gpg is asked about signatures. The manifest is what all else
 * has been compared with before.
 */
import { createHash } from 'node:crypto'
import { basename } from 'node:path'
import { arrayField, field } from '../oem/mapping.js'
import type { RunContext } from '../progress.js'
import { formatDigests, formatSha256File, type NamedDigest } from '../publish/checksums.js'
import { type SideFile, type SideFileKind, sideFilePath } from '../publish/side-files.js'
import { readSmallFile } from '../small-file.js'
import type { KnownFile } from '../source/digest-file.js'

const LIMIT_BYTES = 16 << 20

/**
 * @param output with its SHA-512 where digests are wanted
 * @param sign the key that the signatures have to be of
 * @throws ERR_GPG_MISSING, ERR_SIGNING_KEY; ERR_PERMISSION | ERR_IO
 */
export async function sideFilesFit(
  wanted: readonly SideFile[],
  path: string,
  output: KnownFile,
  sign: string | undefined,
  context: RunContext,
): Promise<boolean> {
  const texts = new Map<SideFileKind, string>()
  for (const { kind, path: file } of wanted) {
    const found = await readSmallFile(file, LIMIT_BYTES)
    if (found.kind !== 'text') return false
    texts.set(kind, found.text)
  }
  const digestOf = (kind: SideFileKind): readonly NamedDigest[] => {
    const text = texts.get(kind)
    if (text === undefined) return []
    return [{ name: basename(sideFilePath(kind, path)), hex: createHash('sha512').update(text).digest('hex') }]
  }
  const { name, sha256, sha512 = '' } = output
  const listed = [{ name, hex: sha512 }, ...digestOf('manifest'), ...digestOf('provenance')]
  const [sums, digests, provenance] = [texts.get('sha256'), texts.get('digests'), texts.get('provenance')]
  return (
    (sums === undefined || sums === formatSha256File({ name, hex: sha256 })) &&
    (digests === undefined || digests === formatDigests(listed)) &&
    (provenance === undefined || namesOutput(provenance, output)) &&
    (sign === undefined || (await areSigned(path, sign, context)))
  )
}

function namesOutput(provenance: string, { name, sha256 }: KnownFile): boolean {
  try {
    const [subject] = arrayField(JSON.parse(provenance), 'subject')
    return field(subject, 'name') === name && field(field(subject, 'digest'), 'sha256') === sha256
  } catch {
    return false
  }
}

async function areSigned(path: string, sign: string, context: RunContext): Promise<boolean> {
  const { openSigner } = await import('../publish/sign.js')
  const signer = await openSigner(sign, context)
  return (
    (await signer.hasSigned(sideFilePath('signature', path), path)) &&
    (await signer.hasSigned(sideFilePath('signed-digests', path)))
  )
}
