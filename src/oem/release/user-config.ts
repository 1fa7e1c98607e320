/**
 * Where Ignition fetches the user config from, platform by platform and version by version. A platform can be known and
 * still fetch nothing: then whatever users give has to be applied by somebody else.
 *
 * Sources: coreos/ignition internal/oem/oem.go and internal/platform per tag, NEWS and docs/release-notes.md ("Add support
 * for …"), docs/supported-platforms.md; flatcar/scripts sys-apps/ignition, no-op patch.
 */
import { ignitionVersionOf, isAtLeast } from './ignition-versions.js'
import type { ImageRelease } from './release.js'
import { isInScope } from './release-scope.js'

export type UserConfigSource =
  /** @param from in the order, or side by side, as Ignition asks */
  { readonly kind: 'fetches'; readonly from: readonly string[] } | { readonly kind: 'nothing' }

interface SourceRow {
  /** As Ignition knows the platform, after renaming. */
  readonly ids: readonly string[]
  /** First Ignition that fetches there. */
  readonly since: string
  /** First Ignition that no longer does, or does otherwise: another row goes on. */
  readonly below?: string
  /** Nothing: whether it fetches is known to have been unclear. */
  readonly from: readonly string[] | 'unknown'
}

const EC2 = 'http://169.254.169.254/2009-04-04/user-data'
const GCE = 'http://metadata.google.internal/computeMetadata/v1/instance/attributes/user-data'
const CONFIG_DRIVE = 'openstack/latest/user_data on the config drive (label config-2)'
const OPENSTACK = 'http://169.254.169.254/openstack/latest/user_data'
const CLOUDSTACK_DRIVE = 'cloudstack/userdata/user_data.txt on the config drive (label config-2)'
const CLOUDSTACK_DHCP = "/latest/user-data on the network's DHCP server"
const METADATA = "the cloud's metadata service"

const SOURCES: readonly SourceRow[] = [
  { ids: ['ec2'], since: '0.1', below: '0.1.5', from: [EC2] },
  // Switched off in 0.1.5, on again in 0.2.
  { ids: ['ec2'], since: '0.2', below: '2.0', from: [EC2] },
  { ids: ['aws'], since: '2.0', below: '2.4', from: [EC2] },
  { ids: ['aws'], since: '2.4', from: ['http://169.254.169.254/2019-10-01/user-data'] },
  { ids: ['azure'], since: '0.2', below: '2.14', from: ['custom data on the provisioning CD (ovf-env.xml)'] },
  {
    ids: ['azure'],
    since: '2.14',
    from: ['user data of the metadata service (IMDS)', 'custom data on the provisioning CD (ovf-env.xml)'],
  },
  {
    ids: ['vmware'],
    since: '0.3',
    below: '0.16',
    from: ['guestinfo.coreos.config.data'],
  },
  {
    ids: ['vmware'],
    since: '0.16',
    below: '2.0',
    from: ['guestinfo.coreos.config.data', 'the OVF environment'],
  },
  { ids: ['vmware'], since: '2.0', from: ['guestinfo.ignition.config.data', 'the OVF environment'] },
  { ids: ['gce'], since: '0.5', below: '2.0', from: [GCE] },
  { ids: ['gcp'], since: '2.0', from: [GCE] },
  { ids: ['packet'], since: '0.8', from: ['https://metadata.packet.net/userdata'] },
  { ids: ['qemu'], since: '0.10', from: ['fw_cfg opt/com.coreos/config'] },
  { ids: ['digitalocean'], since: '0.11', from: ['http://169.254.169.254/metadata/v1/user-data'] },
  // "Experimental" until 0.13, which reads both.
  { ids: ['openstack'], since: '0.11', from: [CONFIG_DRIVE, OPENSTACK] },
  { ids: ['brightbox'], since: '0.15', from: [CONFIG_DRIVE, OPENSTACK] },
  { ids: ['virtualbox'], since: '0.16', from: ['guest property /Ignition/Config'] },
  { ids: ['vagrant-virtualbox'], since: '0.17', below: '2.0', from: ['guest property /Ignition/Config'] },
  { ids: ['oracle-oci'], since: '0.18', below: '0.25', from: [METADATA] },
  { ids: ['cloudstack'], since: '0.18', below: '0.19', from: [CLOUDSTACK_DRIVE] },
  { ids: ['cloudstack'], since: '0.19', from: [CLOUDSTACK_DRIVE, CLOUDSTACK_DHCP] },
  { ids: ['aliyun'], since: '0.34', from: ['http://100.100.100.200/latest/user-data'] },
  { ids: ['file'], since: '0.10', from: ['a file that an environment variable names (for tests)'] },
  { ids: ['exoscale'], since: '0.35', below: '2.0', from: 'unknown' },
  { ids: ['vultr'], since: '0.36', from: [METADATA] },
  {
    ids: ['exoscale', 'azurestack', 'ibmcloud', 'zvm', 'powervs', 'hetzner', 'scaleway', 'akamai', 'oraclecloud'],
    since: '2.0',
    from: [METADATA],
  },
  { ids: ['upcloud', 'nvidiabluefield', 'applehv'], since: '2.0', from: [METADATA] },
  { ids: ['nutanix', 'kubevirt', 'proxmoxve'], since: '2.13', from: ['the config drive'] },
  // Flatcar's no-op patch knew the id, too; which of the two a build between 2.17 and its removal took is not known.
  { ids: ['hyperv'], since: '2.17', below: '2.24', from: 'unknown' },
  { ids: ['hyperv'], since: '2.24', from: ['the key-value pairs of Hyper-V'] },
]

/**
 * Where Ignition gets the user config from on a platform that it knows.
 *
 * @param platform as Ignition calls it: after the renaming of `platform-choice.ts`
 */
export function userConfigSourceOf(platform: string, release: ImageRelease): UserConfigSource | 'unknown' {
  if (release.kind === 'unknown') return 'unknown'
  const ignition = ignitionVersionOf(release)
  if (ignition === undefined) return { kind: 'nothing' }
  const row = SOURCES.find(
    ({ ids, since, below }) =>
      ids.includes(platform) && isAtLeast(ignition, since) && (below === undefined || !isAtLeast(ignition, below)),
  )
  if (row === undefined) return { kind: 'nothing' }
  if (row.from === 'unknown') return 'unknown'
  const qemu = platform === 'qemu' && release.distro === 'flatcar' ? ['fw_cfg opt/org.flatcar-linux/config'] : []
  return { kind: 'fetches', from: [...qemu, ...row.from] }
}

/** Kernel arguments with the URL of the user config, which come before every other source. */
export function configUrlArguments(release: ImageRelease): readonly string[] | 'unknown' {
  if (release.kind === 'unknown') return 'unknown'
  const ignition = ignitionVersionOf(release)
  // Before 0.12 only the platform pxe asked for it.
  if (ignition === undefined || !isAtLeast(ignition, '0.12')) return []
  return [
    ...(release.distro === 'flatcar' ? ['flatcar.config.url'] : []),
    'coreos.config.url',
    ...(isAtLeast(ignition, '0.32') ? ['ignition.config.url'] : []),
  ]
}

/** Whether config.ign, base/base.ign and base/default.ign of the OEM partition are read. */
export interface OemConfigsRead {
  readonly base: boolean
  /** Instead of a user config, where there is none that Ignition can take. */
  readonly default: boolean
  readonly config: boolean
}

export function oemConfigsRead(release: ImageRelease): OemConfigsRead | 'unknown' {
  if (release.kind === 'unknown') return 'unknown'
  const read = release.branch >= 1632
  return { base: read, default: read && !isInScope(release, { distro: 'flatcar', from: 3185 }), config: read }
}
