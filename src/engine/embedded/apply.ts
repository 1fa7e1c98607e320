/**
 * Edits, done for real. They have been rehearsed: whatever fails here is a fault, and the partition is spoilt.
 *
 * Times: the glue takes "now" from the worker's `Date.now`, which stands still at the wanted second while this runs
 * (worker.ts). It sets the times of what it makes and, on removal, of the parent, but forgets the parent on creation.
 * And its mkdir, met with a full directory, leaves an inode behind that belongs to nobody (e2fsck: unconnected).
 * One step cures both: before a new entry is made, a file of its name is created and removed, which grows the
 * directory where needed and sets its times.
 */
import { EngineError } from '../../errors.js'
import { TRANSFER_BYTES } from './library.js'
import type { WorkerEdit } from './protocol.js'
import { lookUp } from './tree.js'
import type { MountedVolume } from './volume.js'

export type ReadContent = (edit: number, offset: number, length: number) => Promise<Uint8Array>

export async function applyEdits(
  volume: MountedVolume,
  edits: readonly WorkerEdit[],
  readContent: ReadContent,
): Promise<void> {
  for (const [index, edit] of edits.entries()) {
    switch (edit.kind) {
      case 'make-directory':
        await reserveEntry(volume, edit.path)
        await volume.library.makeDirectory(edit.path, edit.mode)
        await assertMade(volume, edit.path, 'directory', edit.mode, undefined)
        break
      case 'write-file': {
        const existing = await lookUp(volume, edit.path)
        // A new inode instead of the old one emptied: no attribute, flag or second name of the old file is inherited.
        if (existing.kind === 'found') await volume.library.unlink(edit.path)
        else await reserveEntry(volume, edit.path)
        await writeFile(volume, edit, (offset, length) => readContent(index, offset, length))
        await assertMade(volume, edit.path, 'file', edit.mode, edit.sizeBytes)
        break
      }
      case 'remove-file':
        await volume.library.unlink(edit.path)
        break
      case 'remove-directory':
        await volume.library.removeDirectory(edit.path)
        break
    }
  }
}

async function reserveEntry(volume: MountedVolume, path: string): Promise<void> {
  await volume.library.close(await volume.library.create(path, 0o600), path)
  await volume.library.unlink(path)
}

async function writeFile(
  volume: MountedVolume,
  edit: { readonly path: string; readonly mode: number; readonly sizeBytes: number },
  read: (offset: number, length: number) => Promise<Uint8Array>,
): Promise<void> {
  const handle = await volume.library.create(edit.path, edit.mode)
  for (let done = 0; done < edit.sizeBytes; done += TRANSFER_BYTES) {
    const piece = await read(done, Math.min(TRANSFER_BYTES, edit.sizeBytes - done))
    await volume.library.write(handle, piece, edit.path)
  }
  await volume.library.close(handle, edit.path)
}

/** Looks at the inode itself: the glue's word alone is not enough. */
async function assertMade(
  volume: MountedVolume,
  path: string,
  kind: 'file' | 'directory',
  mode: number,
  sizeBytes: number | undefined,
): Promise<void> {
  const found = await lookUp(volume, path)
  const inode = found.kind === 'found' ? found.node.inode : undefined
  const isAsWanted =
    inode !== undefined &&
    inode.kind === kind &&
    inode.mode === mode &&
    inode.uid === 0 &&
    inode.gid === 0 &&
    (sizeBytes === undefined || inode.sizeBytes === sizeBytes)
  if (!isAsWanted) {
    throw new EngineError('ERR_EMBEDDED', `${path} did not become what was written`, {
      hint: 'use --engine libguestfs',
      details: { path, wanted: { kind, mode, sizeBytes }, found: inode },
    })
  }
}
