/**
 * oem-release beside the other two places where an OEM partition gives itself an id: `oem_id` in grub.cfg, which Ignition
 * takes its platform from, and `coreos.oem.id` in the cloud-config, which cloudinit writes to /etc/oem-release.
 *
 * The first two may differ: a provider of its own may borrow another one's platform. Two vendors' ids together are somebody's
 * leftovers, but for those pairs that the vendors' own images have.
 */
import type { ContentFile } from '../content-file.js'
import type { Finding } from '../finding.js'
import { VENDOR_SETS } from '../vendor-sets.js'
import { OEM_RELEASE_RULES } from './rules.js'

/** Platforms that a vendor's images name beside their own. */
const BORROWED: Readonly<Record<string, readonly string[]>> = {
  // ignition-setup-pre.sh takes either name.
  ami: ['aws'],
  gce: ['gcp'],
  pxe: ['metal'],
  stackit: ['openstack'],
  brightbox: ['openstack'],
}

/** @param written the files that this bake writes: what was there before and stays is not its doing */
export function checkVendorsAgree(
  written: readonly ContentFile[],
  releaseId: string | undefined,
  oemId: string | undefined,
): readonly Finding[] {
  const changed = written.find(({ role }) => role.kind === 'oem-release' || role.kind === 'grub-cfg')
  if (changed === undefined || releaseId === undefined || oemId === undefined) return []
  const vendor = VENDOR_SETS.find(({ releaseIds }) => releaseIds.includes(releaseId))
  const other = VENDOR_SETS.find(({ oemIds }) => oemIds.includes(oemId))
  if (vendor === undefined || other === undefined || vendor === other) return []
  if (BORROWED[vendor.name]?.includes(oemId) === true) return []
  return [
    OEM_RELEASE_RULES.found(
      'oem-release-other-vendor',
      `oem-release has ID ${releaseId}, but grub.cfg sets oem_id to ${oemId}: Ignition would ask ${other.name}, the updater ${vendor.name}`,
      { hint: 'give both the same vendor, or an ID of your own in oem-release' },
    ),
  ]
}

/** The updater reads /etc/oem-release, which the cloud-config writes, before the file on the OEM partition. */
export function checkIdsAgree(files: readonly ContentFile[], releaseId: string | undefined): readonly Finding[] {
  return files.flatMap(({ role, source }) =>
    role.kind !== 'cloud-config' || role.oemId === undefined || releaseId === undefined || role.oemId === releaseId
      ? []
      : [
          OEM_RELEASE_RULES.found(
            'oem-ids-differ',
            `coreos.oem.id is ${role.oemId}, oem-release has ID ${releaseId}: the updater takes the first`,
            { place: { file: source }, hint: 'give both the same id' },
          ),
        ],
  )
}
