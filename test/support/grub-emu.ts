/**
 * GRUB itself as a judge of scripts: Debian's grub-emu sources each script and says where its variables differ from what is
 * expected, and how many faults it found. One process for any number of scripts; a few milliseconds each.
 */
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { execa } from 'execa'
import { temporaryDirectory } from './temp.js'

export interface GrubCase {
  readonly text: string
  /** Set before the script is sourced. */
  readonly environment: Readonly<Record<string, string>>
  /** What each of these should be afterwards; empty stands for unset too. No line that begins with #. */
  readonly expected: Readonly<Record<string, string>>
  /** Other variables that the script may leave behind for the next one. */
  readonly leaves?: readonly string[]
}

export interface GrubVerdict {
  readonly faulty: boolean
  /** `a=<what GRUB has>`, for each variable that is not as expected. */
  readonly differences: readonly string[]
  /** Whether the script ran to its end. */
  readonly ended: boolean
}

let made = 0

export async function runInGrub(cases: readonly GrubCase[]): Promise<readonly GrubVerdict[]> {
  const directory = join(temporaryDirectory(), `grub-emu-${made++}`)
  mkdirSync(directory)
  const commands = cases.flatMap(({ environment, expected, leaves = [], text }, index) => {
    writeFileSync(join(directory, `${index}.cfg`), text)
    return [
      `echo '@begin ${index}'`,
      ...Object.entries(environment).map(([name, value]) => `set ${name}=${quoted(value)}`),
      `source (host)${directory}/${index}.cfg`,
      ...Object.entries(expected).flatMap(([name, value]) => [
        `if [ "$${name}" = ${quoted(value)} ]; then true; else echo "@differs ${name}=<$${name}>"; fi`,
        `unset ${name}`,
      ]),
      ...leaves.map((name) => `unset ${quoted(name)}`),
      `echo '@end ${index}'`,
    ]
  })
  writeFileSync(join(directory, 'grub.cfg'), `${commands.join('\n')}\nexit\n`)
  const { stdout } = await execa('grub-emu', ['--directory', directory], {
    stdin: 'ignore',
    timeout: 100_000,
    maxBuffer: 1 << 28,
  })
  const text = stdout.replaceAll('\r', '')
  return cases.map((_, index) => {
    const begin = text.indexOf(`@begin ${index}\n`)
    const end = text.indexOf(`@end ${index}\n`)
    const said = text.slice(begin, end === -1 ? undefined : end)
    return {
      faulty: said.includes('syntax error.'),
      differences: said.split('\n').flatMap((line) => (line.startsWith('@differs ') ? [line.slice(9)] : [])),
      ended: end !== -1,
    }
  })
}

/** Otherwise than the code under test does it. */
function quoted(text: string): string {
  return `'${text.replaceAll("'", `'"'"'`)}'`
}
