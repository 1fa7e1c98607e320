/**
 * What each release's GRUB makes of the OEM partition: the vendor's grub.cfg, packed into GRUB itself, as data.
 *
 * Sources: coreos/scripts and flatcar/scripts build_library/grub.cfg and grub_install.sh over their history. Machines that
 * were installed long ago keep the GRUB, and so the facts, of then: it is renewed only with GRUB itself.
 */
import { type EraTable, factOf } from './era.js'
import type { ImageRelease } from './release.js'

/** What kind of firmware GRUB was built for; on arm64 there is only UEFI. */
export type GrubMachine = 'pc' | 'efi' | 'xen' | 'arm64'

export const GRUB_MACHINES: readonly GrubMachine[] = ['pc', 'efi', 'xen', 'arm64']

export interface GrubFacts {
  /** Sources /grub.cfg of the OEM partition, found by its partition label. */
  readonly sourcesOemGrubCfg: boolean
  /** Does so where Secure Boot is on, too. */
  readonly underSecureBoot: boolean
  /** Filesystems that GRUB can read there on UEFI machines; a pc's GRUB reads all of them. */
  readonly readsOnEfi: readonly ('ext' | 'btrfs' | 'fat')[]
  /** Kernel argument that `oem_id` goes into; undefined where it goes nowhere. */
  readonly oemIdArgument: 'coreos.oem.id' | 'flatcar.oem.id' | undefined
  /** Kernel argument of the first boot, which makes Ignition run. */
  readonly firstBoot: string | undefined
  /** Kernel argument that has the disk GUID of an image replaced. */
  readonly randomizeDiskGuid: string | undefined
  /** `linux_console` where the OEM grub.cfg leaves it empty. */
  readonly consoles: Readonly<Record<GrubMachine, string>>
  /** Between the disk GUID's argument and the OEM id's. */
  readonly extra: Readonly<Partial<Record<GrubMachine, string>>>
}

const DISK_GUID = '00000000-0000-0000-0000-000000000001'
const PC_CONSOLES = 'console=ttyS0,115200n8 console=tty0'
const CONSOLES = { pc: PC_CONSOLES, efi: PC_CONSOLES, xen: 'console=hvc0', arm64: 'console=ttyAMA0,115200n8' } as const

const WITHOUT_HOOK: GrubFacts = {
  sourcesOemGrubCfg: false,
  underSecureBoot: false,
  readsOnEfi: ['ext', 'fat'],
  oemIdArgument: undefined,
  firstBoot: undefined,
  randomizeDiskGuid: undefined,
  consoles: CONSOLES,
  extra: {},
}
const WITH_HOOK: GrubFacts = { ...WITHOUT_HOOK, sourcesOemGrubCfg: true, underSecureBoot: true }
const SECURE: GrubFacts = { ...WITH_HOOK, underSecureBoot: false }
const FIRST_BOOT: GrubFacts = { ...SECURE, firstBoot: 'coreos.first_boot=1' }
const OEM_ID: GrubFacts = { ...FIRST_BOOT, oemIdArgument: 'coreos.oem.id' }
const RANDOMIZED: GrubFacts = { ...OEM_ID, randomizeDiskGuid: `coreos.randomize_disk_guid=${DISK_GUID}` }
const DETECTED: GrubFacts = { ...RANDOMIZED, firstBoot: 'coreos.first_boot=detected' }
const FLATCAR_NAMES: GrubFacts = {
  ...DETECTED,
  firstBoot: 'flatcar.first_boot=detected',
  oemIdArgument: 'flatcar.oem.id',
  extra: { arm64: 'acpi=force' },
}
const INITRD_RANDOMIZES: GrubFacts = { ...FLATCAR_NAMES, randomizeDiskGuid: undefined }
const ALWAYS_SOURCED: GrubFacts = { ...INITRD_RANDOMIZES, underSecureBoot: true }

const FACTS: EraTable<GrubFacts> = {
  'container-linux': [
    { from: 0, fact: WITHOUT_HOOK },
    // 2014-12
    { from: 518, fact: WITH_HOOK },
    // 2015-05-11
    { from: 679, fact: SECURE },
    // 2015-09-01
    { from: 792, fact: FIRST_BOOT },
    { from: 835, fact: OEM_ID },
    // 2015-11
    { from: 853, fact: RANDOMIZED },
    // 2017-03-01
    { from: 1339, fact: DETECTED },
  ],
  flatcar: [
    { from: 0, fact: DETECTED },
    // 2019-11
    { from: 2314, fact: FLATCAR_NAMES },
    // 2020-08-04
    { from: 2591, fact: INITRD_RANDOMIZES },
    // The vendor's images have btrfs from here on; GRUB read it from modules on the ESP.
    { from: 2955, fact: { ...INITRD_RANDOMIZES, readsOnEfi: ['ext', 'btrfs', 'fat'] } },
    { from: 3913, fact: { ...ALWAYS_SOURCED, readsOnEfi: ['ext', 'btrfs', 'fat'] } },
    // No more modules from the ESP, and ext2 is not built in.
    { from: 4186, fact: { ...ALWAYS_SOURCED, readsOnEfi: ['btrfs', 'fat'] } },
    // 2026-04: a screen beside the serial console.
    {
      from: 4657,
      fact: {
        ...ALWAYS_SOURCED,
        readsOnEfi: ['btrfs', 'fat'],
        consoles: { ...CONSOLES, arm64: 'console=ttyAMA0,115200n8 console=tty0' },
      },
    },
  ],
}

export function grubFactsOf(release: ImageRelease): GrubFacts | 'unknown' {
  return factOf(FACTS, release)
}
