/**
 * Fills USR-A: real files of the build machine for dense data, the release's own files, and the verity tree behind.
 *
 * Release files are written in our own words with upstream's keys. Sources: coreos/coreos-overlay and flatcar/scripts,
 * `build_library/set_lsb_release` and `build_library/build_image_util.sh` (ro_compat byte, verity).
 */
import { type Dirent, readdirSync, statSync } from 'node:fs'
import { open } from 'node:fs/promises'
import { join } from 'node:path'
import { makeBtrfs } from './btrfs.js'
import { makeExt } from './ext.js'
import { vendorName } from './fat.js'
import { FS_BLOCK, type Region } from './layout.js'
import type { ImagePlan } from './options.js'
import { seededUuid } from './random.js'
import { compare, file, type TreeEntry } from './tree.js'
import { dataBlocksFor, writeVerityTree } from './verity.js'

/** Byte 3 of `s_feature_ro_compat`: 0x400 + 0x64 + 3. All ones, so that a read-write mount is refused. */
export const RO_COMPAT_TOP_BYTE = 0x467

/** Sum of file sizes. 700 MiB of programs compress to the 250-280 MiB that upstream's images have. */
const BUDGET = { small: 1536 * 1024, full: 700 * 1024 * 1024 } as const
/** Small images take small files, so that there are several. */
const LARGEST_FILE = { small: 256 * 1024, full: 64 * 1024 * 1024 } as const

/** Programs first: they compress as /usr of a real image does. */
const SOURCES = ['/usr/bin', '/usr/sbin', '/usr/lib', '/usr/libexec', '/usr/share', '/usr/local'] as const
/** Names that need no quoting in a debugfs script. */
const PLAIN_NAME = /^[A-Za-z0-9._+-]+$/

export interface UsrResult {
  readonly rootHash: string
  readonly files: number
  readonly bytes: number
}

export async function makeUsr(
  disk: string,
  region: Region,
  plan: ImagePlan,
  workDirectory: string,
): Promise<UsrResult> {
  const blocks = dataBlocksFor(region.length / FS_BLOCK)
  const tree = [...releaseTree(plan), ...buildMachineFiles(BUDGET[plan.size], LARGEST_FILE[plan.size])]
  const common = {
    disk,
    offset: region.offset,
    label: 'USR-A',
    uuid: seededUuid(plan.seed, `USR-A filesystem of ${plan.release}`),
    tree,
    workDirectory,
    epochSeconds: plan.epochSeconds,
  }
  if (plan.usrFilesystem === 'btrfs') {
    await makeBtrfs({ ...common, bytes: blocks * FS_BLOCK, seed: plan.seed, rootCompression: undefined })
  } else {
    await makeExt({ ...common, blocks, type: 'ext2', inodeBytes: 128 })
  }
  const handle = await open(disk, 'r+')
  try {
    if (plan.usrFilesystem === 'ext2') {
      await handle.write(Buffer.of(0xff), 0, 1, region.offset + RO_COMPAT_TOP_BYTE)
    }
    const rootHash = await writeVerityTree(handle, region.offset, blocks)
    const copies = tree.filter((entry) => entry.kind === 'copy')
    return { rootHash, files: copies.length, bytes: copies.reduce((sum, entry) => sum + entry.bytes, 0) }
  } finally {
    await handle.close()
  }
}

/** Files of this machine in a fixed order, until the budget is spent. */
export function buildMachineFiles(budget: number, largest: number): readonly (TreeEntry & { kind: 'copy' })[] {
  const chosen: (TreeEntry & { kind: 'copy' })[] = []
  const seen = new Set<number>()
  let left = budget
  for (const source of SOURCES) {
    for (const path of walk(source)) {
      const info = statSync(path)
      if (
        info.size === 0 ||
        info.size > Math.min(left, largest) ||
        seen.has(info.ino) ||
        (info.mode & 0o444) !== 0o444
      ) {
        continue
      }
      seen.add(info.ino)
      // Everything stays below /usr, minus that prefix: the partition is mounted there.
      chosen.push({ kind: 'copy', path: path.slice('/usr/'.length), source: path, bytes: info.size })
      left -= info.size
      if (left < FS_BLOCK) return chosen
    }
  }
  return chosen
}

function* walk(directory: string): Generator<string> {
  const entries = readEntries(directory).sort((a, b) => compare(a.name, b.name))
  for (const entry of entries) {
    if (!PLAIN_NAME.test(entry.name)) continue
    const path = join(directory, entry.name)
    if (entry.isDirectory()) yield* walk(path)
    else if (entry.isFile()) yield path
  }
}

/** A directory that is missing or closed to us has no files for the image. */
function readEntries(directory: string): Dirent[] {
  try {
    return readdirSync(directory, { withFileTypes: true })
  } catch {
    return []
  }
}

function releaseTree(plan: ImagePlan): readonly TreeEntry[] {
  const vendor = vendorName(plan)
  const prefix = vendor.toUpperCase()
  const buildId = new Date(plan.epochSeconds * 1000).toISOString().slice(0, 10)
  return [
    file('lib/os-release', osRelease(plan, buildId)),
    file(
      `share/${vendor}/release`,
      lines([
        `${prefix}_RELEASE_VERSION=${plan.release}`,
        `${prefix}_RELEASE_BOARD=amd64-usr`,
        `${prefix}_RELEASE_APPID={e96281a6-d1af-4bde-9a0a-97b76e56dc57}`,
      ]),
    ),
    file(`share/${vendor}/update.conf`, lines(['SERVER=https://update.example.com/v1/update/', 'GROUP=stable'])),
  ]
}

function osRelease(plan: ImagePlan, buildId: string): string {
  const name = plan.distro === 'flatcar' ? 'Flatcar Container Linux by Kinvolk' : 'Container Linux by CoreOS'
  return lines([
    `NAME="${name}"`,
    plan.distro === 'flatcar' ? 'ID=flatcar' : 'ID=coreos',
    ...(plan.distro === 'flatcar' ? ['ID_LIKE=coreos'] : []),
    `VERSION=${plan.release}`,
    `VERSION_ID=${plan.release}`,
    `BUILD_ID=${buildId}`,
    `PRETTY_NAME="${name} ${plan.release}"`,
    'ANSI_COLOR="38;5;75"',
    ...(plan.distro === 'flatcar' ? [`FLATCAR_BOARD="amd64-usr"`] : [`COREOS_BOARD="amd64-usr"`]),
  ])
}

function lines(values: readonly string[]): string {
  return `${values.join('\n')}\n`
}
