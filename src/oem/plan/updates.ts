/**
 * What a deployed machine's next OS updates do with the OEM partition: told while there is still time to choose.
 *
 * Flatcar's updater takes the ID of oem-release. If the new release knows that ID (`/usr/share/flatcar/oems/<ID>`) or
 * `sysext/active-oem-<ID>` exists, it fetches the vendor's `oem-<ID>` extension, and a failed download fails the whole
 * update; on the first boot after that the vendor's old folders are deleted. Container Linux never touched the OEM
 * partition. Sources: flatcar/update_engine flatcar-postinst; flatcar/bootengine initrd-setup-root-after-ignition;
 * flatcar/scripts usr/share/flatcar/oems.
 */

import { formatBytes } from '../../units.js'
import type { Finding } from '../finding.js'
import { isWithin } from '../oem-path.js'
import { OEM_RELEASE_PATH } from '../release/eras.js'
import type { ImageRelease, KnownRelease } from '../release/release.js'
import type { PlannedSpace } from './plan-space.js'
import { TREE_RULES } from './rules.js'

/** Folders that the first boot after the move to system extensions deletes, by vendor ID. */
const CLEANED_FOLDERS: ReadonlyMap<string, readonly string[]> = new Map([
  ['azure', ['/waagent.conf', '/python', '/bin', '/units', '/base']],
  ['vmware', ['/base', '/bin', '/include', '/lib64', '/units', '/vmware-tools']],
  ['ami', ['/base', '/bin', '/eks', '/ssm', '/units']],
  ['packet', ['/base', '/units']],
  ['openstack', ['/base']],
  ['digitalocean', ['/base']],
])

/** IDs that Flatcar publishes an extension for. */
const EXTENSION_IDS = new Set([
  ...CLEANED_FOLDERS.keys(),
  ...'akamai cloudsigma cloudstack exoscale gce hetzner hyperv kubevirt nutanix oraclecloud proxmoxve'.split(' '),
  ...'qemu scaleway stackit vagrant virtualbox'.split(' '),
])

const ACTIVE_MARK = /^\/sysext\/active-oem-(.+)$/

export interface UpdateFacts {
  readonly release: KnownRelease
  /** ID of oem-release before and after the bake. */
  readonly idBefore: string | undefined
  readonly idAfter: string | undefined
  /** The tree after the bake. */
  readonly pathsAfter: readonly string[]
  readonly sizesAfter: ReadonlyMap<string, number>
  readonly space: PlannedSpace
  /** Files that the bake writes, whether the template or a flag asked for them, and whether only the first boot needs them. */
  readonly written: readonly { readonly path: string; readonly fromTemplate: boolean; readonly isReadOnce: boolean }[]
}

/** What the next OS update does with the OEM partition, in a sentence. @param id of oem-release */
export function nextUpdate(release: ImageRelease, id: string | undefined, paths: readonly string[]): string {
  const hook = paths.includes('/bin/oem-postinst') ? '; bin/oem-postinst runs after it, if it is executable' : ''
  if (release.kind === 'unknown') return 'it depends on the release, which is unknown'
  if (release.distro === 'container-linux') return `an update leaves the OEM partition as it is${hook}`
  const marks = paths.flatMap((path) => ACTIVE_MARK.exec(path)?.[1] ?? [])
  const asks = id !== undefined && (EXTENSION_IDS.has(id) || marks.includes(id))
  if (!asks) {
    const who = id === undefined ? 'without an ID in oem-release' : `with ID ${id} in oem-release`
    return `${who} an update asks for no OEM extension and leaves these files as they are${hook}`
  }
  const folders = CLEANED_FOLDERS.get(id)
  const cleans = folders === undefined ? '' : `; the first move to extensions deletes ${folders.join(', ')}`
  return `with ID ${id} in oem-release an update fetches the extension oem-${id}, and fails without it${cleans}${hook}`
}

export function foreseeUpdates(facts: UpdateFacts): readonly Finding[] {
  if (facts.release.distro !== 'flatcar') return []
  return [
    ...foreseeExtension(facts),
    ...foreseeFetch(facts),
    ...foreseeRoom(facts),
    ...foreseeCleaning(facts),
    ...foreseeMarks(facts),
  ]
}

/** The extension that is there belongs to somebody else than oem-release now names. */
function foreseeExtension({ idBefore, idAfter, pathsAfter }: UpdateFacts): readonly Finding[] {
  const active = pathsAfter.flatMap((path) => ACTIVE_MARK.exec(path)?.[1] ?? [])
  const strangers = active.filter((id) => id !== idAfter)
  const after = idAfter === undefined ? 'no ID' : `ID ${idAfter}`
  if (strangers.length > 0) {
    return [
      TREE_RULES.found(
        'update-extension-id',
        `oem-release will have ${after}, but sysext/active-oem-${strangers.join(', sysext/active-oem-')} stays: at the next OS update the updater looks for the OEM of that ID only, so the extension of ${strangers.join(', ')} is not fetched for the new release, and the new release's initrd has to find or download one at boot`,
        { hint: `start from the generic image, or keep the ID ${strangers[0]} if its agent is wanted` },
      ),
    ]
  }
  if (idBefore === undefined || idBefore === idAfter) return []
  return [
    TREE_RULES.found(
      'update-id-changes',
      `oem-release ID changes from ${idBefore} to ${idAfter ?? 'none'}: at the next OS update the updater asks for ${
        idAfter !== undefined && EXTENSION_IDS.has(idAfter) ? `the extension of ${idAfter}` : 'no OEM extension'
      }`,
    ),
  ]
}

/** A vendor's ID means that vendor's extension, from the next update on. */
function foreseeFetch({ idAfter, pathsAfter, written }: UpdateFacts): readonly Finding[] {
  if (idAfter === undefined || !EXTENSION_IDS.has(idAfter)) return []
  if (!written.some(({ path }) => path === OEM_RELEASE_PATH)) return []
  if (pathsAfter.some((path) => ACTIVE_MARK.exec(path)?.[1] === idAfter)) return []
  return [
    TREE_RULES.found(
      'update-vendor-extension',
      `oem-release has the ID of a vendor, ${idAfter}: an OS update fetches Flatcar's extension oem-${idAfter} for it, and fails where that can't be had`,
      { hint: 'give oem-release an ID of your own if the extension is not wanted' },
    ),
  ]
}

/** The first release with OEM extensions. */
const FIRST_WITH_EXTENSIONS = 3637
/** Nobody knows the size of the next version; a tenth more than the present one is our assumption. */
const GROWTH = 1.1

/** The present version and the next one lie side by side; where they can't, the updater puts the next one onto ROOT. */
function foreseeRoom({ idAfter, release, sizesAfter, space }: UpdateFacts): readonly Finding[] {
  if (idAfter === undefined || release.branch < FIRST_WITH_EXTENSIONS || space.neededBytes === 0) return []
  const extensions = [...sizesAfter].filter(([path]) => isExtensionOf(path, idAfter)).map(([, size]) => size)
  const wanted = Math.ceil(Math.max(0, ...extensions) * GROWTH)
  if (space.freeBytesAfter >= wanted) return []
  const took = space.freeBytesBefore >= wanted
  return [
    TREE_RULES.found(
      'extension-room',
      `${formatBytes(space.freeBytesAfter)} stay free on the OEM partition, about ${formatBytes(wanted)} are needed for the next version of oem-${idAfter} beside the present one: updates will put it into /etc/flatcar/oem-sysext`,
      // Where there was too little before, this bake is not the reason.
      { hint: 'bake fewer or smaller files', ...(took ? {} : { severity: 'note' }) },
    ),
  ]
}

function isExtensionOf(path: string, id: string): boolean {
  return path.startsWith(`/sysext/oem-${id}-`) && path.endsWith('.raw')
}

/** Files in folders that an update deletes because the ID is a vendor's. */
function foreseeCleaning({ idAfter, written }: UpdateFacts): readonly Finding[] {
  const folders = idAfter === undefined ? undefined : CLEANED_FOLDERS.get(idAfter)
  if (folders === undefined) return []
  const lost = written.filter((file) => !file.isReadOnce && folders.some((folder) => isWithin(file.path, folder)))
  if (lost.length === 0) return []
  const message = `with oem-release ID ${idAfter} the update to a release with OEM extensions deletes ${lost.map((file) => file.path).join(', ')}`
  // Who made the template knows what it needs; what somebody added may be needed for good.
  return lost.every((file) => file.fromTemplate)
    ? [TREE_RULES.found('update-cleans', message, { severity: 'note' })]
    : [
        TREE_RULES.found('update-cleans', message, {
          hint: 'put lasting files elsewhere, or give oem-release an ID of your own',
        }),
      ]
}

/** A mark without an extension behind it blocks updates. */
function foreseeMarks({ written }: UpdateFacts): readonly Finding[] {
  return written.flatMap(({ path }) => {
    const id = ACTIVE_MARK.exec(path)?.[1]
    if (id === undefined || EXTENSION_IDS.has(id)) return []
    return [
      TREE_RULES.found('update-mark', `${path} makes every OS update fetch oem-${id}.gz, and fail without it`, {
        hint: `leave it out unless your update server has oem-${id}.gz`,
      }),
    ]
  })
}
