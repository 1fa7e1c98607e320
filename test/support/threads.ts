/** What a process must not leave behind: threads and open files. */
import { readdirSync, readlinkSync } from 'node:fs'

/** Paths below a directory that this process has open. */
export function openPathsIn(directory: string): string[] {
  return readdirSync('/proc/self/fd').flatMap((fd) => {
    try {
      const path = readlinkSync(`/proc/self/fd/${fd}`)
      return path.startsWith(directory) ? [path] : []
    } catch {
      // Closed between the listing and the look.
      return []
    }
  })
}

/** Kernel threads of this process. */
export function threadCount(): number {
  return readdirSync('/proc/self/task').length
}
