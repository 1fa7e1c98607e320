/**
 * Who gets hold of what end users give their machines, on this platform and release.
 *
 * Ignition takes an Ignition config by itself where it fetches at all; for a cloud-config or script somebody has to run
 * coreos-cloudinit (`cloudinit-ways.ts`). Source: `../release/user-config.ts`.
 */
import { ignitionVersionOf } from '../release/ignition-versions.js'
import { formatRelease, type KnownRelease } from '../release/release.js'
import { userConfigSourceOf } from '../release/user-config.js'
import { cloudConfigWays, type UserDataFacts, way } from './cloudinit-ways.js'
import type { UserDataExplanation, UserDataWay } from './explanation.js'

export function explainUserData(facts: UserDataFacts): UserDataExplanation {
  const { release } = facts
  if (release.kind === 'unknown') {
    const unknown = way('unknown', undefined, 'it depends on the release', 'the release is unknown')
    return { ...unknown, ignitionConfigs: unknown, cloudConfigs: unknown, also: [] }
  }
  const ignitionConfigs = ignitionWay(facts, release)
  const [cloudConfigs, ...also] = cloudConfigWays(facts, release)
  const decides = cloudConfigs.by === 'nobody' || cloudConfigs.by === 'unknown' ? ignitionConfigs : cloudConfigs
  return { ...(decides.by === 'nobody' ? cloudConfigs : decides), ignitionConfigs, cloudConfigs, also }
}

function ignitionWay({ platform, given }: UserDataFacts, release: KnownRelease): UserDataWay {
  const ignition = ignitionVersionOf(release)
  const nobody = (how: string, why: string): UserDataWay => way('nobody', undefined, how, why)
  if (ignition === undefined) return nobody('nothing reads it', `${formatRelease(release)} has no Ignition`)
  if (platform.known === false)
    return nobody('nothing reads it', `Ignition ${ignition} stops at a platform it does not know`)
  if (given.url !== undefined) {
    return nobody(`Ignition fetches ${given.url} instead`, 'a URL on the kernel command line comes before user data')
  }
  if (given.configIgn !== 'absent')
    return nobody('Ignition takes config.ign instead', 'config.ign comes before user data')
  const name = platform.platform
  if (name === undefined) return nobody('nothing reads it', 'Ignition has no platform')
  const source = name === 'unknown' ? 'unknown' : userConfigSourceOf(name, release)
  if (source === 'unknown') {
    return way('unknown', undefined, `whether Ignition ${ignition} fetches on ${name} is not known`, 'no source tells')
  }
  const elsewhere = platform.detected
    .filter((detected) => detected.platform !== name)
    .map((detected) => {
      const there = userConfigSourceOf(detected.platform, release)
      return there !== 'unknown' && there.kind === 'fetches'
        ? `; on ${detected.machine} from ${there.from.join(', ')}`
        : ''
    })
    .join('')
  if (source.kind === 'nothing') {
    return elsewhere === ''
      ? nobody('Ignition fetches nothing', `Ignition ${ignition} knows ${name}, and fetches nothing there`)
      : nobody(
          `Ignition fetches nothing${elsewhere}`,
          `without an id it depends on the machine; ${name} fetches nothing`,
        )
  }
  return way(
    'ignition',
    undefined,
    `Ignition fetches it from ${source.from.join(', ')}${elsewhere}, and applies it on the first boot`,
    `Ignition ${ignition} knows how on ${name}`,
  )
}
