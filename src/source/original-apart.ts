/** The original image and the one that was baked from it are two files; told before any work, as is an original that is not there. */
import { UsageError } from '../errors.js'
import { openImage } from './source.js'

/**
 * @throws ERR_USAGE when both are one file
 * @throws what {@link openImage} throws for the original
 */
export async function assertOriginalApart(image: string, original: string | undefined): Promise<void> {
  if (original === undefined) return
  await using opened = await openImage(original, '--original names the image as it was before')
  if (!(await opened.isSameFile(image))) return
  throw new UsageError('ERR_USAGE', `--original ${original} is the image itself`, {
    hint: 'give the image as it was before the first bake',
  })
}
