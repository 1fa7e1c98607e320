/**
 * The cloud-config on this release: the one that is written, or the one that stays, in which nothing stops the bake.
 */
import { UsageError } from '../../errors.js'
import { parseCloudConfig } from '../cloud-config/cloud-config.js'
import { checkOnRelease } from '../cloud-config/release-checks.js'
import { CLOUD_CONFIG_RULES } from '../cloud-config/rules.js'
import type { ContentFile } from '../content-file.js'
import type { OemState } from '../describe.js'
import { type Finding, ofKeptFile } from '../finding.js'
import { CLOUD_CONFIG_PATH, noEffectOf } from '../release/eras.js'
import type { ImageRelease } from '../release/release.js'

export function checkCloudConfig(file: ContentFile, release: ImageRelease): readonly Finding[] {
  return file.role.kind === 'cloud-config' ? checkOnRelease(file.role.cloudConfig, file.source, release) : []
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
