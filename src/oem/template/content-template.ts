/**
 * A template's files, rendered with the variables that were given; what a flag gives instead is left out.
 */
import { basename } from 'node:path'
import { UsageError } from '../../errors.js'
import { type ContentFile, contentFile, hasRole } from '../content-file.js'
import type { Finding } from '../finding.js'
import { parseGrubCfg, withOemId } from '../grub/grub-cfg.js'
import { type LoadedFile, loadedBytes, loadFile, readTextFile } from '../host-files.js'
import { TREE_RULES } from '../plan/rules.js'
import { GRUB_CFG_PATH } from '../release/eras.js'
import { expandFile } from '../requested-files.js'
import { conditionHolds } from './reserved-keys.js'
import { fileWithoutUnset, renderTemplateFile, type Template, type TemplateFile } from './template.js'
import { OEM_ID_VARIABLE, TITLE_VARIABLE } from './template-manifest.js'
import { bindVariables, isVariableSet, type VariableType, type VariableValue } from './variables.js'

/** Permission of everybody else to read. */
const WORLD_READABLE = 0o004

/** A variable that was given, and the template's paths that use it. */
export interface GivenVariable {
  readonly name: string
  readonly paths: readonly string[]
  readonly value: VariableValue
  readonly type: VariableType
  /** As the template declares it. */
  readonly secret: boolean
}

export interface RenderedTemplate {
  readonly files: readonly ContentFile[]
  readonly givenVariables: readonly GivenVariable[]
  readonly findings: readonly Finding[]
}

/**
 * @param requestedId from --oem-id; without it the template's own counts
 * @param fromFlags files whose paths the template does not fill
 * @throws UsageError of the variables, or of what came out
 */
export async function renderTemplate(
  template: Template | undefined,
  given: ReadonlyMap<string, VariableValue>,
  requestedId: string | undefined,
  fromFlags: readonly ContentFile[],
): Promise<RenderedTemplate> {
  if (template === undefined) return { files: [], givenVariables: [], findings: [] }
  const replaced = new Set(fromFlags.map((file) => file.path))
  const left = template.files.filter((file) => !replaced.has(file.path))
  const set = new Set(template.variables.filter((variable) => isVariableSet(variable, given)).map(({ name }) => name))
  const isSet = (name: string): boolean => set.has(name) || name === OEM_ID_VARIABLE
  const pruned = left
    .filter((file) => conditionHolds(file, isSet))
    .map((file) => fileWithoutUnset(template, file, isSet))
  const placed = template.contents.filter((content) => conditionHolds(content, isSet))
  const needed = new Set(pruned.flatMap(({ needs }) => needs))
  const bound = new Map(bindVariables(template.variables, given, needed, template.name))
  const usesOf = (name: string): readonly string[] => [
    ...left.filter((file) => file.variables.includes(name)).map((file) => file.path),
    ...placed.filter((content) => content.variable === name).map((content) => content.path),
  ]
  assertAllUsed(
    [...given.keys()].filter((name) => usesOf(name).length === 0),
    template,
  )
  bound.set(TITLE_VARIABLE, template.title)
  const oemId = requestedId ?? template.oemId
  if (oemId !== undefined) bound.set(OEM_ID_VARIABLE, oemId)
  const rendered = pruned.map(({ file }) => ({ file, bytes: renderTemplateFile(template, file, bound) }))
  const files = [
    ...withIds(rendered, template.oemId, requestedId).map(({ file, bytes }) =>
      contentFile({
        ...loadedBytes(bytes),
        path: file.path,
        mode: file.mode,
        origin: `template ${template.name}`,
        source: `${basename(template.directory)}/${file.source}`,
        scopes: file.scopes,
      }),
    ),
    ...(await placedContents(template, placed, bound)).filter((file) => !replaced.has(file.path)),
  ]
  const secrets = new Set(template.variables.filter((variable) => variable.secret).map((variable) => variable.name))
  const exposed = pruned.filter(
    ({ file, needs }) => (file.mode & WORLD_READABLE) !== 0 && needs.some((name) => secrets.has(name)),
  )
  return {
    files,
    givenVariables: template.variables.flatMap(({ name, secret, type }) => {
      const value = given.get(name)
      return value === undefined ? [] : [{ name, paths: usesOf(name), value, type, secret }]
    }),
    findings: exposed.map(({ file }) =>
      TREE_RULES.found(
        'secret-readable',
        `${file.path} holds a secret and has mode ${file.mode.toString(8).padStart(4, '0')}: every user of the machine can read it, and everyone who has the image`,
        { hint: 'fetch secrets when the machine starts instead of baking them' },
      ),
    ),
  }
}

/** What variables of this machine's files name. */
async function placedContents(
  template: Template,
  contents: Template['contents'],
  bound: ReadonlyMap<string, VariableValue>,
): Promise<readonly ContentFile[]> {
  const files: ContentFile[] = []
  for (const { path, variable, mode, scopes } of contents) {
    const what = `variable ${variable}`
    const requested = {
      source: String(bound.get(variable)),
      destination: path,
      ...(mode === undefined ? {} : { mode }),
    }
    for (const { destination, source, mode: fileMode } of await expandFile(requested, what)) {
      const loaded: LoadedFile = hasRole(destination)
        ? loadedBytes(await readTextFile(source, what))
        : await loadFile(source, what)
      const origin = `template ${template.name}, ${what}`
      files.push(contentFile({ ...loaded, path: destination, mode: fileMode, origin, source, copied: true, scopes }))
    }
  }
  const paths = new Set(template.files.map((file) => file.path))
  const twice = files.find((file) => paths.has(file.path))
  if (twice === undefined) return files
  throw new UsageError('ERR_OEM_PATH_INVALID', `${twice.path} is given twice: by the template and by ${twice.origin}`, {
    hint: 'leave that file out of the folder',
  })
}

function assertAllUsed(vain: readonly string[], template: Template): void {
  if (vain.length === 0) return
  const paths = template.files.filter((file) => file.variables.some((name) => vain.includes(name)))
  throw new UsageError(
    'ERR_VARIABLE_INVALID',
    `nothing would use ${vain.join(', ')}: another file takes the place of ${[...new Set(paths.map((file) => file.path))].join(', ')}`,
    { hint: `leave out ${vain.map((name) => `--set ${name}`).join(' ')}`, details: { unused: vain } },
  )
}

interface RenderedFile {
  readonly file: TemplateFile
  readonly bytes: Uint8Array
}

/**
 * A template may name its id instead of referring to the variable; --oem-id still decides. One whose grub.cfg never sets
 * its id gets a line for it; one with several of them leaves the id out where it means to.
 */
function withIds(
  files: readonly RenderedFile[],
  oemId: string | undefined,
  requestedId: string | undefined,
): readonly RenderedFile[] {
  const isGrub = ({ file }: RenderedFile): boolean => file.path === GRUB_CFG_PATH
  const textOf = ({ bytes }: RenderedFile): string => Buffer.from(bytes).toString('utf8')
  const anySets = files.some((rendered) => isGrub(rendered) && parseGrubCfg(textOf(rendered)).oemId !== undefined)
  const wanted = requestedId ?? (anySets ? undefined : oemId)
  if (wanted === undefined) return files
  return files.map((rendered) => {
    const text = textOf(rendered)
    if (!isGrub(rendered) || parseGrubCfg(text).oemId === wanted) return rendered
    return { ...rendered, bytes: Buffer.from(withOemId(text, wanted)) }
  })
}
