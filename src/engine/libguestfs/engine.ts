/**
 * The libguestfs engine: partitions in one appliance, each at a mountpoint of its own, as the file API of engine.ts.
 *
 * It serves whatever the kernel in the appliance can mount, which is this machine's kernel. Order: guestfish is looked
 * for, the partitions are copied to sparse files, the appliance is launched with them, everything is mounted read-only.
 * An edited partition goes back to its device only after the appliance has been unmounted and shut down without a
 * complaint; until then the device is not touched, so any failure leaves it as it was.
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { fileError, UnsupportedError } from '../../errors.js'
import { copyToSparseFile } from '../../sparse-file.js'
import type { EditableVolume, EngineContext, FilesystemEditor, FilesystemReader, ReadOnlyVolume } from '../engine.js'
import { locateGuestfish } from './diagnose.js'
import { VolumeEditor } from './editor.js'
import { type LaunchOptions, withGuestfish } from './launch.js'
import { writeBackChanges } from './partition-copy.js'
import { type MountedVolume, VolumeReader } from './reader.js'
import type { GuestfishSession } from './session.js'

export interface Volumes {
  readonly edit: EditableVolume
  readonly look?: readonly ReadOnlyVolume[]
}

export interface MountedVolumes {
  readonly edit: FilesystemEditor
  /** In the order of {@link Volumes.look}. */
  readonly look: readonly FilesystemReader[]
}

/**
 * Opens one partition for editing, and others to look at, for the length of `use`.
 *
 * @throws ERR_GUESTFISH_MISSING | ERR_KERNEL_MISSING | ERR_KERNEL_UNREADABLE | ERR_QEMU_MISSING what the machine lacks
 * @throws ERR_ENGINE_CANNOT_SERVE when this machine's kernel has no such filesystem
 * @throws ERR_APPLIANCE_ABORTED | ERR_APPLIANCE_HANGS | ERR_GUESTFISH
 */
export async function withLibguestfs<T>(
  volumes: Volumes,
  context: EngineContext,
  use: (mounted: MountedVolumes) => Promise<T>,
  options: LaunchOptions = {},
): Promise<T> {
  const { edit, look = [] } = volumes
  return withCopies([edit, ...look], context, async (directory, paths) => {
    const [editPath, ...lookPaths] = paths
    const drives = [drive(editPath, false), ...lookPaths.map((path) => drive(path, true))]
    const { result, edited } = await withGuestfish(
      drives,
      { ...context, workDirectory: directory },
      async (session) => {
        const editor = new VolumeEditor(await mountVolume(session, edit, 0), directory)
        const result = await use({ edit: editor, look: await mountReaders(session, look, 1) })
        return { result, edited: editor.edited }
      },
      options,
    )
    if (edited) await writeBackChanges(editPath, edit.device, context.signal)
    return result
  })
}

function drive(path: string, readOnly: boolean) {
  return { path, readOnly }
}

/** Runs `use` with a sparse copy of each partition, in a directory that is removed afterwards. */
async function withCopies<T>(
  volumes: readonly [ReadOnlyVolume, ...ReadOnlyVolume[]],
  context: EngineContext,
  use: (directory: string, paths: readonly [string, ...string[]]) => Promise<T>,
): Promise<T> {
  // Before any byte is copied.
  locateGuestfish(context.env)
  const directory = await mkdtemp(join(context.workDirectory, 'libguestfs-')).catch((error) => {
    throw fileError(error, `make a directory in ${context.workDirectory}`)
  })
  try {
    context.report({ kind: 'phase', phase: 'read-oem', detail: 'copy for libguestfs' })
    const copy = async (volume: ReadOnlyVolume, index: number): Promise<string> => {
      const path = join(directory, `partition-${index}.img`)
      await copyToSparseFile(volume.device, path, 'read-oem', context)
      return path
    }
    const [first, ...others] = volumes
    const paths: [string, ...string[]] = [await copy(first, 0)]
    for (const [index, volume] of others.entries()) paths.push(await copy(volume, index + 1))
    return await use(directory, paths)
  } finally {
    await rm(directory, { recursive: true, force: true, maxRetries: 3 }).catch(() => undefined)
  }
}

async function mountReaders(
  session: GuestfishSession,
  volumes: readonly ReadOnlyVolume[],
  firstDrive: number,
): Promise<readonly FilesystemReader[]> {
  const readers: FilesystemReader[] = []
  for (const [index, volume] of volumes.entries()) {
    readers.push(new VolumeReader(await mountVolume(session, volume, firstDrive + index)))
  }
  return readers
}

/** Mounts the nth drive read-only. @throws ERR_ENGINE_CANNOT_SERVE */
async function mountVolume(session: GuestfishSession, volume: ReadOnlyVolume, index: number): Promise<MountedVolume> {
  if (volume.filesystem.kind === 'btrfs' && !(await session.filesystemAvailable('btrfs'))) {
    throw new UnsupportedError(
      'ERR_ENGINE_CANNOT_SERVE',
      "the partition is btrfs, and this machine's kernel, which libguestfs boots, has no btrfs",
      { hint: 'run oem-bake on Debian, Ubuntu, Fedora or openSUSE; RHEL and its rebuilds leave btrfs out' },
    )
  }
  const device = `/dev/sd${String.fromCharCode('a'.charCodeAt(0) + index)}`
  const mountpoint = `/drive${index}`
  await session.mkmountpoint(mountpoint)
  await session.mountRo(device, mountpoint)
  return { session, device, mountpoint, filesystem: volume.filesystem }
}
