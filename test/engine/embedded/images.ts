/** Filesystems to work on, made by mke2fs, and what e2fsprogs says of them afterwards: judges that we did not write. */
import { execFileSync } from 'node:child_process'
import { closeSync, ftruncateSync, openSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { MemoryDevice } from '#src/byte-device.js'
import { type ExtFilesystem, probeFilesystem } from '#src/disk/filesystem/probe.js'
import type { EngineContext, OemEdit } from '#src/engine/engine.js'

/** All times of a fresh image: so that anything close to now came from us. */
export const MADE_AT = 1_400_000_000
export const EDITED_AT = 1_500_000_000

const ENV = { ...process.env, LC_ALL: 'C', TZ: 'UTC', PATH: `${process.env.PATH ?? ''}:/usr/sbin:/sbin` }

/** mke2fs options by the kind of image that they stand for. */
export const PROFILES = {
  /** As Container Linux made its OEM partition. */
  era: ['-t', 'ext4', '-b', '4096', '-I', '128', '-i', '4096', '-O', '^metadata_csum,^64bit,^orphan_file'],
  flatcar: ['-t', 'ext4', '-b', '4096', '-I', '256', '-i', '4096', '-O', '^metadata_csum,^64bit'],
  modern: ['-t', 'ext4', '-b', '4096', '-O', 'metadata_csum,64bit,metadata_csum_seed,orphan_file'],
  'modern, 1 KiB blocks': ['-t', 'ext4', '-b', '1024', '-O', 'metadata_csum,64bit'],
  'ext4 without extents': ['-t', 'ext4', '-b', '1024', '-O', '^extent,^64bit,^metadata_csum,^flex_bg'],
  inline_data: ['-t', 'ext4', '-b', '4096', '-I', '256', '-O', 'inline_data,metadata_csum'],
  ext3: ['-t', 'ext3', '-b', '1024'],
  ext2: ['-t', 'ext2', '-b', '4096'],
  'ext2, 1 KiB blocks': ['-t', 'ext2', '-b', '1024'],
} as const

export type Profile = keyof typeof PROFILES
export const PROFILE_NAMES = Object.keys(PROFILES) as Profile[]

export interface MakeOptions {
  readonly sizeMiB?: number
  readonly args?: readonly string[]
  /** Directory whose content goes in. */
  readonly from?: string
}

let count = 0

export function makeImage(directory: string, profile: readonly string[], options: MakeOptions = {}): Buffer {
  const path = join(directory, `made-${count++}.img`)
  const file = openSync(path, 'w')
  ftruncateSync(file, (options.sizeMiB ?? 16) << 20)
  closeSync(file)
  const from = options.from === undefined ? [] : ['-d', options.from]
  execFileSync('mke2fs', ['-q', '-F', '-L', 'OEM', ...profile, ...(options.args ?? []), ...from, path], {
    stdio: 'pipe',
    env: { ...ENV, E2FSPROGS_FAKE_TIME: String(MADE_AT) },
  })
  return readFileSync(path)
}

export async function volumeOf(bytes: Uint8Array): Promise<{ device: MemoryDevice; filesystem: ExtFilesystem }> {
  const device = new MemoryDevice(bytes)
  const filesystem = await probeFilesystem(device)
  if (filesystem.kind !== 'ext') throw new Error(`expected ext, found ${filesystem.kind}`)
  return { device, filesystem }
}

export function contextOf(signal = new AbortController().signal): EngineContext {
  return { signal, report: () => undefined, env: {}, workDirectory: '/nonexistent' }
}

/** What `e2fsck -fn` has against the filesystem; empty when it is clean. */
export function fsck(directory: string, bytes: Uint8Array): string {
  const path = join(directory, `checked-${count++}.img`)
  writeFileSync(path, bytes)
  try {
    execFileSync('e2fsck', ['-fn', path], { stdio: 'pipe', env: ENV })
    return ''
  } catch (error) {
    const { stdout, stderr } = error as { stdout: Buffer; stderr: Buffer }
    return `${stdout}${stderr}`
  }
}

export function debugfs(directory: string, bytes: Uint8Array, request: string, write = false): Buffer {
  const path = join(directory, `debugged-${count++}.img`)
  writeFileSync(path, bytes)
  const args = [...(write ? ['-w'] : []), '-R', request, path]
  const output = execFileSync('debugfs', args, { stdio: 'pipe', env: ENV, maxBuffer: 1 << 30 })
  return write ? readFileSync(path) : output
}

/** Several requests that change the filesystem. */
export function debugfsEdit(directory: string, bytes: Uint8Array, requests: readonly string[]): Buffer {
  const path = join(directory, `debugged-${count++}.img`)
  writeFileSync(path, bytes)
  execFileSync('debugfs', ['-w', '-f', '-', path], { input: requests.join('\n'), stdio: 'pipe', env: ENV })
  return readFileSync(path)
}

/** A number that dumpe2fs prints in its header: `Free blocks`. */
export function dumpe2fs(directory: string, bytes: Uint8Array, field: string): number {
  const path = join(directory, `dumped-${count++}.img`)
  writeFileSync(path, bytes)
  const output = execFileSync('dumpe2fs', ['-h', path], { stdio: 'pipe', env: ENV }).toString()
  const line = output.split('\n').find((each) => each.startsWith(`${field}:`))
  return Number(line?.slice(field.length + 1).trim())
}

export const write = (path: string, content: string | Uint8Array, mode = 0o644): OemEdit => ({
  kind: 'write-file',
  path,
  mode,
  content: { kind: 'bytes', bytes: typeof content === 'string' ? Buffer.from(content) : content },
})
export const mkdir = (path: string, mode = 0o755): OemEdit => ({ kind: 'make-directory', path, mode })
export const remove = (path: string): OemEdit => ({ kind: 'remove-file', path })
export const rmdir = (path: string): OemEdit => ({ kind: 'remove-directory', path })
