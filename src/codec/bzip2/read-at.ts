/**
 * Reading a file at once, for code that decodes where the bytes land.
 */
import { readSync } from 'node:fs'

/** Reads from the file into all of `target`, or up to the file's end; returns how many bytes. Throws Node's own errors. */
export type ReadAt = (target: Uint8Array, positionBytes: number) => number

export function readAtFrom(fd: number): ReadAt {
  return (target, positionBytes) => {
    let done = 0
    while (done < target.length) {
      const count = readSync(fd, target, done, target.length - done, positionBytes + done)
      if (count === 0) break
      done += count
    }
    return done
  }
}
