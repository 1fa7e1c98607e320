/**
 * Whether template, id, variables and filesystem suit the image's release.
 */
import type { Filesystem } from '../../disk/filesystem/probe.js'
import type { Finding } from '../finding.js'
import { nearestName } from '../nearest.js'
import { readsOemIdFromGrub } from '../release/eras.js'
import { allPlatformIds, knownPlatformIds } from '../release/platforms.js'
import { formatDistro, formatRelease, type ImageRelease, type KnownRelease } from '../release/release.js'
import { formatScope, isInAnyScope, isInScope, type ReleaseScope } from '../release/release-scope.js'
import type { TemplateNote } from '../template/template-manifest.js'
import { TREE_RULES } from './rules.js'

export function checkRelease(release: ImageRelease): readonly Finding[] {
  if (release.kind === 'known') return []
  return [
    TREE_RULES.found(
      'release-unknown',
      `the image's release is unknown (${release.reason}): ids and configs are checked against all releases, and what suits Container Linux 2512 is written`,
      { hint: 'name it with --release, such as --release flatcar:3510.2.8' },
    ),
  ]
}

/**
 * @param origin `--oem-id`, `template rackspace`; undefined when the id was there before
 */
export function checkOemId(
  oemId: string | undefined,
  release: ImageRelease,
  origin: string | undefined,
  unchecked: boolean,
): readonly Finding[] {
  if (oemId === undefined) return []
  if (release.kind === 'known' && !readsOemIdFromGrub(release)) {
    return [
      TREE_RULES.found(
        'oem-id-not-read',
        `${formatRelease(release)} takes no oem_id from grub.cfg: only branch 835 and later do`,
      ),
    ]
  }
  const knowledge = knownPlatformIds(release)
  const known = knowledge === 'unknown' ? allPlatformIds() : knowledge.ids
  if (known.includes(oemId)) return []
  const who =
    knowledge === 'unknown'
      ? 'no release there ever was'
      : `Ignition ${knowledge.ignition} of ${formatRelease(release)}`
  const message = `oem_id ${oemId}${origin === undefined ? '' : ` (${origin})`} is unknown to ${who}: the machine would never boot`
  if (origin === undefined || unchecked) return [TREE_RULES.found('oem-id-unknown', message, { severity: 'warning' })]
  const nearest = nearestName(oemId, known)
  return [
    TREE_RULES.found('oem-id-unknown', message, {
      hint: `${nearest === undefined ? '' : `did you mean ${nearest}? `}known ids: ${known.join(', ')}; to take it all the same add --oem-id-unchecked`,
    }),
  ]
}

/** Says when a template was not made for this release. */
export function checkTemplateFits(
  template: { readonly name: string; readonly distros: readonly ReleaseScope[] } | undefined,
  release: ImageRelease,
): readonly Finding[] {
  if (template === undefined || release.kind === 'unknown' || isInAnyScope(release, template.distros)) return []
  return [
    TREE_RULES.found(
      'template-release',
      `template ${template.name} is made for ${template.distros.map(formatScope).join('; ')}, the image is ${formatRelease(release)}`,
    ),
  ]
}

/** Which way the template goes on this release, in its own words. */
export function noteTemplate(
  template: { readonly name: string; readonly notes: readonly TemplateNote[] } | undefined,
  release: KnownRelease,
): readonly Finding[] {
  return (template?.notes ?? [])
    .filter(({ scopes }) => isInAnyScope(release, scopes))
    .map(({ text }) => TREE_RULES.found('template-note', `template ${template?.name}: ${text}`))
}

/** Variables that only files of other releases use. */
export function checkVariables(
  given: readonly { readonly name: string; readonly paths: readonly string[] }[],
  usedPaths: ReadonlySet<string>,
  release: KnownRelease,
): readonly Finding[] {
  const vain = given.filter(({ paths }) => paths.length > 0 && !paths.some((path) => usedPaths.has(path)))
  return vain.map(({ name, paths }) =>
    TREE_RULES.found(
      'variable-without-effect',
      `variable ${name} is used in ${paths.join(', ')} only, which ${formatDistro(release.distro)} ${release.branch} does not get`,
    ),
  )
}

/** From branch 4186 on Flatcar's EFI GRUB has no ext driver at hand. */
export function checkFilesystem(filesystem: Filesystem, release: ImageRelease): readonly Finding[] {
  if (filesystem.kind !== 'ext' || release.kind === 'unknown') return []
  if (!isInScope(release, { distro: 'flatcar', from: 4186 })) return []
  return [
    TREE_RULES.found(
      'grub-cannot-read-ext',
      `the OEM partition is ${filesystem.variant}, but on UEFI machines GRUB of ${formatRelease(release)} reads only btrfs and FAT: grub.cfg would be skipped there`,
    ),
  ]
}
