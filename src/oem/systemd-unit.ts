/**
 * What checks need to know of systemd's unit names and files. Sources: systemd.unit(5), systemd.syntax(7), unit-name.c.
 */

/** Suffixes of units that systemd itself runs. */
export const UNIT_TYPES = [
  'service',
  'socket',
  'device',
  'mount',
  'automount',
  'swap',
  'target',
  'path',
  'timer',
  'slice',
  'scope',
] as const

/** Files of systemd-networkd and udev, which are no units to systemd: they can't be enabled or started. */
export const NETWORK_TYPES = ['network', 'netdev', 'link'] as const

const LONGEST_NAME = 255

/** `service` of `a.service`; empty when there is none. */
export function unitType(name: string): string {
  const dot = name.lastIndexOf('.')
  return dot === -1 ? '' : name.slice(dot + 1)
}

export function isNetworkUnit(name: string): boolean {
  return NETWORK_TYPES.some((type) => type === unitType(name))
}

/** @returns what is wrong with a unit's name: completes "the name …"; undefined when it is fine */
export function unitNameProblem(name: string): string | undefined {
  const type = unitType(name)
  if (![...UNIT_TYPES, ...NETWORK_TYPES].some((known) => known === type)) {
    return `does not end in .${[...UNIT_TYPES, ...NETWORK_TYPES].join(', .')}`
  }
  if (name.length > LONGEST_NAME) return `is longer than ${LONGEST_NAME} characters`
  if (isNetworkUnit(name)) return /[/\0]/.test(name) ? 'has a / in it' : undefined
  const strange = /[^A-Za-z0-9:_.\\@-]/.exec(name)?.[0]
  if (strange !== undefined) return `has ${JSON.stringify(strange)} in it, which no unit may`
  return name === `.${type}` ? 'has nothing before its suffix' : undefined
}

export interface UnitSetting {
  readonly section: string
  readonly key: string
  readonly value: string
  /** From 1. */
  readonly line: number
}

/** Tolerant: lines that systemd would warn about are left out. Lines that end in a backslash go on in the next one. */
export function parseUnitSettings(content: string): readonly UnitSetting[] {
  const settings: UnitSetting[] = []
  let section = ''
  const lines = content.split(/\r?\n/)
  for (let index = 0; index < lines.length; index++) {
    const line = index + 1
    let text = (lines[index] ?? '').trim()
    if (text === '' || text.startsWith('#') || text.startsWith(';')) continue
    const parts = [text]
    while (parts.at(-1)?.endsWith('\\') === true && index + 1 < lines.length) parts.push((lines[++index] ?? '').trim())
    text = parts.map((part, at) => (at + 1 < parts.length ? part.slice(0, -1) : part)).join(' ')
    const header = /^\[([^\]]+)\]$/.exec(text)?.[1]
    if (header !== undefined) section = header
    const equals = text.indexOf('=')
    if (header === undefined && equals > 0) {
      settings.push({ section, key: text.slice(0, equals).trim(), value: text.slice(equals + 1).trim(), line })
    }
  }
  return settings
}

/** The last value that is given, as for settings that take one only. */
export function lastSetting(settings: readonly UnitSetting[], section: string, key: string): string | undefined {
  return settings.findLast((setting) => setting.section === section && setting.key === key)?.value
}
