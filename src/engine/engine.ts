/**
 * What an engine is: the thing that opens the filesystem on a partition and edits files in it.
 *
 * An engine sees a partition as a byte device and a probed filesystem. It knows nothing of disks, offsets, compression
 * or templates. Paths are absolute within the filesystem (`/base/base.ign`), `/`-separated, without `.` or `..`.
 * Symbolic links are never followed: they are listed as what they are.
 */
import type { ByteDevice, WritableByteDevice } from '../byte-device.js'
import type { ExtFilesystem, Filesystem } from '../disk/filesystem/probe.js'
import type { RunContext } from '../progress.js'
import type { SpareThread } from '../spare-thread.js'

export type EngineName = 'embedded' | 'libguestfs'

export interface OemEntry {
  /** `/cloud-config.yml`; the root itself is not listed. */
  readonly path: string
  readonly kind: 'file' | 'directory' | 'symlink' | 'other'
  /** Permission bits with setuid, setgid and sticky: 0 to 0o7777. */
  readonly mode: number
  readonly uid: number
  readonly gid: number
  /** Bytes of a file's content; 0 for everything else. */
  readonly sizeBytes: number
  /** Where a symlink points, exactly as stored. */
  readonly target?: string
}

export interface OemSpace {
  readonly blockBytes: number
  readonly totalBytes: number
  /** What root may still use. */
  readonly freeBytes: number
  /** Undefined where the filesystem makes inodes as it needs them (btrfs). */
  readonly freeInodes: number | undefined
}

/** Where a file's content comes from. Big files stay on the host until they are written. */
export type FileContent =
  | { readonly kind: 'bytes'; readonly bytes: Uint8Array }
  | { readonly kind: 'host-file'; readonly path: string; readonly sizeBytes: number }

export interface Owner {
  readonly uid: number
  readonly gid: number
}

/** Who owns what is made, unless an edit says otherwise. */
export const ROOT: Owner = { uid: 0, gid: 0 }

interface Making {
  readonly path: string
  /** Only what is brought back from an original image may belong to somebody else. @default root:root */
  readonly owner?: Owner
}

/** One step; the planner orders them so that each can be done when its turn comes. */
export type OemEdit =
  | (Making & { readonly kind: 'make-directory'; readonly mode: number })
  /** Creates the file, or replaces an existing regular file of that name. */
  | (Making & { readonly kind: 'write-file'; readonly mode: number; readonly content: FileContent })
  /** Where nothing is. The target is stored as it is; nobody follows it. */
  | (Making & { readonly kind: 'make-symlink'; readonly target: string })
  /** A file, a symlink or anything else that is not a directory. */
  | { readonly kind: 'remove-file'; readonly path: string }
  /** An empty directory. */
  | { readonly kind: 'remove-directory'; readonly path: string }

/** A mounted filesystem that can be looked at. */
export interface FilesystemReader {
  /** The whole tree below the root, sorted by path (plain code unit order). */
  list(): Promise<readonly OemEntry[]>
  /** A regular file's content, or undefined when there is no such file. @param limitBytes refuses more than this */
  read(path: string, limitBytes: number): Promise<Buffer | undefined>
  /** SHA-256 of a regular file's content, lower-case hex. */
  sha256(path: string): Promise<string>
  space(): Promise<OemSpace>
}

/** A mounted filesystem that can be edited. */
export interface FilesystemEditor extends FilesystemReader {
  /**
   * Does all edits in order, then syncs. Times of what is written are `timestampSeconds`.
   *
   * @throws ERR_GUESTFISH | ERR_EMBEDDED with the path and the engine's own words; the partition is then spoilt
   */
  apply(edits: readonly OemEdit[], timestampSeconds: number): Promise<void>
}

export interface ReadOnlyVolume {
  readonly device: ByteDevice
  readonly filesystem: Filesystem
}

export interface EditableVolume {
  readonly device: WritableByteDevice
  readonly filesystem: Filesystem
}

/** What a stage gives an engine beside the volumes. */
export interface EngineContext extends RunContext {
  /** A directory of this run's own, removed with it; for sockets and copies of partitions. */
  readonly workDirectory: string
  /** For the embedded engine: a thread that has been started already. */
  readonly spareThread?: SpareThread | undefined
}

export type { ExtFilesystem, Filesystem }
