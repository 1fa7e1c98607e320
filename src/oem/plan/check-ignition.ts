/**
 * Ignition configs on this release: those that are written, and those that stay.
 *
 * What stays is only warned about, but for one thing: a file that this bake takes away from it would stop the boot.
 */
import { UsageError } from '../../errors.js'
import type { ContentFile } from '../content-file.js'
import type { OemState } from '../describe.js'
import { type Finding, ofKeptFile } from '../finding.js'
import { checkIgnitionFile, checkSpecAccepted } from '../ignition/ignition.js'
import { IGNITION_RULES } from '../ignition/rules.js'
import { CONFIG_IGN_PATH, IGNITION_PATHS, noEffectOf } from '../release/eras.js'
import type { ImageRelease } from '../release/release.js'
import { isInScope } from '../release/release-scope.js'

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

/** From this branch on Flatcar's Ignition is of major 2, which reads 2.x configs by translation. */
function translatesSpec2(release: ImageRelease): boolean {
  return release.kind === 'known' && isInScope(release, { distro: 'flatcar', from: 3185 })
}
