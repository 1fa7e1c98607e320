/**
 * The units of a cloud-config: names that systemd takes, and what happens to them at every boot.
 *
 * A cloud-config on the OEM partition is applied at each boot, in the order place, mask, enable, command; a unit in /etc
 * stays there until somebody removes it, also when the next OEM update no longer has it. Sources: coreos-cloudinit
 * initialize/config.go (processUnits), system/unit.go, system/systemd.go; systemd.unit(5).
 */
import type { Finding, Place } from '../finding.js'
import { isNetworkUnit, lastSetting, parseUnitSettings, unitNameProblem } from '../systemd-unit.js'
import type { YamlMapping, YamlNode, YamlScalar } from '../yaml-tree.js'
import { entryOf, isOn, itemsOf, scalarOf, textOf } from './fields.js'
import { CLOUD_CONFIG_RULES } from './rules.js'

const { found } = CLOUD_CONFIG_RULES

/** Commands that begin something, so that they fail on a masked unit. */
const STARTING: ReadonlySet<string> = new Set(['start', 'restart', 'reload-or-restart'])
/** Settings that make a unit do something when it is enabled. */
const INSTALL_KEYS: ReadonlySet<string> = new Set(['WantedBy', 'RequiredBy', 'UpheldBy', 'Also', 'Alias'])

export function checkUnits(root: YamlNode, file: string): readonly Finding[] {
  const findings: Finding[] = []
  const seen = new Map<string, YamlScalar>()
  for (const unit of itemsOf(root, 'coreos', 'units')) {
    if (unit.kind !== 'mapping') continue
    const name = scalarOf(unit, 'name')
    const check = new UnitCheck(unit, name?.text ?? '', file)
    if (name === undefined) {
      findings.push(
        found('cloud-config-unit-name', 'a unit without a name is skipped', {
          place: { file, ...unit.at },
          hint: 'give it a name such as hello.service',
        }),
      )
      continue
    }
    findings.push(...check.all(name))
    const before = seen.get(name.text)
    if (before !== undefined && textOf(unit, 'content') !== undefined) {
      findings.push(
        found(
          'cloud-config-unit-twice',
          `${name.text} is there already, on line ${before.at.line}: this one replaces it`,
          {
            place: { file, ...name.at },
            hint: 'give them different names, or make one of them',
          },
        ),
      )
    }
    if (textOf(unit, 'content') !== undefined) seen.set(name.text, name)
  }
  return findings
}

class UnitCheck {
  readonly #unit: YamlMapping
  readonly #name: string
  readonly #file: string

  constructor(unit: YamlMapping, name: string, file: string) {
    this.#unit = unit
    this.#name = name
    this.#file = file
  }

  all(name: YamlScalar): readonly Finding[] {
    // The form from before drop_ins: the name is joined to the folder of units, so this becomes a drop-in file.
    if (this.#isDropInByPath(name.text)) return [...this.#idle(name), ...this.#stale(name)]
    const problem = unitNameProblem(name.text)
    if (problem !== undefined) {
      const shown = JSON.stringify(name.text.slice(0, 80))
      return [
        found('cloud-config-unit-name', `the name ${shown} ${problem}`, {
          place: this.#at(name),
          hint: /^[A-Za-z0-9:_.\\@-]+$/.test(name.text) ? `did you mean ${name.text.slice(0, 80)}.service?` : undefined,
        }),
      ]
    }
    return [
      ...this.#dropIns(),
      ...this.#idle(name),
      ...(isNetworkUnit(name.text) ? this.#network() : this.#system(name)),
      ...this.#stale(name),
    ]
  }

  /** `a.service.d/b.conf`, which vendors' files have; a unit to enable or to start it is not. */
  #isDropInByPath(name: string): boolean {
    const [, unit] = /^([^/]+)\.d\/[^/\0]+\.conf$/.exec(name) ?? []
    const isUsedAsUnit = textOf(this.#unit, 'command') !== undefined || isOn(this.#unit, 'enable')
    return unit !== undefined && unitNameProblem(unit) === undefined && !isUsedAsUnit
  }

  /** networkd is restarted for these; nothing else can be done with them. */
  #network(): readonly Finding[] {
    const enable = isOn(this.#unit, 'enable')
      ? [
          found('cloud-config-network-unit', `${this.#name} can't be enabled: networkd reads it by itself`, {
            place: this.#key('enable'),
            hint: 'leave out enable',
          }),
        ]
      : []
    const command = textOf(this.#unit, 'command')
    if (command === undefined) return enable
    return [
      ...enable,
      found(
        'cloud-config-network-unit',
        `command ${command} is skipped for ${this.#name}: networkd is restarted anyway`,
        {
          place: this.#key('command'),
          severity: 'note',
          hint: 'leave out command',
        },
      ),
    ]
  }

  #system(name: YamlScalar): readonly Finding[] {
    const findings: Finding[] = []
    const content = textOf(this.#unit, 'content')
    const command = textOf(this.#unit, 'command')
    const starts = command !== undefined && STARTING.has(command)
    const masked = isOn(this.#unit, 'mask')
    const enabled = isOn(this.#unit, 'enable')
    if (masked && (starts || enabled || content !== undefined)) {
      const what = starts ? `command ${command}` : enabled ? 'enable' : 'content'
      findings.push(
        found(
          'cloud-config-masked',
          `${this.#name} is masked, so ${what} ${starts || enabled ? 'fails' : 'goes away'}`,
          {
            place: this.#key('mask'),
            // What was placed is replaced by the mask; what can't be started stops the units that follow.
            severity: starts || enabled ? undefined : 'warning',
            hint: `leave out mask, or ${what}`,
          },
        ),
      )
    }
    if (content === undefined) return findings
    const settings = parseUnitSettings(content)
    if (enabled && !settings.some(({ key, section }) => section === 'Install' && INSTALL_KEYS.has(key))) {
      findings.push(
        found('cloud-config-enable', `${this.#name} has no [Install] section, so enabling it does nothing`, {
          place: this.#key('enable'),
          hint: 'add [Install] with WantedBy=multi-user.target to its content, or use command: start',
        }),
      )
    }
    if (starts && lastSetting(settings, 'Service', 'Type') === 'oneshot') {
      findings.push(
        found('cloud-config-oneshot', `${this.#name} is a oneshot that runs at every boot, not at the first one only`, {
          place: this.#at(name),
        }),
      )
    }
    return findings
  }

  #stale(name: YamlScalar): readonly Finding[] {
    if (isOn(this.#unit, 'runtime')) return []
    const dropIns = itemsOf(this.#unit, 'drop_ins').some((dropIn) => textOf(dropIn, 'content') !== undefined)
    const placed = textOf(this.#unit, 'content') !== undefined ? 'it' : dropIns ? 'its drop-in' : undefined
    const what = isOn(this.#unit, 'mask') ? 'its mask' : placed
    if (what === undefined) return []
    return [
      found('cloud-config-stale-unit', `${this.#name}: ${what} is written to /etc, and stays when this file changes`, {
        place: this.#at(name),
        hint: 'add runtime: true; the file is applied at every boot',
      }),
    ]
  }

  #idle(name: YamlScalar): readonly Finding[] {
    const does =
      ['content', 'command'].some((key) => textOf(this.#unit, key) !== undefined) ||
      ['enable', 'mask', 'runtime'].some((key) => isOn(this.#unit, key)) ||
      itemsOf(this.#unit, 'drop_ins').length > 0
    if (does) return []
    return [
      found('cloud-config-idle-unit', `nothing is done with ${this.#name}`, {
        place: this.#at(name),
        hint: 'give it content, command, enable, mask or drop_ins',
      }),
    ]
  }

  #dropIns(): readonly Finding[] {
    return itemsOf(this.#unit, 'drop_ins').flatMap((dropIn) => {
      if (dropIn.kind !== 'mapping') return []
      const name = scalarOf(dropIn, 'name')
      if (name === undefined || textOf(dropIn, 'content') === undefined) {
        return [
          found(
            'cloud-config-drop-in',
            `a drop-in of ${this.#name} without ${name === undefined ? 'a name' : 'content'} is skipped`,
            {
              place: this.#at(dropIn),
              hint: 'give it a name such as 10-hello.conf, and content',
            },
          ),
        ]
      }
      const shown = name.text.slice(0, 80)
      if (name.text.endsWith('.conf') && name.text !== '.conf' && !/[/\0]/.test(name.text)) return []
      return [
        found(
          'cloud-config-drop-in',
          `systemd reads no drop-in ${JSON.stringify(shown)}: its name has to end in .conf`,
          {
            place: this.#at(name),
            hint: /[/\0]/.test(name.text)
              ? 'give a name without a /'
              : `name it ${shown.replace(/\.[a-z]*$/, '')}.conf`,
          },
        ),
      ]
    })
  }

  #key(name: string): Place {
    return this.#at(entryOf(this.#unit, name)?.key ?? this.#unit)
  }

  #at(node: YamlNode): Place {
    return { file: this.#file, ...node.at }
  }
}
