/** Partitions as files, made without root or mount by the filesystems' own tools. */
import { execFileSync } from 'node:child_process'
import { readFileSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { MemoryDevice } from '#src/byte-device.js'
import { probeFilesystem } from '#src/disk/filesystem/probe.js'
import { Overlay, PAGE_BYTES } from '#src/overlay.js'

const SBIN = { ...process.env, PATH: `${process.env.PATH}:/usr/sbin:/sbin` }

/** With the features of a Container Linux image. @param root directory whose files go in */
export function makeExt4(directory: string, name: string, sizeMiB = 32, root?: string): string {
  const path = join(directory, name)
  writeFileSync(path, '')
  truncateSync(path, sizeMiB * 1024 * 1024)
  const features = '^metadata_csum,^64bit,^resize_inode'
  const from = root === undefined ? [] : ['-d', root]
  execFileSync('mke2fs', ['-q', '-F', '-t', 'ext4', '-b', '4096', '-O', features, '-L', 'OEM', ...from, path], {
    env: SBIN,
  })
  return path
}

/** Plain btrfs with a few files. */
export function makeBtrfs(directory: string, name: string, root: string): string {
  const path = join(directory, name)
  writeFileSync(path, '')
  truncateSync(path, 128 * 1024 * 1024)
  const layout = ['--mixed', '-m', 'single', '-d', 'single', '--byte-count', '128M']
  execFileSync('mkfs.btrfs', ['-q', ...layout, '-L', 'OEM', '--rootdir', root, path], { env: SBIN })
  truncateSync(path, 128 * 1024 * 1024)
  return path
}

/** Runs a judge and gives what it says. Throws when it finds fault. */
export function judge(program: string, args: readonly string[]): string {
  return execFileSync(program, args, { env: SBIN, stdio: ['ignore', 'pipe', 'pipe'] }).toString()
}

/** A partition's file as an editable volume; the file itself is never written. */
export async function openImage(path: string) {
  const device = new Overlay(new MemoryDevice(readFileSync(path)))
  const filesystem = await probeFilesystem(device)
  if (filesystem.kind !== 'ext' && filesystem.kind !== 'btrfs') throw new Error(`${path} has no filesystem`)
  return { device, filesystem }
}

export async function saveDevice(device: Overlay, path: string): Promise<string> {
  writeFileSync(path, await device.read(0, device.size))
  return path
}

/** How many pages differ from the file. */
export async function changedPages(device: Overlay): Promise<number> {
  return (await device.changedExtents()).reduce((sum, extent) => sum + extent.length, 0) / PAGE_BYTES
}
