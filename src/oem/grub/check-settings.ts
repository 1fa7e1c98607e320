/**
 * What an OEM grub.cfg sets, on each kind of machine: consoles, kernel arguments, the OEM id.
 *
 * One sentence a place, naming the machines: most files do the same on all of them.
 */
import type { Finding } from '../finding.js'
import { GRUB_MACHINES, type GrubMachine } from '../release/grub-facts.js'
import type { Assignment } from './assignments.js'
import type { GrubCfg } from './grub-cfg.js'
import { GRUB_RULES } from './rules.js'
import { type LineAndColumn, lineFinder } from './source-text.js'

/** Flatcar's own images of these log in without a password; Container Linux did so on packet. */
const LOGGED_IN_BY_VENDOR: readonly string[] = ['azure', 'openstack', 'packet', 'proxmoxve', 'qemu', 'vmware']
const AUTOLOGIN = /^(coreos|flatcar)\.autologin(=|$)/
const OEM_ID_ARGUMENT = /^(coreos|flatcar)\.oem\.id=/
/** Devices with a driver in the vendors' kernels, and what serial ones may have behind a comma. */
const CONSOLE =
  /^(|null|ttynull|tty[0-9]*|(hvc|xvc|ttysclp|sclp)[0-9]+|(ttyS|ttyAMA|ttyUSB|ttyMSM|ttyLP|ttymxc)[0-9]+(,[0-9]+([noe]([5-8]r?)?)?)?|uart[0-9a-z]*,\S+)$/
/** The settings that the vendor's configuration makes something of. */
const SETTINGS: readonly string[] = ['oem_id', 'linux_append', 'linux_console', 'linux_root', 'timeout', 'default']

interface Setting {
  readonly name: string
  readonly value: string
  readonly machines: readonly GrubMachine[]
  /** The last assignment that ran there. */
  readonly place: ({ readonly file: string } & LineAndColumn) | { readonly file: string }
}

export function checkSettings(grub: GrubCfg, file: string): readonly Finding[] {
  const settings = (name: string) => settingsOf(grub, name, file)
  return [
    ...settings('linux_console').flatMap((setting) => [...checkConsoles(setting), ...checkQuotes(setting)]),
    ...settings('linux_append').flatMap((setting) => [
      ...checkArguments(setting),
      ...checkAutologin(setting, grub.oemId),
      ...checkQuotes(setting),
    ]),
    ...settings('first_boot').map(({ place, value }) =>
      GRUB_RULES.found(
        'grub-first-boot',
        `sets first_boot to ${value}: Ignition runs on every boot, not only the first`,
        {
          place,
          hint: 'leave it out: GRUB sees by itself whether a machine boots for the first time',
        },
      ),
    ),
    ...checkOverwriting(grub, file),
    ...checkIdsOfMachines(grub, file),
    ...checkReach(grub, file),
  ]
}

/** What a variable holds in the end, by value; empty ones are left out. */
function settingsOf(grub: GrubCfg, name: string, file: string): readonly Setting[] {
  const placeOf = lineFinder(grub.text)
  const values = new Map<string, GrubMachine[]>()
  for (const [machine, { variables }] of grub.runs) {
    const value = variables.get(name) ?? ''
    if (value !== '') values.set(value, [...(values.get(value) ?? []), machine])
  }
  return [...values].map(([value, machines]) => {
    const last = grub.assignments.findLast(
      (each) => each.name === name && machines.some((machine) => ranOn(grub, each, machine)),
    )
    return { name, value, machines, place: last === undefined ? { file } : { file, ...placeOf(last.start) } }
  })
}

function ranOn({ runs }: GrubCfg, { start }: Assignment, machine: GrubMachine): boolean {
  return runs.get(machine)?.ran.has(start) === true
}

function words(value: string): readonly string[] {
  return value.split(/[ \t\n]+/).filter((word) => word !== '')
}

function onMachines(machines: readonly GrubMachine[]): string {
  return machines.length === GRUB_MACHINES.length ? '' : ` on ${machines.join(' and ')}`
}

function checkConsoles({ machines, place, value }: Setting): readonly Finding[] {
  const consoles = words(value).filter((word) => word.startsWith('console='))
  if (consoles.length === 0) {
    return [
      GRUB_RULES.found(
        'grub-no-console',
        `linux_console is ${JSON.stringify(value)}${onMachines(machines)}: it replaces both default consoles, and names none`,
        { place, hint: 'add a console=, such as console=ttyS0,115200n8, or put these arguments into linux_append' },
      ),
    ]
  }
  return consoles
    .filter((word) => !CONSOLE.test(word.slice('console='.length)))
    .map((word) =>
      GRUB_RULES.found(
        'grub-console-form',
        `${word}${onMachines(machines)} names no console that Linux has: nothing would be printed there`,
        { place, hint: 'write console=ttyS0,115200n8 for the first serial port, console=tty0 for the screen' },
      ),
    )
}

function checkArguments({ place, value }: Setting): readonly Finding[] {
  const findings: Finding[] = []
  const given = words(value)
  if (given.some((word) => word.startsWith('ignition.platform.id='))) {
    findings.push(
      GRUB_RULES.found('grub-platform-id', `ignition.platform.id in linux_append does not choose Ignition's platform`, {
        place,
        hint: 'set oem_id instead',
      }),
    )
  }
  const id = given.find((word) => OEM_ID_ARGUMENT.test(word))
  if (id !== undefined) {
    findings.push(
      GRUB_RULES.found('grub-append-oem-id', `${id} in linux_append stands beside the argument that oem_id makes`, {
        place,
        hint: `write set oem_id="${id.slice(id.indexOf('=') + 1)}" instead`,
      }),
    )
  }
  return findings
}

function checkAutologin({ place, value }: Setting, oemId: string | undefined): readonly Finding[] {
  const argument = words(value).find((word) => AUTOLOGIN.test(word))
  if (argument === undefined) return []
  const asVendor = oemId !== undefined && LOGGED_IN_BY_VENDOR.includes(oemId)
  return [
    GRUB_RULES.found(
      'grub-autologin',
      `${argument} logs everyone in who reaches a console${asVendor ? `, as Flatcar's own image of ${oemId} does` : ''}`,
      {
        place,
        severity: asVendor ? 'note' : 'warning',
        hint: 'leave it out unless consoles are as well guarded as root',
      },
    ),
  ]
}

/** GRUB splits at blanks whatever the quotes say, and writes a backslash before each quote and backslash. */
function checkQuotes({ name, place, value }: Setting): readonly Finding[] {
  const character = /["'\\]/.exec(value)?.[0]
  if (character === undefined) return []
  return [
    GRUB_RULES.found('grub-quotes', `${name} holds ${character}, which reaches the kernel as \\${character}`, {
      place,
      hint: 'kernel arguments can hold neither blanks nor quotes here: leave them out',
    }),
  ]
}

function checkOverwriting(grub: GrubCfg, file: string): readonly Finding[] {
  const placeOf = lineFinder(grub.text)
  const appends = grub.assignments.filter(({ name }) => name === 'linux_append')
  return appends.flatMap((append, index) => {
    if (append.word.parts.some((part) => part.kind === 'variable' && part.name === 'linux_append')) return []
    const loses = appends
      .slice(0, index)
      .some((earlier) => GRUB_MACHINES.some((each) => ranOn(grub, earlier, each) && ranOn(grub, append, each)))
    return [
      GRUB_RULES.found('grub-append-overwrites', 'linux_append is overwritten, not appended to', {
        place: { file, ...placeOf(append.start) },
        severity: loses ? 'warning' : 'note',
        hint: 'write set linux_append="$linux_append …"',
      }),
    ]
  })
}

function checkIdsOfMachines(grub: GrubCfg, file: string): readonly Finding[] {
  if (new Set(grub.oemIds.values()).size === 1) return []
  const placeOf = lineFinder(grub.text)
  const first = grub.assignments.find(({ name }) => name === 'oem_id')
  const ids = [...grub.oemIds].map(([machine, id]) => `${id ?? 'none'} on ${machine}`)
  return [
    GRUB_RULES.found('grub-oem-id-differs', `oem_id is ${ids.join(', ')}`, {
      place: first === undefined ? { file } : { file, ...placeOf(first.start) },
      hint: 'set it outside of any if',
    }),
  ]
}

/** Tests that can't be answered from here count as false, so nothing is said of files that have some. */
function checkReach(grub: GrubCfg, file: string): readonly Finding[] {
  if ([...grub.runs.values()].some(({ unknown }) => unknown.length > 0)) return []
  const placeOf = lineFinder(grub.text)
  return grub.assignments
    .filter((each) => SETTINGS.includes(each.name) && !GRUB_MACHINES.some((machine) => ranOn(grub, each, machine)))
    .map(({ name, start }) =>
      GRUB_RULES.found('grub-never-runs', `${name} is set in a branch that no machine takes`, {
        place: { file, ...placeOf(start) },
        hint: 'grub_platform is pc, efi or xen, and grub_cpu i386, x86_64 or arm64',
      }),
    )
}
