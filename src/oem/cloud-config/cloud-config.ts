/**
 * The OEM cloud-config, as coreos-cloudinit reads it on every boot: recognise it, and say what would not work.
 *
 * Rules that stop the whole file are errors; a key that would be skipped is a warning, as for coreos-cloudinit itself.
 * Sources: coreos/coreos-cloudinit config/, config/validate/, initialize/; flatcar/coreos-cloudinit. Left out: the types
 * and allowed values of single keys.
 */
import { gunzipSync } from 'node:zlib'
import { UsageError } from '../../errors.js'
import type { Finding } from '../finding.js'
import { arrayField, field, isMapping, shapeOf, stringField } from '../mapping.js'
import { formatYaml, parseYaml } from '../yaml.js'
import { CLOUD_CONFIG_RULES } from './rules.js'

export const CLOUD_CONFIG_HEADER = '#cloud-config'

/** A cloud-config beyond this is a mistake, or a bomb once unpacked. */
const UNPACKED_LIMIT_BYTES = 16 * 1024 * 1024

export type CloudConfig =
  | { readonly kind: 'cloud-config'; readonly value: unknown; readonly findings: readonly Finding[] }
  /** Run at every boot through a transient unit. */
  | { readonly kind: 'script'; readonly findings: readonly Finding[] }

const TOP_LEVEL_KEYS = ['coreos', 'hostname', 'manage_etc_hosts', 'ssh_authorized_keys', 'users', 'write_files']
const COREOS_KEYS = ['etcd', 'etcd2', 'flannel', 'fleet', 'locksmith', 'oem', 'units', 'update']

/** Keys of the other cloud-init (cloud-init.io), which coreos-cloudinit skips. */
const CLOUD_INIT_ONLY = new Set(
  `apk_repos apt apt_update apt_upgrade bootcmd byobu_by_default ca_certs chef chpasswd device_aliases
   disable_ec2_metadata disable_root disk_setup drivers fan final_message fqdn fs_setup groups growpart keyboard
   landscape locale mcollective mounts network ntp output package_reboot_if_required package_update package_upgrade
   packages password phone_home power_state preserve_hostname puppet random_seed resize_rootfs resolv_conf rsyslog
   runcmd salt_minion snap spacewalk ssh ssh_deletekeys ssh_genkeytypes ssh_import_id ssh_keys ssh_pwauth swap timezone
   ubuntu_advantage user vendor_data write_files_deferred yum_repos zypper`.split(/\s+/),
)

/**
 * Parses and checks a cloud-config (or script) for the OEM partition.
 *
 * @throws ERR_CLOUD_CONFIG_INVALID | ERR_YAML_SYNTAX
 */
export function parseCloudConfig(bytes: Uint8Array, file: string): CloudConfig {
  const text = decodeText(bytes, file)
  const firstLine = text.split('\n', 1)[0] ?? ''
  if (firstLine.startsWith('#!')) {
    return {
      kind: 'script',
      findings: [
        CLOUD_CONFIG_RULES.found('cloud-config-script', 'this is a script: coreos-cloudinit runs it at every boot', {
          place: { file },
        }),
      ],
    }
  }
  if (firstLine.trimEnd() !== CLOUD_CONFIG_HEADER) throw headerError(text, firstLine, file)
  const value = parseYaml(text, file)
  if (value !== null && !isMapping(value)) {
    throw invalid(
      `${file} is ${shapeOf(value)} below its header, expected a mapping`,
      'start with keys such as coreos:',
    )
  }
  return { kind: 'cloud-config', value, findings: [...checkKeys(value, file), ...checkSubstitutions(text, file)] }
}

/** Header and YAML that readers of both YAML versions understand alike. */
export function formatCloudConfig(value: unknown): string {
  const empty = value === null || value === undefined || (isMapping(value) && Object.keys(value).length === 0)
  return `${CLOUD_CONFIG_HEADER}\n${empty ? '' : formatYaml(value)}`
}

/** `coreos.oem.id`, which cloudinit writes to /etc/oem-release. */
export function cloudConfigOemId(value: unknown): string | undefined {
  return stringField(field(field(value, 'coreos'), 'oem'), 'id')
}

/** Keys with hyphens where coreos-cloudinit's own keys stand: Flatcar from branch 3913 skips them. */
export function hyphenatedKeys(value: unknown): readonly string[] {
  const coreos = field(value, 'coreos')
  const units = arrayField(coreos, 'units')
  const places: readonly (readonly [string, unknown])[] = [
    ['', value],
    ['coreos.', coreos],
    ...['flannel', 'locksmith', 'oem', 'update'].map((key) => [`coreos.${key}.`, field(coreos, key)] as const),
    ...units.map((unit) => ['coreos.units[].', unit] as const),
    ...arrayField(value, 'users').map((user) => ['users[].', user] as const),
    ...arrayField(value, 'write_files').map((entry) => ['write_files[].', entry] as const),
  ]
  const found = places.flatMap(([prefix, place]) =>
    isMapping(place)
      ? Object.keys(place)
          .filter((key) => key.includes('-'))
          .map((key) => `${prefix}${key}`)
      : [],
  )
  return [...new Set(found)]
}

function decodeText(bytes: Uint8Array, file: string): string {
  let plain = bytes
  if (bytes[0] === 0x1f && bytes[1] === 0x8b) {
    try {
      plain = gunzipSync(bytes, { maxOutputLength: UNPACKED_LIMIT_BYTES })
    } catch (error) {
      throw new UsageError('ERR_CLOUD_CONFIG_INVALID', `${file} starts like gzip but can't be unpacked`, {
        hint: 'give the cloud-config itself, unpacked',
        cause: error,
      })
    }
  }
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(plain)
  } catch (error) {
    throw new UsageError('ERR_CLOUD_CONFIG_INVALID', `${file} is not UTF-8 text`, {
      hint: 'save it as UTF-8 without a byte order mark',
      cause: error,
    })
  }
}

/** Says what stands in the header's place: each of these is ignored or refused by coreos-cloudinit. */
function headerError(text: string, firstLine: string, file: string): UsageError {
  if (text.startsWith('\ufeff')) {
    return invalid(
      `${file} starts with a byte order mark, so its header does not count`,
      'save it as UTF-8 without one',
    )
  }
  if (text.trim() === '') return invalid(`${file} is empty`, `start with a line ${CLOUD_CONFIG_HEADER}`)
  if (/^\s*\{/.test(text)) {
    return invalid(
      `${file} looks like an Ignition config: coreos-cloudinit would leave it alone`,
      'give it with --ignition instead',
    )
  }
  const index = text.split('\n').findIndex((line) => line.trim() === CLOUD_CONFIG_HEADER)
  if (index > 0) {
    return invalid(
      `${file} has its ${CLOUD_CONFIG_HEADER} header on line ${index + 1}, expected on line 1`,
      'remove what stands above it, blank lines too',
    )
  }
  return invalid(
    `${file} must start with a line ${CLOUD_CONFIG_HEADER}, found ${JSON.stringify(firstLine.slice(0, 60))}`,
    `write exactly ${CLOUD_CONFIG_HEADER} on line 1, without blanks before or inside`,
  )
}

function checkKeys(value: unknown, file: string): readonly Finding[] {
  if (!isMapping(value)) return []
  const findings: Finding[] = []
  const unknown = unknownKeys(value, TOP_LEVEL_KEYS)
  const foreign = unknown.filter((key) => CLOUD_INIT_ONLY.has(key))
  const strange = unknown.filter((key) => !CLOUD_INIT_ONLY.has(key))
  if (foreign.length > 0) {
    findings.push(
      CLOUD_CONFIG_RULES.found(
        'cloud-config-foreign-key',
        `${foreign.join(', ')} belong to cloud-init; coreos-cloudinit skips them`,
        { place: { file }, hint: 'do that work in a unit below coreos.units' },
      ),
    )
  }
  const nested = unknownKeys(field(value, 'coreos'), COREOS_KEYS).map((key) => `coreos.${key}`)
  if (strange.length + nested.length > 0) {
    findings.push(
      CLOUD_CONFIG_RULES.found(
        'cloud-config-unknown-key',
        `coreos-cloudinit skips ${[...strange, ...nested].join(', ')}`,
        { place: { file } },
      ),
    )
  }
  const readOnly = arrayField(value, 'write_files')
    .map((entry) => stringField(entry, 'path'))
    .filter((path) => path?.startsWith('/usr/') === true)
  if (readOnly.length > 0) {
    findings.push(
      CLOUD_CONFIG_RULES.found(
        'cloud-config-read-only',
        `write_files below /usr, which is read-only at run time: ${readOnly.join(', ')}`,
        { place: { file }, hint: 'write below /etc, or add the file to the OEM partition with --file' },
      ),
    )
  }
  return findings
}

function unknownKeys(value: unknown, known: readonly string[]): readonly string[] {
  if (!isMapping(value)) return []
  return Object.keys(value).filter((key) => !known.includes(key.replaceAll('-', '_')))
}

/**
 * coreos-cloudinit replaces these in the raw text before it parses. The unit that applies the OEM file has no
 * EnvironmentFile, so there they become nothing.
 */
function checkSubstitutions(text: string, file: string): readonly Finding[] {
  return text.split('\n').flatMap((line, index) => {
    const found = /(?<!\\)\$(?:public|private)_ipv[46]/.exec(line)?.[0]
    if (found === undefined) return []
    return [
      CLOUD_CONFIG_RULES.found(
        'cloud-config-substitution',
        `${found} becomes an empty string in the OEM cloud-config, even in comments`,
        {
          place: { file, line: index + 1 },
          hint: 'read COREOS_PRIVATE_IPV4 and its siblings from EnvironmentFile=/etc/environment in a unit',
        },
      ),
    ]
  })
}

function invalid(message: string, hint: string): UsageError {
  return new UsageError('ERR_CLOUD_CONFIG_INVALID', message, { hint })
}
