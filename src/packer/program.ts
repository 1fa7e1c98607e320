/**
 * Where the program is that bakes: the plugin only speaks Packer's protocol.
 *
 * `packer plugins install --path` copies one file, away from the npm package that it came with. So, in this order: the
 * option `oem_bake`; OEM_BAKE in the environment; the program of the installation that this file is a part of
 * (`node_modules/.bin`); `oem-bake` in PATH. Looked for when a template is validated, not when the image is built.
 */
import { accessSync, constants, realpathSync, statSync } from 'node:fs'
import { delimiter, dirname, join } from 'node:path'
import { UnsupportedError } from '../errors.js'

export interface Program {
  readonly file: string
  /** In front of all others. */
  readonly words: readonly string[]
}

/**
 * @param option value of `oem_bake`
 * @param self path of the file that this process was started with
 * @throws ERR_OEM_BAKE_MISSING
 */
export function findProgram(
  option: string | undefined,
  env: Readonly<Record<string, string | undefined>>,
  self: string,
): Program {
  const named = option ?? (env.OEM_BAKE || undefined)
  if (named !== undefined) {
    if (isExecutable(named)) return { file: named, words: [] }
    throw missing(`${option === undefined ? 'OEM_BAKE' : 'oem_bake'} names ${named}, which is no program`)
  }
  const beside = join(dirname(realpathSync(self)), 'oem-bake.js')
  if (isFile(beside)) return { file: process.execPath, words: [beside] }
  const found = (env.PATH ?? '')
    .split(delimiter)
    .filter((directory) => directory !== '')
    .map((directory) => join(directory, 'oem-bake'))
    .find(isExecutable)
  if (found !== undefined) return { file: found, words: [] }
  throw missing('oem-bake is not in PATH')
}

function missing(message: string): UnsupportedError {
  return new UnsupportedError('ERR_OEM_BAKE_MISSING', `the program that bakes was not found: ${message}`, {
    hint: 'npm install --global oem-bake, or set the option oem_bake, or OEM_BAKE in the environment, to its path',
  })
}

function isFile(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isFile() === true
}

function isExecutable(path: string): boolean {
  if (!isFile(path)) return false
  try {
    accessSync(path, constants.X_OK)
    return true
  } catch {
    return false
  }
}
