/**
 * The commands that GRUB has, and what each means for someone who follows an OEM grub.cfg from outside.
 *
 * Sources: the command lists of Debian's grub-pc-bin and grub-efi-amd64-bin 2.06 (`command.lst`: which module brings which
 * command); coreos/scripts build_library/grub_install.sh for the modules that the vendors' core images hold.
 */

export interface CommandKnowledge {
  /** In every vendor core image. Others are loaded from the EFI system partition, where a release still does that. */
  readonly inCore: boolean
  /** What it does that can't be known from here; undefined when it changes no variable and no boot. */
  readonly effect: string | undefined
}

const MACHINE = 'sets variables from what it finds on the machine'
const ELSEWHERE = 'runs another file, which is not followed'
const LEAVES = 'leaves the way to the menu, which is not followed'
const ENTRY = 'adds a menu entry, which is not followed'

const ROWS: readonly { readonly names: string; readonly inCore: boolean; readonly effect?: string }[] = [
  { names: '[ test set unset ls insmod export clear echo', inCore: true },
  { names: 'serial terminal_input terminal_output', inCore: true },
  { names: 'menuentry submenu', inCore: true, effect: ENTRY },
  { names: 'search search.fs_uuid search.fs_label search.part_label read', inCore: true, effect: MACHINE },
  { names: '. source configfile extract_entries_configfile extract_entries_source', inCore: true, effect: ELSEWHERE },
  { names: 'normal normal_exit break continue return', inCore: true, effect: LEAVES },
  { names: 'setparams shift', inCore: true, effect: 'changes the arguments of a function' },
  { names: 'authenticate', inCore: true, effect: 'asks for a password' },
  {
    names:
      'acpi background_color background_image badram cat cmp cutmem date distrust drivemap dump fakebios file ' +
      'fix_video gettext hashsum hdparm help hexdump keymap keystatus list_env list_trusted loadbios loadfont loopback ' +
      'lsacpi lsapm lsefi lsefimmap lsefisystab lsfonts lsmmap lsmod lspci md5sum nativedisk net_ls_addr net_ls_cards ' +
      'net_ls_dns net_ls_routes outb outl outw parttool password password_pbkdf2 pcidump play rmmod save_env sendkey ' +
      'sha1sum sha256sum sha512sum sleep terminfo trust true false usb vbeinfo verify_detached videoinfo ' +
      'write_byte write_dword write_word wrmsr',
    inCore: false,
  },
  {
    names:
      'cmosclean cmosdump cmosset cmostest cpuid cryptomount getenv hwmatch inb inl inw load_env net_add_addr ' +
      'net_add_dns net_add_route net_bootp net_bootp6 net_del_addr net_del_dns net_del_route net_dhcp ' +
      'net_get_dhcp_option net_ipv6_autoconf net_nslookup probe rdmsr read_byte read_dword read_word regexp setpci ' +
      'smbios tr videotest gptprio.next',
    inCore: false,
    effect: MACHINE,
  },
  { names: 'backtrace eval syslinux_source legacy_source', inCore: false, effect: ELSEWHERE },
  {
    names:
      'appleloader boot chainloader exit freedos fwsetup halt initrd initrd16 initrdefi kfreebsd knetbsd kopenbsd ' +
      'legacy_configfile legacy_initrd legacy_kernel linux linux16 linuxefi module module2 multiboot multiboot2 ntldr ' +
      'plan9 pxechainloader reboot syslinux_configfile truecrypt xnu_kernel xnu_kernel64',
    inCore: false,
    effect: LEAVES,
  },
]

const COMMANDS: ReadonlyMap<string, CommandKnowledge> = new Map(
  ROWS.flatMap(({ effect, inCore, names }) => names.split(' ').map((name) => [name, { inCore, effect }] as const)),
)

/** Undefined when no GRUB has it. */
export function commandNamed(name: string): CommandKnowledge | undefined {
  return COMMANDS.get(name)
}

export function knownCommands(): readonly string[] {
  return [...COMMANDS.keys()]
}
