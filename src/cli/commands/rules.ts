/**
 * `oem-bake rules [NAME]`: prints what the checks look for, or one rule with where it is known from.
 */
import { ALL_RULES, assertRule } from '../../oem/rules.js'
import { rulesText, ruleText } from '../render/rules.js'
import type { CommandOutput } from '../run.js'

export interface RulesFlags {
  readonly name?: string | undefined
}

export function rules({ name }: RulesFlags): CommandOutput {
  if (name === undefined) return { document: { rules: ALL_RULES }, text: rulesText(ALL_RULES) }
  const rule = assertRule(name)
  return { document: rule, text: ruleText(rule) }
}
