/**
 * What a run reads beside the image: none of it is ever written, whatever an output is called, with `--force` either.
 */
import { realpath, stat } from 'node:fs/promises'
import { sep } from 'node:path'
import { fileError, RefusedError, saysAbsent } from '../errors.js'
import type { OemContent } from '../oem/content.js'
import type { BakeRequest } from '../request.js'
import type { OpenedImage } from '../source/source.js'
import { ANOTHER_NAME } from './hints.js'

/** Paths of files and directories, as the user wrote them where they did. Some may not be there. */
export function inputsOf(
  content: Pick<OemContent, 'files' | 'givenVariables' | 'template'>,
  request: Partial<BakeRequest>,
): readonly string[] {
  const { cloudConfig, digests, files = [], ignition, keys = [], original, signature, variablesFile } = request
  return [
    ...[cloudConfig, ignition?.path, original, variablesFile, content.template?.directory, signature, digests],
    ...keys,
    ...files.map(({ source }) => source),
    ...content.files.map(({ source }) => source),
    ...content.givenVariables.filter(({ type }) => type === 'file').map(({ value }) => String(value)),
  ].filter((path) => path !== undefined)
}

export interface RunInputs {
  readonly image: Pick<OpenedImage, 'isSameFile'>
  /** Paths of files and directories. */
  readonly others: readonly string[]
}

/**
 * @param what how messages call the path
 * @throws ERR_OUTPUT_IS_INPUT when it is one of them, under whatever name, or lies in one of them
 * @throws ERR_PERMISSION | ERR_IO when one is there and can't be looked at
 */
export async function assertNoInput(path: string, what: string, { image, others }: RunInputs): Promise<void> {
  if (await image.isSameFile(path)) throw isInput(what, 'is the input image')
  const found = await identify(path)
  if (found === undefined) return
  for (const input of others) {
    const other = await identify(input)
    if (other === undefined) continue
    if (found.device === other.device && found.inode === other.inode) throw isInput(what, `is ${input}, an input`)
    if (other.isDirectory && found.path.startsWith(`${other.path}${sep}`))
      throw isInput(what, `lies in ${input}, an input`)
  }
}

function isInput(what: string, how: string): RefusedError {
  return new RefusedError('ERR_OUTPUT_IS_INPUT', `${what} ${how}, which is never written`, { hint: ANOTHER_NAME })
}

async function identify(path: string) {
  try {
    const found = await stat(path, { bigint: true })
    return { device: found.dev, inode: found.ino, isDirectory: found.isDirectory(), path: await realpath(path) }
  } catch (error) {
    if (saysAbsent(error)) return undefined
    throw fileError(error, `look at ${path}`)
  }
}
