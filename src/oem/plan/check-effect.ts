/**
 * Files that do nothing on this release, or more than was meant: those that are written, and those that stay.
 */
import type { ContentFile } from '../content-file.js'
import type { Finding } from '../finding.js'
import { CLOUD_CONFIG_PATH, IGNITION_PATHS, noEffectOf } from '../release/eras.js'
import { formatRelease, type ImageRelease } from '../release/release.js'
import { TREE_RULES } from './rules.js'

/** A file that the release would not even look at. */
export function checkEffect(file: ContentFile, release: ImageRelease): readonly Finding[] {
  const vain = release.kind === 'known' ? noEffectOf(file.path, release) : undefined
  if (vain === undefined) return []
  const message = `${file.path} (${file.origin}) has no effect on ${formatRelease(release)}: ${vain.why}`
  return [TREE_RULES.found(vainRule(file.path), message, { severity: vain.severity, hint: vain.instead })]
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

function vainRule(path: string): 'no-effect-cloud-config' | 'no-effect-ignition' | 'no-effect-file' {
  if (path === CLOUD_CONFIG_PATH) return 'no-effect-cloud-config'
  return IGNITION_PATHS.includes(path) ? 'no-effect-ignition' : 'no-effect-file'
}
