/**
 * Makes btrfs filesystems in a file of their own and places them in the disk image, holes staying holes.
 *
 * mkfs.btrfs can't write at an offset. Options are upstream's: mixed block groups, single copies, a fixed byte count. The
 * files' data is not compressed, unlike upstream's, where a mounted filesystem wrote it: mkfs has no compressor.
 * Source: flatcar/scripts `build_library/disk_util`, FormatBtrfs and SetBtrfsProperty.
 */
import { chmod, copyFile, mkdir, open, rm } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { stampBtrfs } from './btrfs-stamp.js'
import { copySparse } from './sparse.js'
import { runTool } from './tool.js'
import { stageFiles, type TreeEntry, withParents } from './tree.js'

export interface BtrfsRequest {
  readonly disk: string
  readonly offset: number
  readonly bytes: number
  readonly label: string
  readonly uuid: string
  readonly seed: number
  readonly tree: readonly TreeEntry[]
  /**
   * Property of the top directory and all below it. When given, inodes are renumbered too and the bytes are the same every
   * time; without it they keep the numbers that mkfs took from the staging directory.
   */
  readonly rootCompression: 'zlib' | undefined
  readonly workDirectory: string
  readonly epochSeconds: number
}

export async function makeBtrfs(request: BtrfsRequest): Promise<void> {
  const staging = join(request.workDirectory, `btrfs-${request.offset}`)
  await stage(request.tree, staging)
  const image = `${staging}.img`
  const created = await open(image, 'w+')
  try {
    await created.truncate(request.bytes)
    await runTool(
      'mkfs.btrfs',
      [
        ...['-q', '--mixed', '-m', 'single', '-d', 'single', '--byte-count', String(request.bytes)],
        ...['--label', request.label, '-U', request.uuid, '--rootdir', staging, image],
      ],
      { epochSeconds: request.epochSeconds },
    )
    // mkfs.btrfs --rootdir ends where its last block group ends.
    await created.truncate(request.bytes)
    await stampBtrfs(created, {
      bytes: request.bytes,
      seed: request.seed,
      purpose: `${request.label} btrfs`,
      epochSeconds: request.epochSeconds,
      rootCompression: request.rootCompression,
    })
    await copySparse(image, request.disk, request.offset)
  } finally {
    await created.close()
  }
  await rm(staging, { recursive: true })
  await rm(image)
}

async function stage(tree: readonly TreeEntry[], staging: string): Promise<void> {
  await mkdir(staging, { recursive: true })
  const entries = withParents(tree)
  await stageFiles(entries, staging)
  for (const entry of entries) {
    const path = join(staging, entry.path)
    if (entry.kind === 'directory') await mkdir(path, { recursive: true })
    else if (entry.kind === 'copy') {
      await mkdir(dirname(path), { recursive: true })
      await copyFile(entry.source, path)
    }
    if (entry.kind !== 'copy') await chmod(path, entry.kind === 'directory' ? 0o755 : entry.mode)
  }
  await chmod(staging, 0o755)
}
