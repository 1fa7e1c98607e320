/**
 * What each vendor's own package, or our template of that name, put onto the OEM partition, so that a vendor edition can be replaced as a whole and
 * nothing of it stays behind to start another vendor's agent.
 *
 * A set is recognised by the id that the partition gives itself (oem-release ID, `oem_id` in grub.cfg, `coreos.oem.id` in
 * cloud-config.yml), never by file names alone: a base/default.ign can be anybody's. Lists are unions over the packages'
 * lives. Sources: coreos/coreos-overlay coreos-base/oem-*; flatcar/coreos-overlay and flatcar/scripts coreos-base/oem-*,
 * common-oem-files; flatcar/scripts usr/share/flatcar/oems for what an update cleans.
 */
import { matchesPattern } from './glob.js'

export interface VendorSet {
  readonly name: string
  /** `oem_id` in grub.cfg, and `coreos.oem.id`. */
  readonly oemIds: readonly string[]
  /** ID in oem-release. */
  readonly releaseIds: readonly string[]
  /** Below the root of the OEM partition; see `glob.ts`. */
  readonly paths: readonly string[]
}

/** Every edition has, or once had, these. */
const COMMON = ['grub.cfg', 'oem-release', 'cloud-config.yml']
const BASE = [...COMMON, 'base/README', 'base/base.ign', 'base/default.ign']
const SETUP_ENVIRONMENT = ['bin/coreos-setup-environment', 'bin/flatcar-setup-environment']
const OPEN_VM_TOOLS = ['bin/*', 'include/**', 'lib/**', 'lib64/**', 'libexec/**', 'share/**', 'vmware-tools/**']

export const VENDOR_SETS: readonly VendorSet[] = [
  {
    name: 'ami',
    oemIds: ['ec2', 'ami'],
    releaseIds: ['ami'],
    paths: [...BASE, 'bin/*', 'units/*', 'eks/**', 'ssm/**'],
  },
  set('openstack', BASE),
  set('brightbox', BASE),
  // Flatcar's stackit borrows the platform id of openstack.
  { name: 'stackit', oemIds: [], releaseIds: ['stackit'], paths: COMMON },
  set('rackspace', [...BASE, ...SETUP_ENVIRONMENT, 'bin/nova-agent-watcher', 'nova-agent/**']),
  {
    name: 'rackspace-onmetal',
    oemIds: ['rackspace-onmetal'],
    releaseIds: ['onmetal', 'rackspace-onmetal'],
    paths: BASE,
  },
  set('digitalocean', BASE),
  set('gce', [
    ...BASE,
    'units/oem-gce.service',
    'units/oem-gce-enable-oslogin.service',
    'bin/enable-oslogin',
    'files/hosts',
    'files/google-cloud-sdk.sh',
    'coreos-oem-gce.aci',
    'flatcar-oem-gce.aci',
    'oem-gce.aci',
  ]),
  set('azure', [
    ...BASE,
    'units/waagent.service',
    'units/nvidia.service',
    'waagent.conf',
    'waagent/**',
    'python/**',
    'bin/*',
    'lib/**',
    'lib64/**',
    'share/**',
  ]),
  set('hyperv', COMMON),
  set('vmware', [...BASE, 'units/vmtoolsd.service', 'open-vm-tools/**', ...OPEN_VM_TOOLS]),
  set('packet', [...BASE, 'units/packet-phone-home.service', 'bin/*']),
  set('cloudstack', [
    ...BASE,
    ...SETUP_ENVIRONMENT,
    'bin/cloudstack-dhcp',
    'bin/cloudstack-ssh-key',
    'bin/cloudstack-coreos-cloudinit',
    'bin/cloudstack-metadata-server',
    'bin/cloudstack-ssh-keys',
    'bin/cloudstack-user-data',
  ]),
  set('exoscale', [
    ...BASE,
    ...SETUP_ENVIRONMENT,
    'bin/exoscale-dhcp',
    'bin/exoscale-ssh-key',
    'bin/exoscale-coreos-cloudinit',
    'bin/exoscale-metadata-server',
    'bin/exoscale-ssh-keys',
    'bin/exoscale-user-data',
  ]),
  set('interoute', [...COMMON, ...OPEN_VM_TOOLS]),
  set('niftycloud', [...COMMON, ...OPEN_VM_TOOLS]),
  set('cloudsigma', BASE),
  set('vagrant', [...BASE, ...SETUP_ENVIRONMENT, 'box/**']),
  set('vagrant-virtualbox', [...COMMON, 'box/**']),
  set('virtualbox', COMMON),
  set('xendom0', [...COMMON, 'bin/*', 'sbin/*', 'lib/**', 'lib64/**', 'libexec/**', 'share/**', 'xen*']),
  set('oracle-oci', [...BASE, 'units/*', 'files/*', 'bin/*']),
  set('qemu', COMMON),
  set('pxe', COMMON),
  // Extensions of their own below sysext/, which always stays: only these two lie beside them.
  ...['akamai', 'hetzner', 'kubevirt', 'nutanix', 'oraclecloud', 'proxmoxve', 'scaleway'].map((name) =>
    set(name, COMMON),
  ),
]

/** Ids that an OEM partition gives itself. */
export interface OemIdentity {
  readonly releaseId: string | undefined
  readonly oemId: string | undefined
  readonly cloudConfigId: string | undefined
}

/**
 * The set that the partition's ids name. oem-release wins over the platform id, which vendors borrow from each other.
 */
export function vendorSetOf(identity: OemIdentity): VendorSet | undefined {
  return (
    VENDOR_SETS.find((known) => has(known.releaseIds, identity.releaseId)) ??
    VENDOR_SETS.find((known) => has(known.oemIds, identity.oemId)) ??
    VENDOR_SETS.find(
      (known) => has(known.oemIds, identity.cloudConfigId) || has(known.releaseIds, identity.cloudConfigId),
    )
  )
}

export function belongsToSet(path: string, vendorSet: VendorSet): boolean {
  return vendorSet.paths.some((pattern) => matchesPattern(path, pattern))
}

function set(name: string, paths: readonly string[]): VendorSet {
  return { name, oemIds: [name], releaseIds: [name], paths }
}

function has(ids: readonly string[], id: string | undefined): boolean {
  return id !== undefined && ids.includes(id)
}
