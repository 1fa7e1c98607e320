/**
 * Makes the EFI system partition: FAT32 with the boot loader's files, and the mark of an image that never booted.
 *
 * The boot files are seeded bytes under upstream's names: nothing here boots, but a bake that touched them would show. The
 * kernel carries USR-A's verity root hash at byte 64, as upstream's does.
 */
import { join } from 'node:path'
import { type Region, SECTOR } from './layout.js'
import type { ImagePlan } from './options.js'
import { seededBytes } from './random.js'
import { runTool } from './tool.js'
import { file, stageFiles, type TreeEntry, withParents } from './tree.js'

/** Where the kernel holds the root hash, as 64 hexadecimal digits (coreos/scripts, `build_library/build_image_util.sh`). */
export const KERNEL_ROOT_HASH_OFFSET = 64

const KERNEL_BYTES = { small: 256 * 1024, full: 40 * 1024 * 1024 } as const

/**
 * Sectors per cluster, as Microsoft's table has it by size: FAT32 needs 65525 clusters, and with mkfs.vfat's own choice of
 * eight sectors 128 MiB has fewer, which mtools and firmware then read as FAT16.
 */
function clusterSectors(partitionBytes: number): number {
  return partitionBytes <= 260 * 1024 * 1024 ? 1 : 8
}

/** The vendor's own directory on the ESP and under /usr/share. */
export function vendorName(plan: Pick<ImagePlan, 'distro'>): 'coreos' | 'flatcar' {
  return plan.distro === 'flatcar' ? 'flatcar' : 'coreos'
}

export async function makeEsp(
  disk: string,
  region: Region,
  plan: ImagePlan,
  usrRootHash: string,
  workDirectory: string,
): Promise<void> {
  const clock = { epochSeconds: plan.epochSeconds }
  await runTool(
    'mkfs.vfat',
    [
      ...[
        '-F',
        '32',
        '-s',
        String(clusterSectors(region.length)),
        '-n',
        'EFI-SYSTEM',
        '--invariant',
        '-i',
        seededBytes(plan.seed, 'ESP volume id', 4).toString('hex'),
      ],
      ...[`--offset=${region.offset / SECTOR}`, disk, String(region.length / 1024)],
    ],
    clock,
  )
  const staging = join(workDirectory, 'esp')
  const tree = withParents(espTree(plan, usrRootHash))
  await stageFiles(tree, staging)
  const image = `${disk}@@${region.offset}`
  for (const entry of tree) {
    if (entry.kind === 'directory') await runTool('mmd', ['-i', image, `::/${entry.path}`], clock)
    else await runTool('mcopy', ['-i', image, join(staging, entry.path), `::/${entry.path}`], clock)
  }
}

function espTree(plan: ImagePlan, usrRootHash: string): readonly TreeEntry[] {
  const vendor = vendorName(plan)
  const kernel = seededBytes(plan.seed, 'kernel', KERNEL_BYTES[plan.size])
  kernel.write('MZ', 0, 'latin1')
  kernel.write(usrRootHash, KERNEL_ROOT_HASH_OFFSET, 'latin1')
  return [
    file(`${vendor}/first_boot`, ''),
    file(`${vendor}/vmlinuz-a`, kernel),
    file(`${vendor}/grub/x86_64-efi/core.efi`, seededBytes(plan.seed, 'grub core', 128 * 1024)),
    file('EFI/boot/bootx64.efi', seededBytes(plan.seed, 'shim', 128 * 1024)),
    file('EFI/boot/grub.cfg', `# Loads the menu of ${vendor}\nconfigfile /${vendor}/grub/grub.cfg\n`),
  ]
}
