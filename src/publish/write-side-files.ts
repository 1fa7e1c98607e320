/**
 * Writes what is published beside an image into the working directory, synced: nothing has its name yet.
 *
 * The image is signed first, because the manifest says by whom; DIGESTS comes last, because it covers manifest and
 * provenance, too: one signature in clear vouches for all of them.
 */
import { createHash } from 'node:crypto'
import { open, stat } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { fileError, InternalError } from '../errors.js'
import type { RunContext } from '../progress.js'
import { formatDigests, formatSha256File } from './checksums.js'
import { describedPaths, describedSecrets } from './described-request.js'
import { formatManifest } from './manifest.js'
import { formatProvenance } from './provenance.js'
import type { FinishedSideFile } from './publish.js'
import type { BakeRecord, NamedFile } from './record.js'
import { Redactor } from './redact.js'
import type { SideFileKind } from './side-files.js'
import type { Signer } from './sign.js'
import type { Target } from './target.js'
import { toolsUsed } from './tools.js'

/** All that is known when the image is finished and checked. */
export interface DescribedBake extends Omit<BakeRecord, 'output' | 'signedBy' | 'tools'> {
  readonly digests: BakeRecord['output']['digests']
  readonly signer: Signer | undefined
  /** Of the template, for the provenance. */
  readonly templateFiles: readonly NamedFile[]
}

/**
 * @param image the finished image, in the working directory
 * @throws ERR_SIGN | ERR_NO_SPACE | ERR_PERMISSION | ERR_IO
 */
export async function writeSideFiles(
  image: string,
  target: Target,
  bake: DescribedBake,
  context: RunContext,
): Promise<readonly FinishedSideFile[]> {
  const files = target.sideFiles.map((file) => ({ ...file, finished: join(dirname(image), `finished-${file.kind}`) }))
  if (files.length === 0) return []
  const finished = new Map(files.map((file) => [file.kind, file]))
  const signature = finished.get('signature')
  const signedBy = signature && (await bake.signer?.signDetached(image, signature.finished))
  const record: BakeRecord = {
    ...bake,
    output: { name: basename(target.path), sizeBytes: await sizeOf(image), digests: bake.digests },
    signedBy,
    tools: await toolsUsed({ engine: bake.seen.engine, encoder: bake.encoder, gpg: bake.signer?.gpg }, context),
  }
  const texts = describe(finished, record, bake.templateFiles)
  await Promise.all(files.map((file) => write(file, texts.get(file.kind))))
  const [digests, signed] = [finished.get('digests'), finished.get('signed-digests')]
  if (digests !== undefined && signed !== undefined) await bake.signer?.signClear(digests.finished, signed.finished)
  // What gpg wrote is not on the disk yet.
  await Promise.all([signature, signed].map((file) => file && sync(file)))
  return files
}

/** The texts that are ours to write. */
function describe(
  files: ReadonlyMap<SideFileKind, FinishedSideFile>,
  record: BakeRecord,
  templateFiles: readonly NamedFile[],
): ReadonlyMap<SideFileKind, string> {
  const { digests, name } = record.output
  const redactor = new Redactor(describedSecrets(record), describedPaths(record))
  const texts = new Map<SideFileKind, string>()
  if (files.has('sha256')) texts.set('sha256', formatSha256File({ name, hex: digests.sha256 }))
  if (files.has('manifest')) texts.set('manifest', formatManifest(record, redactor))
  if (files.has('provenance')) texts.set('provenance', formatProvenance(record, templateFiles))
  if (files.has('digests')) {
    if (digests.sha512 === undefined) throw new InternalError('ERR_INTERNAL', 'SHA-512 of the output was not taken')
    const covered = (['manifest', 'provenance'] as const).flatMap((kind) => {
      const [file, text] = [files.get(kind), texts.get(kind)]
      return file === undefined || text === undefined ? [] : [{ name: basename(file.path), hex: sha512Of(text) }]
    })
    texts.set('digests', formatDigests([{ name, hex: digests.sha512 }, ...covered]))
  }
  return texts
}

function sha512Of(text: string): string {
  return createHash('sha512').update(text).digest('hex')
}

async function write({ finished }: FinishedSideFile, text: string | undefined): Promise<void> {
  // gpg writes the others.
  if (text === undefined) return
  try {
    const handle = await open(finished, 'wx')
    try {
      await handle.writeFile(text)
      await handle.sync()
    } finally {
      await handle.close()
    }
  } catch (error) {
    throw fileError(error, `write ${finished}`)
  }
}

async function sync({ finished }: FinishedSideFile): Promise<void> {
  try {
    const handle = await open(finished, 'r+')
    await handle.sync().finally(() => handle.close())
  } catch (error) {
    throw fileError(error, `write ${finished}`)
  }
}

async function sizeOf(image: string): Promise<number> {
  try {
    return (await stat(image)).size
  } catch (error) {
    throw fileError(error, `look at ${image}`)
  }
}
