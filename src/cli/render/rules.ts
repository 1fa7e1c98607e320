/**
 * Rules as text: the list, and one of them.
 */
import type { Rule, Severity } from '../../oem/finding.js'
import { table } from './table.js'

const MEANING: Readonly<Record<Severity, string>> = {
  error: 'error: nothing is baked',
  warning: 'warning: an error with --strict',
  note: 'note: says what will happen',
}

export function rulesText(rules: readonly Rule[]): string {
  const rows = rules.map(({ finds, name, severity }) => [severity, name, finds])
  const counts = (['error', 'warning', 'note'] as const).map(
    (severity) => `${rules.filter((rule) => rule.severity === severity).length} ${severity}`,
  )
  return `${[...table(rows, ['left', 'left', 'left'], ''), '', `${rules.length} rules: ${counts.join(', ')}`].join('\n')}\n`
}

export function ruleText({ finds, ignorable, name, severity, source }: Rule): string {
  return [
    `rule      ${name}`,
    `finds     ${finds}`,
    `severity  ${MEANING[severity]}${severity === 'note' ? '' : '; may be milder where the case is'}`,
    `source    ${source}`,
    `ignore    ${ignorable ? `--ignore ${name}` : 'not possible: nothing could be done with such a file'}`,
    '',
  ].join('\n')
}
