/** One kind of bad input, as data: what is laid out, what is typed, and what must come of it. */
import { copyFileSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll } from 'vitest'
import { compressFile } from '../../support/bzip2-file.js'
import type { RunOptions } from '../../support/command-line.js'
import { makeSmallDisk, type SmallDiskOptions } from '../../support/small-disk.js'

/** A directory of the row's own. Nothing in it may be new, gone or different after the run; `tmp` in it is its TMPDIR. */
export type Place = string

/** What is typed where. */
export interface Typed extends Pick<RunOptions, 'env' | 'uid' | 'checkout'> {
  readonly args: readonly string[]
  /** Undoes what the removal of the directory does not. */
  readonly cleanUp?: () => void
}

export interface Row {
  readonly title: string
  readonly make: (place: Place) => Typed | Promise<Typed>
  readonly exitCode: number
  readonly code: string
  /** What the message names: the file, the place in it, what was found. */
  readonly says: readonly string[]
  /** What the hint tells to do. */
  readonly hint: readonly string[]
}

let bases: string | undefined

/** Where things lie that rows copy. */
function basesDirectory(): string {
  bases ??= mkdtempSync(join(tmpdir(), 'oem-bake-test-bases-'))
  return bases
}

afterAll(() => {
  if (bases !== undefined) rmSync(bases, { recursive: true, force: true })
})

const made = new Map<string, string>()

/** Puts a small disk into the place, under `image.bin`, or `image.bin.bz2` with `compressed`. Made once for each kind. */
export function image(place: Place, options: SmallDiskOptions = {}, compressed = false): string {
  const key = JSON.stringify([options, compressed])
  let base = made.get(key)
  if (base === undefined) {
    const raw = makeSmallDisk(join(basesDirectory(), `${made.size}.bin`), options)
    base = compressed ? compressFile(raw) : raw
    made.set(key, base)
  }
  const path = join(place, compressed ? 'image.bin.bz2' : 'image.bin')
  copyFileSync(base, path)
  return path
}

export const RACKSPACE = ['--template', 'rackspace'] as const
