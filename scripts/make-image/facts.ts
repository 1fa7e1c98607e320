/**
 * What is true of the vendors' images and of those made here, one sentence each.
 *
 * test/full/make-image.test.ts proves every one of them with programs that are not ours, and fails for a fact without a
 * proof. Sources: coreos/scripts and flatcar/scripts `build_library/{disk_layout.json,disk_util,vm_image_util.sh,
 * release_util.sh}`, coreos/seismograph `src/firmware/include/gpt.h`, coreos/coreos-overlay `coreos-base/oem-*`.
 */
export const FACTS = {
  'disk-length':
    'The disk ends at the end of the last partition plus 34 sectors, rounded up to 258048 sectors, for every variant of both layouts.',
  'disk-length-base-a': 'A base image in layout A is 4756340736 bytes long.',
  'partition-alignment': 'Every partition starts at a multiple of 4096 sectors.',
  'gpt-geometry': 'The GPT has 128 entries, the first usable LBA is 34, and the backup fills the last 33 sectors.',
  'gpt-valid': 'sgdisk finds no problem in the table of either layout.',
  'disk-guid': 'The disk GUID is 00000000-0000-0000-0000-000000000001.',
  'partition-guids':
    'Partition GUIDs other than those of USR-A and USR-B are shared by all image types of a release and differ between releases.',
  'usr-guids': 'USR-A and USR-B have the same two PARTUUIDs in every image.',
  'usr-attributes': 'USR-A has priority 1, no tries and the successful bit; the attributes of USR-B are zero.',
  'type-guids': 'Each partition has the type GUID of its role.',
  'table-a': 'Layout A has its seven partitions at the upstream numbers, starts and sizes, with the upstream labels.',
  'table-b': 'Layout B has its seven partitions at the upstream numbers, starts and sizes, with the upstream labels.',
  'blank-slots': 'Entries 5 and 8 are all zeros.',
  esp: 'EFI-SYSTEM is FAT32 with that label.',
  'first-boot': 'The ESP holds the empty file first_boot in the vendor directory, as before the first boot.',
  'bios-boot': 'BIOS-BOOT holds bytes, but no filesystem.',
  'usr-a-ext2': 'USR-A is ext2 on Container Linux and on Flatcar before 3794.',
  'usr-a-btrfs': 'USR-A is btrfs on Flatcar since 3794.',
  'usr-a-files': 'USR-A holds files of the build machine, byte for byte.',
  'os-release': 'USR-A holds lib/os-release and the vendor release file, which name the release.',
  verity: 'Behind the filesystem of USR-A lies a dm-verity tree that fits it.',
  'root-hash': 'The kernel on the ESP carries the root hash of that tree.',
  'ro-compat':
    'The top byte of ro_compat in the ext2 superblock of USR-A is 0xFF; with it cleared, the filesystem is clean.',
  'usr-b-empty': 'USR-B holds nothing but zeros.',
  'oem-config-raw': 'OEM-CONFIG holds nothing but zeros.',
  root: 'ROOT is a clean ext4 labelled ROOT and nearly empty.',
  'variant-onmetal': 'On onmetal, partition 7 is an ext2 data partition labelled config-2.',
  'oem-ext4-format':
    'The ext4 OEM has 4 KiB blocks, an inode for each, 128-byte inodes (Flatcar: 256), and only features that its era knew.',
  'oem-ext4-space':
    'An empty ext4 OEM has 32768 inodes, a journal of 16 MiB, 5 % reserved and about 27620 free blocks.',
  'oem-ext4-clean': 'The ext4 OEM is clean and mounts read-only after an error.',
  'oem-btrfs-format':
    'The OEM of Flatcar since 2955 is a clean btrfs with mixed block groups that fills its partition.',
  'oem-btrfs-zlib': 'The top directory of the btrfs OEM has the compression property zlib.',
  'oem-label': 'The OEM filesystem is labelled OEM whatever it is, and so is its partition.',
  'hybrid-mbr':
    'Container Linux and Flatcar before 4277 have a hybrid MBR: the ESP active as type 0x0c, 0xEE before it, and the legacy-boot attribute.',
  'protective-mbr': 'Flatcar since 4277 has an ordinary protective MBR and no legacy-boot attribute.',
  'qcow2-container-linux': 'A Container Linux qcow2 image is version 2 with plain clusters and no defects.',
  'qcow2-flatcar': 'A Flatcar qcow2 image since September 2023 is version 2 with compressed clusters.',
  lbzip2: 'lbzip2 leaves one stream of level 9 that bzip2 accepts.',
  pbzip2: 'pbzip2 leaves many streams.',
  'oem-owners': 'Vendor files belong to root:root; configs are 0644, executables and directories 0755.',
  'oem-openstack': 'The Container Linux openstack OEM holds grub.cfg, oem-release, base/README and base/default.ign.',
  'oem-rackspace':
    'The rackspace OEM holds cloud-config.yml, grub.cfg, helpers and the agent tree, and no oem-release.',
  'oem-sysext': 'A Flatcar OEM of the sysext era holds grub.cfg, oem-release, the extension and its active mark.',
  'oem-release': 'oem-release is five lines with a bare ID, no comment and no blank line.',
  sparse: 'A small image takes less than 32 MiB of storage.',
  deterministic:
    'The same options give the same bytes, and another seed gives others; only USR-A as btrfs differs from run to run.',
} as const

export type FactId = keyof typeof FACTS
