/**
 * oem-release: who made the OEM partition, read by the updaters, the installers and the login message.
 *
 * The strictest readers rule: update_engine_stub and the installers put `OEM_` before every line and evaluate the whole
 * under `set -e`, so a blank line, a comment or an unquoted blank ends them; Flatcar's updater cuts `^ID=` at the equals
 * sign, so ID must be bare. Hence five lines, LF, ID and VERSION_ID bare, the rest between double quotes without anything a
 * shell would expand. Sources: coreos/init bin/coreos-install, flatcar/update_engine flatcar-postinst,
 * coreos/update_engine omaha_request_params. Reading a file that somebody wrote: `read-oem-release.ts`.
 */
import { UsageError } from '../../errors.js'

export interface OemRelease {
  /** Bare: lower-case letters, digits, `.`, `_`, `-`. */
  readonly id: string
  readonly versionId: string
  readonly name: string
  readonly homeUrl?: string
  readonly bugReportUrl?: string
}

export interface OemReleaseKey {
  readonly key: string
  readonly field: keyof OemRelease
  readonly quoting: 'bare' | 'quoted'
  readonly required: boolean
}

/** In the order they are written. */
export const KEYS: readonly OemReleaseKey[] = [
  { key: 'ID', field: 'id', quoting: 'bare', required: true },
  { key: 'VERSION_ID', field: 'versionId', quoting: 'bare', required: true },
  { key: 'NAME', field: 'name', quoting: 'quoted', required: true },
  { key: 'HOME_URL', field: 'homeUrl', quoting: 'quoted', required: false },
  { key: 'BUG_REPORT_URL', field: 'bugReportUrl', quoting: 'quoted', required: false },
]

export const OEM_RELEASE_KEYS: readonly string[] = KEYS.map((key) => key.key)

const BARE = /^[a-z0-9._-]+$/
/** Printable text without what a shell treats specially between double quotes. */
const QUOTED = /^[^"$`\\\p{Cc}\u2028\u2029]*$/u

/**
 * Makes a value from keys as they stand in the file: `ID`, `VERSION_ID`, …
 *
 * @throws ERR_OEM_RELEASE_INVALID
 */
export function oemReleaseFromKeys(values: Readonly<Record<string, string>>, file: string): OemRelease {
  for (const name of Object.keys(values)) {
    if (!OEM_RELEASE_KEYS.includes(name)) {
      throw invalid(`${file}: ${name} is not a key of oem-release`, `keys are ${OEM_RELEASE_KEYS.join(', ')}`)
    }
  }
  const find = ({ key }: OemReleaseKey) => (Object.hasOwn(values, key) ? values[key] : undefined)
  const missing = KEYS.find((key) => key.required && find(key) === undefined)
  if (missing !== undefined) throw invalid(`${file} has no ${missing.key}`, `add a line ${missing.key}=…`)
  const [id = '', versionId = '', name = '', homeUrl, bugReportUrl] = KEYS.map(find)
  const release: OemRelease = {
    id,
    versionId,
    name,
    ...(homeUrl === undefined ? {} : { homeUrl }),
    ...(bugReportUrl === undefined ? {} : { bugReportUrl }),
  }
  formatOemRelease(release, file)
  return release
}

/**
 * The safe form.
 *
 * @param file named in errors
 * @throws ERR_OEM_RELEASE_INVALID when a value has no safe form
 */
export function formatOemRelease(release: OemRelease, file = 'oem-release'): string {
  const lines = KEYS.flatMap((key) => {
    const value = release[key.field]
    if (value === undefined) return []
    assertValue(key, value, file)
    return [key.quoting === 'bare' ? `${key.key}=${value}` : `${key.key}="${value}"`]
  })
  return `${lines.join('\n')}\n`
}

/** The ID as Flatcar's updater sees it, whatever else is wrong with the file. */
export function looseOemReleaseId(text: string): string | undefined {
  const id = /^ID=(.*)$/m.exec(text)?.[1]?.trim().replaceAll('"', '')
  return id === undefined || id === '' ? undefined : id
}

function assertValue(key: OemReleaseKey, value: string, where: string): void {
  if (key.quoting === 'bare' && !BARE.test(value)) {
    throw invalid(
      `${where}: ${key.key} must be bare lower-case letters, digits, dots, dashes and underscores, found ${JSON.stringify(value)}`,
      `write ${key.key}=… without quotes or blanks`,
    )
  }
  if (key.quoting === 'quoted' && !QUOTED.test(value)) {
    throw invalid(
      `${where}: ${key.key} holds a quote, dollar sign, backquote, backslash or control character: ${JSON.stringify(value)}`,
      'leave those characters out: shells read this file',
    )
  }
}

function invalid(message: string, hint: string): UsageError {
  return new UsageError('ERR_OEM_RELEASE_INVALID', message, { hint })
}
