/** Which unit fetches the key pair that a cloud gives a machine. Source: `../release/ssh-keys.ts`. */
import { formatRelease, type ImageRelease } from '../release/release.js'
import { SSH_KEYS_TEMPLATE_UNIT, SSH_KEYS_UNIT, sshKeysOf } from '../release/ssh-keys.js'
import type { PlatformExplanation, ServiceExplanation, SshKeysExplanation, UserDataExplanation } from './explanation.js'

export function explainSshKeys(
  release: ImageRelease,
  platform: PlatformExplanation,
  services: readonly ServiceExplanation[],
  userData: UserDataExplanation,
): SshKeysExplanation {
  if (release.kind === 'unknown') {
    return { support: 'unknown', unit: undefined, says: 'it depends on the release, which is unknown' }
  }
  const id = platform.oemId
  const own = services.filter(({ unit }) => unit === SSH_KEYS_UNIT || unit === SSH_KEYS_TEMPLATE_UNIT)
  const cloudinit = presetOf(userData)
  const besides = cloudinit === undefined ? '' : `; ${cloudinit}, which sets those of the metadata`
  if (id === undefined) {
    return { support: 'none', unit: undefined, says: `no platform id, so no cloud to ask${besides}` }
  }
  const support = sshKeysOf(id, release)
  if (own.some(({ does }) => does === 'masks')) {
    return { support: kindOf(support), unit: undefined, says: `${SSH_KEYS_UNIT} is masked${besides}` }
  }
  const enabled = own.find(({ does, when }) => (does === 'enables' || does === 'starts') && when !== 'never')
  if (support !== 'unknown' && support.kind === 'automatic') {
    return { support: support.kind, unit: support.unit, says: `${support.unit}: ${support.why}` }
  }
  if (enabled !== undefined) {
    const doubt =
      support === 'unknown'
        ? `; whether it knows ${id} is not known`
        : support.kind === 'with-provider'
          ? `, which needs a drop-in with --provider=${support.provider} on ${id}`
          : ''
    return {
      support: kindOf(support),
      unit: SSH_KEYS_UNIT,
      says: `${SSH_KEYS_UNIT}, which ${enabled.from} enables${doubt}`,
    }
  }
  return { support: kindOf(support), unit: undefined, says: `${without(support, id, release)}${besides}` }
}

/** coreos-cloudinit takes keys out of the metadata along with user data. */
function presetOf({ cloudConfigs }: UserDataExplanation): string | undefined {
  return cloudConfigs.unit !== undefined && /--(?:oem|from-ec2-metadata|from-configdrive)/.test(cloudConfigs.how)
    ? `${cloudConfigs.unit} runs coreos-cloudinit`
    : undefined
}

function kindOf(support: ReturnType<typeof sshKeysOf>): SshKeysExplanation['support'] {
  return support === 'unknown' ? support : support.kind
}

function without(support: ReturnType<typeof sshKeysOf>, id: string, release: ImageRelease): string {
  if (support === 'unknown') return `no unit fetches them; whether coreos-metadata knows ${id} is not known`
  return support.kind === 'none'
    ? `${formatRelease(release)} has no unit that fetches them on ${id}`
    : `no unit fetches them: nothing enables ${SSH_KEYS_TEMPLATE_UNIT}`
}
