/**
 * Where the output goes: its default name, and the refusals that can be told before any work.
 */
import { access, constants, lstat, stat } from 'node:fs/promises'
import { basename, dirname, extname, join, resolve } from 'node:path'
import { fileError, RefusedError, saysAbsent } from '../errors.js'
import type { OutputRequest } from '../request.js'
import type { OpenedImage } from '../source/source.js'
import { assertNamesFree, outputExists } from './free-names.js'
import { ANOTHER_NAME } from './hints.js'
import { assertNoInput } from './inputs.js'
import { allSideNames, type SideFile, wantedSideFiles } from './side-files.js'

export interface Target {
  /** Absolute path. */
  readonly path: string
  /** Its directory, which exists and may be written. */
  readonly directory: string
  /** An existing file of that name is to be replaced. */
  readonly force: boolean
  /** What is to be published beside it, in the order in which it is named. */
  readonly sideFiles: readonly SideFile[]
}

const COMPRESSION_EXTENSIONS = new Set(['.bz2'])
const IMAGE_EXTENSIONS = new Set(['.img', '.bin', '.raw', '.qcow2'])

/** What an image is called after from which all bakes were taken back: not the vendor's own file, byte for byte. */
export const UNBAKED = 'unbaked'

/**
 * `<stem>.<edition><extensions>`: `x.img.bz2` becomes `x.rackspace.img.bz2`. Never a vendor's own artifact name, so that
 * a vendor's `.sig` beside it can't be mistaken for ours.
 *
 * @param instead editions whose names at the end of the stem go: `x.rackspace.img.bz2` becomes `x.unbaked.img.bz2`
 */
export function editionName(imageName: string, edition: string, instead: readonly string[] = []): string {
  let stem = imageName
  let extensions = ''
  for (const known of [COMPRESSION_EXTENSIONS, IMAGE_EXTENSIONS]) {
    const extension = extname(stem)
    if (!known.has(extension)) continue
    stem = basename(stem, extension)
    extensions = extension + extensions
  }
  for (let at = stem.lastIndexOf('.'); at > 0 && instead.includes(stem.slice(at + 1)); at = stem.lastIndexOf('.')) {
    stem = stem.slice(0, at)
  }
  return `${stem}.${edition}${extensions}`
}

/** What a name says of the bytes; undefined where it says nothing. */
export function saysCompressed(path: string): boolean | undefined {
  const extension = extname(path)
  if (COMPRESSION_EXTENSIONS.has(extension)) return true
  return IMAGE_EXTENSIONS.has(extension) ? false : undefined
}

/** Absolute: the path asked for, or {@link editionName} beside the image. */
export function targetPath(
  image: Pick<OpenedImage, 'name' | 'path'>,
  request: OutputRequest,
  edition: string,
  instead: readonly string[] = [],
): string {
  return resolve(request.output ?? join(unnamedDirectory(image, request), editionName(image.name, edition, instead)))
}

/**
 * {@link targetPath}, where it may be written to.
 *
 * @param edition what an output without a name of its own is called after, its release before it with `--label`
 * @param options `instead` as in {@link editionName}; `inputs`: what else the run reads
 * @throws ERR_OUTPUT_IS_INPUT, ERR_OUTPUT_EXISTS, ERR_OUTPUT_SIGNED, ERR_NOT_A_REGULAR_FILE, ERR_PERMISSION,
 * ERR_NOT_FOUND
 */
export async function chooseTarget(
  image: OpenedImage,
  request: OutputRequest,
  edition: string,
  { inputs = [], instead = [] }: { readonly inputs?: readonly string[]; readonly instead?: readonly string[] } = {},
): Promise<Target> {
  const force = request.force ?? false
  const path = targetPath(image, request, edition, instead)
  const files = { image, others: [...inputs, ...allSideNames(image.path)] }
  await assertNoInput(path, `the output ${path}`, files)
  // A link that leads nowhere has the name all the same: better said now than when publishing.
  const found = await stat(path)
    .catch(() => lstat(path))
    .catch((error) => {
      if (saysAbsent(error)) return undefined
      throw fileError(error, `look at ${path}`, ANOTHER_NAME)
    })
  if (found !== undefined && !found.isFile()) {
    throw new RefusedError('ERR_NOT_A_REGULAR_FILE', `the output ${path} exists and is not a regular file`, {
      hint: ANOTHER_NAME,
    })
  }
  if (found !== undefined && !force) throw outputExists(path)
  const directory = await targetDirectory(image, { output: path })
  const sideFiles = wantedSideFiles(request, path)
  await assertNamesFree(path, sideFiles, force, files)
  return { path, directory, force, sideFiles }
}

/**
 * Where the output will lie, whatever it will be called.
 *
 * @throws ERR_PERMISSION | ERR_NOT_FOUND
 */
export async function targetDirectory(image: OpenedImage, request: OutputRequest): Promise<string> {
  const { output } = request
  const directory = output === undefined ? unnamedDirectory(image, request) : dirname(resolve(output))
  // With the slash, a file in the directory's place is told as what it is, and not as one that may not be entered.
  await access(join(directory, '/'), constants.W_OK | constants.X_OK).catch((error) => {
    throw fileError(
      error,
      `write to the directory ${directory}`,
      'choose a directory that exists and that you may write to, with --output or --output-dir',
    )
  })
  return directory
}

function unnamedDirectory(image: Pick<OpenedImage, 'path'>, { outputDirectory }: OutputRequest): string {
  return resolve(outputDirectory ?? dirname(image.path))
}
