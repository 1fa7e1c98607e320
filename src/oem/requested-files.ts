/**
 * A file or folder of this machine that is to go onto the OEM partition, as single files with their paths there.
 */
import { UsageError } from '../errors.js'
import type { RequestedFile } from '../request.js'
import { findFiles } from './host-files.js'
import { assertOemPath, isFilesystemOwn } from './oem-path.js'

export interface ExpandedFile {
  readonly destination: string
  readonly source: string
  readonly mode: number
}

/**
 * A directory stands for all files in it; its own name is the destination's.
 *
 * @param what for messages: `--file`
 * @throws ERR_USAGE | ERR_INPUT_FILE | ERR_OEM_PATH_INVALID
 */
export async function expandFile(requested: RequestedFile, what: string): Promise<readonly ExpandedFile[]> {
  const { source, destination, mode } = requested
  if (mode !== undefined && (!Number.isInteger(mode) || mode < 0 || mode > 0o777)) {
    throw new UsageError('ERR_USAGE', `mode of ${destination} is not between 0000 and 0777`, {
      hint: 'write it in octal, such as 0644 or 0755',
    })
  }
  if (destination !== '/') assertOemPath(destination, 'destination')
  const found = await findFiles(source, what)
  return found.map((file) => {
    const path =
      file.relativePath === '' ? destination : `${destination === '/' ? '' : destination}/${file.relativePath}`
    assertOemPath(path, 'destination')
    if (isFilesystemOwn(path)) {
      throw new UsageError('ERR_OEM_PATH_INVALID', `${path} belongs to the filesystem itself`, {
        hint: 'choose another destination',
      })
    }
    return { destination: path, source: file.path, mode: mode ?? (file.executable ? 0o755 : 0o644) }
  })
}
