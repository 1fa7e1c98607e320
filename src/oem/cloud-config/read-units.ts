/**
 * The units of a cloud-config, as coreos-cloudinit takes them: what `explain` says about every boot.
 *
 * Tolerant: whatever is not as it should be counts as not given, as it does for coreos-cloudinit; the checks tell about it.
 * Hyphens and underscores are the same here. Sources: coreos-cloudinit config/unit.go, initialize/config.go (processUnits).
 */
import { OemBakeError } from '../../errors.js'
import { arrayField, field, stringField } from '../mapping.js'
import { cloudConfigOemId, parseCloudConfig } from './cloud-config.js'

export interface CloudConfigDropIn {
  readonly name: string
  readonly content: string
}

export interface CloudConfigUnit {
  readonly name: string
  /** `start`, `restart`…: done at every boot, in the order of the list. */
  readonly command: string | undefined
  readonly enable: boolean
  readonly mask: boolean
  /** Placed below /run instead of /etc, so that it is gone at the next boot. */
  readonly runtime: boolean
  /** Undefined for a unit that the system has already. */
  readonly content: string | undefined
  readonly dropIns: readonly CloudConfigDropIn[]
}

/** What a cloud-config asks for, as far as it can be read. */
export interface ReadCloudConfig {
  readonly kind: 'cloud-config' | 'script'
  /** In the order of the file; those without a name, which are skipped, are left out. */
  readonly units: readonly CloudConfigUnit[]
  /** `coreos.oem.id`. */
  readonly oemId: string | undefined
}

/** @returns undefined for a file that coreos-cloudinit would not apply at all */
export function readCloudConfig(bytes: Uint8Array): ReadCloudConfig | undefined {
  try {
    const parsed = parseCloudConfig(bytes, 'cloud-config')
    if (parsed.kind === 'script') return { kind: 'script', units: [], oemId: undefined }
    return { kind: 'cloud-config', units: cloudConfigUnits(parsed.value), oemId: cloudConfigOemId(parsed.value) }
  } catch (error) {
    if (error instanceof OemBakeError) return undefined
    throw error
  }
}

/** @param value the parsed YAML of a cloud-config */
export function cloudConfigUnits(value: unknown): readonly CloudConfigUnit[] {
  return arrayField(field(value, 'coreos'), 'units').flatMap((unit) => {
    const name = text(unit, 'name')
    if (name === undefined) return []
    return [
      {
        name,
        command: text(unit, 'command'),
        enable: isOn(field(unit, 'enable')),
        mask: isOn(field(unit, 'mask')),
        runtime: isOn(field(unit, 'runtime')),
        content: text(unit, 'content'),
        dropIns: [...arrayField(unit, 'drop_ins'), ...arrayField(unit, 'drop-ins')].flatMap((dropIn) => {
          const dropInName = text(dropIn, 'name')
          const content = text(dropIn, 'content')
          return dropInName === undefined || content === undefined ? [] : [{ name: dropInName, content }]
        }),
      },
    ]
  })
}

/** Empty text counts as none. */
function text(value: unknown, name: string): string | undefined {
  return stringField(value, name) || undefined
}

/** The words of YAML 1.1, which coreos-cloudinit reads, reach us as text. */
function isOn(value: unknown): boolean {
  return value === true || (typeof value === 'string' && /^(?:y|yes|on|true)$/i.test(value))
}
