/**
 * Whether the names that an edition takes are free: the image's own, those of its side files, and those of files that
 * would be lies beside it.
 *
 * Told before any work. Without `--force` nothing may be there that says something of a file of the output's name, made
 * anew this time or not. With it, what an earlier bake published there is replaced or taken away, but a signature or
 * digest list that is not ours stands for somebody else's file, whose name is not ours to take: whoever finds X and X.sig
 * takes the one for the other's.
 */
import { lstat } from 'node:fs/promises'
import { basename } from 'node:path'
import { fileError, isErrnoException, RefusedError } from '../errors.js'
import { field } from '../oem/mapping.js'
import { PROGRAM } from '../version.js'
import { ANOTHER_NAME } from './hints.js'
import { assertNoInput, type RunInputs } from './inputs.js'
import { readManifest } from './read-manifest.js'
import { allSideNames, type SideFile, vouchingNames } from './side-files.js'

/**
 * @throws ERR_OUTPUT_EXISTS for a name that is taken, without force
 * @throws ERR_OUTPUT_SIGNED where somebody else's signature or digests would stand beside the output
 * @throws ERR_OUTPUT_IS_INPUT, ERR_NOT_A_REGULAR_FILE, ERR_IO where a name can't be had at all
 */
export async function assertNamesFree(
  output: string,
  wanted: readonly SideFile[],
  force: boolean,
  files: RunInputs,
): Promise<void> {
  const taken = await takenSideNames(output)
  for (const path of taken)
    await assertNoInput(path, `${path}, a file that belongs beside the output ${output},`, files)
  await assertNobodyElseVouches(output, taken)
  const [first] = taken
  if (first === undefined || force) return
  throw wanted.some(({ path }) => path === first) ? outputExists(first) : standsBeside(first, output)
}

/** What is there of all that can say something of an output. @throws ERR_NOT_A_REGULAR_FILE */
export async function takenSideNames(output: string): Promise<readonly string[]> {
  const taken: string[] = []
  for (const path of allSideNames(output)) {
    const found = await lstat(path).catch((error: unknown) => {
      if (isErrnoException(error) && error.code === 'ENOENT') return undefined
      throw fileError(error, `look for ${path}`, ANOTHER_NAME)
    })
    if (found === undefined) continue
    if (!found.isFile() && !found.isSymbolicLink()) {
      throw new RefusedError('ERR_NOT_A_REGULAR_FILE', `${path} is in the way: it is not a regular file`, {
        hint: `move it away, or ${ANOTHER_NAME}`,
      })
    }
    taken.push(path)
  }
  return taken
}

/** @throws ERR_OUTPUT_SIGNED */
export async function assertNobodyElseVouches(output: string, taken: readonly string[]): Promise<void> {
  const names = vouchingNames(output)
  const vouching = taken.find((path) => names.includes(path))
  if (vouching === undefined || (await isOurEdition(output))) return
  throw new RefusedError(
    'ERR_OUTPUT_SIGNED',
    `${vouching} vouches for a file called ${basename(output)}, and no manifest beside it says that this is an edition of ours`,
    {
      hint: `move ${basename(vouching)} away, beside an edition it would be a lie; or ${ANOTHER_NAME}`,
    },
  )
}

export function outputExists(path: string): RefusedError {
  return new RefusedError('ERR_OUTPUT_EXISTS', `the output ${path} exists already`, {
    hint: `replace it with --force, or ${ANOTHER_NAME}`,
  })
}

function standsBeside(path: string, output: string): RefusedError {
  return new RefusedError('ERR_OUTPUT_EXISTS', `${path} is there, and would be taken for one of ${output}`, {
    hint: `--force takes it away; or ${ANOTHER_NAME}`,
  })
}

/** The manifest of an earlier bake says so. */
async function isOurEdition(output: string): Promise<boolean> {
  const manifest = (await readManifest(output))?.value
  return (
    field(field(manifest, 'tool'), 'name') === PROGRAM && field(field(manifest, 'output'), 'name') === basename(output)
  )
}
