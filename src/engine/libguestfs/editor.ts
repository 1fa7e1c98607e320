/**
 * A mounted volume as a {@link FilesystemEditor}.
 *
 * The volume is mounted read-only until the first edit: mounting it writable alone would change superblock and log. A
 * written file is always a new inode: an old one of that name is removed first, so that other names of it, its
 * attributes and its owner don't matter. Owner, mode and time are set by explicit calls, whatever the appliance's umask
 * and clock are. Directories get their time last, since every file made in them moves it.
 */
import { rm, statfs, writeFile } from 'node:fs/promises'
import { assertNever, EngineError, fileError, MachineError, RefusedError } from '../../errors.js'
import { formatBytes } from '../../units.js'
import { type FileContent, type Filesystem, type FilesystemEditor, type OemEdit, ROOT } from '../engine.js'
import { lookAlong, type MountedVolume, VolumeReader } from './reader.js'
import { assertFits, contentBytes, neededSpace } from './space.js'
import type { FileStatus } from './stat.js'

/** Room that an appliance may need on the host beside content: its journal, metadata, logs. */
const HOST_SLACK_BYTES = 16 * 1024 * 1024

type WriteFile = Extract<OemEdit, { kind: 'write-file' }>

export class VolumeEditor extends VolumeReader implements FilesystemEditor {
  readonly #volume: MountedVolume
  readonly #workDirectory: string
  #edited = false

  /** @param workDirectory on the host's filesystem where the volume's copy lies */
  constructor(volume: MountedVolume, workDirectory: string) {
    super(volume)
    this.#volume = volume
    this.#workDirectory = workDirectory
  }

  /** Whether anything was applied, or begun to be. */
  get edited(): boolean {
    return this.#edited
  }

  async apply(edits: readonly OemEdit[], timestampSeconds: number): Promise<void> {
    // Mounted writable, a filesystem changes even if nobody writes to it.
    if (edits.length === 0) return
    const { session } = this.#volume
    const syncAfterRemoval = await this.#assertRoom(edits)
    await this.#mountWritable()
    const directories = new Set<string>()
    for (const edit of edits) {
      await this.#applyOne(edit, timestampSeconds, syncAfterRemoval)
      directories.add(parentOf(edit.path))
      if (edit.kind === 'make-directory') directories.add(edit.path)
      else directories.delete(edit.path)
    }
    await Promise.all([...directories].map((directory) => session.utimens(this.#at(directory), timestampSeconds)))
    await session.sync()
  }

  async #applyOne(edit: OemEdit, timestampSeconds: number, syncAfterRemoval: boolean): Promise<void> {
    const { session } = this.#volume
    const existing = await this.#look(edit)
    const path = this.#at(edit.path)
    const { uid, gid } = ('owner' in edit ? edit.owner : undefined) ?? ROOT
    switch (edit.kind) {
      case 'make-directory':
        await Promise.all([session.mkdir(path), session.chown(uid, gid, path), session.chmod(edit.mode, path)])
        return
      case 'make-symlink':
        // Its own times stay the appliance's: utimens of libguestfs follows links.
        await Promise.all([session.lnS(edit.target, path), session.lchown(uid, gid, path)])
        return
      case 'write-file':
        if (existing !== undefined) {
          await session.rm(path)
          if (syncAfterRemoval) await session.sync()
        }
        await this.#withHostFile(edit.content, (hostPath) =>
          // Commands are done in order, and none after one that failed. chown clears setuid, so chmod follows it.
          Promise.all([
            session.upload(hostPath, path),
            session.chown(uid, gid, path),
            session.chmod(edit.mode, path),
            session.utimens(path, timestampSeconds),
          ]),
        )
        return
      case 'remove-file':
        await session.rm(path)
        if (syncAfterRemoval) await session.sync()
        return
      case 'remove-directory':
        await session.rmdir(path)
        return
      default:
        assertNever(edit)
    }
  }

  /**
   * What is at an edit's path now, reached without a link.
   *
   * @throws ERR_OEM_SYMLINK when a link would be followed
   * @throws ERR_NOT_A_REGULAR_FILE when a file shall take the place of something else
   * @throws ERR_GUESTFISH when its directory does not exist
   */
  async #look(edit: OemEdit): Promise<FileStatus | undefined> {
    const components = await lookAlong(this.#volume, edit.path)
    const last = components.at(-1)
    if (last !== undefined && last.path !== edit.path) {
      if (last.status?.kind === 'symlink') throw symlinkError(edit, last.path)
      throw new EngineError(
        'ERR_GUESTFISH',
        `can't ${describe(edit)}: expected a directory at ${last.path}, found ${last.status === undefined ? 'nothing' : `a ${last.status.kind}`}`,
      )
    }
    const existing = last?.status
    if (existing === undefined || edit.kind === 'remove-file' || edit.kind === 'remove-directory') return existing
    if (existing.kind === 'symlink') throw symlinkError(edit, edit.path)
    if (edit.kind === 'write-file' && existing.kind !== 'file') {
      throw new RefusedError(
        'ERR_NOT_A_REGULAR_FILE',
        `can't ${describe(edit)}: expected a regular file or nothing, found ${existing.kind === 'directory' ? 'a directory' : 'a special file'}`,
        { hint: `remove it first with --remove ${edit.path}, or choose another destination` },
      )
    }
    return existing
  }

  /**
   * Checks the partition's space and the host's, before anything is written.
   *
   * @returns whether removed files must be given back to the filesystem at once: it frees blocks only with its next
   *   transaction, and the new files need them
   * @throws ERR_OEM_FULL | ERR_NO_SPACE
   */
  async #assertRoom(edits: readonly OemEdit[]): Promise<boolean> {
    const space = await this.space()
    const existing = new Map((await this.list()).map((entry) => [entry.path, entry.sizeBytes]))
    const needed = neededSpace(edits, existing, space.blockBytes)
    assertFits(needed, space)
    await this.#assertHostRoom(edits, needed.grossBytes)
    return needed.grossBytes > space.freeBytes
  }

  /** qemu stops the appliance, without a word, when its image can't grow: that would look like a hang. */
  async #assertHostRoom(edits: readonly OemEdit[], grossBytes: number): Promise<void> {
    const largestBytes = Math.max(0, ...edits.filter(isWriteFile).map(contentBytes))
    const neededBytes = grossBytes + largestBytes + HOST_SLACK_BYTES
    const status = await statfs(this.#workDirectory).catch((error) => {
      throw fileError(error, `look at the free space of ${this.#workDirectory}`)
    })
    const availableBytes = status.bavail * status.bsize
    if (availableBytes >= neededBytes) return
    throw new MachineError(
      'ERR_NO_SPACE',
      `editing needs ${formatBytes(neededBytes)} in ${this.#workDirectory}, and ${formatBytes(availableBytes)} are free`,
      {
        hint: 'free some space, or point --tmp-dir to a filesystem with more',
        details: { neededBytes, availableBytes },
      },
    )
  }

  async #mountWritable(): Promise<void> {
    if (this.#edited) return
    const { session, device, mountpoint, filesystem } = this.#volume
    await session.umount(mountpoint)
    await session.mountOptions(writableOptions(filesystem), device, mountpoint)
    this.#edited = true
  }

  async #withHostFile(content: FileContent, use: (hostPath: string) => Promise<unknown>): Promise<void> {
    if (content.kind === 'host-file') {
      await use(content.path)
      return
    }
    const path = this.#volume.session.transferPath()
    try {
      await writeFile(path, content.bytes, { mode: 0o600 }).catch((error) => {
        throw fileError(error, `write ${path}`)
      })
      await use(path)
    } finally {
      await rm(path, { force: true })
    }
  }

  #at(path: string): string {
    return this.#volume.mountpoint + path
  }
}

/** No times of access, and none of the work that ext4 would do in the background: only what was edited shall change. */
function writableOptions(filesystem: Filesystem): string {
  return filesystem.kind === 'ext' && filesystem.variant === 'ext4' ? 'noatime,noinit_itable' : 'noatime'
}

function isWriteFile(edit: OemEdit): edit is WriteFile {
  return edit.kind === 'write-file'
}

/** `/` for names at the root. */
function parentOf(path: string): string {
  return path.slice(0, Math.max(1, path.lastIndexOf('/')))
}

function symlinkError(edit: OemEdit, link: string): RefusedError {
  return new RefusedError(
    'ERR_OEM_SYMLINK',
    `can't ${describe(edit)}: ${link} is a symbolic link on the OEM partition`,
    {
      hint: `remove the link with --remove ${link}, or choose another destination`,
      details: { path: edit.path, link },
    },
  )
}

function describe(edit: OemEdit): string {
  switch (edit.kind) {
    case 'make-directory':
      return `make the directory ${edit.path}`
    case 'write-file':
      return `write ${edit.path}`
    case 'remove-file':
      return `remove ${edit.path}`
    case 'make-symlink':
      return `make the symbolic link ${edit.path}`
    case 'remove-directory':
      return `remove the directory ${edit.path}`
    default:
      return assertNever(edit)
  }
}
