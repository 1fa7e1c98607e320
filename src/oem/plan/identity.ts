/**
 * Whose edition the tree is, once all of it is there: an id that another vendor's files contradict, one that is missing,
 * and one that a machine under Secure Boot never gets to see.
 *
 * Sources: coreos/bootengine dracut/30ignition/ignition-generator and flatcar/bootengine ignition-setup-pre.sh (no id);
 * coreos/scripts and flatcar/scripts build_library/grub.cfg (Secure Boot); coreos/coreos-cloudinit coreos-cloudinit.go,
 * the `--oem` presets.
 */
import type { Finding } from '../finding.js'
import { readsOemIdFromGrub } from '../release/eras.js'
import { ignitionVersionOf, isAtLeast } from '../release/ignition-versions.js'
import { formatRelease, type ImageRelease, type KnownRelease } from '../release/release.js'
import { isInAnyScope, isInScope } from '../release/release-scope.js'
import { VENDOR_SETS } from '../vendor-sets.js'
import { TREE_RULES } from './rules.js'
import { placeAt, type TreeFile } from './tree-file.js'

export interface Identity {
  /** What grub.cfg will set. */
  readonly oemId: string | undefined
  /** This bake writes grub.cfg. */
  readonly writesGrub: boolean
  /** `coreos.oem.id` of a cloud-config that this bake writes. */
  readonly cloudConfigId: string | undefined
}

export function checkIdentity(
  identity: Identity,
  files: readonly TreeFile[],
  release: ImageRelease,
): readonly Finding[] {
  const { oemId } = identity
  return [
    ...checkStayingId(identity),
    ...(release.kind === 'known' ? checkAbsentId(oemId, release) : []),
    ...(release.kind === 'known' ? checkSecureBoot(identity, release) : []),
    ...(oemId === undefined ? [] : checkPresets(oemId, files)),
  ]
}

/** A vendor's cloud-config on another vendor's image: cloudinit does as told, Ignition asks the other one. */
function checkStayingId({ cloudConfigId, oemId, writesGrub }: Identity): readonly Finding[] {
  if (writesGrub || oemId === undefined || cloudConfigId === undefined || cloudConfigId === oemId) return []
  const isVendors = VENDOR_SETS.some(({ oemIds, releaseIds }) => [...oemIds, ...releaseIds].includes(cloudConfigId))
  const isSame = VENDOR_SETS.some(
    ({ oemIds, releaseIds }) => oemIds.includes(oemId) && [...oemIds, ...releaseIds].includes(cloudConfigId),
  )
  if (isSame) return []
  return [
    TREE_RULES.found(
      'oem-id-stays',
      `the cloud-config is for ${cloudConfigId}, but grub.cfg, which stays, sets oem_id to ${oemId}: on first boot Ignition asks ${oemId} for user data, and waits for it where nobody answers`,
      {
        hint: `add --oem-id ${cloudConfigId}, or start from the generic image`,
        // A provider of its own may well live on another one's platform.
        ...(isVendors ? {} : { severity: 'note' }),
      },
    ),
  ]
}

function checkAbsentId(oemId: string | undefined, release: KnownRelease): readonly Finding[] {
  const ignition = ignitionVersionOf(release)
  if (oemId !== undefined || ignition === undefined || !readsOemIdFromGrub(release)) return []
  const bare = isInScope(release, { distro: 'flatcar', from: 3185 }) ? 'metal' : 'pxe'
  const qemu = isAtLeast(ignition, '0.10') ? ', or qemu under KVM and QEMU' : ''
  return [
    TREE_RULES.found(
      'oem-id-absent',
      `nothing sets an oem_id: Ignition of ${formatRelease(release)} takes the platform to be ${bare}${qemu}`,
      { hint: 'set one with --oem-id if the provider has one' },
    ),
  ]
}

function checkSecureBoot({ oemId, writesGrub }: Identity, release: KnownRelease): readonly Finding[] {
  const skips = isInAnyScope(release, [
    { distro: 'container-linux', from: 679 },
    { distro: 'flatcar', below: 3913 },
  ])
  if (!skips || !writesGrub || oemId === undefined || !readsOemIdFromGrub(release)) return []
  return [
    TREE_RULES.found(
      'secure-boot-skips-grub',
      `under Secure Boot GRUB of ${formatRelease(release)} skips grub.cfg on the OEM partition: no oem_id, no arguments of yours`,
    ),
  ]
}

/** Platforms that a preset of coreos-cloudinit is right for. */
const PRESETS: Readonly<Record<string, readonly string[]>> = {
  'ec2-compat': ['ec2', 'aws', 'openstack', 'brightbox', 'cloudstack', 'exoscale'],
  digitalocean: ['digitalocean'],
  gce: ['gce', 'gcp'],
  'rackspace-onmetal': ['rackspace-onmetal'],
  azure: ['azure'],
  cloudsigma: ['cloudsigma'],
  packet: ['packet'],
  vmware: ['vmware'],
}

/** What another vendor's files left behind starts that vendor's cloudinit, whatever grub.cfg says. */
function checkPresets(oemId: string, files: readonly TreeFile[]): readonly Finding[] {
  return files.flatMap((file) => {
    const match = /coreos-cloudinit\s+--?oem=([a-z0-9-]+)/.exec(file.text ?? '')
    const [, preset = ''] = match ?? []
    const platforms = Object.hasOwn(PRESETS, preset) ? PRESETS[preset] : undefined
    if (match === null || platforms === undefined || platforms.includes(oemId)) return []
    // Who writes a file for a platform that no preset is for has to borrow one.
    const borrows = file.isWritten && !Object.values(PRESETS).some((known) => known.includes(oemId))
    if (borrows) return []
    return [
      TREE_RULES.found(
        'cloudinit-of-other-vendor',
        `${file.path}${file.isWritten ? '' : ', which stays,'} runs coreos-cloudinit for ${preset}, but oem_id is ${oemId}`,
        {
          place: placeAt(file, match.index),
          hint: file.isWritten ? `write --oem=${oemId}` : `take it away with --remove ${file.path}`,
        },
      ),
    ]
  })
}
