/**
 * The units of a cloud-config, as coreos-cloudinit takes them: what `explain` says about every boot.
 *
 * Tolerant: whatever is not as it should be counts as not given, as it does for coreos-cloudinit; the checks tell about it.
 * Hyphens and underscores are the same here. Sources: coreos-cloudinit config/unit.go, initialize/config.go (processUnits).
 */
import { OemBakeError } from '../../errors.js'
import type { YamlNode } from '../yaml-tree.js'
import { parseCloudConfig } from './cloud-config.js'
import { isOn, itemsOf, textOf } from './fields.js'

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
  readonly kind: 'cloud-config' | 'script' | 'multipart'
  /** In the order of the file; those without a name, which are skipped, are left out. */
  readonly units: readonly CloudConfigUnit[]
  /** `coreos.oem.id`. */
  readonly oemId: string | undefined
}

/** @returns undefined for a file that coreos-cloudinit would not apply at all */
export function readCloudConfig(bytes: Uint8Array): ReadCloudConfig | undefined {
  try {
    const parsed = parseCloudConfig(bytes, 'cloud-config')
    if (parsed.kind !== 'cloud-config') return { kind: parsed.kind, units: [], oemId: undefined }
    return { kind: parsed.kind, units: cloudConfigUnits(parsed.root), oemId: cloudConfigOemId(parsed.root) }
  } catch (error) {
    if (error instanceof OemBakeError) return undefined
    throw error
  }
}

/** `coreos.oem.id`, which cloudinit writes to /etc/oem-release. */
export function cloudConfigOemId(root: YamlNode | undefined): string | undefined {
  return textOf(root, 'coreos', 'oem', 'id')
}

export function cloudConfigUnits(root: YamlNode | undefined): readonly CloudConfigUnit[] {
  return itemsOf(root, 'coreos', 'units').flatMap((unit) => {
    const name = textOf(unit, 'name')
    if (name === undefined) return []
    return [
      {
        name,
        command: textOf(unit, 'command'),
        enable: isOn(unit, 'enable'),
        mask: isOn(unit, 'mask'),
        runtime: isOn(unit, 'runtime'),
        content: textOf(unit, 'content'),
        dropIns: itemsOf(unit, 'drop_ins').flatMap((dropIn) => {
          const dropInName = textOf(dropIn, 'name')
          const content = textOf(dropIn, 'content')
          return dropInName === undefined || content === undefined ? [] : [{ name: dropInName, content }]
        }),
      },
    ]
  })
}
