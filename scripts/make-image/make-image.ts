/**
 * Builds a production-like Container Linux or Flatcar image from real parts.
 *
 * Everything is written into one sparse raw file at its final place; then the file is converted and compressed as the
 * vendors do it, and renamed to the name that was asked for. Needs neither root nor loop devices. What is reproduced, fact
 * by fact: facts.ts.
 */
import { access, mkdtemp, open, rename, rm, stat } from 'node:fs/promises'
import { basename, dirname, join, resolve } from 'node:path'
import { fileError, RefusedError } from '#src/errors.js'
import { makeBtrfs } from './btrfs.js'
import { makeExt } from './ext.js'
import { makeEsp } from './fat.js'
import { formatPartitionTable } from './gpt-writer.js'
import { type DiskLayout, diskLayout, FS_BLOCK, partitionRegion, SECTOR } from './layout.js'
import { oemTree } from './oem-content.js'
import { type ImageOptions, type ImagePlan, planImage } from './options.js'
import { seededBytes, seededUuid } from './random.js'
import { runTool } from './tool.js'
import { directory } from './tree.js'
import { makeUsr } from './usr.js'

export interface MakeImageOptions extends ImageOptions {
  readonly output: string
  /** Replace an existing file. @default false */
  readonly force?: boolean | undefined
  /** Told what is being done, a sentence at a time. */
  readonly report?: ((line: string) => void) | undefined
}

export interface MadeImage {
  /** Absolute. */
  readonly path: string
  readonly plan: ImagePlan
  /** Length of the virtual disk. */
  readonly diskBytes: number
  /** Length of the file, which for a raw image is mostly holes. */
  readonly fileBytes: number
}

/** The OEM partition's inodes: 128 bytes, later 256 on Flatcar. */
const OEM_INODE_BYTES = { 'container-linux': 128, flatcar: 256 } as const

/**
 * @throws ERR_USAGE when the options contradict each other
 * @throws ERR_OUTPUT_EXISTS without `force`
 * @throws ERR_CHILD_FAILED when a tool is missing or fails
 */
export async function makeImage(options: MakeImageOptions): Promise<MadeImage> {
  const plan = planImage(options)
  const path = resolve(options.output)
  const report = options.report ?? (() => undefined)
  if (options.force !== true) await assertAbsent(path)
  const work = await mkdtemp(join(dirname(path), '.make-image-')).catch((error: unknown) => {
    throw fileError(error, `make a working directory in ${dirname(path)}`)
  })
  try {
    const raw = join(work, 'disk.raw')
    const layout = diskLayout(plan)
    await writeDisk(raw, layout, plan, work, report)
    const container = await convert(raw, plan, work, report)
    const finished = await compress(container, plan, work, report)
    const { size } = await stat(finished)
    await rename(finished, path)
    report(`${basename(path)}: ${size} bytes`)
    return { path, plan, diskBytes: layout.totalSectors * SECTOR, fileBytes: size }
  } finally {
    await rm(work, { recursive: true, force: true })
  }
}

async function assertAbsent(path: string): Promise<void> {
  const exists = await access(path).then(
    () => true,
    () => false,
  )
  if (exists)
    throw new RefusedError('ERR_OUTPUT_EXISTS', `${path} exists already`, { hint: 'add --force to replace it' })
}

async function writeDisk(
  disk: string,
  layout: DiskLayout,
  plan: ImagePlan,
  work: string,
  report: (line: string) => void,
): Promise<void> {
  const region = (number: number) => partitionRegion(layout, number)
  report(`${plan.distro} ${plan.release}, layout ${plan.layout} (${plan.variant}): ${layout.totalSectors} sectors`)
  const table = formatPartitionTable(layout, plan)
  const handle = await open(disk, 'w')
  try {
    await handle.truncate(layout.totalSectors * SECTOR)
    await handle.write(table.head, 0, undefined, 0)
    await handle.write(table.tail, 0, undefined, layout.totalSectors * SECTOR - table.tail.length)
    // GRUB's core.img would be here; no tool of ours may touch it.
    await handle.write(seededBytes(plan.seed, 'core.img', 96 * 1024), 0, undefined, region(2).offset)
  } finally {
    await handle.close()
  }
  report(`GPT with ${plan.mbr} MBR`)

  const usr = await makeUsr(disk, region(3), plan, work)
  report(
    `USR-A: ${plan.usrFilesystem}, ${usr.files} files of this machine, ${usr.bytes} bytes; verity root ${usr.rootHash}`,
  )
  await makeEsp(disk, region(1), plan, usr.rootHash, work)
  report('EFI-SYSTEM: FAT32 with first_boot')

  const common = { disk, workDirectory: work, epochSeconds: plan.epochSeconds }
  await makeOem(layout, plan, common)
  report(`OEM: ${plan.oemFilesystem}, ${plan.oem}`)
  await makeExt({
    ...common,
    offset: region(9).offset,
    blocks: region(9).length / FS_BLOCK,
    type: 'ext4',
    label: 'ROOT',
    uuid: seededUuid(plan.seed, `ROOT filesystem of ${plan.release}`),
    inodeBytes: OEM_INODE_BYTES[plan.distro],
    tree: [directory('boot'), directory('usr')],
  })
  report('ROOT: ext4; USR-B left empty')
  if (plan.variant === 'onmetal') {
    await makeExt({
      ...common,
      offset: region(7).offset,
      blocks: region(7).length / FS_BLOCK,
      type: 'ext2',
      label: 'config-2',
      uuid: seededUuid(plan.seed, `config-2 filesystem of ${plan.release}`),
      inodeBytes: 128,
      tree: [],
    })
  }
}

async function makeOem(
  layout: DiskLayout,
  plan: ImagePlan,
  common: { readonly disk: string; readonly workDirectory: string; readonly epochSeconds: number },
): Promise<void> {
  const { offset, length } = partitionRegion(layout, 6)
  const filesystem = {
    ...common,
    offset,
    label: 'OEM',
    uuid: seededUuid(plan.seed, `OEM filesystem of ${plan.release}`),
    tree: oemTree(plan),
  }
  if (plan.oemFilesystem === 'btrfs') {
    await makeBtrfs({ ...filesystem, bytes: length, seed: plan.seed, rootCompression: 'zlib' })
  } else {
    await makeExt({
      ...filesystem,
      blocks: length / FS_BLOCK,
      type: 'ext4',
      inodeBytes: OEM_INODE_BYTES[plan.distro],
    })
  }
}

async function convert(raw: string, plan: ImagePlan, work: string, report: (line: string) => void): Promise<string> {
  if (plan.format === 'raw') return raw
  const target = join(work, 'disk.qcow2')
  const clusters = plan.compressedClusters ? ['-c'] : []
  await runTool(
    'qemu-img',
    ['convert', '-f', 'raw', '-O', 'qcow2', ...clusters, '-o', 'compat=0.10', raw, target],
    plan,
  )
  await rm(raw)
  report(`qcow2 version 2, ${plan.compressedClusters ? 'compressed' : 'plain'} clusters`)
  return target
}

async function compress(file: string, plan: ImagePlan, work: string, report: (line: string) => void): Promise<string> {
  if (plan.compress === 'none') return file
  const target = join(work, 'disk.bz2')
  report(`compressing with ${plan.compress}`)
  const handle = await open(target, 'w')
  try {
    // All three read a name and write to standard output with the same letters.
    await runTool(plan.compress, ['-z', '-c', file], { ...plan, outputFd: handle.fd })
  } finally {
    await handle.close()
  }
  return target
}
