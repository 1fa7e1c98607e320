/**
 * What a test machine boots from: a FAT disk with kernel, initramfs and GRUB configuration, on which UEFI firmware finds GRUB
 * as the removable-media program; and for a BIOS a small disk that is nothing but GRUB.
 *
 * The GRUBs are Debian's (grub-pc-bin, grub-efi-amd64-bin), put together by grub-mkimage. A core image right behind
 * boot.img, from the second sector on, is where boot.img looks for it.
 */
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { execa } from 'execa'
import { initramfs } from './initramfs.js'

export interface BootMedium {
  /** FAT: kernel, initramfs, configuration, and GRUB for UEFI. */
  readonly disk: string
  /** GRUB for a BIOS. */
  readonly biosDisk: string
}

const LABEL = 'OEMBAKEBOOT'
/** Where Debian's packages put GRUB's modules. */
const MODULES = '/usr/lib/grub'
const COMMON =
  'normal search search_label test echo true linux serial terminal part_gpt ext2 btrfs fat configfile boot'.split(' ')
const DISK_BYTES = 64 << 20
const BIOS_DISK_BYTES = 1 << 20

/** @param directory made for it */
export async function makeBootMedium(directory: string, grubCfg: string): Promise<BootMedium> {
  mkdirSync(directory, { recursive: true })
  const path = (name: string) => join(directory, name)
  writeFileSync(path('early.cfg'), `search --no-floppy --label ${LABEL} --set medium\nnormal ($medium)/grub.cfg\n`)
  writeFileSync(path('grub.cfg'), grubCfg)
  writeFileSync(path('initrd'), initramfs())
  const make = async (format: string, output: string, modules: readonly string[]) =>
    await execa('grub-mkimage', [
      ...['--format', format, '--output', path(output), '--prefix', '/none', '--config', path('early.cfg')],
      ...modules,
    ])
  await make('i386-pc', 'core.img', ['biosdisk', ...COMMON])
  await make('x86_64-efi', 'BOOTX64.EFI', COMMON)

  const biosDisk = Buffer.concat([readFileSync(join(MODULES, 'i386-pc', 'boot.img')), readFileSync(path('core.img'))])
  writeFileSync(path('bios-disk.img'), Buffer.concat([biosDisk], BIOS_DISK_BYTES))

  const disk = path('disk.img')
  writeFileSync(disk, Buffer.alloc(DISK_BYTES))
  await execa('mkfs.vfat', ['-n', LABEL, disk])
  await execa('mmd', ['-i', disk, '::/EFI', '::/EFI/BOOT'])
  await execa('mcopy', ['-i', disk, path('BOOTX64.EFI'), '::/EFI/BOOT/BOOTX64.EFI'])
  await execa('mcopy', ['-i', disk, kernel(), '::/vmlinuz'])
  await execa('mcopy', ['-i', disk, path('initrd'), path('grub.cfg'), '::/'])
  return { disk, biosDisk: path('bios-disk.img') }
}

/** Debian's, which libguestfs boots too. */
function kernel(): string {
  const name = readdirSync('/boot')
    .filter((each) => each.startsWith('vmlinuz-'))
    .sort()
    .at(-1)
  if (name === undefined) throw new Error('no kernel in /boot: scripts/test installs one')
  return join('/boot', name)
}
