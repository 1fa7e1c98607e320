/**
 * A flag and its value as words of a command line: for whoever has the values from a file, and bakes as the command line does.
 */

/** A value, of the type that the flag has. */
export type FlagValue = string | number | boolean | readonly string[] | Readonly<Record<string, string>>

/** One word, with commas. */
export const COMMA_LISTS: ReadonlySet<string> = new Set(['with'])

/**
 * Flag and value in one word each, so that no value can be taken for a flag.
 *
 * @param onByDefault the flag has to be switched off, where it is to be off
 */
export function flagWords(flag: string, value: FlagValue, onByDefault: boolean): readonly string[] {
  if (value === true) return [`--${flag}`]
  if (value === false) return onByDefault ? [`--no-${flag}`] : []
  if (typeof value !== 'object') return [`--${flag}=${value}`]
  if (!isList(value)) return Object.entries(value).map(([name, text]) => `--${flag}=${name}=${text}`)
  return COMMA_LISTS.has(flag) ? [`--${flag}=${value.join(',')}`] : value.map((text) => `--${flag}=${text}`)
}

function isList(value: readonly string[] | Readonly<Record<string, string>>): value is readonly string[] {
  return Array.isArray(value)
}
