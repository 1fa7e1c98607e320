/**
 * What programs that we did not write say about an image, and our own plain reading of its bytes. Nothing here comes from
 * `dist/`: extents are sgdisk's, trees debugfs's or guestfish's, so that a bake can be contradicted.
 */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { closeSync, fstatSync, openSync, readFileSync, readSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import type { SideFile } from '../../dist/index.js'
import { readManifest } from '../support/manifests.js'

/** No KVM: a device that is there and hangs would cost each launch its patience. Tests about KVM set their own. */
export const ENV = {
  ...process.env,
  LC_ALL: 'C',
  LIBGUESTFS_BACKEND: 'direct',
  LIBGUESTFS_BACKEND_SETTINGS: 'force_tcg',
  PATH: `${process.env.PATH ?? ''}:/usr/sbin:/sbin`,
}

const OUTPUT_LIMIT_BYTES = 256 << 20

/** A judge's standard output; a judgement other than exit code 0 throws with what it said. */
export function judge(program: string, args: readonly string[], input?: string): Buffer {
  return execFileSync(program, args, {
    env: ENV,
    maxBuffer: OUTPUT_LIMIT_BYTES,
    stdio: ['pipe', 'pipe', 'pipe'],
    ...(input === undefined ? {} : { input }),
  })
}

export interface Range {
  readonly offset: number
  readonly length: number
}

/** Where sgdisk finds a partition. */
export function partitionRange(disk: string, number: number): Range {
  const text = judge('sgdisk', ['-i', String(number), disk]).toString()
  const sector = (field: string): number => {
    const found = new RegExp(`^${field}: (\\d+)`, 'm').exec(text)?.[1]
    if (found === undefined) throw new Error(`sgdisk -i ${number} does not say ${field}: ${text}`)
    return Number(found)
  }
  const first = sector('First sector')
  return { offset: first * 512, length: (sector('Last sector') + 1 - first) * 512 }
}

const buffer = Buffer.allocUnsafeSlow(4 << 20)

function readAll(path: string, use: (bytes: Buffer, offset: number) => void): void {
  const fd = openSync(path, 'r')
  try {
    const { size } = fstatSync(fd)
    for (let offset = 0; offset < size; ) {
      const count = readSync(fd, buffer, 0, buffer.length, offset)
      if (count === 0) throw new Error(`${path} became shorter`)
      use(buffer.subarray(0, count), offset)
      offset += count
    }
  } finally {
    closeSync(fd)
  }
}

export function sha256(path: string): string {
  const hash = createHash('sha256')
  readAll(path, (bytes) => hash.update(bytes))
  return hash.digest('hex')
}

/** Of everything before and after the range; the range itself counts with its length only. */
export function sha256Outside(path: string, hole: Range): string {
  const hash = createHash('sha256')
  readAll(path, (bytes, offset) => {
    for (const part of outside(bytes, offset, hole)) hash.update(part)
  })
  return hash.digest('hex')
}

/** What lies before and after the range, of bytes that come from an offset. */
function outside(bytes: Buffer, offset: number, hole: Range): readonly [Buffer, Buffer] {
  const clamp = (at: number): number => Math.min(Math.max(at - offset, 0), bytes.length)
  return [bytes.subarray(0, clamp(hole.offset)), bytes.subarray(clamp(hole.offset + hole.length))]
}

const otherBuffer = Buffer.allocUnsafeSlow(buffer.length)

/** First byte outside the range in which two files differ; undefined when there is none. As good as two digests, and quicker. */
export function firstDifferenceOutside(path: string, otherPath: string, hole: Range): number | undefined {
  const fd = openSync(otherPath, 'r')
  try {
    let found: number | undefined
    let end = 0
    readAll(path, (bytes, offset) => {
      end = offset + bytes.length
      const count = readSync(fd, otherBuffer, 0, bytes.length, offset)
      const parts = outside(bytes, offset, hole)
      const others = outside(otherBuffer.subarray(0, count), offset, hole)
      if (found === undefined && parts.some((part, index) => !part.equals(others[index] ?? Buffer.alloc(0))))
        found = offset
    })
    return found ?? (fstatSync(fd).size === end ? undefined : end)
  } finally {
    closeSync(fd)
  }
}

/** Digests of inputs before anything was done with them, once a process. */
const originals = new Map<string, string>()

export function originalSha256(path: string): string {
  const known = originals.get(path) ?? sha256(path)
  originals.set(path, known)
  return known
}

export interface TreeEntry {
  readonly path: string
  readonly kind: string
  /** Octal, four digits. */
  readonly mode: string
  readonly owner: string
  /** Of files. */
  readonly sha256?: string
  /** Of links. */
  readonly target?: string
}

const KINDS: Readonly<Record<string, string>> = { '01': 'other', '04': 'directory', '10': 'file', '12': 'symlink' }

/** The tree of an ext filesystem, as debugfs sees it; its root and lost+found included. */
export function extTree(filesystem: string): TreeEntry[] {
  const entries: TreeEntry[] = []
  const walk = (directory: string): void => {
    // -p: /inode/mode/uid/gid/name/size/
    const lines = judge('debugfs', ['-R', `ls -p "${directory}"`, filesystem])
      .toString()
      .split('\n')
    for (const line of lines) {
      const [, inode, mode = '', uid, gid, name = ''] = line.split('/')
      if (inode === undefined || inode === '0' || name === '' || name === '.' || name === '..') continue
      const path = `${directory === '/' ? '' : directory}/${name}`
      const kind = KINDS[mode.slice(0, 2)] ?? `unknown ${mode}`
      const common = { path, kind, mode: mode.slice(-4), owner: `${uid}:${gid}` }
      if (kind === 'file')
        entries.push({ ...common, sha256: digest(judge('debugfs', ['-R', `cat "${path}"`, filesystem])) })
      else if (kind === 'symlink') entries.push({ ...common, target: linkTarget(filesystem, path) })
      else entries.push(common)
      if (kind === 'directory') walk(path)
    }
  }
  walk('/')
  return sorted(entries)
}

function linkTarget(filesystem: string, path: string): string {
  const text = judge('debugfs', ['-R', `stat "${path}"`, filesystem]).toString()
  return /Fast link dest: "(.*)"/.exec(text)?.[1] ?? ''
}

const digest = (bytes: Buffer): string => createHash('sha256').update(bytes).digest('hex')

export interface BtrfsLook {
  readonly tree: TreeEntry[]
  /** `btrfs.compression` of the root directory. */
  readonly compression: string
}

/** A btrfs filesystem, as the kernel of libguestfs's appliance sees it. One launch. */
export function btrfsLook(filesystem: string, work: string): BtrfsLook {
  const tar = join(work, `look-${process.pid}.tar`)
  const said = judge(
    'guestfish',
    ['--ro', '--format=raw', '-a', filesystem],
    ['run', 'mount-ro /dev/sda /', 'lgetxattr / btrfs.compression', `tar-out / ${tar}`, 'exit', ''].join('\n'),
  ).toString()
  const tree = parseTar(readFileSync(tar))
  rmSync(tar)
  return { tree, compression: said.trim() }
}

const TAR_KINDS: Readonly<Record<string, string>> = { '0': 'file', '2': 'symlink', '5': 'directory' }

/** POSIX.1-1988 ustar, which is all that short names need. */
function parseTar(tar: Buffer): TreeEntry[] {
  const entries: TreeEntry[] = []
  const text = (block: Buffer, at: number, length: number): string =>
    block.toString('latin1', at, at + length).replace(/\0.*$/s, '')
  for (let at = 0; at + 512 <= tar.length; ) {
    const header = tar.subarray(at, at + 512)
    if (header.every((byte) => byte === 0)) break
    const size = Number.parseInt(text(header, 124, 12), 8)
    const content = tar.subarray(at + 512, at + 512 + size)
    const kind = TAR_KINDS[text(header, 156, 1)] ?? `unknown ${text(header, 156, 1)}`
    const path = `/${text(header, 0, 100)
      .replace(/^\.?\//, '')
      .replace(/\/$/, '')}`
    const common = {
      path,
      kind,
      mode: Number.parseInt(text(header, 100, 8), 8)
        .toString(8)
        .padStart(4, '0'),
      owner: `${Number.parseInt(text(header, 108, 8), 8)}:${Number.parseInt(text(header, 116, 8), 8)}`,
    }
    if (path !== '/') {
      if (kind === 'file') entries.push({ ...common, sha256: digest(content) })
      else if (kind === 'symlink') entries.push({ ...common, target: text(header, 157, 100) })
      else entries.push(common)
    }
    at += 512 + Math.ceil(size / 512) * 512
  }
  return sorted(entries)
}

function sorted(entries: TreeEntry[]): TreeEntry[] {
  return entries.sort((a, b) => (a.path < b.path ? -1 : 1))
}

/** A partition's bytes in a file of their own, holes kept. */
export function cutOut(disk: string, range: Range, target: string): string {
  rmSync(target, { force: true })
  judge('dd', [
    ...[`if=${disk}`, `of=${target}`, 'bs=1M', 'conv=sparse', 'status=none'],
    ...['iflag=skip_bytes,count_bytes', `skip=${range.offset}`, `count=${range.length}`],
  ])
  // dd leaves a hole at the end out.
  judge('truncate', ['-s', String(range.length), target])
  return target
}

/** Writes zeros over a range, so that what is left can be compared as a whole. */
export function blank(disk: string, range: Range): void {
  judge('fallocate', ['--punch-hole', '--offset', String(range.offset), '--length', String(range.length), disk])
}

/** Decodes with a program of the system into a sparse file. */
export function decodeSparse(program: string, source: string, target: string): string {
  rmSync(target, { force: true })
  judge('sh', [
    '-c',
    '"$1" -dc "$2" | dd of="$3" bs=1M iflag=fullblock conv=sparse status=none',
    'sh',
    program,
    source,
    target,
  ])
  return target
}

export interface CliResult {
  readonly exitCode: number | null
  readonly signal: NodeJS.Signals | null
  readonly stdout: Buffer
  readonly stderr: string
}

const MAIN = join(import.meta.dirname, '../../dist/oem-bake.js')

export interface CliOptions {
  readonly env?: Readonly<Record<string, string | undefined>>
  readonly cwd?: string
  /** Gets the running child, to look at it or to send it signals. */
  readonly onStart?: (child: ChildProcess) => void
}

/** The command line as a user has it: another process. */
export function oemBake(args: readonly string[], options: CliOptions = {}): Promise<CliResult> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [MAIN, ...args], {
      env: { ...ENV, ...options.env },
      stdio: ['ignore', 'pipe', 'pipe'],
      ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
    })
    options.onStart?.(child)
    const stdout: Buffer[] = []
    const stderr: Buffer[] = []
    child.stdout.on('data', (bytes: Buffer) => stdout.push(bytes))
    child.stderr.on('data', (bytes: Buffer) => stderr.push(bytes))
    child.on('error', reject)
    child.on('close', (exitCode, signal) =>
      resolve({ exitCode, signal, stdout: Buffer.concat(stdout), stderr: Buffer.concat(stderr).toString() }),
    )
  })
}

/** The one JSON document of a run that ended well; a manifest that it published is held against its schema. */
export async function oemBakeJson<T>(args: readonly string[], options: CliOptions = {}): Promise<T> {
  const { exitCode, stdout, stderr } = await oemBake([...args, '--json'], options)
  if (exitCode !== 0) throw new Error(`exit code ${exitCode}: ${stdout}${stderr}`)
  const document = JSON.parse(stdout.toString()) as T & { readonly output?: { readonly files: readonly SideFile[] } }
  for (const { kind, path } of document.output?.files ?? []) if (kind === 'manifest') readManifest(path)
  return document
}
