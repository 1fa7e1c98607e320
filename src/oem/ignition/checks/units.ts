/**
 * Units of systemd and networkd: names, contents that can be read, and units that are enabled but have nothing to be
 * enabled for.
 *
 * Sources: coreos/ignition config/v3_*_/types/unit.go, config/shared/validations/unit.go, config/types/unit.go,
 * config/v3_6_experimental/types/config.go (paths of units).
 */
import { posix } from 'node:path'
import type { Finding } from '../../finding.js'
import { field, stringField } from '../../mapping.js'
import { readUnitFile } from '../unit-file.js'
import { type Item, itemsAt, itemsIn, type Subject } from './subject.js'

const UNIT_SUFFIXES =
  '.service .socket .device .mount .automount .swap .target .path .timer .snapshot .slice .scope'.split(' ')
const NETWORK_SUFFIXES = ['.link', '.netdev', '.network']
const UNIT_FOLDER = '/etc/systemd/system'

export function checkUnits(subject: Subject): readonly Finding[] {
  const units = itemsAt(subject, ['systemd', 'units'])
  const networkUnits = itemsAt(subject, ['networkd', 'units'])
  return [
    ...units.flatMap((unit) => [
      ...checkName(subject, unit, 'unit', UNIT_SUFFIXES),
      ...checkContents(subject, unit, isEnabled(unit)),
      ...checkEnable(subject, unit),
    ]),
    ...networkUnits.flatMap((unit) => checkName(subject, unit, 'networkd unit', NETWORK_SUFFIXES)),
    ...[...units, ...networkUnits].flatMap((unit) =>
      itemsIn(unit, ['dropins']).flatMap((dropin) => [
        ...checkName(subject, dropin, 'drop-in', ['.conf']),
        ...checkContents(subject, dropin, false),
      ]),
    ),
    ...checkConflicts(subject, units),
  ]
}

function isEnabled({ value }: Item): boolean {
  return field(value, 'enabled') === true || field(value, 'enable') === true
}

/** As Go's path.Ext: what follows the last dot of the last part, the dot included. */
function suffixOf(name: string): string {
  const last = name.slice(name.lastIndexOf('/') + 1)
  const dot = last.lastIndexOf('.')
  return dot < 0 ? '' : last.slice(dot)
}

function checkName(
  subject: Subject,
  { path, value }: Item,
  what: 'unit' | 'networkd unit' | 'drop-in',
  suffixes: readonly string[],
): readonly Finding[] {
  const name = stringField(value, 'name')
  if (name === undefined || suffixes.includes(suffixOf(name))) return []
  const rule = what === 'drop-in' ? 'ignition-dropin-name' : 'ignition-unit-name'
  return [
    subject.found(
      rule,
      [...path, 'name'],
      `${what} ${JSON.stringify(name)} does not end with ${suffixes.length > 1 ? 'a suffix of its kind' : suffixes[0]}`,
      {
        hint: `suffixes: ${suffixes.join(', ')}`,
      },
    ),
  ]
}

function checkContents(subject: Subject, { path, value }: Item, enabled: boolean): readonly Finding[] {
  const contents = stringField(value, 'contents')
  if (contents === undefined || contents === '') return []
  const at = [...path, 'contents']
  const unit = readUnitFile(contents)
  if (unit.kind === 'fault') {
    return [subject.found('ignition-unit-syntax', at, `line ${unit.line} of the contents: ${unit.why}`)]
  }
  if (!enabled || unit.hasInstall) return []
  return [
    subject.found(
      'ignition-unit-install',
      at,
      `${stringField(value, 'name') ?? 'the unit'} is enabled, but has no [Install] section: it would not be started`,
      {
        hint: 'add [Install] with WantedBy=multi-user.target',
      },
    ),
  ]
}

function checkEnable(subject: Subject, { path, value }: Item): readonly Finding[] {
  if (field(value, 'enable') === undefined || !subject.atLeast('2.1.0') || subject.isSpec3) return []
  return [
    subject.found('ignition-deprecated', [...path, 'enable'], '"enable" is deprecated since version 2.1.0', {
      hint: 'write "enabled"',
    }),
  ]
}

/** A node where a unit is written: refused from 3.6.0 on, before one of the two wins. */
function checkConflicts(subject: Subject, units: readonly Item[]): readonly Finding[] {
  if (!subject.isSpec3) return []
  const written = new Set(
    units.flatMap((unit) => {
      const path = posix.join(UNIT_FOLDER, stringField(unit.value, 'name') ?? '')
      const dropins = itemsIn(unit, ['dropins'])
        .filter(({ value }) => (stringField(value, 'contents') ?? '') !== '')
        .map(({ value }) => `${path}.d/${stringField(value, 'name') ?? ''}`)
      return [...((stringField(unit.value, 'contents') ?? '') === '' ? [] : [path]), ...dropins]
    }),
  )
  return ['files', 'directories', 'links'].flatMap((key) =>
    itemsAt(subject, ['storage', key])
      .filter(({ value }) => written.has(stringField(value, 'path') ?? ''))
      .map(({ path, value }) =>
        subject.found(
          'ignition-unit-conflict',
          [...path, 'path'],
          `${stringField(value, 'path')} is a unit of this config too`,
          {
            hint: 'leave one of the two out',
            ...(subject.atLeast('3.6.0') ? {} : { severity: 'warning' as const }),
          },
        ),
      ),
  )
}
