/**
 * Templates: a provider's edition as data. Found by name among those that come with oem-bake, or by path.
 *
 * Loading parses everything, so that a broken template fails before an image is opened; rendering puts values in.
 */
import { delimiter, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { UsageError } from '../../errors.js'
import { installedFile } from '../../installation.js'
import { readTextFile, subdirectories } from '../host-files.js'
import { suggestName } from '../nearest.js'
import {
  type ManifestFile,
  OEM_ID_VARIABLE,
  parseTemplateManifest,
  type TemplateManifest,
} from './template-manifest.js'
import { parseTemplateSource, renderSource, type TemplateSource, variablesOf } from './template-source.js'
import type { VariableValue } from './variables.js'

/** From dist/oem/ and src/oem/ alike. */
const BUILT_IN_DIRECTORY = fileURLToPath(installedFile('../oem-templates/'))
/** More directories of templates, separated as in PATH. */
const SEARCH_VARIABLE = 'OEM_BAKE_TEMPLATES'
const MANIFEST = 'template.yml'

export interface TemplateFile extends ManifestFile {
  readonly parsed: TemplateSource
  /** Names of the variables that it refers to. */
  readonly variables: readonly string[]
}

export interface Template extends TemplateManifest {
  readonly directory: string
  readonly files: readonly TemplateFile[]
}

type Environment = Readonly<Record<string, string | undefined>>

/**
 * @param name of a template, or a path to a template's directory (anything with a slash)
 * @throws ERR_TEMPLATE_UNKNOWN with the nearest name | ERR_TEMPLATE_INVALID | ERR_YAML_SYNTAX | ERR_INPUT_FILE
 */
export async function loadTemplate(name: string, env: Environment): Promise<Template> {
  const directory = isPath(name) ? name : await findDirectory(name, env)
  const manifestPath = join(directory, MANIFEST)
  const manifest = parseTemplateManifest(
    (await readTextFile(manifestPath, 'template manifest')).toString('utf8'),
    manifestPath,
  )
  const files: TemplateFile[] = []
  for (const file of manifest.files) {
    const path = join(directory, file.source)
    const parsed = parseTemplateSource(file.format, await readTextFile(path, 'template file'), path)
    files.push({ ...file, parsed, variables: variablesOf(parsed, path) })
  }
  const template = { ...manifest, directory, files }
  assertVariablesFit(template)
  return template
}

/** Every template that a name can mean. */
export async function listTemplates(env: Environment): Promise<readonly TemplateManifest[]> {
  const manifests: TemplateManifest[] = []
  for (const name of await templateNames(env)) manifests.push(await loadTemplate(name, env))
  return manifests
}

export function renderTemplateFile(
  template: Template,
  file: TemplateFile,
  values: ReadonlyMap<string, VariableValue>,
): Uint8Array {
  return renderSource(file.parsed, values, join(template.directory, file.source))
}

async function findDirectory(name: string, env: Environment): Promise<string> {
  for (const root of searchPath(env)) {
    if ((await subdirectories(root)).includes(name)) return join(root, name)
  }
  const here = (await subdirectories('.')).includes(name)
  const known = await templateNames(env)
  throw new UsageError('ERR_TEMPLATE_UNKNOWN', `there is no template ${JSON.stringify(name)}`, {
    hint: here ? `for the directory here write --template ./${name}` : suggestName(name, known, 'templates'),
    details: { template: name, known },
  })
}

async function templateNames(env: Environment): Promise<readonly string[]> {
  const names = new Set<string>()
  for (const root of searchPath(env)) for (const name of await subdirectories(root)) names.add(name)
  return [...names].sort()
}

function searchPath(env: Environment): readonly string[] {
  const more = env[SEARCH_VARIABLE]?.split(delimiter).filter((directory) => directory !== '') ?? []
  return [BUILT_IN_DIRECTORY, ...more]
}

function isPath(name: string): boolean {
  return name.includes('/') || name === '.' || name === '..'
}

/** Every reference is declared, and every declaration is referred to. */
function assertVariablesFit(template: Template): void {
  const declared = new Set([...template.variables.map((variable) => variable.name)])
  const used = new Set(template.files.flatMap((file) => file.variables))
  for (const file of template.files) {
    for (const name of file.variables) {
      const known = declared.has(name) || (name === OEM_ID_VARIABLE && template.oemId !== undefined)
      if (known) continue
      throw new UsageError(
        'ERR_TEMPLATE_INVALID',
        `${join(template.directory, file.source)} refers to variable ${name}, which ${MANIFEST} does not declare`,
        { hint: suggestName(name, [...declared], 'variables') },
      )
    }
  }
  const unused = [...declared].filter((name) => !used.has(name))
  if (unused.length === 0) return
  throw new UsageError(
    'ERR_TEMPLATE_INVALID',
    `${join(template.directory, MANIFEST)} declares ${unused.join(', ')}, which no file uses`,
    { hint: 'remove the declaration, or refer to the variable' },
  )
}
