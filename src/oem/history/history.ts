/**
 * The history: what oem-bake did to an OEM partition, in a file on that partition, so that the next bake can take it back
 * or replace it.
 *
 * It holds paths, modes and digests of what was written, and of what was there before and is not there any more; no
 * content, no variable's value, nothing of the machine that baked, no time. The same bake gives the same bytes.
 *
 * Its name is chosen so that nobody stumbles over it. Whoever reads the OEM partition asks for names (GRUB, Ignition and
 * its `oem://` URLs, coreos-cloudinit, the updater with its list of old folders, the initrd in `sysext/`; the installer
 * writes `config.ign` and, long ago, `coreos-install.json`); shells that list `*` there don't see a name with a dot.
 */
import { createHash } from 'node:crypto'
import type { OemEntry, Owner } from '../../engine/engine.js'
import { isFilesystemOwn, isOwnHistory } from '../oem-path.js'

/** At the root: a folder would cost a block and an inode more, and an update may clean folders. */
export const HISTORY_PATH = '/.oem-bake.json'
export const HISTORY_MODE = 0o644
/** Some 30 000 files, which is more than an OEM partition has inodes for. */
export const HISTORY_LIMIT_BYTES = 4 << 20
/** The key that says what the file is; its value is the version of the form. */
export const FORM_KEY = 'oemBakeHistory'
export const FORM_VERSION = 1

/** A file that a bake wrote. */
export interface WrittenFile {
  readonly path: string
  readonly mode: number
  readonly sizeBytes: number
  /** Lower-case hex. */
  readonly sha256: string
  /** Made from the file that was there before, whose other settings it keeps: grub.cfg with another oem_id. */
  readonly isDerived: boolean
}

interface Displaced extends Owner {
  readonly path: string
  readonly mode: number
}

/** What was there before the first bake, and is now gone or something else. */
export type DisplacedEntry =
  | (Displaced & { readonly kind: 'file'; readonly sizeBytes: number; readonly sha256: string })
  | (Displaced & { readonly kind: 'symlink'; readonly target: string })
  | (Displaced & { readonly kind: 'directory' | 'other' })

export interface UsedTemplate {
  readonly name: string
  /** Of its files as they are, before variables are put in; lower-case hex. */
  readonly sha256: string
}

export interface History {
  /** Version of oem-bake. */
  readonly version: string
  readonly template: UsedTemplate | undefined
  /** The partition before the first bake. */
  readonly original: {
    /** As `--release` takes it. */
    readonly release: string | undefined
    /** Whose package the files were. */
    readonly vendorSet: string | undefined
    /** {@link treeDigest} */
    readonly tree: string
  }
  /** Sorted by path, as the two below. */
  readonly written: readonly WrittenFile[]
  /** Directories that a bake made. */
  readonly directories: readonly string[]
  readonly displaced: readonly DisplacedEntry[]
}

/** One record a line, so that two histories can be compared by eye. */
export function formatHistory({ version, template, original, written, directories, displaced }: History): Buffer {
  const head = [
    [FORM_KEY, FORM_VERSION],
    ['version', version],
    ...(template === undefined ? [] : [['template', { name: template.name, sha256: template.sha256 }] as const]),
    ['original', { release: original.release, vendorSet: original.vendorSet, tree: original.tree }],
  ] as const
  const lists = [
    ['written', written.map(writtenRecord)],
    ['directories', directories],
    ['displaced', displaced.map(displacedRecord)],
  ] as const
  const text = [
    ...head.map(([name, value]) => `  ${JSON.stringify(name)}: ${JSON.stringify(value)}`),
    ...lists.map(([name, records]) => `  ${JSON.stringify(name)}: ${formatRecords(records)}`),
  ].join(',\n')
  return Buffer.from(`{\n${text}\n}\n`)
}

function formatRecords(records: readonly unknown[]): string {
  if (records.length === 0) return '[]'
  return `[\n${records.map((record) => `    ${JSON.stringify(record)}`).join(',\n')}\n  ]`
}

// Keys in one order, wherever a record came from: the same history has the same bytes.

function writtenRecord({ path, mode, sizeBytes, sha256, isDerived }: WrittenFile): object {
  return { path, mode: octal(mode), sizeBytes, sha256, ...(isDerived ? { derived: true } : {}) }
}

function displacedRecord(entry: DisplacedEntry): object {
  const { path, kind, mode, uid, gid } = entry
  const common = { path, kind, mode: octal(mode), uid, gid }
  switch (entry.kind) {
    case 'file':
      return { ...common, sizeBytes: entry.sizeBytes, sha256: entry.sha256 }
    case 'symlink':
      return { ...common, target: entry.target }
    case 'directory':
    case 'other':
      return common
  }
}

function octal(mode: number): string {
  return mode.toString(8).padStart(4, '0')
}

/** Digest of a tree's names, kinds, modes, owners, sizes and targets: which original it is, without reading a file. */
export function treeDigest(entries: readonly OemEntry[]): string {
  const hash = createHash('sha256')
  for (const { path, kind, mode, uid, gid, sizeBytes, target } of entries) {
    if (isFilesystemOwn(path) || isOwnHistory(path)) continue
    hash.update(`${JSON.stringify([path, kind, mode, uid, gid, sizeBytes, target ?? null])}\n`)
  }
  return hash.digest('hex')
}
