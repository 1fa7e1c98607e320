/** Child processes of this one, as /proc lists them. */
import { readdirSync, readFileSync } from 'node:fs'

/** Command names of the live children (zombies left out), and of theirs. */
export function childNames(parent = process.pid): string[] {
  const names: string[] = []
  for (const pid of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
    try {
      const stat = readFileSync(`/proc/${pid}/stat`, 'latin1')
      const [state, parentPid] = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
      if (Number(parentPid) !== parent || state === 'Z') continue
      names.push(stat.slice(stat.indexOf('(') + 1, stat.lastIndexOf(')')), ...childNames(Number(pid)))
    } catch {
      // Ended between the listing and the look.
    }
  }
  return names
}
