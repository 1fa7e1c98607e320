/**
 * Who fetches the key pair that a cloud gives a machine, by platform id and release. (Keys inside user data are another
 * matter: whoever applies those, sets them.)
 *
 * coreos-metadata, later afterburn, takes the cloud from the kernel argument. Sources: coreos/coreos-overlay
 * coreos-base/oem-* base/base.ign; coreos/ignition NEWS 0.5, 0.11, 0.12.1 (base configs inside Ignition);
 * coreos/coreos-metadata src/metadata.rs; coreos/container-linux-config-transpiler (`openstack-metadata`); flatcar/init
 * systemd/system/sshkeys.service.
 */
import { ignitionVersionOf, isAtLeast } from './ignition-versions.js'
import type { ImageRelease, KnownRelease } from './release.js'
import { isInScope } from './release-scope.js'

export const SSH_KEYS_TEMPLATE_UNIT = 'coreos-metadata-sshkeys@.service'
export const SSH_KEYS_UNIT = 'coreos-metadata-sshkeys@core.service'

export type SshKeySupport =
  /** The release starts it by itself. */
  | { readonly kind: 'automatic'; readonly unit: string; readonly why: string }
  /** Works once an Ignition config enables {@link SSH_KEYS_TEMPLATE_UNIT}. */
  | { readonly kind: 'when-enabled'; readonly unit: string }
  /** The same, and needs a drop-in with `Environment=COREOS_METADATA_OPT_PROVIDER=--provider=…`. */
  | { readonly kind: 'with-provider'; readonly unit: string; readonly provider: string }
  /** No such unit on this release. */
  | { readonly kind: 'none' }

interface ByItselfRow {
  /** As in `oem_id`: the unit's conditions look at the kernel argument, before any renaming. */
  readonly oemId: string
  readonly from: number
}

/** sshkeys.service. Ids came with their platforms; the day of each is not recorded here, so the platform's own counts. */
const FLATCAR_ROWS: readonly ByItselfRow[] = [
  ...['ec2', 'gce', 'digitalocean', 'openstack'].map((oemId) => ({ oemId, from: 3185 })),
  { oemId: 'hetzner', from: 3975 },
  { oemId: 'scaleway', from: 3975 },
  { oemId: 'akamai', from: 4081 },
  { oemId: 'proxmoxve', from: 4152 },
  { oemId: 'oraclecloud', from: 4459 },
]

/** Base configs inside Ignition, before they moved to the OEM partition with 0.20. */
const COMPILED_ROWS: ReadonlyMap<string, string> = new Map([
  ['ec2', '0.5'],
  ['gce', '0.5'],
  ['digitalocean', '0.11'],
  ['packet', '0.12.1'],
])

/** Ids that coreos-metadata takes from the kernel argument as they are. */
const UNDERSTOOD = ['azure', 'digitalocean', 'ec2', 'gce', 'packet', 'vagrant-virtualbox']
/** Ids that it calls otherwise. */
const PROVIDERS: ReadonlyMap<string, string> = new Map([
  ['openstack', 'openstack-metadata'],
  ['brightbox', 'openstack-metadata'],
  ['cloudstack', 'cloudstack-configdrive'],
])

/** @param oemId as in grub.cfg, not as renamed for Ignition */
export function sshKeysOf(oemId: string, release: ImageRelease): SshKeySupport | 'unknown' {
  if (release.kind === 'unknown') return 'unknown'
  if (isInScope(release, { distro: 'flatcar', from: 3185 })) return onFlatcar(oemId, release)
  const ignition = ignitionVersionOf(release)
  if (ignition === undefined || !isAtLeast(ignition, '0.5')) return { kind: 'none' }
  const compiled = COMPILED_ROWS.get(oemId)
  if (compiled !== undefined && isAtLeast(ignition, compiled) && !isAtLeast(ignition, '0.20')) {
    return { kind: 'automatic', unit: SSH_KEYS_UNIT, why: `Ignition ${ignition} has it in its base config of ${oemId}` }
  }
  if (!isAtLeast(ignition, '0.20')) return UNDERSTOOD.includes(oemId) ? { kind: 'none' } : 'unknown'
  if (UNDERSTOOD.includes(oemId)) return { kind: 'when-enabled', unit: SSH_KEYS_UNIT }
  const provider = PROVIDERS.get(oemId)
  return provider === undefined ? 'unknown' : { kind: 'with-provider', unit: SSH_KEYS_UNIT, provider }
}

function onFlatcar(oemId: string, { branch }: KnownRelease): SshKeySupport | 'unknown' {
  const row = FLATCAR_ROWS.find((known) => known.oemId === oemId)
  if (row !== undefined && branch >= row.from) {
    return {
      kind: 'automatic',
      unit: SSH_KEYS_UNIT,
      why: `sshkeys.service starts it where the kernel argument names ${oemId}`,
    }
  }
  return UNDERSTOOD.includes(oemId) ? { kind: 'when-enabled', unit: SSH_KEYS_UNIT } : 'unknown'
}
