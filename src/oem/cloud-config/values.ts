/**
 * What a single value may be, where coreos-cloudinit takes only some.
 *
 * Sources: coreos-cloudinit config/*.go (struct tags `valid`), config/validate/rules.go; for durations Go's
 * time.ParseDuration, which locksmith reads window_length with. An empty value counts as none and is always allowed.
 */
export type ValueRule =
  | { readonly kind: 'one-of'; readonly values: readonly string[] }
  | { readonly kind: 'pattern'; readonly pattern: RegExp; readonly expected: string }
  /** As Go's url.ParseRequestURI takes it. */
  | { readonly kind: 'url' }

export const UNIT_COMMANDS = [
  'start',
  'stop',
  'restart',
  'reload',
  'try-restart',
  'reload-or-restart',
  'reload-or-try-restart',
] as const

/** `best-effort` is gone from locksmith since 2017 but still taken. */
export const REBOOT_STRATEGIES = ['etcd-lock', 'reboot', 'off', 'best-effort'] as const

export const ENCODINGS = ['base64', 'b64', 'gz', 'gzip', 'gz+base64', 'gzip+base64', 'gz+b64', 'gzip+b64'] as const

export const PERMISSIONS: ValueRule = {
  kind: 'pattern',
  pattern: /^0?[0-7]{3,4}$/,
  expected: "an octal mode such as '0644'",
}

export const WINDOW_START: ValueRule = {
  kind: 'pattern',
  pattern: /^(?:(?:sun|mon|tue|wed|thu|fri|sat) )?0*(?:[0-9]|1[0-9]|2[0-3]):0*(?:[0-9]|[1-5][0-9])$/i,
  expected: "a time such as '14:00' or 'Thu 23:00'",
}

export const DURATION: ValueRule = {
  kind: 'pattern',
  pattern: /^[-+]?(?:0|(?:(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:ns|us|µs|μs|ms|s|m|h))+)$/,
  expected: "a duration such as '1h30m'",
}

/** @returns what was expected, when the value is not allowed */
export function refusal(value: string, rule: ValueRule): string | undefined {
  if (value === '') return undefined
  switch (rule.kind) {
    case 'one-of':
      return rule.values.includes(value) ? undefined : `one of ${rule.values.join(', ')}`
    case 'pattern':
      return rule.pattern.test(value) ? undefined : rule.expected
    case 'url':
      return /^(?:[a-zA-Z][a-zA-Z0-9+.-]*:|\/)\S*$/.test(value) ? undefined : 'a URL such as https://example.com/path'
  }
}

/** Modes that people give, by how a tool writes them that took the octal number for a number: 0644 is 420. */
const DECIMAL_MODES: ReadonlyMap<string, string> = new Map(
  `0400 0440 0444 0500 0550 0555 0600 0640 0644 0660 0664 0666 0700 0750 0755 0770 0775 0777`
    .split(' ')
    .map((mode) => [String(Number.parseInt(mode, 8)), mode]),
)

/** The mode that was meant by a decimal number; undefined for what is none of those. */
export function meantMode(text: string): string | undefined {
  return DECIMAL_MODES.get(text)
}
