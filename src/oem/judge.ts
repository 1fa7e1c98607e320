/**
 * Whether a bake may go on with what the checks found: errors stop it, all told at once; `--strict` makes warnings count
 * as errors, `--ignore RULE` takes a rule's findings out and puts them on record.
 */
import { UsageError } from '../errors.js'
import type { Finding } from './finding.js'
import { suggestName } from './nearest.js'
import { ALL_RULES, ruleNamed } from './rules.js'

export interface Strictness {
  /** Warnings count as errors. */
  readonly strict: boolean
  /** Names of rules whose findings don't count. */
  readonly ignore: readonly string[]
}

export interface Verdict {
  /** Warnings and notes that the bake goes on with. */
  readonly findings: readonly Finding[]
  /** What was found by rules that were to be ignored. */
  readonly ignored: readonly Finding[]
}

/**
 * @throws ERR_USAGE when a name is no rule's, or a rule's that can't be ignored
 */
export function assertIgnorable(names: readonly string[]): void {
  for (const name of names) {
    const rule = ruleNamed(name)
    if (rule === undefined) {
      throw new UsageError('ERR_USAGE', `there is no rule ${JSON.stringify(name)} to ignore`, {
        hint: suggestName(
          name,
          ALL_RULES.map((known) => known.name),
          'rules',
        ),
      })
    }
    if (!rule.ignorable) {
      throw new UsageError('ERR_USAGE', `rule ${name} can't be ignored: it finds ${rule.finds}`, {
        hint: `leave out --ignore ${name}, and mend what it finds`,
      })
    }
  }
}

/**
 * @throws UsageError with the code of the gravest finding's rule; the message has all of them, `details.findings` too
 */
export function judge(found: readonly Finding[], { strict, ignore }: Strictness): Verdict {
  const ignored = found.filter(({ rule }) => ignore.includes(rule))
  const findings = found.filter(({ rule }) => !ignore.includes(rule))
  const errors = findings.filter(({ severity }) => severity === 'error')
  const fatal = strict ? [...errors, ...findings.filter(({ severity }) => severity === 'warning')] : errors
  const [first] = fatal
  if (first === undefined) return { findings, ignored }
  const byStrictness = errors.length === 0 ? ' (--strict: warnings count as errors)' : ''
  throw new UsageError(
    ruleNamed(first.rule)?.code ?? 'ERR_USAGE',
    fatal.length === 1
      ? `${first.message}${byStrictness}`
      : `${fatal.length} mistakes${byStrictness}\n${fatal.map(listed).join('\n')}`,
    { hint: fatal.length === 1 ? hintOf(first) : undefined, details: { rule: first.rule, findings: fatal } },
  )
}

function listed({ hint, message, rule }: Finding): string {
  return `  ${message} [${rule}]${hint === undefined ? '' : `\n    ${hint}`}`
}

function hintOf({ hint, rule }: Finding): string | undefined {
  const waiver = ruleNamed(rule)?.ignorable === true ? `to bake all the same add --ignore ${rule}` : undefined
  const lines = [hint, waiver].filter((line) => line !== undefined)
  return lines.length === 0 ? undefined : lines.join('\n')
}
