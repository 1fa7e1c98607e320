/** Completion for zsh: specifications for `_arguments` (zshcompsys(1), "Utility Functions"). */
import { type Values, VERBS, type Verb } from '../verbs.js'
import { type Flag, flagsOf } from './flags.js'
import { type KnownNames, pathsOf, wordsOf } from './names.js'

export function zshScript(names: KnownNames): string {
  return `#compdef oem-bake
# zsh completion for oem-bake: put it into a directory of $fpath as _oem-bake, or source it after compinit
_oem_bake_verbs() {
  local -a verbs=(
${VERBS.map(({ name, summary }) => `    ${quoted(`${name}:${summary}`)}`).join('\n')}
  )
  _describe -t commands command verbs
}
_oem_bake_first() { _alternative 'commands:command:_oem_bake_verbs' 'files:image:_files' }
_oem_bake() {
  local verb=\${words[2]}
  case $verb in
${VERBS.map((verb) => verbCase(verb, names)).join('\n')}
    *) _arguments -s ${specs(bake, names)} '1:command or image:_oem_bake_first' ;;
  esac
}
if [[ $zsh_eval_context[-1] == loadautofunc ]]; then _oem_bake "$@"; else compdef _oem_bake oem-bake; fi
`
}

const [bake] = VERBS as readonly [Verb, ...Verb[]]

function verbCase(verb: Verb, names: KnownNames): string {
  const words = verb.words.map(({ name, values }, index) => quoted(`${index + 1}:${name}:${action(values, names)}`))
  return `    ${verb.name}) shift words; ((CURRENT--)); _arguments -s ${specs(verb, names)} ${words.join(' ')} ;;`
}

function specs(verb: Verb, names: KnownNames): string {
  return flagsOf(verb)
    .flatMap((flag) => spec(flag, names))
    .join(' ')
}

function spec({ describe, name, repeats, short, values }: Flag, names: KnownNames): readonly string[] {
  const text = `[${describe.replace(/[\\[\]:]/g, '\\$&')}]`
  const value = values === undefined ? '' : `:${name}:${action(values, names)}`
  const star = repeats ? '*' : ''
  return [
    quoted(`${star}--${name}${values === undefined ? '' : '='}${text}${value}`),
    ...(short === undefined ? [] : [quoted(`${star}-${short}${text}${value}`)]),
  ]
}

function action(values: Values, names: KnownNames): string {
  const words = wordsOf(values, names)
  const paths = pathsOf(values)
  if (words.length === 0) return paths === undefined ? '' : paths === 'file' ? '_files' : '_files -/'
  if (paths === undefined) return `(${words.join(' ')})`
  return `{ compadd -- ${words.join(' ')}; _files ${paths === 'file' ? '' : '-/'} }`
}

/** A word for zsh. */
function quoted(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`
}
