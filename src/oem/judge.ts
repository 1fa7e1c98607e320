/**
 * Whether a bake may go on with what the checks found: errors stop it, all told at once; `--strict` makes warnings count
 * as errors, `--ignore RULE` takes a rule's findings out and puts them on record.
 */
import { type OemBakeError, UsageError } from '../errors.js'
import type { Finding } from './finding.js'
import { assertRule, ruleNamed } from './rules.js'

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
    const rule = assertRule(name)
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
  throw new UsageError(
    ruleNamed(first.rule)?.code ?? 'ERR_USAGE',
    fatal.length === 1 ? oneMessage(first) : listMessage(fatal),
    { hint: fatal.length === 1 ? oneHint(first) : listHint(fatal), details: { rule: first.rule, findings: fatal } },
  )
}

/** What {@link judge} threw an error for; empty for all other errors. */
export function findingsIn({ details: { findings } }: OemBakeError): readonly Finding[] {
  return Array.isArray(findings) ? findings.filter(isFinding) : []
}

function isFinding(value: unknown): value is Finding {
  return typeof value === 'object' && value !== null && 'rule' in value && 'severity' in value && 'message' in value
}

function oneMessage({ message, severity }: Finding): string {
  return severity === 'error' ? message : `${message} (--strict: warnings count as errors)`
}

function oneHint({ hint, rule }: Finding): string | undefined {
  const waiver = isIgnorable(rule) ? `to bake all the same add --ignore ${rule}` : undefined
  const lines = [hint, waiver].filter((line) => line !== undefined)
  return lines.length === 0 ? undefined : lines.join('\n')
}

/** More than that nobody reads; a file that is no text of its kind can have tens of thousands. */
const LISTED_MAX = 100

/** Each with a number, so that people can talk about them; what to do stands right below what is wrong. */
function listMessage(fatal: readonly Finding[]): string {
  const errors = fatal.filter(({ severity }) => severity === 'error').length
  const warnings = fatal.length - errors
  const title =
    warnings === 0
      ? `${errors} things are wrong`
      : errors === 0
        ? `${warnings} warnings, which --strict counts as errors`
        : `${errors === 1 ? 'one thing is' : `${errors} things are`} wrong, and ${warnings === 1 ? 'one warning' : `${warnings} warnings`} --strict counts as errors`
  const width = String(fatal.length).length
  const items = fatal.slice(0, LISTED_MAX).map(({ hint, message, rule }, index) => {
    const number = `${String(index + 1).padStart(width)}. `
    const indent = `\n  ${' '.repeat(number.length)}`
    return `  ${number}${message} [${rule}]${hint === undefined ? '' : `${indent}${hint.replaceAll('\n', indent)}`}`
  })
  const rest = fatal.length - items.length
  return `${title}:\n${items.join('\n')}${rest === 0 ? '' : `\n  and ${rest} more; --json has all of them`}`
}

function listHint(fatal: readonly Finding[]): string {
  const names = [...new Set(fatal.filter(({ rule }) => isIgnorable(rule)).map(({ rule }) => rule))]
  const waiver = names.length === 0 ? '' : '; --ignore RULE leaves out what a rule finds'
  return `oem-bake rules RULE explains what stands in brackets${waiver}`
}

function isIgnorable(rule: string): boolean {
  return ruleNamed(rule)?.ignorable === true
}
