/** Completion for fish: a `complete` command for each flag of each verb (fish documentation, "complete"). */
import { type Values, VERBS, type Verb } from '../verbs.js'
import { type Flag, flagsOf } from './flags.js'
import { type KnownNames, pathsOf, wordsOf } from './names.js'

export function fishScript(names: KnownNames): string {
  const verbs = VERBS.map(({ name }) => name).join(' ')
  return `# fish completion for oem-bake: put it into ~/.config/fish/completions/oem-bake.fish
complete -c oem-bake -f
${VERBS.map(({ name, summary }) => `complete -c oem-bake -n '__fish_is_first_token' -a ${name} -d ${quoted(summary)}`).join('\n')}
${VERBS.flatMap((verb) => verbLines(verb, verbs, names)).join('\n')}
`
}

function verbLines(verb: Verb, verbs: string, names: KnownNames): readonly string[] {
  // Without a verb it is a bake.
  const seen =
    verb.name === 'bake'
      ? `not __fish_seen_subcommand_from ${verbs.replace(/^bake /, '')}`
      : `__fish_seen_subcommand_from ${verb.name}`
  const [first, ...rest] = verb.words
  const values = [...(first === undefined ? [] : [first.values]), ...rest.map(({ values: each }) => each)]
  return [
    ...flagsOf(verb).map((flag) => `complete -c oem-bake -n ${quoted(seen)} ${flagArguments(flag, names)}`),
    ...values
      .map((each) => offer(each, names))
      .filter((each) => each !== '')
      .map((each) => `complete -c oem-bake -n ${quoted(seen)} ${each}`),
  ]
}

function flagArguments({ describe, name, short, values }: Flag, names: KnownNames): string {
  const spelled = `${short === undefined ? '' : `-s ${short} `}-l ${name} -d ${quoted(describe)}`
  if (values === undefined) return spelled
  // -x: a value is required, and no file; -r -F: a value is required, and files are offered.
  return `${spelled} ${pathsOf(values) === undefined ? '-x' : '-r'} ${offer(values, names)}`.trimEnd()
}

function offer(values: Values, names: KnownNames): string {
  const words = wordsOf(values, names)
  const paths = pathsOf(values)
  return [
    ...(words.length === 0 ? [] : [`-a ${quoted(words.join(' '))}`]),
    ...(paths === undefined ? [] : ['-F']),
  ].join(' ')
}

/** A word for fish. */
function quoted(text: string): string {
  return `'${text.replace(/[\\']/g, '\\$&')}'`
}
