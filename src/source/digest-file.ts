/** The digests of a file that is not hashed on the way of something else. */
import type { RunContext } from '../progress.js'
import { type Digests, FileHash } from './file-hash.js'
import { openImage } from './source.js'

/** What there is to know of a file to tell it from others. */
export interface KnownFile extends Digests {
  /** Without directories. */
  readonly name: string
  readonly sizeBytes: number
}

/** @throws what opening and reading it throws; ERR_SOURCE_CHANGED when it is written to meanwhile */
export async function digestFile(path: string, withSha512: boolean, context: RunContext): Promise<KnownFile> {
  await using opened = await openImage(path)
  await using hash = new FileHash({ withSha512 }, { ...context, report: () => undefined })
  const { device, handle, name } = opened
  const digests = await hash.whole(handle.fd, device.size, path)
  await opened.assertUnchanged()
  return { name, sizeBytes: device.size, ...digests }
}
