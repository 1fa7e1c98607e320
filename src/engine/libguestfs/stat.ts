/**
 * The texts in which guestfish prints structures, as values.
 *
 * A list of structures is printed as `[index] = {`, one `  name: number` a line, `}`; a single one without the frame.
 * Names: guestfs(3), "guestfs_statns" and "guestfs_statvfs". All numbers are decimal.
 */
import { InternalError } from '../../errors.js'

/** Bits of `st_mode`, inode(7). */
const TYPE_MASK = 0o170000
const PERMISSION_MASK = 0o7777

export interface FileStatus {
  readonly kind: 'file' | 'directory' | 'symlink' | 'other'
  readonly mode: number
  readonly uid: number
  readonly gid: number
  readonly sizeBytes: number
}

export interface FilesystemStatus {
  readonly blockBytes: number
  readonly blocks: number
  readonly freeBlocks: number
  readonly availableBlocks: number
  readonly inodes: number
  readonly freeInodes: number
}

/** One for each name that was asked for, in order; undefined where there is no such file. */
export function parseStatusList(text: string, count: number): readonly (FileStatus | undefined)[] {
  const statuses = text.split(/^\[\d+\] = \{\n/m).slice(1)
  if (statuses.length !== count) {
    throw new InternalError('ERR_INTERNAL', `guestfish printed ${statuses.length} stat structures, expected ${count}`)
  }
  return statuses.map((status) => {
    const fields = parseFields(status)
    // libguestfs sets st_ino to -1 when a file could not be looked at.
    if (field(fields, 'st_ino') === -1) return undefined
    const mode = field(fields, 'st_mode')
    const kind = fileKind(mode)
    return {
      kind,
      mode: mode & PERMISSION_MASK,
      uid: field(fields, 'st_uid'),
      gid: field(fields, 'st_gid'),
      sizeBytes: kind === 'file' ? field(fields, 'st_size') : 0,
    }
  })
}

export function parseFilesystemStatus(text: string): FilesystemStatus {
  const fields = parseFields(text)
  return {
    // POSIX counts blocks in f_frsize.
    blockBytes: field(fields, 'frsize'),
    blocks: field(fields, 'blocks'),
    freeBlocks: field(fields, 'bfree'),
    availableBlocks: field(fields, 'bavail'),
    inodes: field(fields, 'files'),
    freeInodes: field(fields, 'ffree'),
  }
}

function fileKind(mode: number): FileStatus['kind'] {
  switch (mode & TYPE_MASK) {
    case 0o100000:
      return 'file'
    case 0o040000:
      return 'directory'
    case 0o120000:
      return 'symlink'
    default:
      return 'other'
  }
}

function parseFields(text: string): ReadonlyMap<string, number> {
  const fields = new Map<string, number>()
  for (const [, name, value] of text.matchAll(/^ *(\w+): (-?\d+)$/gm)) {
    if (name !== undefined) fields.set(name, Number(value))
  }
  return fields
}

function field(fields: ReadonlyMap<string, number>, name: string): number {
  const value = fields.get(name)
  if (value === undefined) throw new InternalError('ERR_INTERNAL', `guestfish printed a structure without ${name}`)
  return value
}
