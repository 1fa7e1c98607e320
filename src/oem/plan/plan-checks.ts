/**
 * The checks that need the image: its release, and the tree as it will be.
 *
 * What would keep a machine from booting, or do nothing although it was asked for, is an error. What was on the partition
 * before and stays is only warned about: it is not this bake's doing. Errors are all found before one is told (`judge.ts`).
 */
import type { Filesystem } from '../../disk/filesystem/probe.js'
import { UsageError } from '../../errors.js'
import { parseCloudConfig } from '../cloud-config/cloud-config.js'
import { checkOnRelease } from '../cloud-config/release-checks.js'
import { CLOUD_CONFIG_RULES } from '../cloud-config/rules.js'
import type { ContentFile } from '../content-file.js'
import type { OemState } from '../describe.js'
import { type Finding, ofKeptFile } from '../finding.js'
import { checkGrubForRelease } from '../grub/check-for-release.js'
import { checkIgnitionFile, checkSpecAccepted } from '../ignition/ignition.js'
import { IGNITION_RULES } from '../ignition/rules.js'
import { nearestName } from '../nearest.js'
import { readOemRelease } from '../oem-release/read-oem-release.js'
import {
  CLOUD_CONFIG_PATH,
  CONFIG_IGN_PATH,
  IGNITION_PATHS,
  noEffectOf,
  OEM_RELEASE_PATH,
  readsOemIdFromGrub,
} from '../release/eras.js'
import { allPlatformIds, knownPlatformIds } from '../release/platforms.js'
import { formatDistro, formatRelease, type ImageRelease, type KnownRelease } from '../release/release.js'
import { formatScope, isInAnyScope, isInScope, type ReleaseScope } from '../release/release-scope.js'
import type { TemplateNote } from '../template/template-manifest.js'
import { TREE_RULES } from './rules.js'

/** A file that the release would not even look at. */
export function checkEffect(file: ContentFile, release: ImageRelease): readonly Finding[] {
  const vain = release.kind === 'known' ? noEffectOf(file.path, release) : undefined
  if (vain === undefined) return []
  const message = `${file.path} (${file.origin}) has no effect on ${formatRelease(release)}: ${vain.why}`
  return [TREE_RULES.found(vainRule(file.path), message, { severity: vain.severity, hint: vain.instead })]
}

function vainRule(path: string): 'no-effect-cloud-config' | 'no-effect-ignition' | 'no-effect-file' {
  if (path === CLOUD_CONFIG_PATH) return 'no-effect-cloud-config'
  return IGNITION_PATHS.includes(path) ? 'no-effect-ignition' : 'no-effect-file'
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

/** A config version that the release refuses, and `oem://` files that are not there. */
export function checkIgnition(
  file: ContentFile,
  release: ImageRelease,
  pathsAfter: ReadonlySet<string>,
): readonly Finding[] {
  if (file.role.kind !== 'ignition') return []
  const { config } = file.role
  const place = { file: file.source }
  const findings: Finding[] = [
    ...checkSpecAccepted(config, release, file.source),
    ...(translatesSpec2(release) ? file.role.untranslatable : []),
  ]
  const missing = config.oemPaths.filter((path) => !pathsAfter.has(path))
  if (missing.length > 0) {
    findings.push(
      IGNITION_RULES.found(
        'ignition-oem-path',
        `reads ${missing.map((path) => `oem://${path}`).join(', ')}, which will not be on the OEM partition: the machine would not boot`,
        { place, hint: `add ${missing.map((path) => `--file SRC:${path}`).join(' ')}` },
      ),
    )
  }
  if (file.path === CONFIG_IGN_PATH) {
    findings.push(
      IGNITION_RULES.found(
        'ignition-hides-userdata',
        `${CONFIG_IGN_PATH} is used instead of what end users give as user data, for good`,
        { hint: 'provider defaults belong into base/base.ign: --ignition-as base' },
      ),
    )
  }
  if (release.kind === 'unknown' && config.spec.startsWith('3.')) {
    findings.push(
      IGNITION_RULES.found(
        'ignition-spec-unchecked',
        `config version ${config.spec} is accepted only by Flatcar from branch 3185 on`,
        { place, hint: 'name the release with --release' },
      ),
    )
  }
  return findings
}

export function checkGrubCfg(file: ContentFile, release: ImageRelease): readonly Finding[] {
  return file.role.kind === 'grub-cfg' ? checkGrubForRelease(file.role.grub, file.source, release) : []
}

export function checkCloudConfig(file: ContentFile, release: ImageRelease): readonly Finding[] {
  return file.role.kind === 'cloud-config' ? checkOnRelease(file.role.cloudConfig, file.source, release) : []
}

/** An oem-release that stays and that its readers stumble over. */
export function checkKeptOemRelease(text: string | undefined): readonly Finding[] {
  return text === undefined ? [] : readOemRelease(text, OEM_RELEASE_PATH).findings.map(ofKeptFile)
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

/** What stays although this release ignores it, and what stays of another vendor. */
export function checkKept(
  keptPaths: ReadonlyMap<string, string>,
  release: ImageRelease,
  newIdentity: boolean,
): readonly Finding[] {
  const findings: Finding[] = []
  const vendors = [...keptPaths].filter(([, whose]) => whose.startsWith('vendor set '))
  if (vendors.length > 0) {
    const list = vendors.map(([path]) => path).join(', ')
    const whose = vendors[0]?.[1] ?? ''
    findings.push(
      newIdentity
        ? TREE_RULES.found(
            'vendor-files-stay',
            `files of ${whose} stay beside the new ones: ${list}; they may start that vendor's services`,
            { hint: 'leave out --existing merge to replace the whole set' },
          )
        : TREE_RULES.found('vendor-files-stay', `files of ${whose} stay: ${list}`, { severity: 'note' }),
    )
  }
  for (const path of [CLOUD_CONFIG_PATH, ...IGNITION_PATHS]) {
    if (!keptPaths.has(path) || release.kind === 'unknown') continue
    const vain = noEffectOf(path, release)
    if (vain === undefined) continue
    findings.push(
      TREE_RULES.found(vainRule(path), `${path}, which stays, has no effect: ${vain.why}`, { severity: 'note' }),
    )
  }
  return findings
}

/** From this branch on Flatcar's Ignition is of major 2, which reads 2.x configs by translation. */
function translatesSpec2(release: ImageRelease): boolean {
  return release.kind === 'known' && isInScope(release, { distro: 'flatcar', from: 3185 })
}

/**
 * Configs that stay get the checks of new ones, more mildly. They must keep what they read: a file that this bake takes
 * away from one would stop the boot.
 */
export function checkKeptIgnition(
  state: OemState,
  release: ImageRelease,
  pathsAfter: ReadonlySet<string>,
  written: ReadonlySet<string>,
): readonly Finding[] {
  const before = new Set(state.entries.map((entry) => entry.path))
  return IGNITION_PATHS.flatMap((path) => {
    const bytes = state.contents.get(path)
    if (bytes === undefined || written.has(path) || !pathsAfter.has(path)) return []
    if (release.kind === 'known' && noEffectOf(path, release) !== undefined) return []
    let checked: ReturnType<typeof checkIgnitionFile>
    try {
      checked = checkIgnitionFile(bytes, path, path)
    } catch (error) {
      if (!(error instanceof UsageError)) throw error
      return [IGNITION_RULES.found('ignition-kept-invalid', `${path}, which stays, is broken: ${error.message}`)]
    }
    const missing = checked.config.oemPaths.filter((wanted) => !pathsAfter.has(wanted))
    const taken = missing.filter((wanted) => before.has(wanted))
    const stopping = taken.map((wanted) =>
      IGNITION_RULES.found(
        'ignition-oem-path',
        `${path} stays and reads oem://${wanted}, which is to be removed: the machine would not boot`,
        { hint: `add --remove ${path}, or keep what it reads` },
      ),
    )
    const broken = missing.filter((wanted) => !before.has(wanted))
    return [
      ...stopping,
      ...broken.map((wanted) =>
        IGNITION_RULES.found(
          'ignition-kept-invalid',
          `${path}, which stays, reads oem://${wanted}, which is not on the OEM partition`,
        ),
      ),
      ...[
        ...checkSpecAccepted(checked.config, release, path),
        ...(translatesSpec2(release) ? checked.untranslatable : []),
        ...checked.findings,
      ].map(ofKeptFile),
    ]
  })
}

/** The cloud-config that stays is checked like a new one, but nothing in it stops the bake. */
export function checkKeptCloudConfig(
  state: OemState,
  release: ImageRelease,
  pathsAfter: ReadonlySet<string>,
  written: ReadonlySet<string>,
): readonly Finding[] {
  const bytes = state.contents.get(CLOUD_CONFIG_PATH)
  if (bytes === undefined || written.has(CLOUD_CONFIG_PATH) || !pathsAfter.has(CLOUD_CONFIG_PATH)) return []
  // That the release does not read it at all is told already.
  if (release.kind === 'known' && noEffectOf(CLOUD_CONFIG_PATH, release) !== undefined) return []
  try {
    const cloudConfig = parseCloudConfig(bytes, CLOUD_CONFIG_PATH)
    return [...cloudConfig.findings, ...checkOnRelease(cloudConfig, CLOUD_CONFIG_PATH, release)].map(ofKeptFile)
  } catch (error) {
    if (!(error instanceof UsageError)) throw error
    return [
      CLOUD_CONFIG_RULES.found(
        'cloud-config-kept-invalid',
        `${CLOUD_CONFIG_PATH}, which stays, is broken, and nothing of it is applied: ${error.message}`,
        { hint: error.hint },
      ),
    ]
  }
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
