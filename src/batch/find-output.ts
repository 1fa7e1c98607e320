/**
 * Whether an edition need not be made again: its output lies there, and the manifest beside it says that this very request made
 * it, with this version of the program, of an input and into an output that are still what they were, as is what lies beside it.
 *
 * The manifest is asked, and not times of files: those move for a copy, and stay for an edit that means it. What it does not
 * tell is a reason to bake: another original image, an output without a manifest.
 */
import { lstat } from 'node:fs/promises'
import { isDeepStrictEqual } from 'node:util'
import type { ChosenEdition } from '../choose-editions.js'
import { requestedClock } from '../clock.js'
import { contentSha256 } from '../oem/content-digest.js'
import { field } from '../oem/mapping.js'
import { nameBeforehand, toldRelease } from '../oem/release/read-release.js'
import type { RunContext } from '../progress.js'
import { describeRequest } from '../publish/described-request.js'
import { readManifest } from '../publish/read-manifest.js'
import { wantedSideFiles } from '../publish/side-files.js'
import { targetPath } from '../publish/target.js'
import { digestFile, type KnownFile } from '../source/digest-file.js'
import { ownVersion, PROGRAM } from '../version.js'
import { KnownInputs } from './known-inputs.js'
import { sideFilesFit } from './side-files-fit.js'

/** Where an edition goes; undefined with a label that only the image tells. */
export async function outputOf({ content: { edition }, request }: ChosenEdition): Promise<string | undefined> {
  const image = KnownInputs.place(request)
  const name = request.output === undefined ? await nameBeforehand(edition, request, image.path) : edition
  return name === undefined ? undefined : targetPath(image, request, name)
}

/**
 * @param path of the output: {@link outputOf}
 * @param inputs asked when all else agrees
 * @returns the output's path, or undefined when it has to be made
 * @throws what a bake would throw of an image that is not what its digest or signature says
 */
export async function findOutput(
  { content, request }: ChosenEdition,
  path: string,
  inputs: KnownInputs,
  context: RunContext,
): Promise<string | undefined> {
  if (request.original !== undefined) return undefined
  const manifest = (await readManifest(path))?.value
  if (manifest === undefined) return undefined
  const sourceDateEpoch = requestedClock(request.sourceDateEpoch, context.env)
  const described = describeRequest({ verb: 'bake', content, request, sourceDateEpoch })
  const told = await toldRelease(request.release, request.image, {})
  const asked =
    isDeepStrictEqual(field(manifest, 'tool'), { name: PROGRAM, version: ownVersion() }) &&
    isDeepStrictEqual(field(manifest, 'request'), JSON.parse(JSON.stringify(described))) &&
    field(manifest, 'contentSha256') === contentSha256(content) &&
    (told.kind === 'unknown' || field(field(field(manifest, 'input'), 'release'), 'version') === told.version)
  if (!asked || !isOf(field(manifest, 'input'), await inputs.know(request, context))) return undefined
  const wanted = wantedSideFiles(request, path)
  if ((await lstat(path).catch(() => undefined)) === undefined) return undefined
  const withSha512 = wanted.some(({ kind }) => kind === 'digests')
  const output = await digestFile(path, withSha512, context)
  if (!isOf(field(manifest, 'output'), output)) return undefined
  return (await sideFilesFit(wanted, path, output, request.sign, context)) ? path : undefined
}

function isOf(described: unknown, { name, sha256, sizeBytes }: KnownFile): boolean {
  return (
    field(described, 'name') === name &&
    field(described, 'sizeBytes') === sizeBytes &&
    field(described, 'sha256') === sha256
  )
}
