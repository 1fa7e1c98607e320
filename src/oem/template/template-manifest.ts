/**
 * template.yml: what a template is, which variables it takes, and which files it puts onto the OEM partition.
 *
 *     name: acme
 *     title: Acme Cloud
 *     description: One paragraph.
 *     homepage: https://…
 *     oem_id: acme                       # also the variable ${{oem_id}}, which --oem-id changes
 *     distros: [{distro: flatcar, from: 3185}]
 *     notes:                             # what the plan says on those releases: which way was chosen, and why
 *       - {text: …, for: [{distro: flatcar, from: 4722}]}
 *     variables:
 *       region: {type: string, pattern: '[a-z]+', description: …, default: …, secret: false}
 *       agent: {type: file, description: …}
 *     files:
 *       - {path: /grub.cfg, source: grub.cfg, format: grub}
 *       - {path: /base/base.ign, source: v2.json, format: json, mode: '0644', for: [{distro: flatcar, below: 3185}]}
 *       - {path: /bin/setup, source: setup, format: text, mode: '0755', when: region}
 *       - {path: /agent, content: agent}  # the file or folder that the variable names; not there without it
 *
 * `when` and `unless` leave a file out unless a variable is, or is not, set: has a value, or a default, other than `false`
 * of a boolean. The same for parts of YAML and JSON sources is in `reserved-keys.ts`; references that every template has,
 * beside ${{oem_id}} and ${{title}}, are in `release-values.ts`. Several files may have one path when no release is in the `for` of two
 * of them, or when one has in `when` what the other has in `unless`.
 */

import { UsageError } from '../../errors.js'
import { given } from '../../given.js'
import { assertOemId } from '../grub/grub-cfg.js'
import { arrayField, field, isMapping, type Mapping, shapeOf } from '../mapping.js'
import { suggestName } from '../nearest.js'
import { assertOemPath } from '../oem-path.js'
import type { ReleaseScope } from '../release/release-scope.js'
import { parseYaml } from '../yaml.js'
import { RELEASE_VARIABLES } from './release-values.js'
import type { Condition } from './reserved-keys.js'
import { TEMPLATE_FORMATS, type TemplateFormat } from './template-source.js'
import { VARIABLE_NAME, type VariableDeclaration, type VariableType, type VariableValue } from './variables.js'

export const TEMPLATE_NAME = /^[a-z0-9][a-z0-9-]*$/

/** Always there where the template has an oem_id: that, or the one from --oem-id. */
export const OEM_ID_VARIABLE = 'oem_id'
/** Always there: the template's title. */
export const TITLE_VARIABLE = 'title'

interface ManifestEntry extends Condition {
  /** On the OEM partition. */
  readonly path: string
  /** Empty: every release. */
  readonly scopes: readonly ReleaseScope[]
}

/** A file of the template. */
export interface ManifestFile extends ManifestEntry {
  /** Within the template's directory. */
  readonly source: string
  readonly mode: number
  readonly format: TemplateFormat
}

/** A file or folder that a variable names. */
export interface ManifestContent extends ManifestEntry {
  readonly variable: string
  /** Undefined: 0755 for what is executable on this machine, else 0644. */
  readonly mode: number | undefined
}

/** What a plan says about the way that a template goes on some releases. */
export interface TemplateNote {
  readonly text: string
  /** Empty: every release. */
  readonly scopes: readonly ReleaseScope[]
}

export interface TemplateManifest {
  readonly name: string
  readonly title: string
  readonly description: string
  readonly oemId: string | undefined
  readonly homepage: string | undefined
  readonly variables: readonly VariableDeclaration[]
  /** Releases that the template is made for; empty: every release. */
  readonly distros: readonly ReleaseScope[]
  readonly notes: readonly TemplateNote[]
  readonly files: readonly ManifestFile[]
  readonly contents: readonly ManifestContent[]
}

const KEYS = ['name', 'title', 'description', 'oem_id', 'homepage', 'distros', 'notes', 'variables', 'files']
const VARIABLE_KEYS = ['type', 'default', 'pattern', 'description', 'secret']
const FILE_KEYS = ['path', 'source', 'content', 'mode', 'format', 'when', 'unless', 'for']
const NOTE_KEYS = ['text', 'for']
const SCOPE_KEYS = ['distro', 'from', 'below']
const TYPES: readonly VariableType[] = ['string', 'integer', 'boolean', 'file']

/** @throws ERR_TEMPLATE_INVALID | ERR_YAML_SYNTAX | ERR_OEM_ID_INVALID | ERR_OEM_PATH_INVALID */
export function parseTemplateManifest(text: string, file: string): TemplateManifest {
  const root = mapping(parseYaml(text, file), file, KEYS)
  const oemId = optionalText(root, 'oem_id', file)
  if (oemId !== undefined) assertOemId(oemId)
  const entries = list(root, 'files', file).map((item, index) => parseEntry(item, `${file}, files[${index}]`))
  const manifest = {
    name: requiredText(root, 'name', file),
    title: requiredText(root, 'title', file),
    description: requiredText(root, 'description', file),
    oemId,
    homepage: optionalText(root, 'homepage', file),
    variables: parseVariables(field(root, 'variables') ?? {}, file),
    distros: parseScopes(field(root, 'distros') ?? [], `${file}, distros`),
    notes: arrayField(root, 'notes').map((item, index) => parseNote(item, `${file}, notes[${index}]`)),
    files: entries.filter((entry) => 'source' in entry),
    contents: entries.filter((entry) => 'variable' in entry),
  }
  if (!TEMPLATE_NAME.test(manifest.name)) {
    throw invalid(`${file}: the name ${JSON.stringify(manifest.name)} is not lower-case letters, digits and dashes`)
  }
  assertOnePerRelease(entries, file)
  return manifest
}

function parseVariables(value: unknown, file: string): readonly VariableDeclaration[] {
  return Object.entries(mapping(value, `${file}, variables`)).map(([name, declared]) => {
    const where = `${file}, variable ${name}`
    if (!VARIABLE_NAME.test(name)) throw invalid(`${where}: a name is lower-case letters, digits and underscores`)
    if (name === OEM_ID_VARIABLE) throw invalid(`${where}: this one is always there`, 'set oem_id: at the top instead')
    if (name === TITLE_VARIABLE || RELEASE_VARIABLES.includes(name))
      throw invalid(`${where}: this one is always there`, 'choose another name')
    const fields = mapping(declared, where, VARIABLE_KEYS)
    const type = TYPES.find((known) => known === (field(fields, 'type') ?? 'string'))
    if (type === undefined) throw invalid(`${where}: unknown type`, `types are ${TYPES.join(', ')}`)
    const pattern = optionalText(fields, 'pattern', where)
    if (pattern !== undefined) assertPattern(pattern, where)
    const fallback = field(fields, 'default')
    if (fallback !== undefined && !isScalar(fallback)) {
      throw invalid(`${where}: default is ${shapeOf(fallback)}, expected one value`)
    }
    const secret = field(fields, 'secret') ?? false
    if (typeof secret !== 'boolean') throw invalid(`${where}: secret is neither true nor false`)
    if (type === 'file' && (fallback !== undefined || pattern !== undefined)) {
      throw invalid(`${where}: a file has neither default nor pattern`, 'leave them out')
    }
    const description = requiredText(fields, 'description', where)
    return given({ name, type, description, secret, pattern, default: fallback })
  })
}

function parseEntry(value: unknown, where: string): ManifestFile | ManifestContent {
  const fields = mapping(value, where, FILE_KEYS)
  const path = requiredText(fields, 'path', where)
  assertOemPath(path, `${where}: path`)
  const scopes = parseScopes(field(fields, 'for') ?? [], `${where}, for`)
  const modeText = optionalText(fields, 'mode', where)
  if (modeText !== undefined && !/^0[0-7]{3}$/.test(modeText)) {
    throw invalid(`${where}: mode ${modeText} is not octal`, "write mode: '0644'")
  }
  const mode = modeText === undefined ? undefined : Number.parseInt(modeText, 8)
  const [when, unless] = ['when', 'unless'].map((key) => optionalText(fields, key, where))
  const entry = given({ path, scopes, when, unless })
  const variable = optionalText(fields, 'content', where)
  if (variable !== undefined) {
    if (['source', 'format', 'when'].some((key) => Object.hasOwn(fields, key))) {
      throw invalid(
        `${where}: content stands beside source, format or when`,
        `write {path: ${path}, content: ${variable}}`,
      )
    }
    return { ...entry, variable, mode, when: variable }
  }
  const source = requiredText(fields, 'source', where)
  assertTemplatePath(source, where)
  const formatText = requiredText(fields, 'format', where)
  const format = TEMPLATE_FORMATS.find((known) => known === formatText)
  if (format === undefined) {
    throw invalid(`${where}: unknown format ${formatText}`, suggestName(formatText, TEMPLATE_FORMATS, 'formats'))
  }
  return { ...entry, source, format, mode: mode ?? 0o644 }
}

/** @throws ERR_TEMPLATE_INVALID for what could lead out of the template's directory */
export function assertTemplatePath(source: string, where: string): void {
  if (source.startsWith('/') || source.split('/').some((name) => name === '' || name === '.' || name === '..')) {
    throw invalid(`${where}: source ${JSON.stringify(source)} is not a plain path within the template's directory`)
  }
}

function parseNote(value: unknown, where: string): TemplateNote {
  const fields = mapping(value, where, NOTE_KEYS)
  return {
    text: requiredText(fields, 'text', where).trim(),
    scopes: parseScopes(field(fields, 'for') ?? [], `${where}, for`),
  }
}

function parseScopes(value: unknown, where: string): readonly ReleaseScope[] {
  if (!Array.isArray(value)) throw invalid(`${where} is ${shapeOf(value)}, expected a list`)
  return value.map((item: unknown) => {
    const fields = mapping(item, where, SCOPE_KEYS)
    const distro = field(fields, 'distro')
    if (distro !== 'container-linux' && distro !== 'flatcar') {
      throw invalid(`${where}: distro must be container-linux or flatcar, found ${JSON.stringify(distro)}`)
    }
    return given({ distro, from: branch(fields, 'from', where), below: branch(fields, 'below', where) })
  })
}

function branch(fields: Mapping, key: string, where: string): number | undefined {
  const value = field(fields, key)
  if (value === undefined) return undefined
  if (typeof value === 'number' && Number.isSafeInteger(value) && value >= 0) return value
  throw invalid(`${where}: ${key} is no branch number`, `write ${key}: 3185`)
}

/** Two files for one path must not both be meant for some release. */
function assertOnePerRelease(files: readonly ManifestEntry[], file: string): void {
  for (const [index, left] of files.entries()) {
    for (const right of files.slice(index + 1)) {
      if (left.path === right.path && overlap(left.scopes, right.scopes) && !exclude(left, right)) {
        throw invalid(`${file}: two files for ${left.path} are meant for the same releases`, 'give each its own for:')
      }
    }
  }
}

function exclude(left: Condition, right: Condition): boolean {
  return (
    (left.when !== undefined && left.when === right.unless) || (left.unless !== undefined && left.unless === right.when)
  )
}

function overlap(left: readonly ReleaseScope[], right: readonly ReleaseScope[]): boolean {
  if (left.length === 0 || right.length === 0) return true
  return left.some((one) =>
    right.some(
      (other) =>
        one.distro === other.distro &&
        Math.max(one.from ?? 0, other.from ?? 0) <
          Math.min(one.below ?? Number.POSITIVE_INFINITY, other.below ?? Number.POSITIVE_INFINITY),
    ),
  )
}

function assertPattern(pattern: string, where: string): void {
  try {
    new RegExp(`^(?:${pattern})$`, 'u')
  } catch (error) {
    throw new UsageError('ERR_TEMPLATE_INVALID', `${where}: pattern is no regular expression`, {
      hint: 'write an ECMAScript regular expression',
      cause: error,
    })
  }
}

function isScalar(value: unknown): value is VariableValue {
  return typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean'
}

function mapping(value: unknown, where: string, keys?: readonly string[]): Mapping {
  if (!isMapping(value)) throw invalid(`${where} is ${shapeOf(value)}, expected a mapping`)
  for (const key of Object.keys(value)) {
    if (keys !== undefined && !keys.includes(key)) {
      throw invalid(`${where}: unknown key ${JSON.stringify(key)}`, suggestName(key, keys, 'keys'))
    }
  }
  return value
}

function list(fields: Mapping, key: string, where: string): readonly unknown[] {
  const found = arrayField(fields, key)
  if (found.length === 0) throw invalid(`${where} lists no ${key}`)
  return found
}

function requiredText(fields: Mapping, key: string, where: string): string {
  const value = optionalText(fields, key, where)
  if (value === undefined || value.trim() === '') throw invalid(`${where} has no ${key}`, `add ${key}: …`)
  return value
}

function optionalText(fields: Mapping, key: string, where: string): string | undefined {
  const value = field(fields, key)
  if (value === undefined || typeof value === 'string') return value
  throw invalid(`${where}: ${key} is ${shapeOf(value)}, expected text`, `quote the value of ${key}`)
}

function invalid(message: string, hint?: string): UsageError {
  return new UsageError('ERR_TEMPLATE_INVALID', message, { hint: hint ?? 'see the templates that come with oem-bake' })
}
