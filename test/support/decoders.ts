/** A bake's own way of opening a bzip2 file, on files in memory; and what it must leave behind: nothing. */
import { createHash } from 'node:crypto'
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect } from 'vitest'
import { openBzip2 } from '#src/codec/bzip2/bzip2.js'
import type { DecodedImage, DecodePurpose, SizeAnchor } from '#src/codec/codec.js'
import type { RunContext } from '#src/progress.js'
import { NO_ANCHOR } from './chains.js'
import { testContext } from './context.js'
import { openPathsIn } from './threads.js'
import { withVerifiedImage } from './verified.js'

export interface Opening {
  /** Where the folder of the run goes. */
  readonly directory: string
  /** Of the digest file beside the image. @default none */
  readonly digest?: 'right' | 'wrong' | undefined
  readonly anchor?: SizeAnchor | undefined
  /** @default 'look' */
  readonly purpose?: 'look' | 'bake' | { readonly recompress: number | undefined } | undefined
  /** Use the cache that the context's environment names. @default false */
  readonly useCache?: boolean | undefined
  readonly context?: RunContext | undefined
}

/** Opens a file the way a bake does; `target` is where the output goes. The input must stay what it was. */
export async function withOpenedBzip2<T>(
  file: Buffer,
  opening: Opening,
  run: (decoded: DecodedImage, target: string) => Promise<T>,
): Promise<T> {
  const folder = mkdtempSync(join(opening.directory, 'run-'))
  const path = join(folder, 'image.bz2')
  const target = join(folder, 'target')
  writeFileSync(path, file)
  const sha256 = createHash('sha256').update(file)
  if (opening.digest === 'wrong') sha256.update('something else')
  if (opening.digest !== undefined) writeFileSync(`${path}.sha256`, `${sha256.digest('hex')}  image.bz2\n`)
  const { anchor = NO_ANCHOR, useCache = false, context = testContext() } = opening
  try {
    return await withVerifiedImage(path, async (image) => {
      await using decoded = await openBzip2(
        image,
        purposeOf(opening, target),
        { anchor, limitBytes: Number.POSITIVE_INFINITY, useCache },
        context,
      )
      return await run(decoded, target)
    })
  } finally {
    expect(readFileSync(path).equals(file)).toBe(true)
    expect(openPathsIn(folder)).toEqual([])
    const allowed = ['image.bz2', 'image.bz2.sha256', ...(opening.purpose === undefined ? [] : ['target'])]
    expect(readdirSync(folder).filter((name) => !allowed.includes(name))).toEqual([])
    if (existsSync(folder)) rmSync(folder, { recursive: true })
  }
}

function purposeOf({ purpose = 'look' }: Opening, target: string): DecodePurpose {
  if (purpose === 'look') return { kind: 'look' }
  return {
    kind: 'bake',
    target,
    recompress: purpose === 'bake' ? undefined : { level: purpose.recompress },
    tell: { inputDigest: true, sha512: true },
  }
}

/** All of the image, decoded. */
export async function decodedBytes(file: Buffer, opening: Opening): Promise<Buffer> {
  return await withOpenedBzip2(file, opening, ({ device }) => device.read(0, device.size))
}
