/**
 * An OEM grub.cfg on each kind of machine: what GRUB there knows before it sources the file, and what is set afterwards.
 *
 * Sources: coreos/scripts and flatcar/scripts build_library/grub.cfg (what the vendor's configuration sets first);
 * GRUB manual, "grub_cpu" and "grub_platform".
 */
import { GRUB_MACHINES, type GrubMachine } from '../release/grub-facts.js'
import { type GrubRun, runGrubScript } from './evaluate.js'
import type { Script } from './syntax.js'

const PLATFORMS: Readonly<Record<GrubMachine, { readonly platform: string; readonly cpu: string }>> = {
  pc: { platform: 'pc', cpu: 'i386' },
  efi: { platform: 'efi', cpu: 'x86_64' },
  xen: { platform: 'xen', cpu: 'x86_64' },
  arm64: { platform: 'efi', cpu: 'arm64' },
}

const EMPTY = ['linux_console', 'first_boot', 'randomize_disk_guid', 'oem_id', 'oem', 'linux_append'] as const

/** What is set when the vendor's configuration sources the OEM grub.cfg. */
export function grubEnvironment(machine: GrubMachine): ReadonlyMap<string, string> {
  const { cpu, platform } = PLATFORMS[machine]
  return new Map<string, string>([
    ['grub_platform', platform],
    ['grub_cpu', cpu],
    ['timeout', '1'],
    ['linux_root', 'root=LABEL=ROOT'],
    ...EMPTY.map((name) => [name, ''] as const),
  ])
}

export function runOnEachMachine(text: string, script: Script): ReadonlyMap<GrubMachine, GrubRun> {
  return new Map(GRUB_MACHINES.map((machine) => [machine, runGrubScript(text, script, grubEnvironment(machine))]))
}
