/**
 * The directory that an output without a name of its own goes to: made when it is not there, and gone again when nothing was
 * published into it.
 */
import { mkdir, rmdir } from 'node:fs/promises'
import { dirname, resolve } from 'node:path'
import { fileError } from '../errors.js'
import type { OutputRequest } from '../request.js'

/** @throws ERR_PERMISSION | ERR_NOT_FOUND | ERR_NO_SPACE | ERR_IO */
export async function openOutputDirectory({ output, outputDirectory }: OutputRequest): Promise<AsyncDisposable> {
  if (output !== undefined || outputDirectory === undefined) return { [Symbol.asyncDispose]: async () => undefined }
  const directory = resolve(outputDirectory)
  const first = await mkdir(directory, { recursive: true }).catch((error) => {
    throw fileError(error, `make the directory ${directory}`, 'choose another with --output-dir')
  })
  return { [Symbol.asyncDispose]: () => removeEmpty(directory, first) }
}

/** From the innermost to the first that was made; one with something in it stays, and all above it. */
async function removeEmpty(innermost: string, first: string | undefined): Promise<void> {
  if (first === undefined) return
  for (let directory = innermost; ; directory = dirname(directory)) {
    const isGone = await rmdir(directory).then(
      () => true,
      () => false,
    )
    if (!isGone || directory === first) return
  }
}
