/**
 * Words of a GRUB script into the arguments of a command.
 *
 * Source: coreos/grub grub-core/script/execute.c and argv.c, measured with grub-emu 2.06. A variable outside quotes is split
 * at blanks, and blanks at its edges vanish without splitting anything (`a$x` with x=" b" is `ab`); a word that
 * comes out empty is no argument unless it had quotes. Left out: `*` and `?` as patterns of file names, which only GRUBs
 * with the regexp module know.
 */
import type { Word } from './syntax.js'

/**
 * @param lookUp empty for a variable that is not set
 * @param longest how many characters the variables in it may come to
 * @returns undefined when it would be more
 */
export function expandWords(
  words: readonly Word[],
  lookUp: (name: string) => string,
  longest: number,
): readonly string[] | undefined {
  let length = 0
  const expanded: string[] = []
  for (const word of words) {
    let argument: string | undefined
    for (const part of word.parts) {
      const value = part.kind === 'text' ? part.text : lookUp(part.name)
      length += part.kind === 'text' ? 0 : value.length
      if (length > longest) return undefined
      if (part.quoted || part.kind === 'text') {
        if (part.quoted || value !== '') argument = (argument ?? '') + value
        continue
      }
      const [first, ...others] = value.split(/[ \t\n\v\f\r]+/).filter((field) => field !== '')
      if (first !== undefined) argument = (argument ?? '') + first
      for (const field of others) {
        if (argument !== undefined) expanded.push(argument)
        argument = field
      }
    }
    if (argument !== undefined) expanded.push(argument)
  }
  return expanded
}
