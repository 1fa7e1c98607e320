/**
 * What the planner and the checks have to say short of refusing: one sentence each, with a stable rule name.
 */
export interface Finding {
  /** Stable kebab-case name: `cloud-config-unknown-key`. */
  readonly rule: string
  /** A warning can hurt a machine; a note explains what will happen. */
  readonly severity: 'warning' | 'note'
  readonly message: string
  /** What to type or change. */
  readonly hint?: string
}

export function warning(rule: string, message: string, hint?: string): Finding {
  return { rule, severity: 'warning', message, ...(hint === undefined ? {} : { hint }) }
}

export function note(rule: string, message: string, hint?: string): Finding {
  return { rule, severity: 'note', message, ...(hint === undefined ? {} : { hint }) }
}
