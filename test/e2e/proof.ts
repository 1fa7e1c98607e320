/**
 * The proof of a bake, the same for small and full-size images: bakes through the command line, then asks outside
 * programs. Everything outside partition 6 has the digest that it had, the input is what it was, the OEM tree is the plan's,
 * and every judge of the formats on the way is content.
 */
import { execFileSync } from 'node:child_process'
import { constants, copyFileSync, rmSync } from 'node:fs'
import { basename, join } from 'node:path'
import { expect } from 'vitest'
import type { BakeReport, PlanReport } from '../../dist/index.js'
import { readManifest } from '../support/manifests.js'
import {
  blank,
  btrfsLook,
  cutOut,
  decodeSparse,
  ENV,
  extTree,
  firstDifferenceOutside,
  judge,
  oemBakeJson,
  originalSha256,
  partitionRange,
  type Range,
  sha256,
  sha256Outside,
  type TreeEntry,
} from './outside.js'

export interface ProofRequest {
  readonly image: string
  /** Flags of the bake beside image, output and engine. */
  readonly flags: readonly string[]
  readonly engine: 'embedded' | 'libguestfs'
  /** A directory for this proof's files, with room for the decoded disk. */
  readonly work: string
  /** Image and output are compressed. */
  readonly bzip2?: boolean
  readonly format: 'raw' | 'qcow2'
  readonly filesystem: 'ext4' | 'btrfs'
  /** Compares also by SHA-256 what was found equal byte for byte; seconds more for each disk. @default false */
  readonly digests?: boolean
  readonly env?: Readonly<Record<string, string>>
}

export interface Proof {
  readonly report: BakeReport
  /** Path of the published file. */
  readonly output: string
  /** After the bake, as outside programs see it. */
  readonly tree: readonly TreeEntry[]
  readonly partition: Range
  readonly seconds: { readonly bake: number; readonly proof: number }
}

/** For tests that start an appliance or two: 12 s each on two quiet cores, a minute where six programs share them. */
export const APPLIANCE_TIMEOUT_MS = 600_000

const secondsSince = (startMs: number): number => Math.round((performance.now() - startMs) / 100) / 10

export async function proveBake(request: ProofRequest): Promise<Proof> {
  const { image, work } = request
  const before = originalSha256(image)
  const output = join(work, `baked-${request.engine}.img`)
  const flags = [image, ...request.flags, '--engine', request.engine]
  const env = request.env === undefined ? {} : { env: request.env }
  let startMs = performance.now()
  const report = await oemBakeJson<BakeReport>([...flags, '--output', output], env)
  const bake = secondsSince(startMs)
  startMs = performance.now()

  expect(sha256(image), 'the input changed').toBe(before)
  // What is planned does not depend on the engine, and an appliance more would cost up to a minute.
  if (request.engine === 'embedded') {
    const { plan } = await oemBakeJson<PlanReport>(['plan', ...flags, '--tmp-dir', work], env)
    expect(report.plan.changes, 'the bake did something else than was planned').toEqual(plan.changes)
  }
  expect(report.output).toMatchObject({ path: output, sha256: sha256(output) })

  // The strictest and slowest of the decoders: it wants every block and every CRC right.
  if (request.bzip2 === true) judge('bzip2', ['-t', output])
  const disks = {
    before: virtualDisk(image, join(work, 'before'), request),
    after: virtualDisk(output, join(work, 'after'), request),
  }
  const partition = partitionRange(disks.before, 6)
  expect(partitionRange(disks.after, 6)).toEqual(partition)
  expect(judge('sgdisk', ['--verify', disks.after]).toString()).toContain('No problems found')
  expect(firstDifferenceOutside(disks.before, disks.after, partition), 'outside the OEM partition').toBeUndefined()
  if (request.digests === true) {
    expect(sha256Outside(disks.after, partition)).toBe(sha256Outside(disks.before, partition))
  }
  if (request.format === 'qcow2') compareWithQemu(disks, partition, work)

  const oem = cutOut(disks.after, partition, join(work, 'oem.after'))
  const tree = request.filesystem === 'ext4' ? proveExt(oem) : proveBtrfs(oem, work)
  expect(tree).toEqual(report.plan.expected.map((entry) => asOutside(entry, tree)))
  const oemBefore = join(work, 'oem.before')
  const earlier = request.filesystem === 'ext4' ? extTree(cutOut(disks.before, partition, oemBefore)) : undefined
  rmSync(oemBefore, { force: true })
  proveManifest(report, earlier, tree)
  for (const disk of Object.values(disks)) if (disk !== image && disk !== output) rmSync(disk)
  rmSync(oem)
  return { report, output, tree, partition, seconds: { bake, proof: secondsSince(startMs) } }
}

/** What the manifest says of each changed file is what outside programs see, before (where they have looked) and after. */
function proveManifest(
  { engine, output }: BakeReport,
  before: readonly TreeEntry[] | undefined,
  after: readonly TreeEntry[],
): void {
  const manifest = readManifest(`${output.path}.manifest.json`)
  expect(manifest.output).toMatchObject({ name: basename(output.path), sha256: output.sha256 })
  const sideOf = (tree: readonly TreeEntry[], path: string) => {
    const entry = tree.find((candidate) => candidate.path === path)
    return entry && { mode: entry.mode, ...(entry.sha256 === undefined ? {} : { sha256: entry.sha256 }) }
  }
  for (const change of manifest.changes) {
    expect(change.after, `${change.path} after`).toEqual(matching(sideOf(after, change.path)))
    if (before !== undefined)
      expect(change.before, `${change.path} before`).toEqual(matching(sideOf(before, change.path)))
  }
  const tools = manifest.tools.filter(({ version }) => version !== undefined).map(({ name }) => name)
  expect(tools).toEqual(expect.arrayContaining(engine === 'libguestfs' ? ['guestfish', 'qemu'] : ['oem-bake', 'node']))
}

function matching(side: object | undefined): unknown {
  return side === undefined ? undefined : expect.objectContaining(side)
}

/** The raw disk that an image file stands for; the file itself if it is one. */
function virtualDisk(path: string, target: string, { bzip2, format }: ProofRequest): string {
  const decoded = bzip2 === true ? decodeSparse('lbzip2', path, `${target}.decoded`) : path
  if (format === 'raw') return decoded
  judge('qemu-img', ['check', '-q', '-f', 'qcow2', decoded])
  const raw = `${target}.raw`
  judge('qemu-img', ['convert', '-f', 'qcow2', '-O', 'raw', decoded, raw])
  if (decoded !== path) rmSync(decoded)
  return raw
}

/** The same once more by qemu-img, on copies whose OEM partition is all zeros. */
function compareWithQemu(disks: { readonly before: string; readonly after: string }, oem: Range, work: string): void {
  const copies = Object.entries(disks).map(([name, disk]) => {
    const copy = join(work, `blank.${name}`)
    execFileSync('cp', ['--sparse=always', disk, copy], { env: ENV })
    blank(copy, oem)
    return copy
  })
  expect(judge('qemu-img', ['compare', '-f', 'raw', '-F', 'raw', ...copies]).toString()).toContain(
    'Images are identical.',
  )
  for (const copy of copies) rmSync(copy)
}

function proveExt(oem: string): readonly TreeEntry[] {
  judge('e2fsck', ['-fn', oem])
  return extTree(oem)
}

function proveBtrfs(oem: string, work: string): readonly TreeEntry[] {
  // btrfs check wants the file to itself.
  const copy = join(work, 'oem.check')
  copyFileSync(oem, copy, constants.COPYFILE_FICLONE)
  judge('btrfs', ['check', '--readonly', copy])
  rmSync(copy)
  const { tree, compression } = btrfsLook(oem, work)
  expect(compression).toBe('zlib')
  return tree
}

/** A planned entry in the words of the outside look; of files that the plan does not know the content of, the digest found. */
function asOutside(entry: PlanReport['plan']['expected'][number], found: readonly TreeEntry[]): TreeEntry {
  const { path, kind, target } = entry
  const sha = entry.sha256 ?? found.find((other) => other.path === path)?.sha256
  return {
    path,
    kind,
    mode: entry.mode.toString(8).padStart(4, '0'),
    owner: `${entry.uid}:${entry.gid}`,
    ...(kind === 'file' && sha !== undefined ? { sha256: sha } : {}),
    ...(target === undefined ? {} : { target }),
  }
}
