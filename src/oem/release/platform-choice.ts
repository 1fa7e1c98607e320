/**
 * How a release's initrd picks Ignition's platform: from which kernel argument or file, renamed how, and what it takes
 * where no id is given.
 *
 * Sources: coreos/bootengine and flatcar/bootengine dracut/30ignition/ignition-generator, ignition-setup-pre.sh (branch 3185:
 * renaming; branch 4722: detection); coreos/ignition internal/main.go. The platform's own names are in `platforms.ts`.
 */
import { type EraTable, factOf } from './era.js'
import { ignitionVersionOf, isAtLeast } from './ignition-versions.js'
import type { ImageRelease, KnownRelease } from './release.js'

/** What the initrd asks systemd-detect-virt for. */
export type Machine = 'qemu or KVM' | 'VirtualBox' | 'VMware' | 'anything else'

export interface Detection {
  readonly machine: Machine
  readonly platform: string
}

export interface PlatformChoice {
  /** Where the id comes from; `nowhere` where there is no Ignition, or one that chooses otherwise. */
  readonly from: 'kernel argument' | 'oem-release OEM_ID' | 'nowhere'
  /** The first of these that is given counts. */
  readonly argumentNames: readonly string[]
  /** What the id is called for Ignition, where that is another name. */
  readonly renames: Readonly<Record<string, string>>
  /** Without an id; the first that fits. */
  readonly withoutId: readonly Detection[]
  /** Ids that count as none. */
  readonly detectedIds: readonly string[]
}

const NO_IGNITION: PlatformChoice = {
  from: 'nowhere',
  argumentNames: [],
  renames: {},
  withoutId: [],
  detectedIds: [],
}
const FROM_OEM_RELEASE: PlatformChoice = { ...NO_IGNITION, from: 'oem-release OEM_ID' }
const COREOS_ARGUMENT: PlatformChoice = {
  ...NO_IGNITION,
  from: 'kernel argument',
  argumentNames: ['coreos.oem.id'],
}
const BOTH_ARGUMENTS: PlatformChoice = { ...COREOS_ARGUMENT, argumentNames: ['flatcar.oem.id', 'coreos.oem.id'] }
const QEMU: Detection = { machine: 'qemu or KVM', platform: 'qemu' }
const ELSE_METAL: Detection = { machine: 'anything else', platform: 'metal' }
const RENAMING: PlatformChoice = {
  ...BOTH_ARGUMENTS,
  renames: { ec2: 'aws', gce: 'gcp', pxe: 'metal' },
  withoutId: [QEMU, ELSE_METAL],
}
const DETECTING: PlatformChoice = {
  ...RENAMING,
  withoutId: [
    QEMU,
    { machine: 'VirtualBox', platform: 'virtualbox' },
    { machine: 'VMware', platform: 'vmware' },
    ELSE_METAL,
  ],
  detectedIds: ['cloudsigma', 'pxe', 'vagrant'],
}

const CHOICES: EraTable<PlatformChoice> = {
  'container-linux': [
    { from: 0, fact: NO_IGNITION },
    // In its first weeks, May to July 2015, this was a variable OEM_NAME.
    { from: 758, fact: FROM_OEM_RELEASE },
    { from: 835, fact: COREOS_ARGUMENT },
  ],
  flatcar: [
    { from: 0, fact: BOTH_ARGUMENTS },
    { from: 3185, fact: RENAMING },
    { from: 4722, fact: DETECTING },
  ],
}

export function platformChoiceOf(release: ImageRelease): PlatformChoice | 'unknown' {
  const choice = factOf(CHOICES, release)
  if (choice === 'unknown' || release.kind === 'unknown') return 'unknown'
  return choice.from === 'kernel argument' && choice.withoutId.length === 0
    ? { ...choice, withoutId: oldDefaults(release) }
    : choice
}

/** `pxe`, which fetches only what the kernel command line names; on QEMU what QEMU gives, once Ignition knew how. */
function oldDefaults(release: KnownRelease): readonly Detection[] {
  const ignition = ignitionVersionOf(release)
  const elsePxe: Detection = { machine: 'anything else', platform: 'pxe' }
  return ignition !== undefined && isAtLeast(ignition, '0.10') ? [QEMU, elsePxe] : [elsePxe]
}
