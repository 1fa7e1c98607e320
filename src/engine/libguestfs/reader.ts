/**
 * A mounted volume as a {@link FilesystemReader}.
 *
 * The kernel in the appliance follows links, and libguestfs with it. So before a path is used, each of its components is
 * looked at (`lstatnslist` with all of them, one command), and a link among them means: no such file.
 */
import { EngineError } from '../../errors.js'
import { formatBytes } from '../../units.js'
import type { Filesystem, FilesystemReader, OemEntry, OemSpace } from '../engine.js'
import type { GuestfishSession } from './session.js'
import { spaceOf } from './space.js'
import type { FileStatus } from './stat.js'

/** A filesystem at its place in the appliance. */
export interface MountedVolume {
  readonly session: GuestfishSession
  readonly device: string
  readonly mountpoint: string
  readonly filesystem: Filesystem
}

export class VolumeReader implements FilesystemReader {
  readonly #volume: MountedVolume

  constructor(volume: MountedVolume) {
    this.#volume = volume
  }

  async list(): Promise<readonly OemEntry[]> {
    const { session, mountpoint } = this.#volume
    const names = await session.find0(mountpoint)
    const statuses = await session.lstatnslist(mountpoint, names)
    const entries = await Promise.all(
      names.map(async (name, index): Promise<OemEntry> => {
        const status = statuses[index]
        if (status === undefined) {
          throw new EngineError(
            'ERR_GUESTFISH',
            `/${name} can't be looked at: its directory names it, lstat does not`,
            {
              hint: 'the filesystem is damaged; check it with e2fsck -fn or btrfs check',
            },
          )
        }
        const entry = { path: `/${name}`, ...status }
        return status.kind === 'symlink' ? { ...entry, target: await session.readlink(`${mountpoint}/${name}`) } : entry
      }),
    )
    return entries.sort((a, b) => (a.path < b.path ? -1 : a.path > b.path ? 1 : 0))
  }

  async read(path: string, limitBytes: number): Promise<Buffer | undefined> {
    const status = await statusWithoutLinks(this.#volume, path)
    if (status?.kind !== 'file') return undefined
    if (status.sizeBytes > limitBytes) {
      throw new EngineError(
        'ERR_GUESTFISH',
        `${path} has ${formatBytes(status.sizeBytes)}, expected at most ${formatBytes(limitBytes)}`,
        {
          hint: 'the file is not what its name says; look at it with guestfish',
          details: { sizeBytes: status.sizeBytes, limitBytes },
        },
      )
    }
    return this.#volume.session.readFile(this.#volume.mountpoint + path)
  }

  async sha256(path: string): Promise<string> {
    const status = await statusWithoutLinks(this.#volume, path)
    if (status?.kind !== 'file') {
      throw new EngineError(
        'ERR_GUESTFISH',
        `can't hash ${path}: expected a regular file, found ${status?.kind ?? 'nothing'}`,
      )
    }
    return this.#volume.session.checksum('sha256', this.#volume.mountpoint + path)
  }

  async space(): Promise<OemSpace> {
    return spaceOf(await this.#volume.session.statvfs(this.#volume.mountpoint), this.#volume.filesystem)
  }
}

/** Every component of a path: `/a/b/c` gives `a`, `a/b`, `a/b/c`. */
export function componentsOf(path: string): readonly string[] {
  const names = path.split('/').slice(1)
  return names.map((_, index) => names.slice(0, index + 1).join('/'))
}

/** Status of what is at a path; undefined when there is nothing, or when a link leads there. */
async function statusWithoutLinks(volume: MountedVolume, path: string): Promise<FileStatus | undefined> {
  const statuses = await volume.session.lstatnslist(volume.mountpoint, componentsOf(path))
  const parents = statuses.slice(0, -1)
  return parents.every((parent) => parent?.kind === 'directory') ? statuses.at(-1) : undefined
}
