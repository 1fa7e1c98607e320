/**
 * Makes ext2 and ext4 filesystems in place, at their offset in the disk image: no loop device, no mount, no root.
 *
 * The feature lists are those of the vendors' build hosts of 2014 to 2021, spelled out, because today's mke2fs defaults
 * (metadata_csum, 64bit, orphan_file) were never in such an image and old GRUBs can't read them. Files go in with debugfs,
 * whose time stamps follow E2FSPROGS_FAKE_TIME; `mke2fs -d` would copy change times and the caller's uid.
 * Source: coreos/scripts `build_library/disk_util`, FormatExt and its `tune2fs` call.
 */
import { join } from 'node:path'
import { EngineError } from '#src/errors.js'
import { FS_BLOCK } from './layout.js'
import { runTool } from './tool.js'
import { stageFiles, type TreeEntry, withParents } from './tree.js'

const EXT2_FEATURES = ['ext_attr', 'resize_inode', 'dir_index', 'filetype', 'sparse_super', 'large_file']
const EXT4_FEATURES = [
  ...EXT2_FEATURES,
  'has_journal',
  'extent',
  'flex_bg',
  'huge_file',
  'uninit_bg',
  'dir_nlink',
  'extra_isize',
]

export interface ExtRequest {
  readonly disk: string
  readonly offset: number
  /** Blocks of 4 KiB; may be fewer than the partition has. */
  readonly blocks: number
  readonly type: 'ext2' | 'ext4'
  readonly label: string
  readonly uuid: string
  readonly inodeBytes: 128 | 256
  readonly tree: readonly TreeEntry[]
  readonly workDirectory: string
  readonly epochSeconds: number
}

export async function makeExt(request: ExtRequest): Promise<void> {
  const clock = { epochSeconds: request.epochSeconds }
  const extended = [
    `offset=${request.offset}`,
    `hash_seed=${request.uuid}`,
    'root_owner=0:0',
    'nodiscard',
    ...(await prezeroedOption(request.epochSeconds)),
  ]
  await runTool(
    'mke2fs',
    [
      ...['-q', '-F', '-t', request.type, '-E', extended.join(',')],
      ...['-O', ['none', ...(request.type === 'ext4' ? EXT4_FEATURES : EXT2_FEATURES)].join(',')],
      ...['-b', String(FS_BLOCK), '-i', String(FS_BLOCK), '-I', String(request.inodeBytes)],
      ...['-U', request.uuid, request.disk, String(request.blocks)],
    ],
    clock,
  )
  const device = `${request.disk}?offset=${request.offset}`
  await runTool('tune2fs', ['-e', 'remount-ro', '-L', request.label, device], clock)
  await populate(request, device)
}

/**
 * Says that the file is all zeros, so that inode tables and journal stay holes and count as initialised. mke2fs knows the
 * option since 1.47; without it the image is the same but less sparse.
 */
async function prezeroedOption(epochSeconds: number): Promise<readonly string[]> {
  const { stderr } = await runTool('mke2fs', ['-V'], { epochSeconds })
  const [, major, minor] = /mke2fs (\d+)\.(\d+)/.exec(stderr) ?? []
  return Number(major) > 1 || Number(minor) >= 47 ? ['assume_storage_prezeroed=1'] : []
}

async function populate(request: ExtRequest, device: string): Promise<void> {
  const staging = join(request.workDirectory, `ext-${request.offset}`)
  const tree = withParents(request.tree)
  await stageFiles(tree, staging)
  const script = tree.flatMap((entry) => debugfsCommands(entry, staging))
  if (script.length === 0) return
  const { stderr } = await runTool('debugfs', ['-w', '-f', '-', device], {
    epochSeconds: request.epochSeconds,
    input: `${script.join('\n')}\n`,
  })
  // debugfs exits with 0 whatever its commands did; beside its banner, stderr must stay empty.
  const complaints = stderr.split('\n').filter((line) => line.trim() !== '' && !/^debugfs \d/.test(line))
  if (complaints.length > 0) {
    throw new EngineError(
      'ERR_CHILD_FAILED',
      `debugfs could not fill ${request.label}: ${complaints.slice(0, 3).join('; ')}`,
    )
  }
}

function debugfsCommands(entry: TreeEntry, staging: string): readonly string[] {
  const target = `"/${entry.path}"`
  switch (entry.kind) {
    case 'directory':
      return [`mkdir ${target}`]
    case 'file':
      // The mode of the staged copy depends on the caller's umask.
      return [`write "${join(staging, entry.path)}" ${target}`, `sif ${target} mode ${octalFileMode(entry.mode)}`]
    case 'copy':
      return [`write "${entry.source}" ${target}`]
  }
}

/** S_IFREG and permissions, as debugfs's set_inode_field wants it. */
function octalFileMode(mode: number): string {
  return `0${(0o100000 | mode).toString(8)}`
}
