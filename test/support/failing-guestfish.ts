/**
 * A guestfish whose nth command fails, or during which it is killed or falls silent: for PATH. The real one runs, with the
 * real appliance; only what it is told goes through a filter.
 */
import { execFileSync } from 'node:child_process'
import { chmodSync, readFileSync, writeFileSync } from 'node:fs'
import { delimiter, join } from 'node:path'

export type GuestfishFault =
  /** A command that libguestfs refuses stands in its place. */
  | 'fails'
  /** SIGKILL, when the command is there. */
  | 'is killed'
  /** The command never comes. */
  | 'hangs'

export interface FailingGuestfish {
  /** PATH with it in front. */
  readonly path: string
  /** The commands that came so far. */
  commands(): readonly string[]
}

/** Runs beside guestfish, whose parent it is not: the supervisor looks at guestfish itself. */
const FILTER = `
import { appendFileSync } from 'node:fs'
import { createInterface } from 'node:readline'
const [log, nth, kind] = process.argv.slice(2)
let count = 0
let isSilent = false
for await (const line of createInterface({ input: process.stdin })) {
  // Behind each command comes the echo by which its end is known.
  const isCommand = !/^echo [0-9a-f]{32}$/.test(line)
  if (isCommand) appendFileSync(log, line + '\\n')
  if (isCommand && ++count === Number(nth)) {
    if (kind === 'hangs') isSilent = true
    if (kind === 'is killed') process.kill(process.ppid, 'SIGKILL')
    if (kind === 'fails') {
      process.stdout.write('download /injected-failure /dev/null\\n')
      continue
    }
  }
  if (!isSilent) process.stdout.write(line + '\\n')
}
`

/** @param fault none: the commands are only written down */
export function writeFailingGuestfish(
  directory: string,
  fault?: { readonly kind: GuestfishFault; readonly nth: number },
): FailingGuestfish {
  const real = execFileSync('sh', ['-c', 'command -v guestfish']).toString().trim()
  const [filter, log, path] = [join(directory, 'filter.mjs'), join(directory, 'commands'), join(directory, 'guestfish')]
  writeFileSync(filter, FILTER)
  writeFileSync(log, '')
  const words = [process.execPath, filter, log, String(fault?.nth ?? 0), fault?.kind ?? '']
  writeFileSync(path, `#!/bin/bash\nexec ${real} "$@" < <(exec ${words.map((word) => `'${word}'`).join(' ')})\n`)
  chmodSync(path, 0o755)
  return {
    path: `${directory}${delimiter}${process.env.PATH ?? ''}`,
    commands: () => readFileSync(log, 'utf8').split('\n').slice(0, -1),
  }
}
