/**
 * Completion for bash, without bash-completion: `complete -F` and `compgen` (Bash Reference Manual, "Programmable Completion").
 *
 * Bash breaks words at `=`: `--template=rack` arrives as three.
 */
import { type Values, VERBS, type Verb } from '../verbs.js'
import { type Flag, flagsOf } from './flags.js'
import { type KnownNames, pathsOf, wordsOf } from './names.js'

export function bashScript(names: KnownNames): string {
  return `# bash completion for oem-bake: source this file, or put it where bash-completion finds it
_oem_bake() {
  local cur=\${COMP_WORDS[COMP_CWORD]} prev=\${COMP_WORDS[COMP_CWORD-1]} verb=bake at=0 i
  if [[ $cur == = ]]; then cur=; elif [[ $prev == = ]]; then prev=\${COMP_WORDS[COMP_CWORD-2]}; fi
  for ((i = 1; i < COMP_CWORD; i++)); do
    case \${COMP_WORDS[i]} in
      ${VERBS.map(({ name }) => name).join(' | ')}) verb=\${COMP_WORDS[i]} at=$i; break ;;
    esac
  done
  COMPREPLY=()
  case $verb in
${VERBS.map((verb) => verbCase(verb, names)).join('\n')}
  esac
}
_oem_bake_words() { COMPREPLY+=($(compgen -W "$1" -- "$cur")); }
_oem_bake_paths() {
  local path
  compopt -o filenames 2>/dev/null
  while IFS= read -r path; do COMPREPLY+=("$path"); done < <(compgen "$1" -- "$cur")
}
complete -F _oem_bake oem-bake
`
}

function verbCase(verb: Verb, names: KnownNames): string {
  const flags = flagsOf(verb)
  const taking = flags.flatMap((flag) => (flag.values === undefined ? [] : [{ flag, values: flag.values }]))
  const all = flags.map(({ name }) => `--${name}`).join(' ')
  const verbs = VERBS.map(({ name }) => name).join(' ')
  return `    ${verb.name})
      case $prev in
${taking.map(({ flag, values }) => `        ${spellings(flag).join(' | ')}) ${offer(values, names)}; return ;;`).join('\n')}
      esac
      if [[ $cur == -* ]]; then _oem_bake_words '${all}'; return; fi
      case $((COMP_CWORD - at)) in
${verb.words.map(({ values }, index) => `        ${index + 1}) ${offer(values, names)} ;;`).join('\n')}
        *) ${verb.words.at(-1)?.values === 'file' ? '_oem_bake_paths -f' : ':'} ;;
      esac${verb.name === 'bake' ? `\n      if ((COMP_CWORD == 1)); then _oem_bake_words '${verbs}'; fi` : ''} ;;`
}

const spellings = ({ name, short }: Flag): readonly string[] => [
  `--${name}`,
  ...(short === undefined ? [] : [`-${short}`]),
]

/** Commands that add to the reply. */
function offer(values: Values, names: KnownNames): string {
  const words = wordsOf(values, names)
  const paths = pathsOf(values)
  const offers = [
    ...(words.length === 0 ? [] : [`_oem_bake_words '${words.join(' ')}'`]),
    ...(paths === undefined ? [] : [`_oem_bake_paths ${paths === 'file' ? '-f' : '-d'}`]),
  ]
  return offers.length === 0 ? ':' : offers.join('; ')
}
