/** Every way in which a bzip2 file gets decoded, and a bake's own way of opening one. */
import { mkdtempSync, readdirSync } from 'node:fs'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect } from 'vitest'
import { openBzip2 } from '#src/codec/bzip2/bzip2.js'
import { WORKER_DECODER } from '#src/codec/bzip2/decode.js'
import type { DecodedImage } from '#src/codec/codec.js'
import type { RunContext } from '#src/progress.js'
import { openWorkspace, type Workspace } from '#src/temp.js'
import { BZIP2_PROGRAMS, environmentWith } from './bzip2.js'
import { testContext } from './context.js'
import { withVerifiedImage } from './verified.js'

export const DECODERS = [...BZIP2_PROGRAMS, WORKER_DECODER] as const
export type Decoder = (typeof DECODERS)[number]

/** @param directory where the folder for the PATH goes */
export function environmentOf(directory: string, decoder: Decoder): { readonly PATH: string } {
  return environmentWith(directory, decoder === WORKER_DECODER ? [] : [decoder])
}

export interface Opening {
  readonly directory: string
  readonly decoder: Decoder
  readonly intent?: 'look' | 'bake'
  readonly context?: RunContext
}

/** Opens a file in memory the way a bake does, in a folder of its own; the source must stay, and nothing else. */
export async function withOpenedBzip2<T>(
  file: Buffer,
  { directory, decoder, intent = 'look', context }: Opening,
  run: (decoded: DecodedImage, workspace: Workspace) => Promise<T>,
): Promise<T> {
  const folder = mkdtempSync(join(directory, 'run-'))
  const path = join(folder, 'image.bz2')
  await writeFile(path, file)
  const runContext = context ?? testContext({ env: environmentOf(directory, decoder) })
  try {
    await using workspace = await openWorkspace(folder)
    return await withVerifiedImage(path, async (image) => {
      await using decoded = await openBzip2(image, intent, workspace, runContext)
      return await run(decoded, workspace)
    })
  } finally {
    expect((await readFile(path)).equals(file)).toBe(true)
    expect(readdirSync(folder)).toEqual(['image.bz2'])
  }
}

export async function decodedBytes(file: Buffer, opening: Opening): Promise<Buffer> {
  return await withOpenedBzip2(file, opening, ({ device }) => device.read(0, device.size))
}
