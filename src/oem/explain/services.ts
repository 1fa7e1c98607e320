/**
 * What the configs of the OEM partition do to units, and what those units run: coreos-cloudinit, or programs on the
 * partition that may not be there.
 *
 * A unit's text stands in the config, or in a file of the partition that an Ignition config copies to /etc/systemd/system
 * (`oem:///units/…`), which is how vendors do it. Sources: systemd.service(5), ExecStart=; coreos/coreos-cloudinit
 * initialize/config.go (order: place, mask, enable, then the commands in list order).
 */
import { type CloudConfigUnit, type ReadCloudConfig, readCloudConfig } from '../cloud-config/read-units.js'
import type { IgnitionFile, IgnitionUnit } from '../ignition/config.js'
import type { FoundConfig } from './configs.js'
import type { ServiceExplanation } from './explanation.js'
import { type BootTree, fileText, hasFile } from './tree.js'

const STARTING = new Set(['start', 'restart', 'reload-or-restart'])
const UNIT_FOLDER = '/etc/systemd/system/'

export function servicesOfConfig(tree: BootTree, { path, config }: FoundConfig): readonly ServiceExplanation[] {
  if (config === undefined) return []
  const files = new Map(
    config.files.flatMap((file) =>
      file.path.startsWith(UNIT_FOLDER) ? [[file.path.slice(UNIT_FOLDER.length), textOf(tree, file)] as const] : [],
    ),
  )
  const listed = config.units.map((unit) => {
    const text = [unit.contents ?? files.get(unit.name), ...unit.dropins.map(({ contents }) => contents)]
    return service(tree, path, unit.name, ignitionDoes(unit), 'from the first boot on', text)
  })
  const names = new Set(config.units.map(({ name }) => name))
  const placed = [...files]
    .filter(([name]) => !names.has(name) && !name.includes('/'))
    .map(([name, text]) => service(tree, path, name, 'places', 'never', [text]))
  return [...listed, ...placed]
}

export function servicesOfCloudConfig(
  tree: BootTree,
  path: string,
): { readonly kind: ReadCloudConfig['kind'] | 'broken'; readonly services: readonly ServiceExplanation[] } {
  const bytes = tree.contents.get(path)
  const read = bytes === undefined ? undefined : readCloudConfig(bytes)
  if (read === undefined) return { kind: 'broken', services: [] }
  return {
    kind: read.kind,
    services: read.units.map((unit) => {
      const does = cloudConfigDoes(unit)
      const texts = [unit.content, ...unit.dropIns.map(({ content }) => content)]
      return service(tree, path, unit.name, does, 'every boot', texts)
    }),
  }
}

function ignitionDoes({ mask, enabled }: IgnitionUnit): ServiceExplanation['does'] {
  return mask ? 'masks' : enabled === true ? 'enables' : 'places'
}

function cloudConfigDoes({ mask, enable, command }: CloudConfigUnit): ServiceExplanation['does'] {
  if (mask) return 'masks'
  if (command !== undefined && STARTING.has(command)) return 'starts'
  return enable ? 'enables' : 'places'
}

function service(
  tree: BootTree,
  from: string,
  unit: string,
  does: ServiceExplanation['does'],
  when: ServiceExplanation['when'],
  texts: readonly (string | undefined)[],
): ServiceExplanation {
  const text = texts.filter((part) => part !== undefined).join('\n')
  const programs = programsOf(text)
  return {
    unit,
    from,
    does,
    when: does === 'places' ? 'never' : when,
    cloudinit: does === 'masks' ? undefined : (cloudinitOf(unit, text) ?? throughScript(tree, programs)),
    missing: does === 'masks' ? [] : programs.filter((path) => !hasFile(tree, path) && !isFolder(tree, path)),
  }
}

/** The text that an Ignition file gets, where that is on the partition or in the config itself. */
function textOf(tree: BootTree, { sources }: IgnitionFile): string | undefined {
  const [source] = sources
  const oem = source === undefined ? undefined : /^oem:\/\/(\/[^?#]*)$/i.exec(source)?.[1]
  if (oem !== undefined) return fileText(tree, oem)
  const data = source === undefined ? null : /^data:([^,]*),(.*)$/s.exec(source)
  if (data?.[2] === undefined) return undefined
  if (data[1]?.endsWith(';base64') === true) return Buffer.from(data[2], 'base64').toString('utf8')
  try {
    return decodeURIComponent(data[2])
  } catch {
    // Malformed percent signs: a check of its own tells about them.
    return undefined
  }
}

/** Paths on the OEM partition that Exec lines run. */
function programsOf(text: string): readonly string[] {
  const lines = text
    .split('\n')
    .filter((line) => /^\s*Exec(?:Start|StartPre|StartPost|Condition|Reload|Stop)\s*=/.test(line))
  const paths = lines.flatMap((line) =>
    [...line.matchAll(/(?<![\w.])\/(?:usr\/share\/)?oem(\/[\w./+-]+)/g)].map(([, path]) => path ?? ''),
  )
  return [...new Set(paths.map((path) => path.replace(/[./]+$/, '')))].filter((path) => path !== '')
}

function cloudinitOf(unit: string, text: string): string | undefined {
  // An instance of the distribution's own template applies the file that it is named after.
  if (unit.startsWith('user-cloudinit@')) return `--from-file=${instanceFile(unit)}`
  return /^[^#;\n]*?\bcoreos-cloudinit\b[ \t]*([^\n]*)$/m.exec(text)?.[1]?.trim()
}

function throughScript(tree: BootTree, programs: readonly string[]): string | undefined {
  return programs
    .map((path) => /^[^#\n]*?\bcoreos-cloudinit\b[ \t]+([^\n]*)$/m.exec(fileText(tree, path) ?? '')?.[1]?.trim())
    .find((found) => found !== undefined)
}

/** systemd.unit(5), string escaping for inclusion in unit names. */
function instanceFile(unit: string): string {
  const instance = unit.slice(unit.indexOf('@') + 1).replace(/\.[a-z]+$/, '')
  return `/${instance.replaceAll('-', '/').replace(/\\x([0-9a-f]{2})/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)))}`
}

function isFolder(tree: BootTree, path: string): boolean {
  return tree.entries.some((entry) => entry.path === path || entry.path.startsWith(`${path}/`))
}
