/** Every rule there is, from the rooms' own tables. */
import { UsageError } from '../errors.js'
import { CLOUD_CONFIG_RULES } from './cloud-config/rules.js'
import type { Rule } from './finding.js'
import { GRUB_RULES } from './grub/rules.js'
import { IGNITION_RULES } from './ignition/rules.js'
import { nearestName } from './nearest.js'
import { OEM_RELEASE_RULES } from './oem-release/rules.js'
import { TREE_RULES } from './plan/rules.js'

export const ALL_RULES: readonly Rule[] = [
  ...CLOUD_CONFIG_RULES.all,
  ...IGNITION_RULES.all,
  ...GRUB_RULES.all,
  ...OEM_RELEASE_RULES.all,
  ...TREE_RULES.all,
]

const BY_NAME: ReadonlyMap<string, Rule> = new Map(ALL_RULES.map((rule) => [rule.name, rule]))

/** @throws ERR_USAGE with the nearest name */
export function assertRule(name: string): Rule {
  const rule = BY_NAME.get(name)
  if (rule !== undefined) return rule
  const nearest = nearestName(name, BY_NAME.keys())
  throw new UsageError('ERR_USAGE', `there is no rule ${JSON.stringify(name)}`, {
    hint: nearest === undefined ? 'oem-bake rules lists them all' : `did you mean ${nearest}?`,
  })
}

export function ruleNamed(name: string): Rule | undefined {
  return BY_NAME.get(name)
}
