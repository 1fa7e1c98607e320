/**
 * Side files: what is published beside an image, and what each is called.
 *
 *   <output>.sha256           what sha256sum writes
 *   <output>.manifest.json    what was baked into what, by what (`schema/manifest.schema.json`)
 *   <output>.DIGESTS          the vendors' format: SHA-512 under a header line
 *   <output>.provenance.json  in-toto statement with SLSA provenance
 *   <output>.sig              OpenPGP signature over the file, detached, binary
 *   <output>.DIGESTS.asc      DIGESTS, clear-signed
 *
 * The names are those that the vendors use and that their readers look for (facts of coreos/scripts and flatcar/scripts
 * build_library/release_util.sh), so an edition is verified with what people have. The same names beside another image
 * would be lies; `target.ts` sees to that.
 */
import { UsageError } from '../errors.js'
import type { OutputRequest, SideFileChoice } from '../request.js'

export type SideFileKind = SideFileChoice | 'signature' | 'signed-digests'

/** A file with its name beside the image. */
export interface SideFile {
  readonly kind: SideFileKind
  /** Absolute path. */
  readonly path: string
}

/** In the order in which they are named. */
const EXTENSIONS: Readonly<Record<SideFileKind, string>> = {
  sha256: '.sha256',
  manifest: '.manifest.json',
  digests: '.DIGESTS',
  provenance: '.provenance.json',
  signature: '.sig',
  'signed-digests': '.DIGESTS.asc',
}
const KINDS: readonly SideFileKind[] = ['sha256', 'manifest', 'digests', 'provenance', 'signature', 'signed-digests']

/** Both cost nothing: what they say is known anyway. */
const DEFAULT_KINDS: readonly SideFileKind[] = ['sha256', 'manifest']

/**
 * Extensions of files by which somebody vouches for an image; the last two are names that we never write
 * (`X.asc` is gpg's own for an armored signature, `X.DIGESTS.sig` the vendors').
 */
const VOUCHING = [EXTENSIONS.signature, EXTENSIONS.digests, EXTENSIONS['signed-digests'], '.asc', '.DIGESTS.sig']

/** What a request asks for: a signature comes with digests, which are what is signed in clear. @throws ERR_USAGE */
export function wantedSideFiles(request: Pick<OutputRequest, 'with' | 'sign'>, output: string): readonly SideFile[] {
  const wanted = new Set<SideFileKind>(request.with ?? DEFAULT_KINDS)
  const unknown = [...wanted].find((kind) => !KINDS.includes(kind))
  // Plain JavaScript may ask for anything.
  if (unknown !== undefined) {
    throw new UsageError('ERR_USAGE', `${JSON.stringify(unknown)} is no file that can be published beside an image`, {
      hint: `ask for some of ${KINDS.slice(0, 4).join(', ')}`,
    })
  }
  if (request.sign !== undefined)
    for (const kind of ['digests', 'signature', 'signed-digests'] as const) wanted.add(kind)
  return KINDS.filter((kind) => wanted.has(kind)).map((kind) => ({ kind, path: sideFilePath(kind, output) }))
}

export function sideFilePath(kind: SideFileKind, output: string): string {
  return `${output}${EXTENSIONS[kind]}`
}

/** Every name beside an output that says something of it, ours and the vendors'. */
export function allSideNames(output: string): readonly string[] {
  return [...new Set([...Object.values(EXTENSIONS), ...VOUCHING])].map((extension) => `${output}${extension}`)
}

/** Those of them by which somebody vouches for it. */
export function vouchingNames(output: string): readonly string[] {
  return VOUCHING.map((extension) => `${output}${extension}`)
}
