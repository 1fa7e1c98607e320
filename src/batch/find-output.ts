/**
 * Whether an edition need not be made again: its output lies there, and the manifest beside it says that this very request made
 * it, with this version of the program, of an input and into an output that are still what they were.
 *
 * The manifest is asked, and not times of files: those move for a copy, and stay for an edit that means it. What it does not
 * tell is a reason to bake: another original image, an output without a manifest, a side file that is missing.
 */
import { stat } from 'node:fs/promises'
import { isDeepStrictEqual } from 'node:util'
import type { ChosenEdition } from '../choose-editions.js'
import { requestedClock } from '../clock.js'
import { saysAbsent } from '../errors.js'
import { contentSha256 } from '../oem/content-digest.js'
import { field } from '../oem/mapping.js'
import { editionLabel, toldRelease } from '../oem/release/read-release.js'
import type { RunContext } from '../progress.js'
import { describeRequest } from '../publish/described-request.js'
import { sideFilePath, wantedSideFiles } from '../publish/side-files.js'
import { targetPath } from '../publish/target.js'
import { readSmallFile } from '../small-file.js'
import { FileHash } from '../source/file-hash.js'
import { openImage } from '../source/source.js'
import { ownVersion, PROGRAM } from '../version.js'

const MANIFEST_LIMIT_BYTES = 16 << 20

/** What is known of a file. */
export interface KnownFile {
  readonly name: string
  readonly path: string
  readonly sizeBytes: number
  readonly sha256: string
}

/** @throws what opening and reading it throws */
export async function knowFile(path: string, context: RunContext): Promise<KnownFile> {
  await using opened = await openImage(path)
  await using hash = new FileHash({ withSha512: false }, { ...context, report: () => undefined })
  const { device, handle, name } = opened
  const { sha256 } = await hash.whole(handle.fd, device.size, path)
  return { name, path: opened.path, sizeBytes: device.size, sha256 }
}

/**
 * @param input the image of the request; asked for when all else agrees
 * @returns the output's path, or undefined when it has to be made
 */
export async function findOutput(
  { content, request }: ChosenEdition,
  image: Pick<KnownFile, 'name' | 'path'>,
  input: () => Promise<KnownFile>,
  context: RunContext,
): Promise<string | undefined> {
  if (request.original !== undefined) return undefined
  const { edition } = content
  const name = request.label === true ? await editionLabel(edition, request.release, image.path) : edition
  const path = targetPath(image, request, name)
  const manifest = await readManifest(sideFilePath('manifest', path))
  if (manifest === undefined) return undefined
  const sourceDateEpoch = requestedClock(request.sourceDateEpoch, context.env)
  const described = describeRequest({ verb: 'bake', content, request, sourceDateEpoch })
  const told = await toldRelease(request.release, image.path, {})
  const asked =
    isDeepStrictEqual(field(manifest, 'tool'), { name: PROGRAM, version: ownVersion() }) &&
    isDeepStrictEqual(field(manifest, 'request'), JSON.parse(JSON.stringify(described))) &&
    field(manifest, 'contentSha256') === contentSha256(content) &&
    (told.kind === 'unknown' || field(field(field(manifest, 'input'), 'release'), 'version') === told.version)
  if (!asked || !(await areThere([path, ...wantedSideFiles(request, path).map((file) => file.path)]))) return undefined
  if (!isOf(field(manifest, 'input'), await input())) return undefined
  return isOf(field(manifest, 'output'), await knowFile(path, context)) ? path : undefined
}

function isOf(described: unknown, { name, sha256, sizeBytes }: KnownFile): boolean {
  return (
    field(described, 'name') === name &&
    field(described, 'sizeBytes') === sizeBytes &&
    field(described, 'sha256') === sha256
  )
}

/** Undefined where there is none, or nothing that we have written. */
async function readManifest(path: string): Promise<unknown> {
  const found = await readSmallFile(path, MANIFEST_LIMIT_BYTES)
  if (found.kind !== 'text') return undefined
  try {
    return JSON.parse(found.text)
  } catch {
    return undefined
  }
}

async function areThere(paths: readonly string[]): Promise<boolean> {
  for (const path of paths) {
    const found = await stat(path).catch((error) => {
      if (saysAbsent(error)) return undefined
      throw error
    })
    if (found === undefined) return false
  }
  return true
}
