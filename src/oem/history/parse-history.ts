/**
 * The history file, read strictly: it decides which files go, so one that is not exactly ours is none.
 *
 * Nothing is thrown: what is wrong is a value, which becomes a finding (`history-damaged`), or a refusal where a newer
 * oem-bake wrote it.
 */
import { parseJson } from '../json.js'
import { isMapping, type Mapping, shapeOf } from '../mapping.js'
import { comparePaths } from '../oem-path.js'
import { type DisplacedEntry, FORM_KEY, FORM_VERSION, type History, type WrittenFile } from './history.js'

export type ParsedHistory =
  | { readonly kind: 'history'; readonly history: History }
  /** Not ours, or no longer. */
  | { readonly kind: 'damaged'; readonly reason: string }
  /** Of a form that is not known yet. @property version of the oem-bake that wrote it, if it says so */
  | { readonly kind: 'newer'; readonly version: string | undefined }

/** Ends the reading of a history; never leaves this file. */
class Damage extends Error {}

export function parseHistory(bytes: Uint8Array): ParsedHistory {
  let text: string
  try {
    text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
  } catch {
    return { kind: 'damaged', reason: 'it is no UTF-8 text' }
  }
  const parsed = parseJson(text)
  if (parsed.kind === 'fault') {
    const { line, column, found } = parsed.fault
    return { kind: 'damaged', reason: `it is no JSON: line ${line}, column ${column} has ${found}` }
  }
  const { value } = parsed
  if (!isMapping(value) || !Object.hasOwn(value, FORM_KEY)) return { kind: 'damaged', reason: `it has no ${FORM_KEY}` }
  const form = value[FORM_KEY]
  if (typeof form === 'number' && Number.isSafeInteger(form) && form > FORM_VERSION) {
    return { kind: 'newer', version: typeof value.version === 'string' ? value.version : undefined }
  }
  try {
    return { kind: 'history', history: historyFrom(value) }
  } catch (error) {
    if (error instanceof Damage) return { kind: 'damaged', reason: error.message }
    throw error
  }
}

function historyFrom(value: Mapping): History {
  const fields = fieldsOf(
    value,
    'it',
    [FORM_KEY, 'version', 'original', 'written', 'directories', 'displaced'],
    ['template'],
  )
  if (fields[FORM_KEY] !== FORM_VERSION) throw new Damage(`${FORM_KEY} is no version of its form`)
  const original = fieldsOf(fields.original, 'original', ['tree'], ['release', 'vendorSet'])
  return {
    version: shortText(fields.version, 'version'),
    template: fields.template === undefined ? undefined : templateFrom(fields.template),
    original: {
      release: original.release === undefined ? undefined : shortText(original.release, 'original.release'),
      vendorSet: original.vendorSet === undefined ? undefined : shortText(original.vendorSet, 'original.vendorSet'),
      tree: digest(original.tree, 'original.tree'),
    },
    written: records(fields.written, 'written', writtenFrom),
    directories: records(fields.directories, 'directories', (path, what) => ({ path: treePath(path, what) })).map(
      ({ path }) => path,
    ),
    displaced: records(fields.displaced, 'displaced', displacedFrom),
  }
}

function templateFrom(value: unknown): History['template'] {
  const { name, sha256 } = fieldsOf(value, 'template', ['name', 'sha256'])
  return { name: shortText(name, 'template.name'), sha256: digest(sha256, 'template.sha256') }
}

function writtenFrom(value: unknown, what: string): WrittenFile {
  const fields = fieldsOf(value, what, ['path', 'mode', 'sizeBytes', 'sha256'], ['derived'])
  if (fields.derived !== undefined && fields.derived !== true) throw new Damage(`derived of ${what} is not true`)
  return {
    path: treePath(fields.path, what),
    mode: mode(fields.mode, what),
    sizeBytes: count(fields.sizeBytes, `sizeBytes of ${what}`),
    sha256: digest(fields.sha256, `sha256 of ${what}`),
    isDerived: fields.derived === true,
  }
}

function displacedFrom(value: unknown, what: string): DisplacedEntry {
  const kind = isMapping(value) ? value.kind : undefined
  const common = ['path', 'kind', 'mode', 'uid', 'gid']
  const base = (fields: Mapping) => ({
    path: treePath(fields.path, what),
    mode: mode(fields.mode, what),
    uid: count(fields.uid, `uid of ${what}`),
    gid: count(fields.gid, `gid of ${what}`),
  })
  switch (kind) {
    case 'file': {
      const fields = fieldsOf(value, what, [...common, 'sizeBytes', 'sha256'])
      const sizeBytes = count(fields.sizeBytes, `sizeBytes of ${what}`)
      return { ...base(fields), kind, sizeBytes, sha256: digest(fields.sha256, `sha256 of ${what}`) }
    }
    case 'symlink': {
      const fields = fieldsOf(value, what, [...common, 'target'])
      if (typeof fields.target !== 'string') throw new Damage(`target of ${what} is ${shapeOf(fields.target)}`)
      return { ...base(fields), kind, target: fields.target }
    }
    case 'directory':
    case 'other':
      return { ...base(fieldsOf(value, what, common)), kind }
    default:
      throw new Damage(`kind of ${what} is none that there is`)
  }
}

/** Sorted by path, each once: whatever looks one up can rely on it. */
function records<T extends { readonly path: string }>(
  value: unknown,
  name: string,
  from: (record: unknown, what: string) => T,
): readonly T[] {
  if (!Array.isArray(value)) throw new Damage(`${name} is ${shapeOf(value)}, expected a list`)
  const found = value.map((record: unknown, index) => from(record, `${name}, record ${index + 1},`))
  for (const [index, { path }] of found.entries()) {
    const before = found[index - 1]
    if (before !== undefined && comparePaths(before.path, path) >= 0)
      throw new Damage(`${name} is not in order of path`)
  }
  return found
}

function fieldsOf(
  value: unknown,
  what: string,
  required: readonly string[],
  optional: readonly string[] = [],
): Mapping {
  if (!isMapping(value)) throw new Damage(`${what} is ${shapeOf(value)}, expected a mapping`)
  const missing = required.find((name) => !Object.hasOwn(value, name))
  if (missing !== undefined) throw new Damage(`${what} has no ${missing}`)
  const strange = Object.keys(value).find((name) => !required.includes(name) && !optional.includes(name))
  if (strange !== undefined) throw new Damage(`${what} has an unknown key ${JSON.stringify(strange)}`)
  // Whatever is looked up below is a key of its own: none is inherited.
  return { ...value }
}

/** Absolute, in its shortest form: any name that a filesystem can hold. */
function treePath(value: unknown, what: string): string {
  const isPath =
    typeof value === 'string' &&
    value.startsWith('/') &&
    !value.includes('\0') &&
    value
      .slice(1)
      .split('/')
      .every((name) => name !== '' && name !== '.' && name !== '..')
  if (!isPath) throw new Damage(`${what} has no path`)
  return value
}

function digest(value: unknown, what: string): string {
  if (typeof value === 'string' && /^[0-9a-f]{64}$/.test(value)) return value
  throw new Damage(`${what} is no SHA-256`)
}

function mode(value: unknown, what: string): number {
  if (typeof value === 'string' && /^[0-7]{4}$/.test(value)) return Number.parseInt(value, 8)
  throw new Damage(`mode of ${what} is no mode`)
}

function count(value: unknown, what: string): number {
  if (typeof value === 'number' && Number.isSafeInteger(value) && value >= 0) return value
  throw new Damage(`${what} is no whole number`)
}

/** Goes into messages and reports. */
function shortText(value: unknown, what: string): string {
  if (typeof value === 'string' && value.length > 0 && value.length <= 200) return value
  throw new Damage(`${what} is ${typeof value === 'string' ? 'empty or too long' : shapeOf(value)}`)
}
