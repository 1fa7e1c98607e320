/**
 * What the vendor's grub.cfg does between power-on and the kernel, in our words: the steps of facts/oem.md 2.2 in their
 * order. Debian's GRUB lacks the vendor's commands, so three things differ: the OEM partition is found by its filesystem's
 * label instead of the partition's, nothing looks at the disk's GUID (an image that never booted has the one that
 * counts), and the USR slot and its arguments are left out.
 *
 * Sources: coreos/scripts and flatcar/scripts build_library/grub.cfg.
 */

export interface VendorNames {
  /** `coreos` or `flatcar`: of arguments and of the folder on the EFI system partition. */
  readonly vendor: 'coreos' | 'flatcar'
  /** The disk GUID's argument, where GRUB still adds it. */
  readonly randomizeDiskGuid: boolean
}

const DISK_GUID = '00000000-0000-0000-0000-000000000001'

export function vendorGrubCfg({ randomizeDiskGuid, vendor }: VendorNames): string {
  return `
set timeout=1
set linux_root="root=LABEL=ROOT"
set linux_console=""
set first_boot=""
set randomize_disk_guid=""
set oem_id=""
set oem=""
set linux_append=""

search --no-floppy --label OEM --set oem_device
if [ -n "$oem_device" -a -f "($oem_device)/grub.cfg" ]; then
  source "($oem_device)/grub.cfg"
fi

search --no-floppy --label EFI-SYSTEM --set esp
if [ -f "($esp)/${vendor}/first_boot" ]; then
  set first_boot="${vendor}.first_boot=detected"
fi
${randomizeDiskGuid ? `set randomize_disk_guid="coreos.randomize_disk_guid=${DISK_GUID}"` : ''}
if [ -n "$oem_id" ]; then
  set oem="${vendor}.oem.id=$oem_id"
fi
if [ -z "$linux_console" ]; then
  set linux_console="console=ttyS0,115200n8 console=tty0"
fi

linux ($medium)/vmlinuz rootflags=rw mount.usrflags=ro consoleblank=0 $linux_root $linux_console $first_boot $randomize_disk_guid $extra $oem $linux_append
initrd ($medium)/initrd
boot
`
}
