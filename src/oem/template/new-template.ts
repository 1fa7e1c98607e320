/**
 * A template of one's own to start from: a copy of `custom`, under another name.
 */
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { fileError, isErrnoException, RefusedError, UsageError } from '../../errors.js'
import { findFiles } from '../host-files.js'
import { builtInDirectory, listTemplates } from './template.js'
import { TEMPLATE_NAME } from './template-manifest.js'

/** Nobody's provider: what a new template begins as. */
export const STARTING_POINT = 'custom'

export interface NewTemplate {
  readonly name: string
  readonly directory: string
  /** Below the directory. */
  readonly files: readonly string[]
}

/**
 * @param directory made by this; its parent must be there
 * @throws ERR_USAGE for a name that no template can have | ERR_OUTPUT_EXISTS | MachineError
 */
export async function writeNewTemplate(name: string, directory: string): Promise<NewTemplate> {
  if (!TEMPLATE_NAME.test(name)) {
    throw new UsageError('ERR_USAGE', `a template can't be called ${JSON.stringify(name)}`, {
      hint: 'use lower-case letters, digits and dashes, such as my-cloud',
    })
  }
  const { templates } = await listTemplates({})
  const taken = templates.find((template) => template.name === name || template.aliases.includes(name))
  if (taken !== undefined) {
    throw new UsageError(
      'ERR_USAGE',
      `${name} is a template of oem-bake's own: --template ${name} would go on meaning that one`,
      {
        hint: 'choose another name, such as my-cloud',
      },
    )
  }
  const from = builtInDirectory(STARTING_POINT)
  const sources = await findFiles(from, 'template')
  await attempt(() => mkdir(directory), directory)
  const files = sources.map(({ relativePath }) => relativePath)
  for (const file of files) {
    const text = await readFile(join(from, file), 'utf8')
    await attempt(() => mkdir(dirname(join(directory, file)), { recursive: true }), directory)
    await attempt(() => writeFile(join(directory, file), renamed(text, name), { flag: 'wx' }), join(directory, file))
  }
  return { name, directory, files }
}

/** Where `custom` stands for the template itself: its name, and the ID of its oem-release. */
function renamed(text: string, name: string): string {
  return text.replace(/^(name|ID| {4}id): custom$/gm, `$1: ${name}`)
}

async function attempt(action: () => Promise<unknown>, path: string): Promise<void> {
  try {
    await action()
  } catch (error) {
    if (isErrnoException(error) && error.code === 'EEXIST') {
      throw new RefusedError('ERR_OUTPUT_EXISTS', `${path} is there already`, {
        hint: 'give another directory: oem-bake templates new NAME DIR',
        details: { path },
        cause: error,
      })
    }
    throw fileError(error, `write ${path}`, 'check the directory that it is to go into')
  }
}
