/**
 * Who runs coreos-cloudinit on user data that is a cloud-config or a script: the OEM partition's own units first, then what
 * the release does by itself.
 *
 * Sources: `../release/cloudinit-facts.ts`; units/user-configdrive.service of both coreos-cloudinit repositories (conditions
 * since flatcar/scripts pull 1790, 2024-03-27).
 */
import { COMPILED_DEFAULTS, flatcarFallbackFor } from '../release/cloudinit-facts.js'
import { BASE_IGN_PATH, CLOUD_CONFIG_PATH, DEFAULT_IGN_PATH } from '../release/eras.js'
import { ignitionVersionOf, isAtLeast } from '../release/ignition-versions.js'
import type { ImageRelease, KnownRelease } from '../release/release.js'
import { isInScope } from '../release/release-scope.js'
import type { FoundConfig, UserConfigGiven } from './configs.js'
import type { PlatformExplanation, ServiceExplanation, UserDataBy, UserDataWay } from './explanation.js'

export interface UserDataFacts {
  readonly release: ImageRelease
  readonly platform: PlatformExplanation
  readonly given: UserConfigGiven
  readonly configs: readonly FoundConfig[]
  readonly services: readonly ServiceExplanation[]
}

const CONFIG_DRIVE_UNIT = 'user-configdrive.service'
/** Clouds that put user data on a drive labelled config-2. */
const CONFIG_DRIVE_IDS = ['openstack', 'brightbox', 'rackspace', 'rackspace-onmetal']

/** At least one; the first is who comes first, or nobody. */
export function cloudConfigWays(facts: UserDataFacts, release: KnownRelease): readonly [UserDataWay, ...UserDataWay[]] {
  if (facts.platform.known === false) {
    return [way('nobody', undefined, 'nothing reads it', 'the machine does not get that far')]
  }
  const [first, ...rest] = [
    ...ofIgnitionConfigs(facts),
    ...ofCloudConfig(facts, release),
    ...ofIgnitionItself(facts, release),
    ...ofFlatcar(facts, release),
    ...ofConfigDrive(facts, release),
  ]
  if (first !== undefined) return [first, ...rest]
  return [
    way(
      'nobody',
      undefined,
      `nothing runs coreos-cloudinit on it${driveHint(facts)}`,
      'no unit of the OEM partition does, and the release does so by itself only on other platforms',
    ),
  ]
}

function driveHint({ services, configs }: UserDataFacts): string {
  return isMasked(CONFIG_DRIVE_UNIT, services, configs)
    ? ''
    : `; only a drive labelled config-2 would be read, by ${CONFIG_DRIVE_UNIT}`
}

/** Units that base/base.ign or base/default.ign enables. */
function ofIgnitionConfigs({ configs, services }: UserDataFacts): readonly UserDataWay[] {
  const rows = [
    [
      DEFAULT_IGN_PATH,
      'default.ign',
      'Ignition applies base/default.ign where it gets no user config that it can take',
    ],
    [BASE_IGN_PATH, 'base.ign', 'base/base.ign applies on every machine'],
  ] as const
  return rows.flatMap(([path, by, why]) => {
    const found = configs.find((config) => config.path === path)
    const use = found?.explanation.use
    if (found?.stops !== undefined || (use !== 'always' && use !== 'without a user config')) return []
    return services
      .filter(({ from, does, cloudinit }) => from === path && does === 'enables' && cloudinit !== undefined)
      .map(({ unit, cloudinit }) => way(by, unit, `${unit} runs coreos-cloudinit ${cloudinit}`, why))
  })
}

function ofCloudConfig({ services }: UserDataFacts, release: KnownRelease): readonly UserDataWay[] {
  return services
    .filter(
      ({ from, does, cloudinit }) =>
        from === CLOUD_CONFIG_PATH && (does === 'starts' || does === 'enables') && cloudinit !== undefined,
    )
    .map(({ unit, cloudinit }) =>
      way(
        'cloud-config',
        unit,
        `${unit} runs coreos-cloudinit ${cloudinit} at every boot`,
        release.branch < 1632
          ? 'the OEM cloud-config starts it; Ignition reads nothing from the OEM partition before branch 1632'
          : 'the OEM cloud-config starts it',
      ),
    )
}

function ofIgnitionItself({ platform }: UserDataFacts, release: KnownRelease): readonly UserDataWay[] {
  const ignition = ignitionVersionOf(release)
  if (ignition === undefined || isAtLeast(ignition, '0.20')) return []
  const row = COMPILED_DEFAULTS.find(
    (known) => known.platform === platform.platform && isAtLeast(ignition, known.since),
  )
  if (row === undefined) return []
  return [
    way(
      'ignition-default',
      'oem-cloudinit.service',
      `oem-cloudinit.service runs coreos-cloudinit --oem=${row.preset}`,
      `Ignition ${ignition} has a default config for ${row.platform} inside`,
    ),
  ]
}

function ofFlatcar(
  { platform, given, services, configs }: UserDataFacts,
  release: KnownRelease,
): readonly UserDataWay[] {
  const fallback = platform.platform === undefined ? undefined : flatcarFallbackFor(platform.platform, release)
  if (fallback === undefined || fallback === 'unknown') return []
  // Either counts as a user config, and turns it off; a masked unit does not start.
  if (given.configIgn === 'there' || given.url !== undefined || isMasked(fallback.unit, services, configs)) return []
  return [
    way(
      'oem-cloudinit',
      fallback.unit,
      `${fallback.unit} runs coreos-cloudinit --oem=${fallback.preset}`,
      `Flatcar from branch 3185 on does so by itself on ${platform.platform}: ${fallback.why}`,
    ),
  ]
}

function ofConfigDrive(facts: UserDataFacts, release: KnownRelease): readonly UserDataWay[] {
  const { platform, given, services, configs } = facts
  const id = platform.oemId
  if (id === undefined || !CONFIG_DRIVE_IDS.includes(id)) return []
  if (isMasked(CONFIG_DRIVE_UNIT, services, configs)) return []
  const onFlatcar = isInScope(release, { distro: 'flatcar', from: 3185 })
  if (onFlatcar && (given.configIgn === 'there' || given.url !== undefined)) return []
  if (id === 'openstack' && isInScope(release, { distro: 'flatcar', from: 3922 })) return []
  return [
    way(
      'user-configdrive',
      CONFIG_DRIVE_UNIT,
      `${CONFIG_DRIVE_UNIT} runs coreos-cloudinit --from-configdrive=/media/configdrive at every boot with a config drive`,
      `${id} puts user data on a drive labelled config-2, which the distribution reads by itself`,
    ),
  ]
}

/** By a config that applies where user data is a cloud-config. */
function isMasked(unit: string, services: readonly ServiceExplanation[], configs: readonly FoundConfig[]): boolean {
  return services.some(
    ({ unit: masked, does, from }) =>
      masked === unit && does === 'masks' && configs.find(({ path }) => path === from)?.explanation.use !== 'never',
  )
}

export function way(by: UserDataBy, unit: string | undefined, how: string, why: string): UserDataWay {
  return { by, unit, how, why }
}
