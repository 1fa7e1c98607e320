/**
 * What an Ignition config asks for, read from its JSON whatever its version, for those who look at a config as a whole:
 * the plan, `explain`, tests of templates.
 *
 * Reading is tolerant: what has the wrong type or place is left out here, and told by the checks (`check.ts`).
 * Sources: coreos/ignition doc/configuration-v1.md, -v2_0.md to -v2_4.md, docs/configuration-v3_0.md to -v3_6.md.
 */
import { arrayField, field, isMapping, stringField } from '../mapping.js'

export interface IgnitionUnit {
  readonly name: string
  /** `enable` of specs 1 and 2.0.0 counts as `enabled` when it is true; undefined leaves the unit as presets say. */
  readonly enabled: boolean | undefined
  readonly mask: boolean
  /** undefined when the unit is there already, or comes from a file. */
  readonly contents: string | undefined
  readonly dropins: readonly { readonly name: string; readonly contents: string | undefined }[]
}

/** A file for /etc/systemd/network. */
export interface IgnitionNetworkUnit {
  readonly name: string
  readonly contents: string | undefined
}

export interface IgnitionFile {
  readonly path: string
  /** Specs 1 and 2: `root`, or a name or path of a filesystem; undefined in 3. */
  readonly filesystem: string | undefined
  /** URLs of what is written and then appended, in that order. */
  readonly sources: readonly string[]
  readonly mode: number | undefined
  readonly overwrite: boolean | undefined
  /** Spec 2.2 and later: `sources` go to the end of a file that may be there. */
  readonly append: boolean
}

export interface IgnitionDirectory {
  readonly path: string
  readonly filesystem: string | undefined
  readonly mode: number | undefined
}

export interface IgnitionLink {
  readonly path: string
  readonly filesystem: string | undefined
  readonly target: string
  readonly hard: boolean
}

/** Another config that is fetched at boot: `append` and `merge` add to this one, `replace` takes its place. */
export interface IgnitionReference {
  readonly kind: 'append' | 'merge' | 'replace'
  readonly source: string
}

export interface IgnitionConfig {
  /** `ignition.version`, or `1` for the oldest form. */
  readonly spec: string
  readonly units: readonly IgnitionUnit[]
  readonly networkUnits: readonly IgnitionNetworkUnit[]
  readonly files: readonly IgnitionFile[]
  readonly directories: readonly IgnitionDirectory[]
  readonly links: readonly IgnitionLink[]
  readonly configs: readonly IgnitionReference[]
  /** Names of `passwd.users`. */
  readonly users: readonly string[]
  /** Every URL that it fetches, wherever it stands. */
  readonly sources: readonly string[]
}

/** @param value the parsed JSON */
export function readIgnitionConfig(value: unknown, spec: string): IgnitionConfig {
  const storage = field(value, 'storage')
  return {
    spec,
    units: arrayField(field(value, 'systemd'), 'units').flatMap(readUnit),
    networkUnits: arrayField(field(value, 'networkd'), 'units').flatMap((unit) =>
      named(unit).map((name) => ({ name, contents: stringField(unit, 'contents') })),
    ),
    files: spec === '1' ? filesOfSpec1(storage) : arrayField(storage, 'files').flatMap(readFile),
    directories: arrayField(storage, 'directories').flatMap((node) =>
      readNode(node).map((read) => ({ ...read, mode: numberField(node, 'mode') })),
    ),
    links: arrayField(storage, 'links').flatMap((node) => {
      const target = stringField(node, 'target')
      return target === undefined
        ? []
        : readNode(node).map((read) => ({ ...read, target, hard: booleanField(node, 'hard') === true }))
    }),
    configs: readReferences(field(field(value, 'ignition'), 'config')),
    users: arrayField(field(value, 'passwd'), 'users').flatMap(named),
    sources: sourcesOf(value),
  }
}

function readUnit(unit: unknown): readonly IgnitionUnit[] {
  return named(unit).map((name) => ({
    name,
    enabled: booleanField(unit, 'enabled') ?? (booleanField(unit, 'enable') === true ? true : undefined),
    mask: booleanField(unit, 'mask') === true,
    contents: stringField(unit, 'contents'),
    dropins: arrayField(unit, 'dropins').flatMap((dropin) =>
      named(dropin).map((dropinName) => ({ name: dropinName, contents: stringField(dropin, 'contents') })),
    ),
  }))
}

function readNode(node: unknown): readonly { readonly path: string; readonly filesystem: string | undefined }[] {
  const path = stringField(node, 'path')
  return path === undefined ? [] : [{ path, filesystem: stringField(node, 'filesystem') }]
}

function readFile(node: unknown): readonly IgnitionFile[] {
  const contents = stringField(field(node, 'contents'), 'source')
  const appended = arrayField(node, 'append').flatMap((part) => stringField(part, 'source') ?? [])
  return readNode(node).map((read) => ({
    ...read,
    sources: [...(contents === undefined ? [] : [contents]), ...appended],
    mode: numberField(node, 'mode'),
    overwrite: booleanField(node, 'overwrite'),
    append: appended.length > 0 || booleanField(node, 'append') === true,
  }))
}

/** Files stand below their filesystem there, with their text as it is. */
function filesOfSpec1(storage: unknown): readonly IgnitionFile[] {
  return arrayField(storage, 'filesystems').flatMap((filesystem) =>
    arrayField(filesystem, 'files').flatMap((file) => {
      const text = stringField(file, 'contents')
      return readNode(file).map(({ path }) => ({
        path,
        filesystem: stringField(filesystem, 'device'),
        sources: text === undefined ? [] : [`data:,${encodeURIComponent(text)}`],
        mode: numberField(file, 'mode'),
        overwrite: undefined,
        append: false,
      }))
    }),
  )
}

function readReferences(config: unknown): readonly IgnitionReference[] {
  const listed = (['append', 'merge'] as const).flatMap((kind) =>
    arrayField(config, kind).flatMap((entry) => {
      const source = stringField(entry, 'source')
      return source === undefined ? [] : [{ kind, source }]
    }),
  )
  const replacing = stringField(field(config, 'replace'), 'source')
  return replacing === undefined ? listed : [...listed, { kind: 'replace', source: replacing }]
}

function sourcesOf(value: unknown): readonly string[] {
  if (Array.isArray(value)) return value.flatMap(sourcesOf)
  if (!isMapping(value)) return []
  const own = stringField(value, 'source')
  return [...(own === undefined ? [] : [own]), ...Object.values(value).flatMap(sourcesOf)]
}

function named(value: unknown): readonly string[] {
  const name = stringField(value, 'name')
  return name === undefined ? [] : [name]
}

function booleanField(value: unknown, key: string): boolean | undefined {
  const found = field(value, key)
  return typeof found === 'boolean' ? found : undefined
}

function numberField(value: unknown, key: string): number | undefined {
  const found = field(value, key)
  return typeof found === 'number' ? found : undefined
}
