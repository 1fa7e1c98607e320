/**
 * What a machine does at boot with an OEM partition, as data: the answer of `explain`, and a part of every plan.
 *
 * Each statement carries why it is so. `unknown` stands wherever the answer depends on a release that nobody named, or on
 * what the sources don't tell.
 */

import type { Machine } from '../release/platform-choice.js'
import type { ImageRelease } from '../release/release.js'
import type { SshKeySupport } from '../release/ssh-keys.js'

export interface BootExplanation {
  readonly release: ImageRelease
  /** Where the running system finds the OEM partition. */
  readonly mount: MountExplanation | 'unknown'
  /** One for each kind of firmware; none where the release is unknown. */
  readonly commandLines: readonly KernelCommandLine[]
  readonly secureBoot: SecureBootExplanation
  readonly platform: PlatformExplanation
  /** Only where UEFI machines come to another platform than those with a BIOS. */
  readonly platformOnEfi: PlatformExplanation | undefined
  /** Ignition configs of the OEM partition, in the order in which they apply. */
  readonly configs: readonly ConfigExplanation[]
  /** Where Ignition looks for the user config; the first that has one counts. */
  readonly userConfigOrder: readonly string[]
  readonly cloudConfig: CloudConfigExplanation
  /** What the OEM partition's configs do to units. */
  readonly services: readonly ServiceExplanation[]
  /** Who gets hold of what end users give their machines. */
  readonly userData: UserDataExplanation
  readonly sshKeys: SshKeysExplanation
  /** Files that nothing reads. */
  readonly ignored: readonly IgnoredFile[]
  /** What would keep the machine from booting. */
  readonly stops: readonly string[]
  /** What the next OS update does with the OEM partition. */
  readonly update: string
}

export interface MountExplanation {
  readonly mountPoint: string
  readonly unit: string
  /** Whether the unit mounts what the filesystem is; undefined when nobody looked. */
  readonly mounts: boolean | undefined
}

export interface KernelCommandLine {
  readonly machine: 'pc' | 'efi'
  /** Whether GRUB sources the OEM grub.cfg: `absent` when there is none. */
  readonly grubCfg: 'sourced' | 'absent' | 'not read'
  /** Why it is not read. */
  readonly why: string | undefined
  /**
   * The arguments of the first boot that GRUB's configuration decides, in order. Before them stand the kernel's path and
   * the arguments that name the USR partition, behind them the hash of its contents: both belong to the image.
   */
  readonly arguments: readonly string[]
  /** Those of them that later boots don't have. */
  readonly firstBootOnly: readonly string[]
  /** What could not be known from here: `line 3: …`. */
  readonly uncertain: readonly string[]
}

export interface SecureBootExplanation {
  readonly grubCfg: 'sourced' | 'skipped' | 'unknown'
  readonly says: string
}

export interface PlatformExplanation {
  /** As the kernel command line, or oem-release, names it. */
  readonly oemId: string | undefined
  /** What Ignition calls it; where it depends on the machine, that of `anything else`. */
  readonly platform: string | undefined | 'unknown'
  /** Where there is no id that counts: what each kind of machine comes to. */
  readonly detected: readonly { readonly machine: Machine; readonly platform: string }[]
  /** Whether the release's Ignition knows the platform: without that it never boots. */
  readonly known: boolean | 'unknown'
  /** How it came to this, step by step. */
  readonly why: readonly string[]
}

export interface ConfigExplanation {
  readonly path: string
  readonly use:
    | 'always'
    /** Instead of a user config that Ignition can't take, or that is missing. */
    | 'without a user config'
    /** As the user config. */
    | 'as the user config'
    | 'never'
    | 'unknown'
  readonly spec: string | undefined
  readonly why: string
}

export interface CloudConfigExplanation {
  readonly state: 'applied' | 'absent' | 'not read' | 'broken' | 'unknown'
  /** That applies it. */
  readonly unit: string | undefined
  readonly why: string
  /** What to do instead. */
  readonly instead: string | undefined
  /** coreos-cloudinit's share of every boot, in order. */
  readonly order: readonly string[]
}

/** One unit that a config of the OEM partition places, starts, enables or masks. */
export interface ServiceExplanation {
  readonly unit: string
  /** The config that says so. */
  readonly from: string
  readonly does: 'starts' | 'enables' | 'masks' | 'places'
  readonly when: 'every boot' | 'from the first boot on' | 'never'
  /** The command that coreos-cloudinit is run with, where the unit does that; through a script on the partition, too. */
  readonly cloudinit: string | undefined
  /** Paths on the OEM partition that the unit runs, and that are not there. */
  readonly missing: readonly string[]
}

export type UserDataBy =
  /** Ignition fetches and applies it. */
  | 'ignition'
  /** A unit of that file runs coreos-cloudinit. */
  | 'base.ign'
  | 'default.ign'
  | 'cloud-config'
  /** A default config inside Ignition itself, before branch 1632. */
  | 'ignition-default'
  /** Flatcar's own oem-cloudinit.service. */
  | 'oem-cloudinit'
  /** The distribution's own user-configdrive.service. */
  | 'user-configdrive'
  | 'nobody'
  | 'unknown'

export interface UserDataWay {
  readonly by: UserDataBy
  /** The unit that does it; undefined for Ignition, which is none of the running system. */
  readonly unit: string | undefined
  readonly how: string
  readonly why: string
}

/** The way of what the OEM partition decides: a cloud-config or script, or else an Ignition config. */
export interface UserDataExplanation extends UserDataWay {
  /** User data that is an Ignition config. */
  readonly ignitionConfigs: UserDataWay
  /** User data that is a cloud-config or a script. */
  readonly cloudConfigs: UserDataWay
  /** Others that run, too. */
  readonly also: readonly UserDataWay[]
}

export interface SshKeysExplanation {
  readonly support: SshKeySupport['kind'] | 'unknown'
  /** That fetches the key pair which the cloud gives a machine; undefined when nothing does. */
  readonly unit: string | undefined
  readonly says: string
}

export interface IgnoredFile {
  readonly path: string
  readonly why: string
  readonly instead: string | undefined
}
