/** The manifest beside an output, if there is one: written by us, by somebody else, or damaged. Nothing in it is believed here. */
import { readSmallFile } from '../small-file.js'
import { sideFilePath } from './side-files.js'

const LIMIT_BYTES = 16 << 20

export interface FoundManifest {
  readonly text: string
  /** Whatever JSON it is. */
  readonly value: unknown
}

/** @returns undefined where there is none, or no JSON @throws ERR_PERMISSION | ERR_IO */
export async function readManifest(output: string): Promise<FoundManifest | undefined> {
  const found = await readSmallFile(sideFilePath('manifest', output), LIMIT_BYTES)
  if (found.kind !== 'text') return undefined
  try {
    return { text: found.text, value: JSON.parse(found.text) }
  } catch {
    return undefined
  }
}
