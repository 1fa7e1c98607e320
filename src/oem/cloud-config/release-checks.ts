/**
 * What a cloud-config asks of its readers that only some releases have.
 *
 * Container Linux and Flatcar before branch 3913 read hyphens as underscores and leave out what they can't take; later
 * Flatcar uses another YAML reader, to which a hyphenated key is unknown and a value of the wrong type refuses the file.
 * Sources: flatcar/coreos-cloudinit 1bbfd30 (readers), pull request 21 with flatcar/scripts 873 of June 2023 (MIME).
 */
import type { Finding } from '../finding.js'
import { formatRelease, type ImageRelease } from '../release/release.js'
import { isInScope, type ReleaseScope } from '../release/release-scope.js'
import type { CloudConfig } from './cloud-config.js'
import type { GoReader } from './go-yaml.js'
import { CLOUD_CONFIG_RULES } from './rules.js'
import type { Hyphenated, Mismatch } from './structure.js'

const NEW_READER: ReleaseScope = { distro: 'flatcar', from: 3913 }
/** The first branch after it was merged. */
const MULTIPART: ReleaseScope = { distro: 'flatcar', from: 3654 }

/** @param file what findings call it */
export function checkOnRelease(cloudConfig: CloudConfig, file: string, release: ImageRelease): readonly Finding[] {
  if (cloudConfig.kind !== 'cloud-config') {
    return cloudConfig.kind === 'multipart' ? [checkMultipart(file, release)] : []
  }
  const reader = readerOf(release)
  return [
    ...cloudConfig.mismatches.flatMap((mismatch) => checkType(mismatch, reader)),
    ...(reader === 'old' ? [] : cloudConfig.hyphenated.map((key) => checkHyphens(key))),
  ]
}

/** Undefined: it may be either. */
function readerOf(release: ImageRelease): GoReader | undefined {
  if (release.kind === 'unknown') return undefined
  return isInScope(release, NEW_READER) ? 'new' : 'old'
}

function checkType(
  { expected, found, path, place, takenBy }: Mismatch,
  reader: GoReader | undefined,
): readonly Finding[] {
  const says = `${path} is ${found}, expected ${expected}`
  const hint = `write ${expected}`
  switch (reader) {
    case 'new':
      return takenBy.new
        ? []
        : [CLOUD_CONFIG_RULES.found('cloud-config-type', `${says}: nothing of the file is applied`, { place, hint })]
    case 'old':
      return takenBy.old
        ? []
        : [
            CLOUD_CONFIG_RULES.found('cloud-config-type', `${says}: it counts as not given`, {
              place,
              severity: 'warning',
              hint,
            }),
          ]
    case undefined: {
      const fate = takenBy.old
        ? 'Flatcar from branch 3913 on applies nothing of the file'
        : takenBy.new
          ? 'before Flatcar 3913 it counts as not given'
          : 'it counts as not given; Flatcar from branch 3913 on applies nothing of the file'
      return [CLOUD_CONFIG_RULES.found('cloud-config-type', `${says}: ${fate}`, { place, severity: 'warning', hint })]
    }
  }
}

function checkHyphens({ name, path, place }: Hyphenated): Finding {
  return CLOUD_CONFIG_RULES.found('cloud-config-hyphens', `Flatcar from branch 3913 on skips ${name} (${path})`, {
    place,
    hint: `write ${name.replaceAll('-', '_')}; every release reads that`,
  })
}

function checkMultipart(file: string, release: ImageRelease): Finding {
  const place = { file, line: 1, column: 1 }
  if (release.kind === 'known' && isInScope(release, MULTIPART)) {
    return CLOUD_CONFIG_RULES.found(
      'cloud-config-multipart',
      'this is MIME: its parts are applied, but not checked here',
      {
        place,
        severity: 'note',
      },
    )
  }
  const who = release.kind === 'known' ? formatRelease(release) : 'a release other than Flatcar from branch 3654 on'
  return CLOUD_CONFIG_RULES.found('cloud-config-multipart', `this is MIME, which ${who} does not read`, {
    place,
    severity: release.kind === 'known' ? undefined : 'warning',
    hint: 'give a plain cloud-config',
  })
}
