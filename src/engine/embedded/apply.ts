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
import { ROOT } from '../engine.js'
import { TRANSFER_BYTES } from './library.js'
import type { WorkerEdit } from './protocol.js'
import type { MountedVolume } from './volume.js'

export type ReadContent = (edit: number, offset: number, length: number) => Promise<Uint8Array>

export async function applyEdits(
  volume: MountedVolume,
  edits: readonly WorkerEdit[],
  replacing: ReadonlySet<WorkerEdit>,
  readContent: ReadContent,
): Promise<void> {
  for (const [index, edit] of edits.entries()) {
    switch (edit.kind) {
      case 'make-directory':
        await reserveEntry(volume, edit.path)
        await makeDirectory(volume, edit)
        break
      case 'write-file':
        // A new inode instead of the old one emptied: no attribute, flag or second name of the old file is inherited.
        if (replacing.has(edit)) await volume.library.unlink(edit.path)
        else await reserveEntry(volume, edit.path)
        await writeFile(volume, edit, (offset, length) => readContent(index, offset, length))
        break
      case 'make-symlink':
        await reserveEntry(volume, edit.path)
        await makeSymlink(volume, edit)
        break
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

type Making<Kind extends WorkerEdit['kind']> = Extract<WorkerEdit, { readonly kind: Kind }>
type AnyMaking = Making<'make-directory' | 'write-file' | 'make-symlink'>

async function makeDirectory(volume: MountedVolume, edit: Making<'make-directory'>): Promise<void> {
  await volume.library.makeDirectory(edit.path, edit.mode)
  await finish(volume, edit, await volume.library.openForReading(edit.path))
}

async function makeSymlink(volume: MountedVolume, edit: Making<'make-symlink'>): Promise<void> {
  await volume.library.makeSymlink(edit.path, edit.target)
  await finish(volume, edit, await volume.library.openForReading(edit.path))
}

async function writeFile(
  volume: MountedVolume,
  edit: Making<'write-file'>,
  read: (offset: number, length: number) => Promise<Uint8Array>,
): Promise<void> {
  const handle = await volume.library.create(edit.path, edit.mode)
  for (let done = 0; done < edit.sizeBytes; done += TRANSFER_BYTES) {
    const piece = await read(done, Math.min(TRANSFER_BYTES, edit.sizeBytes - done))
    await volume.library.write(handle, piece, edit.path)
  }
  await finish(volume, edit, handle)
}

/** The owner where it is not root, then a look at what was made. */
async function finish(volume: MountedVolume, edit: AnyMaking, handle: number): Promise<void> {
  const inodeNumber = await volume.library.inodeNumber(handle)
  if (edit.owner !== undefined) await volume.library.changeOwner(handle, edit.owner, edit.path)
  await volume.library.close(handle, edit.path)
  await assertMade(volume, edit, inodeNumber)
}

const MADE = { 'write-file': 'file', 'make-directory': 'directory', 'make-symlink': 'symlink' } as const

/** Looks at the inode itself: the glue's word alone is not enough. */
async function assertMade(volume: MountedVolume, edit: AnyMaking, inodeNumber: number): Promise<void> {
  const inode = await volume.inode(inodeNumber)
  const owner = edit.owner ?? ROOT
  const isAsWanted =
    inode.kind === MADE[edit.kind] &&
    inode.uid === owner.uid &&
    inode.gid === owner.gid &&
    (edit.kind === 'make-symlink'
      ? (await volume.symlinkTarget(edit.path, inode)) === edit.target
      : inode.mode === edit.mode) &&
    (edit.kind !== 'write-file' || inode.sizeBytes === edit.sizeBytes)
  if (!isAsWanted) {
    throw new EngineError('ERR_EMBEDDED', `${edit.path} did not become what was written`, {
      hint: 'use --engine libguestfs',
      details: { wanted: edit, found: inode },
    })
  }
}
