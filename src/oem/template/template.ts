/**
 * Templates: a provider's edition as data. Found by name among those that come with oem-bake, or by path.
 *
 * Loading parses everything of that one template, so that a broken one fails before an image is opened; rendering puts
 * values in. Providers of whom nothing but their ids is to be said are rows of a table (`id-only.ts`) instead of folders.
 */
import { createHash } from 'node:crypto'
import { delimiter, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { UsageError } from '../../errors.js'
import { installedFile } from '../../installation.js'
import { isFile, readTextFile, subdirectories } from '../host-files.js'
import { suggestName } from '../nearest.js'
import { ID_ONLY_NAMES, idOnlyTemplate } from './id-only.js'
import { RELEASE_VARIABLES, spansOf } from './release-values.js'
import {
  assertTemplatePath,
  type ManifestFile,
  OEM_ID_VARIABLE,
  parseTemplateManifest,
  type TemplateManifest,
  TITLE_VARIABLE,
} from './template-manifest.js'
import {
  conditionsOf,
  parseTemplateSource,
  renderSource,
  type TemplateSource,
  variablesOf,
  withoutUnset,
  withTexts,
} from './template-source.js'
import type { VariableValue } from './variables.js'

/** From dist/oem/ and src/oem/ alike. */
const BUILT_IN_DIRECTORY = fileURLToPath(installedFile('../oem-templates/'))
/** More directories of templates, separated as in PATH. */
const SEARCH_VARIABLE = 'OEM_BAKE_TEMPLATES'
const MANIFEST = 'template.yml'

/** What providers are called elsewhere. */
const ALIASES: ReadonlyMap<string, string> = new Map([
  ['ami', 'ec2'],
  ['aws', 'ec2'],
  ['gcp', 'gce'],
])

export interface TemplateFile extends ManifestFile {
  readonly parsed: TemplateSource
  /** Names of the template's variables that it refers to or depends on. */
  readonly variables: readonly string[]
  /** What the releases of its scopes call things (`release-values.ts`). */
  readonly releaseValues: ReadonlyMap<string, VariableValue>
}

export interface Template extends TemplateManifest {
  /** Named in errors and as the place of its files. */
  readonly directory: string
  readonly files: readonly TemplateFile[]
  /** Of the manifest and all its sources, lower-case hex. */
  readonly sha256: string
}

/** A template that a name can mean. */
export interface ListedTemplate {
  readonly name: string
  readonly aliases: readonly string[]
  /** `built-in`, or the directory that it lies in. */
  readonly origin: string
  readonly manifest: TemplateManifest
}

/** A folder that should be a template, and why it is none. */
export interface BrokenTemplate {
  readonly name: string
  readonly origin: string
  readonly message: string
}

export interface TemplateList {
  /** Sorted by name. */
  readonly templates: readonly ListedTemplate[]
  readonly broken: readonly BrokenTemplate[]
}

type Environment = Readonly<Record<string, string | undefined>>

/**
 * @param name of a template, or a path to a template's directory (anything with a slash)
 * @throws ERR_TEMPLATE_UNKNOWN with the nearest name | ERR_TEMPLATE_INVALID | ERR_YAML_SYNTAX | ERR_INPUT_FILE
 */
export async function loadTemplate(name: string, env: Environment): Promise<Template> {
  if (isPath(name)) return loadDirectory(name)
  const found = await findDirectory(name, env)
  return typeof found === 'string' ? loadDirectory(found) : finish(found)
}

/** Every template that a name can mean. A broken one of the user's does not hide the others. */
export async function listTemplates(env: Environment): Promise<TemplateList> {
  const listed = new Map<string, ListedTemplate>()
  const broken: BrokenTemplate[] = []
  const add = (name: string, origin: string, manifest: TemplateManifest): void => {
    const aliases = [...ALIASES].flatMap(([alias, meant]) => (meant === name ? [alias] : []))
    if (!listed.has(name)) listed.set(name, { name, aliases, origin, manifest })
  }
  for (const name of await templateNamesIn(BUILT_IN_DIRECTORY)) {
    add(name, 'built-in', await loadManifest(join(BUILT_IN_DIRECTORY, name)))
  }
  for (const name of ID_ONLY_NAMES) {
    const template = idOnlyTemplate(name)
    if (template !== undefined) add(name, 'built-in', template.manifest)
  }
  for (const root of userDirectories(env)) {
    for (const name of await templateNamesIn(root)) {
      try {
        add(name, root, await loadManifest(join(root, name)))
      } catch (error) {
        if (!(error instanceof UsageError)) throw error
        broken.push({ name, origin: root, message: error.message })
      }
    }
  }
  const templates = [...listed.values()].sort((left, right) => (left.name < right.name ? -1 : 1))
  return { templates, broken }
}

export function renderTemplateFile(
  template: Template,
  file: TemplateFile,
  values: ReadonlyMap<string, VariableValue>,
): Uint8Array {
  return renderSource(file.parsed, new Map([...values, ...file.releaseValues]), join(template.directory, file.source))
}

/** The file without its parts that depend on variables which are not set; undefined when that is all of it. */
export function fileWithoutUnset(
  template: Template,
  file: TemplateFile,
  isSet: (name: string) => boolean,
): { readonly file: TemplateFile; readonly needs: readonly string[] } {
  const parsed = withoutUnset(file.parsed, isSet)
  return { file: { ...file, parsed }, needs: variablesOf(parsed, join(template.directory, file.source)) }
}

/** The text that a template starts from: a built-in one's files as they are. */
export function builtInDirectory(name: string): string {
  return join(BUILT_IN_DIRECTORY, name)
}

async function loadDirectory(directory: string): Promise<Template> {
  const digests = new Map<string, string>()
  const read = async (name: string, what: string): Promise<Buffer> => {
    const bytes = await readTextFile(join(directory, name), what)
    digests.set(name, createHash('sha256').update(bytes).digest('hex'))
    return bytes
  }
  const manifest = parseManifest(await read(MANIFEST, 'template manifest'), directory)
  const sources = new Map<string, TemplateSource>()
  for (const { source, format } of manifest.files) {
    const path = join(directory, source)
    const parsed = parseTemplateSource(format, await read(source, 'template file'), path)
    const whole = await withTexts(parsed, path, async (text) => {
      assertTemplatePath(text, `${path}, $text`)
      return (await read(text, 'template file')).toString('utf8')
    })
    sources.set(`${format} ${source}`, whole)
  }
  const listed = JSON.stringify([...digests].sort(([left], [right]) => (left < right ? -1 : 1)))
  return finish({ manifest, directory, sources, sha256: createHash('sha256').update(listed).digest('hex') })
}

interface Parsed {
  readonly manifest: TemplateManifest
  readonly directory: string
  /** By format and name. */
  readonly sources: ReadonlyMap<string, TemplateSource>
  readonly sha256: string
}

/** Each file once for each span of releases that it tells apart. */
function finish({ manifest, directory, sources, sha256 }: Parsed): Template {
  const files = manifest.files.flatMap((file): readonly TemplateFile[] => {
    const parsed = sources.get(`${file.format} ${file.source}`)
    if (parsed === undefined) return []
    const where = join(directory, file.source)
    const references = variablesOf(parsed, where)
    const names = [...references, ...conditionsOf(parsed), ...[file.when, file.unless].filter(isText)]
    const variables = [...new Set(names)].filter((name) => !RELEASE_VARIABLES.includes(name))
    if (!references.some((name) => RELEASE_VARIABLES.includes(name))) {
      return [{ ...file, parsed, variables, releaseValues: new Map() }]
    }
    return spansOf(file.scopes).map(({ scopes, values }) => ({
      ...file,
      parsed,
      variables,
      scopes,
      releaseValues: values,
    }))
  })
  const template = { ...manifest, directory, files, sha256 }
  assertVariablesFit(template)
  return template
}

async function loadManifest(directory: string): Promise<TemplateManifest> {
  return parseManifest(await readTextFile(join(directory, MANIFEST), 'template manifest'), directory)
}

function parseManifest(bytes: Buffer, directory: string): TemplateManifest {
  return parseTemplateManifest(bytes.toString('utf8'), join(directory, MANIFEST))
}

async function findDirectory(wanted: string, env: Environment): Promise<string | Parsed> {
  const name = ALIASES.get(wanted) ?? wanted
  for (const root of [BUILT_IN_DIRECTORY, ...userDirectories(env)]) {
    // What has no manifest is no template of that name, but some other folder in a directory of the user's.
    if (await isFile(join(root, name, MANIFEST))) return join(root, name)
    const row = root === BUILT_IN_DIRECTORY ? idOnlyTemplate(name) : undefined
    if (row !== undefined) return row
  }
  const here = (await subdirectories('.')).includes(name)
  const known = await templateNames(env)
  throw new UsageError('ERR_TEMPLATE_UNKNOWN', `there is no template ${JSON.stringify(name)}`, {
    hint: here ? `for the directory here write --template ./${name}` : suggestName(name, known, 'templates'),
    details: { template: name, known },
  })
}

async function templateNames(env: Environment): Promise<readonly string[]> {
  const names = new Set<string>([...ID_ONLY_NAMES, ...ALIASES.keys()])
  for (const root of [BUILT_IN_DIRECTORY, ...userDirectories(env)]) {
    for (const name of await templateNamesIn(root)) names.add(name)
  }
  return [...names].sort()
}

async function templateNamesIn(root: string): Promise<readonly string[]> {
  const names: string[] = []
  for (const name of await subdirectories(root)) if (await isFile(join(root, name, MANIFEST))) names.push(name)
  return names
}

function userDirectories(env: Environment): readonly string[] {
  return env[SEARCH_VARIABLE]?.split(delimiter).filter((directory) => directory !== '') ?? []
}

function isPath(name: string): boolean {
  return name.includes('/') || name === '.' || name === '..'
}

function isText(value: string | undefined): value is string {
  return value !== undefined
}

/** Every reference is declared, every declaration is referred to, and files are not put into text. */
function assertVariablesFit(template: Template): void {
  const declared = template.variables.map((variable) => variable.name)
  const used = new Set([...template.files.flatMap((file) => file.variables), ...contentVariables(template)])
  const places = [
    ...template.files.map((file) => ({ where: join(template.directory, file.source), names: file.variables })),
    { where: join(template.directory, MANIFEST), names: contentVariables(template) },
  ]
  for (const { where, names } of places) {
    for (const name of names) {
      const given = name === TITLE_VARIABLE || (name === OEM_ID_VARIABLE && template.oemId !== undefined)
      if (given || declared.includes(name)) continue
      throw invalid(
        `${where} refers to variable ${name}, which ${MANIFEST} does not declare`,
        suggestName(name, declared, 'variables'),
      )
    }
  }
  const hostPaths = template.variables.filter(({ type }) => type === 'file').map(({ name }) => name)
  for (const file of template.files) {
    const where = join(template.directory, file.source)
    const name = variablesOf(file.parsed, where).find((reference) => hostPaths.includes(reference))
    if (name === undefined) continue
    throw invalid(
      `${where} refers to variable ${name}, which names a file of this machine`,
      `place it with content: ${name}`,
    )
  }
  const wrong = template.contents.find(({ variable }) => !hostPaths.includes(variable))
  if (wrong !== undefined) {
    throw invalid(
      `${join(template.directory, MANIFEST)}: ${wrong.path} is the content of ${wrong.variable}, which is no file`,
      'declare it with type: file',
    )
  }
  const unused = declared.filter((name) => !used.has(name))
  if (unused.length === 0) return
  throw invalid(
    `${join(template.directory, MANIFEST)} declares ${unused.join(', ')}, which no file uses`,
    'remove the declaration, or refer to the variable',
  )
}

function contentVariables(template: TemplateManifest): readonly string[] {
  return template.contents.flatMap(({ variable, unless }) => (unless === undefined ? [variable] : [variable, unless]))
}

function invalid(message: string, hint: string): UsageError {
  return new UsageError('ERR_TEMPLATE_INVALID', message, { hint })
}
