/**
 * Every function of Node's through which a program reaches files and processes, and how each can fail.
 *
 * What is not here can't be made to fail: `preload.ts` refuses to start when the program calls a function of node:fs that
 * is in no list.
 */
import type { FaultKind } from './aim.js'

/** Of node:fs: by callback, as promise (`fs.promises`), or at once with `Sync` behind the name. First argument: a path. */
export const PATH_FUNCTIONS = [
  'access',
  'appendFile',
  'chmod',
  'chown',
  'cp',
  'exists',
  'lchown',
  'lstat',
  'lutimes',
  'mkdir',
  'mkdtemp',
  'open',
  'opendir',
  'readFile',
  'readdir',
  'readlink',
  'realpath',
  'rm',
  'rmdir',
  'stat',
  'statfs',
  'truncate',
  'unlink',
  'utimes',
  'writeFile',
] as const

/** The same with two paths; the second is what comes to be. */
export const TWO_PATH_FUNCTIONS = ['copyFile', 'link', 'rename', 'symlink'] as const

/** By callback and with `Sync`: the first argument is a file descriptor. */
export const DESCRIPTOR_FUNCTIONS = [
  'close',
  'fchmod',
  'fchown',
  'fdatasync',
  'fstat',
  'fsync',
  'ftruncate',
  'futimes',
  'read',
  'readv',
  'write',
  'writev',
] as const

/** Of every FileHandle. `close` is an own property of each, the others its prototype's. */
export const HANDLE_FUNCTIONS = [
  'appendFile',
  'chmod',
  'chown',
  'close',
  'datasync',
  'read',
  'readFile',
  'readv',
  'stat',
  'sync',
  'truncate',
  'utimes',
  'write',
  'writeFile',
  'writev',
] as const

const LOOKING: readonly FaultKind[] = ['EIO', 'EACCES']
const CHANGING: readonly FaultKind[] = ['EIO', 'ENOSPC', 'EACCES']

const KINDS: Readonly<Record<string, readonly FaultKind[]>> = {
  exists: ['false'],
  read: ['EIO', 'short', 'nothing'],
  readv: ['EIO'],
  write: ['EIO', 'ENOSPC', 'short'],
  writev: ['EIO', 'ENOSPC'],
  close: ['EIO'],
  sync: ['EIO', 'ENOSPC'],
  datasync: ['EIO', 'ENOSPC'],
  truncate: ['EIO', 'ENOSPC'],
  copyFile: CHANGING,
  // Filesystems without hard links say EPERM.
  link: [...CHANGING, 'EPERM'],
  mkdir: CHANGING,
  mkdtemp: CHANGING,
  open: CHANGING,
  rename: CHANGING,
  writeFile: CHANGING,
  spawn: ['EACCES', 'killed', 'killed late'],
}

/** The kinds of fault that a function can meet, the plainest first. */
export function kindsOf(operation: string): readonly FaultKind[] {
  const name = operation
    .replace(/^FileHandle\./, '')
    .replace(/Sync$/, '')
    .replace(/ for its version$/, '')
    .replace(/^f(?=sync|datasync|truncate)/, '')
  return KINDS[name] ?? LOOKING
}
