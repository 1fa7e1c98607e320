/** Flags as somebody typed them: yargs forgets how they were spelled, and words what is wrong with them in its own way. */
import type { Options } from 'yargs'

export interface TypedFlag {
  /** With its dashes, as typed: `--template`, `-t`. */
  readonly spelled: string
  /** The same without. */
  readonly name: string
  /** What it would be given: behind `=`, or the next word. Undefined: nothing; yargs takes no word with a dash for a value. */
  readonly value: string | undefined
}

/** @param words all that was typed; a flag is none behind `--` */
export function typedFlags(words: readonly string[]): readonly TypedFlag[] {
  const end = words.indexOf('--')
  const before = end < 0 ? words : words.slice(0, end)
  return before.flatMap((word, index) => {
    const [, spelled, name, behind] = /^(--([^=]+)|-[A-Za-z])(.*)$/s.exec(word) ?? []
    if (spelled === undefined || behind === undefined) return []
    const next = before[index + 1]
    const follows = next === undefined || /^-[^0-9]/.test(next) ? undefined : next
    return [{ spelled, name: name ?? spelled.slice(1), value: behind === '' ? follows : behind.replace(/^=/, '') }]
  })
}

/** The option that a flag is, by its name or its letter. */
export function optionNamed(name: string, options: Readonly<Record<string, Options>>): string | undefined {
  return Object.keys(options).find((known) => known === name || options[known]?.alias === name)
}

/** Every name of a verb's flags that may be typed, without dashes: letters, and `no-` before switches, too. */
export function namesOf(options: Readonly<Record<string, Options>>): readonly string[] {
  return Object.entries(options).flatMap(([name, { alias, type }]) => [
    name,
    ...(typeof alias === 'string' ? [alias] : []),
    ...(type === 'boolean' ? [`no-${name}`] : []),
  ])
}
