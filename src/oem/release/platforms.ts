/**
 * Which platform ids each release's Ignition knows. An id that it does not know is fatal: the registry lookup panics and
 * the machine stops in the emergency target before it was ever up.
 *
 * Sources: coreos/ignition internal/registry and internal/platform per tag; flatcar/scripts, sys-apps/ignition,
 * "revert internal/oem: drop noop OEMs" patch; flatcar/bootengine dracut/30ignition/ignition-setup-pre.sh for the
 * renaming of old ids.
 */
import { IGNITION_ROWS, ignitionVersionOf, isAtLeast } from './ignition-versions.js'
import type { ImageRelease } from './release.js'
import { isInScope, type ReleaseScope } from './release-scope.js'

interface PlatformRow {
  /** First Ignition where it holds. */
  readonly ignition: string
  /** The whole set, where it was redone. */
  readonly set?: readonly string[]
  readonly added?: readonly string[]
  readonly removed?: readonly string[]
}

const PLATFORM_ROWS: readonly PlatformRow[] = [
  { ignition: '0.1', set: ['ec2', 'pxe'] },
  {
    ignition: '0.2',
    set: words(
      `azure brightbox cloudsigma cloudstack digitalocean ec2 exoscale gce hyperv interoute niftycloud openstack packet
       pxe rackspace rackspace-onmetal vagrant vmware xendom0`,
    ),
  },
  { ignition: '0.10', added: ['qemu', 'file'] },
  { ignition: '0.16', removed: ['xendom0'], added: ['virtualbox'] },
  { ignition: '0.17', added: ['vagrant-virtualbox'] },
  { ignition: '0.18', added: ['oracle-oci'] },
  { ignition: '0.25', removed: ['oracle-oci'] },
  { ignition: '0.32', added: ['metal'] },
  { ignition: '0.34', added: ['aliyun'] },
  { ignition: '0.36', added: ['vultr'] },
  {
    ignition: '2.0',
    set: words('aws azure brightbox cloudstack digitalocean file gcp metal openstack packet qemu virtualbox vmware'),
  },
  { ignition: '2.9', added: words('aliyun azurestack exoscale ibmcloud vultr zvm') },
  { ignition: '2.13', added: ['nutanix', 'powervs'] },
  { ignition: '2.14', added: ['kubevirt'] },
  { ignition: '2.17', added: ['applehv', 'hetzner', 'hyperv'] },
  { ignition: '2.18', added: ['scaleway'] },
  { ignition: '2.19', added: ['akamai'] },
  { ignition: '2.20', added: ['proxmoxve'] },
  { ignition: '2.22', added: ['oraclecloud'] },
  { ignition: '2.23', added: ['upcloud'] },
  { ignition: '2.25', added: ['nvidiabluefield'] },
]

interface ScopedIds {
  readonly scope: ReleaseScope
  readonly ids: readonly string[]
}

/**
 * What Flatcar adds around Ignition 2.x.
 *
 * The no-op patch came to the main line on 2022-12-21, which is branch 3460; backports to older branches came with patch
 * releases that the branch alone can't tell, so those count as without it. interoute and niftycloud left in July 2023
 * (3652 is its first day), the rest of the patch on 2026-05-13 with branch 4722.
 */
const FLATCAR_ADDITIONS: readonly ScopedIds[] = [
  // ignition-setup-pre.sh renames these to aws, gcp and metal before Ignition sees them.
  { scope: { distro: 'flatcar', from: 3185 }, ids: ['ec2', 'gce', 'pxe'] },
  {
    scope: { distro: 'flatcar', from: 3460, below: 4722 },
    ids: ['cloudsigma', 'hyperv', 'rackspace', 'rackspace-onmetal', 'vagrant'],
  },
  { scope: { distro: 'flatcar', from: 3460, below: 3652 }, ids: ['interoute', 'niftycloud'] },
  // From here on these mean "look at the machine": the initrd picks qemu, virtualbox, vmware or metal.
  { scope: { distro: 'flatcar', from: 4722 }, ids: ['cloudsigma', 'vagrant'] },
]

export interface PlatformKnowledge {
  /** Sorted. */
  readonly ids: readonly string[]
  /** Undefined before Container Linux 758, which had no Ignition. */
  readonly ignition: string | undefined
}

/** What may stand in `oem_id` on a release; `unknown` when the release is. */
export function knownPlatformIds(release: ImageRelease): PlatformKnowledge | 'unknown' {
  if (release.kind === 'unknown') return 'unknown'
  const ignition = ignitionVersionOf(release)
  const ids = ignition === undefined ? new Set<string>() : idsOfIgnition(ignition)
  for (const addition of FLATCAR_ADDITIONS) {
    if (isInScope(release, addition.scope)) for (const id of addition.ids) ids.add(id)
  }
  return { ids: [...ids].sort(), ignition }
}

/** Every id that some release knows. Sorted. */
export function allPlatformIds(): readonly string[] {
  const ids = new Set(FLATCAR_ADDITIONS.flatMap((addition) => addition.ids))
  for (const rows of Object.values(IGNITION_ROWS)) {
    for (const row of rows) for (const id of idsOfIgnition(row.ignition)) ids.add(id)
  }
  return [...ids].sort()
}

function idsOfIgnition(ignition: string): Set<string> {
  let ids = new Set<string>()
  for (const row of PLATFORM_ROWS) {
    if (!isAtLeast(ignition, row.ignition)) break
    if (row.set !== undefined) ids = new Set(row.set)
    for (const id of row.removed ?? []) ids.delete(id)
    for (const id of row.added ?? []) ids.add(id)
  }
  return ids
}

function words(text: string): readonly string[] {
  return text.trim().split(/\s+/)
}
