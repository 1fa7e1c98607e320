/**
 * What a machine will do at boot, from the OEM partition's tree and the release tables.
 *
 * Pure, and never throws: what can't be read is told, not refused. `explain` prints it, every plan carries it.
 */
import { looseOemReleaseId } from '../oem-release/oem-release.js'
import { nextUpdate } from '../plan/updates.js'
import { GRUB_CFG_PATH, noEffectOf, OEM_RELEASE_PATH } from '../release/eras.js'
import { grubFactsOf } from '../release/grub-facts.js'
import { oemMountOf } from '../release/oem-mount.js'
import { formatRelease, type ImageRelease } from '../release/release.js'
import { userConfigSourceOf } from '../release/user-config.js'
import { findCloudConfig } from './cloud-config.js'
import { type FoundConfig, findConfigs, type UserConfigGiven, userConfigGiven } from './configs.js'
import type {
  BootExplanation,
  IgnoredFile,
  MountExplanation,
  PlatformExplanation,
  SecureBootExplanation,
} from './explanation.js'
import { explainCommandLines } from './kernel-command-line.js'
import { explainSshKeys } from './keys.js'
import { explainPlatform } from './platform.js'
import { servicesOfConfig } from './services.js'
import { type BootTree, fileText, hasFile, isExecutable } from './tree.js'
import { explainUserData } from './user-data.js'

export function explainBoot(tree: BootTree, release: ImageRelease): BootExplanation {
  const commandLines = explainCommandLines(tree, release)
  const [onPc, onEfi] = commandLines
  const platform = explainPlatform(tree, release, onPc)
  const efiPlatform = explainPlatform(tree, release, onEfi)
  const given = userConfigGiven(tree, release, onPc)
  const configs = findConfigs(tree, release, given)
  const cloudConfig = findCloudConfig(tree, release)
  const services = [
    ...configs
      .filter(({ explanation }) => explanation.use !== 'never')
      .flatMap((config) => servicesOfConfig(tree, config)),
    ...cloudConfig.services,
  ]
  const userData = explainUserData({ release, platform, given, configs, services })
  return {
    release,
    mount: explainMount(tree, release),
    commandLines,
    secureBoot: explainSecureBoot(tree, release),
    platform,
    platformOnEfi:
      efiPlatform.platform === platform.platform && efiPlatform.oemId === platform.oemId ? undefined : efiPlatform,
    configs: configs.map(({ explanation }) => explanation),
    userConfigOrder: userConfigOrder(release, platform, given),
    cloudConfig: cloudConfig.explanation,
    services,
    userData,
    sshKeys: explainSshKeys(release, platform, services, userData),
    ignored: ignoredFiles(tree, release, configs),
    stops: [...stopsOfPlatform(platform), ...configs.flatMap(({ stops }) => stops ?? [])],
    update: nextUpdate(
      release,
      looseOemReleaseId(fileText(tree, OEM_RELEASE_PATH) ?? ''),
      tree.entries.map(({ path }) => path),
    ),
  }
}

function explainMount({ filesystem }: BootTree, release: ImageRelease): MountExplanation | 'unknown' {
  const mount = oemMountOf(release)
  if (mount === 'unknown') return mount
  const { mountPoint, unit, mounts } = mount
  const name = filesystem === 'ext' ? 'ext4' : filesystem
  return { mountPoint, unit, mounts: name === undefined ? undefined : mounts === 'any' || mounts.includes(name) }
}

function explainSecureBoot(tree: BootTree, release: ImageRelease): SecureBootExplanation {
  const facts = grubFactsOf(release)
  if (facts === 'unknown') return { grubCfg: 'unknown', says: 'it depends on the release, which is unknown' }
  if (facts.underSecureBoot || !facts.sourcesOemGrubCfg || !hasFile(tree, GRUB_CFG_PATH)) {
    return { grubCfg: facts.underSecureBoot ? 'sourced' : 'skipped', says: 'makes no difference' }
  }
  return {
    grubCfg: 'skipped',
    says: `GRUB of ${formatRelease(release)} skips the OEM grub.cfg: no oem_id, none of its kernel arguments`,
  }
}

function userConfigOrder(
  release: ImageRelease,
  { platform }: PlatformExplanation,
  given: UserConfigGiven,
): readonly string[] {
  if (release.kind === 'unknown' || platform === undefined || platform === 'unknown') return []
  const source = userConfigSourceOf(platform, release)
  return [
    given.url === undefined
      ? 'a URL on the kernel command line: none'
      : `the URL on the kernel command line: ${given.url}`,
    `config.ign: ${given.configIgn === 'there' ? 'there' : given.configIgn === 'empty' ? 'there, and empty' : 'none'}`,
    source === 'unknown'
      ? `${platform}: not known`
      : source.kind === 'nothing'
        ? `${platform}: nothing to fetch`
        : `${platform}: ${source.from.join(', ')}`,
  ]
}

function stopsOfPlatform({ known, platform }: PlatformExplanation): readonly string[] {
  return known === false ? [`Ignition does not know the platform ${platform}`] : []
}

function ignoredFiles(tree: BootTree, release: ImageRelease, configs: readonly FoundConfig[]): readonly IgnoredFile[] {
  if (release.kind === 'unknown') return []
  const vain = tree.entries.flatMap(({ path, kind }) => {
    const found = kind === 'directory' ? undefined : noEffectOf(path, release)
    return found === undefined ? [] : [{ path, why: found.why, instead: found.instead }]
  })
  const known = new Set(vain.map(({ path }) => path))
  const unused = configs
    .filter(({ path, explanation }) => explanation.use === 'never' && !known.has(path))
    .map(({ path, explanation }) => ({ path, why: explanation.why, instead: undefined }))
  return [...vain, ...unused, ...notExecutable(tree, release, known)]
}

function notExecutable(tree: BootTree, release: ImageRelease, known: ReadonlySet<string>): readonly IgnoredFile[] {
  return ['/bin/coreos-setup-environment', '/bin/flatcar-setup-environment', '/bin/oem-postinst']
    .filter((path) => hasFile(tree, path) && !isExecutable(tree, path) && !known.has(path))
    .map((path) => ({
      path,
      why: `${formatRelease(release)} runs it only if it is executable`,
      instead: 'give it mode 0755',
    }))
}
