/** The outside programs that judge our work, and files of theirs; all from Debian packages (scripts/test installs them). */
import { accessSync, constants, existsSync } from 'node:fs'
import { delimiter, join } from 'node:path'

export const JUDGES = [
  'guestfish',
  'qemu-img',
  'qemu-io',
  'bzip2',
  'lbzip2',
  'pbzip2',
  'sgdisk',
  'mke2fs',
  'e2fsck',
  'debugfs',
  'tune2fs',
  'dumpe2fs',
  'mkfs.btrfs',
  'btrfs',
  'mkfs.vfat',
  'fsck.vfat',
  'mcopy',
  'mmd',
  'sfdisk',
  'blkid',
  'veritysetup',
  'setpriv',
  'strace',
  'go',
  'python3',
  'grub-script-check',
  'grub-emu',
  'grub-mkimage',
  'qemu-system-x86_64',
  '/usr/lib/grub/i386-pc/boot.img',
  '/usr/lib/grub/x86_64-efi/moddep.lst',
  '/usr/share/OVMF/OVMF_CODE_4M.fd',
  'ignition-validate',
  'systemd-analyze',
  'gpg',
  'gpg-agent',
  'sha512sum',
  'protoc',
  '/usr/lib/python3/dist-packages/jsonschema',
  '/usr/lib/python3/dist-packages/google/protobuf',
  'packer',
] as const

export function missingJudges(): string[] {
  const path = `${process.env.PATH ?? ''}${delimiter}/usr/sbin${delimiter}/sbin`
  const present = (name: string) =>
    name.startsWith('/')
      ? existsSync(name)
      : path.split(delimiter).some((directory) => {
          try {
            accessSync(join(directory, name), constants.X_OK)
            return true
          } catch {
            return false
          }
        })
  return JUDGES.filter((name) => !present(name))
}
