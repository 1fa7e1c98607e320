/** Completion as real shells do it: what each offers for a line that was typed so far. */
import { execFileSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'

export type Offers = (typed: string) => readonly string[]

const lines = (text: string): readonly string[] => text.split('\n').filter((line) => line !== '')

/** @param cwd where paths are completed */
export function bashOffers(script: string, cwd: string): Offers {
  return (typed) => {
    // As readline breaks words: at blanks, and = is a word of its own.
    const words = typed
      .split(' ')
      .flatMap((word) => word.split(/(=)/).filter((part, index) => part !== '' || index > 1))
    if (typed.endsWith(' ')) words.push('')
    const program = `source "$1"; shift; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _oem_bake; printf '%s\\n' "\${COMPREPLY[@]}"`
    return lines(execFileSync('bash', ['--norc', '-c', program, 'bash', script, ...words], { cwd, encoding: 'utf8' }))
  }
}

export function fishOffers(script: string, cwd: string): Offers {
  return (typed) => {
    const said = execFileSync('fish', ['--no-config', '-c', 'source $argv[1]; complete -C $argv[2]', script, typed], {
      cwd,
      encoding: 'utf8',
      env: { ...process.env, HOME: cwd },
    })
    return lines(said).map((line) => line.split('\t')[0] ?? '')
  }
}

/** What a zsh on a terminal makes of the line when Tab is pressed: waits until it matches. */
export function zshCompletes(script: string, cwd: string, typed: string, pattern: string): string {
  const harness = join(cwd, 'harness.zsh')
  writeFileSync(
    harness,
    `zmodload zsh/zpty
zpty shell zsh -f -i
zpty -w shell "PS1= RPS1=; autoload -Uz compinit; compinit -u -D; source $1; cd $2; LISTMAX=10000; bindkey -e; print -r -- RE''ADY"
zpty -r shell said '*READY*'
zpty -w -n shell "$3"$'\\t'
zpty -r shell said "$4"
print -r -- $said
zpty -d shell
`,
  )
  const args = ['20', 'zsh', '-f', harness, script, cwd, typed, pattern]
  return execFileSync('timeout', args, { cwd, encoding: 'utf8', env: { ...process.env, HOME: cwd, TERM: 'dumb' } })
}
