/** qcow2 images made by qemu-img and qemu-io, and judged by them. */
import { execFileSync, spawnSync } from 'node:child_process'
import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { noise } from '../../support/random.js'
import { temporaryDirectory } from '../../support/temp.js'

const directory = temporaryDirectory()
let files = 0
const newPath = (extension: string): string => join(directory, `${files++}.${extension}`)

/** Runs `use` with a file of these bytes. */
function withFile<T>(bytes: Buffer, extension: string, use: (path: string) => T): T {
  const path = newPath(extension)
  writeFileSync(path, bytes)
  try {
    return use(path)
  } finally {
    rmSync(path)
  }
}

/** A new image, after some commands of qemu-io. */
export function created(options: string, size: number, commands: readonly string[] = []): Buffer {
  const path = newPath('qcow2')
  const args = options === '' ? [] : ['-o', options]
  execFileSync('qemu-img', ['create', '-q', '-f', 'qcow2', ...args, path, String(size)])
  return onFile(path, commands)
}

/** An image of a raw disk. */
export function converted(raw: Buffer, ...flags: readonly string[]): Buffer {
  const path = newPath('qcow2')
  withFile(raw, 'raw', (from) =>
    execFileSync('qemu-img', ['convert', '-f', 'raw', '-O', 'qcow2', ...flags, from, path]),
  )
  return onFile(path, [])
}

/** The same image after some commands of qemu-io. */
export function changedByQemu(image: Buffer, commands: readonly string[]): Buffer {
  const path = newPath('qcow2')
  writeFileSync(path, image)
  return onFile(path, commands)
}

function onFile(path: string, commands: readonly string[]): Buffer {
  if (commands.length > 0) {
    // `-d unmap` lets discards through; a command that fails makes qemu-io say so on standard output only.
    const said = execFileSync('qemu-io', ['-f', 'qcow2', '-d', 'unmap', path], {
      input: [...commands, 'quit', ''].join('\n'),
      encoding: 'utf8',
    })
    if (/failed|error|not supported|invalid|No such/i.test(said)) throw new Error(said)
  }
  const bytes = readFileSync(path)
  rmSync(path)
  return bytes
}

export interface Judgement {
  readonly corruptions: number
  readonly leaks: number
}

/** The virtual disk as qemu-img reads it. */
export function contentsByQemu(image: Buffer): Buffer {
  return withFile(image, 'qcow2', contentsOf)
}

/** What `qemu-img check` counts. */
export function judgedByQemu(image: Buffer): Judgement {
  return withFile(image, 'qcow2', judgementOf)
}

/** Both, of one file. */
export function readByQemu(image: Buffer): Judgement & { readonly contents: Buffer } {
  return withFile(image, 'qcow2', (path) => ({ ...judgementOf(path), contents: contentsOf(path) }))
}

function contentsOf(path: string): Buffer {
  const raw = newPath('raw')
  execFileSync('qemu-img', ['convert', '-f', 'qcow2', '-O', 'raw', path, raw])
  const bytes = readFileSync(raw)
  rmSync(raw)
  return bytes
}

function judgementOf(path: string): Judgement {
  const { stdout, stderr } = spawnSync('qemu-img', ['check', '-f', 'qcow2', '--output=json', path], {
    encoding: 'utf8',
  })
  const found: unknown = JSON.parse(stdout === '' ? '{"check-errors": 1}' : stdout)
  const { corruptions = 0, leaks = 0, 'check-errors': errors = 0 } = found as Record<string, number>
  if (errors !== 0) throw new Error(`qemu-img check: ${stderr}`)
  return { corruptions, leaks }
}

const KIB = 1024

/** Every kind of cluster that a version has: data, compressed, discarded, zero with and without a host cluster. */
export function mixed(options: string, clusterBytes: number): Buffer {
  const size = DISK_BYTES
  const version2 = options.includes('compat=0.10')
  const at = (share: number): number => Math.floor((size * share) / clusterBytes) * clusterBytes
  const few = Math.max(2 * clusterBytes, 48 * KIB)
  const zeros =
    version2 || clusterBytes > 256 * KIB ? [] : [`write -z ${at(0.3)} ${clusterBytes}`, `write -z ${at(0.7)} 128k`]
  return created(options, size, [
    ...[0, 1, 2, 3].map((n) => `write -P ${n + 1} ${n * 61 * KIB} 60k`),
    `write -P 9 ${at(0.3)} ${Math.min(few, size - at(0.3))}`,
    `write -P 10 ${at(0.45)} ${Math.min(few, size - at(0.45))}`,
    // qemu-io does not compress over what is allocated, and one-bit refcounts leave nothing to share.
    ...(options.includes('preallocation') || options.includes('refcount_bits=1,') || clusterBytes > 256 * KIB
      ? []
      : [0, 1, 2, 3].map((n) => `write -c -P ${20 + n} ${at(0.55) + n * clusterBytes} ${clusterBytes}`)),
    ...zeros,
    `discard ${at(0.45)} ${clusterBytes}`,
    `write -P 30 ${size - 700} 700`,
  ])
}

/** No whole number of clusters of any size, and more than one L2 table of the smaller sizes. */
export const DISK_BYTES = 3 * KIB * KIB + 5 * 512

/** A disk with noise, a long stretch of nothing, and bytes that compress. */
export const RAW_DISK: Buffer = Buffer.concat([
  noise(300_000),
  Buffer.alloc(900_000),
  Buffer.from('sector '.repeat(40_000)),
  noise(100_000, 2),
  Buffer.alloc(1_200_000),
  noise(DISK_BYTES - 2_780_000 - 512, 3),
  Buffer.alloc(512, 7),
])
