/**
 * What coreos-cloudinit does on a release: which file it takes as the OEM's cloud-config, how it reads keys, which of its
 * units look for the end user's, and for which clouds it has a preset (`--oem=`).
 *
 * Sources: coreos/coreos-cloudinit and flatcar/coreos-cloudinit units/, coreos-cloudinit.go, config/; coreos/init
 * coreos-setup-environment.service, flatcar/init flatcar-setup-environment.service; flatcar/scripts af249419bc (branch 3913,
 * yaml.v3 without the conversion of hyphens); flatcar/coreos-cloudinit fb088ff, 8df59e8 (branch 4722, place of the file).
 */
import type { ImageRelease } from './release.js'
import { isInScope } from './release-scope.js'

export interface CloudinitFacts {
  readonly oemCloudConfig: {
    /** Whether the file is the OEM partition's /cloud-config.yml. */
    readonly onOemPartition: boolean
    /** Its path in the running system. */
    readonly path: string
    /** The unit that applies it, at every boot. */
    readonly unit: string
  }
  /** `reboot-strategy` for `reboot_strategy`. */
  readonly hyphenKeys: 'read' | 'skipped'
  /** What a scalar of the wrong type does. */
  readonly wrongType: 'warning' | 'error'
  /** Before the OEM cloud-config: writes addresses into /etc/environment. */
  readonly setupEnvironment: {
    readonly unit: string
    /** Path on the OEM partition of the script that it runs, if that is executable. */
    readonly script: string
  }
  /** Where the installer leaves a user's cloud-config. */
  readonly installerFile: string
  /** Values of `coreos-cloudinit --oem=`. */
  readonly presets: readonly string[]
}

const PRESETS = ['azure', 'cloudsigma', 'digitalocean', 'ec2-compat', 'gce', 'packet', 'rackspace-onmetal', 'vmware']
const DROPPED_PRESETS = ['packet', 'rackspace-onmetal']

export function cloudinitFactsOf(release: ImageRelease): CloudinitFacts | 'unknown' {
  if (release.kind === 'unknown') return 'unknown'
  const flatcar = release.distro === 'flatcar'
  const fromExtension = isInScope(release, { distro: 'flatcar', from: 4722 })
  const plainYaml = isInScope(release, { distro: 'flatcar', from: 3913 })
  return {
    oemCloudConfig: fromExtension
      ? {
          onOemPartition: false,
          path: '/usr/share/coreos/cloud-config.yml',
          unit: 'system-cloudinit@usr-share-coreos-cloud\\x2dconfig.yml.service',
        }
      : {
          onOemPartition: true,
          path: '/usr/share/oem/cloud-config.yml',
          unit: 'system-cloudinit@usr-share-oem-cloud\\x2dconfig.yml.service',
        },
    hyphenKeys: plainYaml ? 'skipped' : 'read',
    wrongType: plainYaml ? 'error' : 'warning',
    setupEnvironment: flatcar
      ? { unit: 'flatcar-setup-environment.service', script: '/bin/flatcar-setup-environment' }
      : { unit: 'coreos-setup-environment.service', script: '/bin/coreos-setup-environment' },
    installerFile: flatcar ? '/var/lib/flatcar-install/user_data' : '/var/lib/coreos-install/user_data',
    presets: fromExtension ? PRESETS.filter((preset) => !DROPPED_PRESETS.includes(preset)) : PRESETS,
  }
}

/** A unit of the distribution that runs coreos-cloudinit by itself. */
export interface DistributionCloudinit {
  readonly unit: string
  /** The preset: what `--oem=` says. */
  readonly preset: string
  readonly why: string
}

interface FallbackRow {
  readonly platform: string
  readonly preset: string
  readonly from: number
  readonly below?: number
}

/** Flatcar's replacement for base/default.ign. `openstack` came with flatcar/init pull 76, on 2022-07-28. */
const FALLBACK_ROWS: readonly FallbackRow[] = [
  { platform: 'aws', preset: 'ec2-compat', from: 3185 },
  { platform: 'gcp', preset: 'gce', from: 3185 },
  { platform: 'rackspace-onmetal', preset: 'rackspace-onmetal', from: 3185, below: 4722 },
  { platform: 'azure', preset: 'azure', from: 3185 },
  { platform: 'cloudsigma', preset: 'cloudsigma', from: 3185 },
  { platform: 'packet', preset: 'packet', from: 3185, below: 4722 },
  { platform: 'vmware', preset: 'vmware', from: 3185 },
  { platform: 'digitalocean', preset: 'digitalocean', from: 3185 },
  { platform: 'openstack', preset: 'ec2-compat', from: 3314 },
]

/**
 * Flatcar's oem-cloudinit.service, which applies user data that is no Ignition config.
 *
 * @param platform as Ignition calls it; ids that are detected at boot are gone by then
 * @returns undefined where the release has no such unit, or not for this platform
 */
export function flatcarFallbackFor(
  platform: string,
  release: ImageRelease,
): DistributionCloudinit | undefined | 'unknown' {
  if (release.kind === 'unknown') return 'unknown'
  const row = FALLBACK_ROWS.find(
    ({ platform: known, from, below }) =>
      known === platform && isInScope(release, { distro: 'flatcar', from, ...(below === undefined ? {} : { below }) }),
  )
  if (row === undefined) return undefined
  return {
    unit: 'oem-cloudinit.service',
    preset: row.preset,
    why: 'enable-oem-cloudinit.service starts it on the first boot when Ignition was given no config',
  }
}

interface CompiledRow {
  readonly platform: string
  readonly preset: string
  /** First Ignition whose own default config starts cloudinit there. */
  readonly since: string
}

/** Default user configs inside Ignition, before they moved to the OEM partition with 0.20. */
export const COMPILED_DEFAULTS: readonly CompiledRow[] = [
  { platform: 'gce', preset: 'gce', since: '0.6' },
  { platform: 'digitalocean', preset: 'digitalocean', since: '0.11' },
  { platform: 'azure', preset: 'azure', since: '0.14' },
  { platform: 'brightbox', preset: 'ec2-compat', since: '0.14' },
  { platform: 'ec2', preset: 'ec2-compat', since: '0.14' },
  { platform: 'openstack', preset: 'ec2-compat', since: '0.14' },
  { platform: 'packet', preset: 'packet', since: '0.14' },
  { platform: 'vmware', preset: 'vmware', since: '0.14' },
]
