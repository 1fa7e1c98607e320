/** A directory tree full of what a hostile or careless image may hold, and what `list` must say of it. */
import { execFileSync } from 'node:child_process'
import {
  chmodSync,
  chownSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readlinkSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import type { OemEntry } from '#src/engine/engine.js'

/** Names that something on the way from the disk to here gives a meaning to. */
export const ODD_NAMES = [
  'with blank',
  'line\nfeed',
  'carriage\rreturn',
  'tab\there',
  "single'quote",
  'double"quote',
  'back\\slash',
  'ends with backslash\\',
  "\\'",
  '-leading-dash',
  '~',
  '~root',
  '*',
  '?[a-z]{b,c}',
  '|sort',
  '!reboot',
  '#comment',
  '<!date',
  '%2f%n',
  'win:c',
  '$(reboot)`id`',
  'ünïcödé ✓ 💾',
  'escape\u001b[2J',
  '[0] = {',
  'x'.repeat(255),
] as const

export function stageOddTree(root: string): void {
  mkdirSync(root)
  mkdirSync(join(root, 'odd'))
  for (const name of ODD_NAMES) writeFileSync(join(root, 'odd', name), `content of ${name}`)
  mkdirSync(join(root, 'many'))
  for (let index = 0; index < 600; index++)
    writeFileSync(join(root, 'many', `a file with a rather long name, ${index}`), '')
  mkdirSync(join(root, 'dir\n"odd\'', 'deeper'), { recursive: true })
  writeFileSync(join(root, 'dir\n"odd\'', 'deeper', 'file'), 'deep')
  symlinkSync('/etc', join(root, 'link-to-etc'))
  symlinkSync('odd/with blank', join(root, 'link-to-file'))
  symlinkSync('line\nfeed and \' "', join(root, 'link-to-nothing'))
  symlinkSync('dir\n"odd\'', join(root, 'link-to-directory'))
  execFileSync('mkfifo', [join(root, 'pipe')])
  writeFileSync(join(root, 'program'), '#!/bin/sh\n')
  chmodSync(join(root, 'program'), 0o4755)
  writeFileSync(join(root, 'theirs'), 'x')
  chownSync(join(root, 'theirs'), 1000, 100)
  chmodSync(join(root, 'theirs'), 0o600)
  mkdirSync(join(root, 'sticky'))
  chmodSync(join(root, 'sticky'), 0o1777)
}

/** What is in a directory of this machine, in the shape and order of {@link OemEntry}; told by Node, not by us. */
export function entriesOf(root: string, at = ''): readonly OemEntry[] {
  const entries = readdirSync(join(root, at)).flatMap((name): OemEntry[] => {
    const path = `${at}/${name}`
    const status = lstatSync(join(root, path))
    const kind = status.isFile()
      ? 'file'
      : status.isDirectory()
        ? 'directory'
        : status.isSymbolicLink()
          ? 'symlink'
          : 'other'
    const entry: OemEntry = {
      path,
      kind,
      mode: status.mode & 0o7777,
      uid: status.uid,
      gid: status.gid,
      sizeBytes: kind === 'file' ? status.size : 0,
      ...(kind === 'symlink' ? { target: readlinkSync(join(root, path)) } : {}),
    }
    return kind === 'directory' ? [entry, ...entriesOf(root, path)] : [entry]
  })
  return entries.sort((a, b) => (a.path < b.path ? -1 : 1))
}
