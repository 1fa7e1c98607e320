/**
 * From the request to the content: everything that can be found, rendered and checked before an image is opened.
 *
 * A template's files are rendered for every release that it tells apart; which of them are used is the planner's choice,
 * once the image has told its release. A file given by a flag takes the place of the template's.
 */
import { UsageError } from '../errors.js'
import type { ContentRequest, ExistingFiles, IgnitionPlace } from '../request.js'
import { type ContentFile, contentFile, hasRole } from './content-file.js'
import type { Finding } from './finding.js'
import { assertOemId } from './grub/grub-cfg.js'
import { loadedBytes, loadFile, readTextFile } from './host-files.js'
import { assertIgnorable, judge, type Strictness } from './judge.js'
import { isMapping, shapeOf } from './mapping.js'
import { assertOemPath, isAlwaysKept, isFilesystemOwn, parentsOf } from './oem-path.js'
import { BASE_IGN_PATH, CLOUD_CONFIG_PATH, CONFIG_IGN_PATH, DEFAULT_IGN_PATH, GRUB_CFG_PATH } from './release/eras.js'
import { expandFile } from './requested-files.js'
import { type GivenVariable, renderTemplate } from './template/content-template.js'
import { loadTemplate, type Template } from './template/template.js'
import type { VariableValue } from './template/variables.js'
import { parseYaml } from './yaml.js'

/** What an edition is called that has neither a template nor an OEM id. */
export const CUSTOM_EDITION = 'custom'

/** What goes onto the OEM partition, loaded and checked as far as that goes without the image. */
export interface OemContent {
  /** What an output is called after: the template's name, else the OEM id, else `custom`. */
  readonly edition: string
  readonly template: Pick<Template, 'name' | 'title' | 'distros' | 'notes' | 'directory' | 'sha256'> | undefined
  /** Asked for with --oem-id. */
  readonly requestedOemId: string | undefined
  /** What the partition's grub.cfg is to set: as requested, else the template's. */
  readonly oemId: string | undefined
  readonly oemIdUnchecked: boolean
  /** Several may share a path, for different releases. */
  readonly files: readonly ContentFile[]
  readonly givenVariables: readonly GivenVariable[]
  readonly remove: readonly string[]
  readonly existing: ExistingFiles
  /** Beside those that each file carries. */
  readonly findings: readonly Finding[]
  readonly strictness: Strictness
}

const IGNITION_PATH: Readonly<Record<IgnitionPlace, string>> = {
  base: BASE_IGN_PATH,
  default: DEFAULT_IGN_PATH,
  config: CONFIG_IGN_PATH,
}

/**
 * @param env looked at for OEM_BAKE_TEMPLATES: more directories of templates
 * @param elsewhere names of variables that are meant for other templates of the same run, unless this one has them, too
 * @throws UsageError of any code
 */
export async function resolveContent(
  request: ContentRequest,
  env: Readonly<Record<string, string | undefined>>,
  elsewhere: ReadonlySet<string> = new Set(),
): Promise<OemContent> {
  if (request.oemId !== undefined) assertOemId(request.oemId)
  const strictness = { strict: request.strict ?? false, ignore: request.ignore ?? [] }
  assertIgnorable(strictness.ignore)
  const remove = checkRemovals(request.remove ?? [])
  const all = await readVariables(request)
  const template = request.template === undefined ? undefined : await loadTemplate(request.template, env)
  const own = new Set(template?.variables.map(({ name }) => name))
  const given = new Map([...all].filter(([name]) => own.has(name) || !elsewhere.has(name)))
  const oemId = request.oemId ?? template?.oemId
  const fromFlags = await filesFromFlags(request)
  const rendered = await renderTemplate(template, given, request.oemId, fromFlags)
  const files = [...rendered.files, ...fromFlags]
  assertPathsFit(files, remove)
  assertOneOemId(request.oemId, fromFlags)
  // What no image can mend is told before one is opened; the plan has it all once more.
  judge(
    fromFlags.flatMap((file) => file.findings),
    strictness,
  )
  return {
    edition: template?.name ?? oemId ?? CUSTOM_EDITION,
    template:
      template === undefined
        ? undefined
        : {
            name: template.name,
            title: template.title,
            distros: template.distros,
            notes: template.notes,
            directory: template.directory,
            sha256: template.sha256,
          },
    requestedOemId: request.oemId,
    oemId,
    oemIdUnchecked: request.oemIdUnchecked ?? false,
    files,
    givenVariables: rendered.givenVariables,
    remove,
    existing: request.existing ?? 'auto',
    findings: rendered.findings,
    strictness,
  }
}

function checkRemovals(paths: readonly string[]): readonly string[] {
  for (const path of paths) {
    if (path === '/') {
      throw new UsageError('ERR_OEM_PATH_INVALID', 'the root of the OEM partition cannot be removed', {
        hint: 'to start from an empty partition write --existing replace',
      })
    }
    assertOemPath(path, 'path to remove')
    if (isAlwaysKept(path) || isFilesystemOwn(path)) {
      throw new UsageError(
        'ERR_OEM_PATH_INVALID',
        `${path} is always kept: machines need it to boot or to be repaired`,
        {
          hint: `leave out --remove ${path}`,
        },
      )
    }
  }
  return [...new Set(paths)]
}

/** `--set` wins over `--vars`. */
async function readVariables(request: ContentRequest): Promise<ReadonlyMap<string, VariableValue>> {
  const values = new Map<string, VariableValue>()
  const path = request.variablesFile
  if (path !== undefined) {
    const parsed = parseYaml((await readTextFile(path, 'variables file')).toString('utf8'), path)
    if (!isMapping(parsed)) {
      throw new UsageError(
        'ERR_VARIABLE_INVALID',
        `${path} is ${shapeOf(parsed)}, expected a mapping of names to values`,
        {
          hint: 'write one variable a line: name: value',
        },
      )
    }
    for (const [name, value] of Object.entries(parsed)) {
      if (typeof value !== 'string' && typeof value !== 'number' && typeof value !== 'boolean') {
        throw new UsageError('ERR_VARIABLE_INVALID', `${path}: ${name} is ${shapeOf(value)}, expected one value`, {
          hint: `give ${name} as text, a number, true or false`,
          details: { variable: name },
        })
      }
      values.set(name, value)
    }
  }
  for (const [name, value] of Object.entries(request.variables ?? {})) values.set(name, value)
  if (values.size > 0 && request.template === undefined) {
    throw new UsageError(
      'ERR_VARIABLE_UNKNOWN',
      `there is no template that could use ${[...values.keys()].join(', ')}`,
      {
        hint: 'choose one with --template, or leave the variables out',
      },
    )
  }
  return values
}

async function filesFromFlags(request: ContentRequest): Promise<readonly ContentFile[]> {
  const files: ContentFile[] = []
  const add = async (path: string, source: string, mode: number, flag: string): Promise<void> => {
    const earlier = files.find((file) => file.path === path)
    if (earlier !== undefined) {
      throw new UsageError('ERR_OEM_PATH_INVALID', `${path} is given twice: by ${earlier.origin} and by ${flag}`, {
        hint: 'leave one of them out',
      })
    }
    const loaded = hasRole(path) ? loadedBytes(await readTextFile(source, flag)) : await loadFile(source, flag)
    files.push(contentFile({ ...loaded, path, mode, source, origin: flag, copied: true, scopes: [] }))
  }
  if (request.cloudConfig !== undefined) await add(CLOUD_CONFIG_PATH, request.cloudConfig, 0o644, '--cloud-config')
  if (request.ignition !== undefined) {
    await add(IGNITION_PATH[request.ignition.as], request.ignition.path, 0o644, '--ignition')
  }
  for (const requested of request.files ?? []) {
    for (const { destination, source, mode } of await expandFile(requested, '--file')) {
      await add(destination, source, mode, '--file')
    }
  }
  return files
}

/** No file is a directory of another, none is also to be removed. */
function assertPathsFit(files: readonly ContentFile[], remove: readonly string[]): void {
  const byPath = new Map(files.map((file) => [file.path, file]))
  for (const file of files) {
    const parent = parentsOf(file.path).find((path) => byPath.has(path))
    if (parent !== undefined) {
      throw new UsageError(
        'ERR_OEM_PATH_INVALID',
        `${file.path} (${file.origin}) would lie below ${parent} (${byPath.get(parent)?.origin}), which is a file`,
        { hint: 'choose another destination for one of them' },
      )
    }
    if (remove.includes(file.path)) {
      throw new UsageError('ERR_OEM_PATH_INVALID', `${file.path} is to be removed and written (${file.origin})`, {
        hint: `leave out --remove ${file.path}`,
      })
    }
  }
}

/** A grub.cfg given as a file is taken as it is, so it must not contradict --oem-id. */
function assertOneOemId(requested: string | undefined, fromFlags: readonly ContentFile[]): void {
  const grub = fromFlags.find((file) => file.path === GRUB_CFG_PATH)
  if (requested === undefined || grub?.role.kind !== 'grub-cfg' || grub.role.grub.oemId === requested) return
  throw new UsageError(
    'ERR_OEM_ID_INVALID',
    `${grub.source} sets oem_id to ${grub.role.grub.oemId ?? 'nothing'}, but --oem-id is ${requested}`,
    { hint: 'set it in the file, or leave one of the two out' },
  )
}
