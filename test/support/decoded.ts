/** A decoded image that is a file on the disk, as the codec of plain images gives it. */
import { openPlain } from '#src/codec/plain.js'
import { openDisk, type VirtualDisk } from '#src/disk/disk.js'
import type { RunContext } from '#src/progress.js'
import { openWorkspace, type Workspace } from '#src/temp.js'
import { testContext } from './context.js'
import { withVerifiedImage } from './verified.js'

/** Opens a file as a disk; what is temporary goes to `directory` and away with it. */
export async function withDisk<T>(
  path: string,
  directory: string,
  run: (disk: VirtualDisk, workspace: Workspace) => Promise<T>,
  context: RunContext = testContext(),
): Promise<T> {
  return await withVerifiedImage(path, async (image) => {
    await using workspace = await openWorkspace(directory)
    await using decoded = await openPlain(image, { kind: 'look' }, context)
    await using disk = await openDisk(decoded, Number.POSITIVE_INFINITY)
    return await run(disk, workspace)
  })
}
