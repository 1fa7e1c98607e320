/**
 * A mounted volume as a {@link FilesystemReader}.
 *
 * The kernel in the appliance follows links, and libguestfs with it. So before a path is used, each of its components is
 * looked at, from the root on, and a link among them means: no such file.
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
    const statuses = await this.#statuses(names)
    const entries = await Promise.all(
      names.map(async (name): Promise<OemEntry> => {
        const status = statuses.get(name)
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

  /** One command a directory, or a few where it holds hundreds of names: lstatnslist takes names without a slash. */
  async #statuses(names: readonly string[]): Promise<ReadonlyMap<string, FileStatus>> {
    const directories = new Map<string, string[]>()
    for (const name of names) {
      const siblings = directories.get(directoryOf(name))
      if (siblings === undefined) directories.set(directoryOf(name), [name])
      else siblings.push(name)
    }
    const found = new Map<string, FileStatus>()
    await Promise.all(
      [...directories].map(async ([directory, siblings]) => {
        const { session, mountpoint } = this.#volume
        const statuses = await session.lstatnslist(
          `${mountpoint}/${directory}`,
          siblings.map((name) => name.slice(directory === '' ? 0 : directory.length + 1)),
        )
        for (const [index, name] of siblings.entries()) {
          const status = statuses[index]
          if (status !== undefined) found.set(name, status)
        }
      }),
    )
    return found
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

/** A path's components so far, and what is at each; see {@link lookAlong}. */
export interface PathComponent {
  /** `/base`, then `/base/base.ign`. */
  readonly path: string
  readonly status: FileStatus | undefined
}

/**
 * What is at each component of a path, from the root on. Ends at the first that is no directory, which may be before
 * the path does: libguestfs could only look further by following a link.
 */
export async function lookAlong(volume: MountedVolume, path: string): Promise<readonly PathComponent[]> {
  const components: PathComponent[] = []
  let directory = ''
  for (const name of path.split('/').slice(1)) {
    const [status] = await volume.session.lstatnslist(`${volume.mountpoint}${directory}`, [name])
    directory = `${directory}/${name}`
    components.push({ path: directory, status })
    if (status?.kind !== 'directory') break
  }
  return components
}

/** Status of what is at a path; undefined when there is nothing, or when a link leads there. */
async function statusWithoutLinks(volume: MountedVolume, path: string): Promise<FileStatus | undefined> {
  const last = (await lookAlong(volume, path)).at(-1)
  return last?.path === path ? last.status : undefined
}

function directoryOf(name: string): string {
  return name.slice(0, Math.max(0, name.lastIndexOf('/')))
}
