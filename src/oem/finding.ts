/**
 * What a check has to say about files that are to be baked, or stay: one sentence each, by a named rule.
 *
 * Rules are data, one table a room (`IGNITION_RULES`, `GRUB_RULES`…): how grave it is, what it is about, and where that is
 * known from. `rules.ts` lists them all; `judge.ts` decides whether a bake goes on.
 */
import type { UsageCode } from '../errors.js'

/**
 * An error keeps a machine from booting, or asks for what will never happen; a warning can hurt a machine; a note explains
 * what will happen.
 */
export type Severity = 'error' | 'warning' | 'note'

export interface Rule {
  /** Stable kebab-case name: `cloud-config-unknown-key`. */
  readonly name: string
  /** The gravest that it can be; a check may say the same more mildly, of files that were there before, say. */
  readonly severity: Severity
  /** What is wrong, in general: completes "the rule finds …". */
  readonly finds: string
  /** Where that is known from: repository and file, or specification and section. */
  readonly source: string
  /** What an error of this rule is thrown with. */
  readonly code: UsageCode
  /** Whether `--ignore` may name it: not where nothing could be done with the file. */
  readonly ignorable: boolean
}

/** Where in which file; line and column from 1. */
export interface Place {
  /** The path on this machine, or on the OEM partition for what was there before. */
  readonly file: string
  readonly line?: number
  readonly column?: number
}

export interface Finding {
  readonly rule: string
  readonly severity: Severity
  /** A whole sentence, which begins with the place where there is one. */
  readonly message: string
  /** What to type or change. */
  readonly hint?: string
  readonly place?: Place
}

type RuleRow = Pick<Rule, 'severity' | 'finds' | 'source'> & Partial<Pick<Rule, 'code' | 'ignorable'>>

export interface FindingDetails {
  readonly place?: Place | undefined
  readonly hint?: string | undefined
  /** Milder than the rule's own, where the case is milder. */
  readonly severity?: Severity | undefined
}

export interface RuleSet<Name extends string> {
  readonly all: readonly Rule[]
  /**
   * Something that a rule finds.
   *
   * @param says what is wrong here; put after the place, if one is given
   */
  readonly found: (name: Name, says: string, details?: FindingDetails) => Finding
}

/** A room's rules, from one row each. @param code of those rows that have none of their own */
export function defineRules<Name extends string>(
  code: UsageCode,
  rows: Readonly<Record<Name, RuleRow>>,
): RuleSet<Name> {
  return {
    all: Object.entries<RuleRow>(rows).map(([name, row]) => ({ name, code, ignorable: true, ...row })),
    found: (name, says, { hint, place, severity } = {}) => ({
      rule: name,
      severity: severity ?? rows[name].severity,
      message: place === undefined ? says : `${formatPlace(place)}: ${says}`,
      ...(hint === undefined ? {} : { hint }),
      ...(place === undefined ? {} : { place }),
    }),
  }
}

/** `cloud-config.yml, line 3, column 5` */
export function formatPlace({ file, line, column }: Place): string {
  return [
    file,
    ...(line === undefined ? [] : [`line ${line}`]),
    ...(column === undefined ? [] : [`column ${column}`]),
  ].join(', ')
}

/** Of a file that was there before and stays: it is not this bake's doing, so it can't stop it. */
export function ofKeptFile(found: Finding): Finding {
  return found.severity === 'error' ? { ...found, severity: 'warning' } : found
}
