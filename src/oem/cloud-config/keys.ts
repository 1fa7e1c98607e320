/**
 * Every key of coreos-cloudinit's grammar as data: its type, what it may hold, whether it is deprecated.
 *
 * Keys are written with underscores here; with hyphens they are the same to Container Linux, and to Flatcar before branch
 * 3913. Sources: coreos-cloudinit config/*.go (struct tags yaml, valid, deprecated), as of 1.14.0.
 */

import type { ValueRule } from './values.js'
import { DURATION, ENCODINGS, PERMISSIONS, REBOOT_STRATEGIES, UNIT_COMMANDS, WINDOW_START } from './values.js'

export type KeyType =
  | { readonly kind: 'string' | 'bool' | 'int' | 'float'; readonly value?: ValueRule }
  | { readonly kind: 'list'; readonly of: KeyType }
  | MappingType

export interface MappingType {
  readonly kind: 'mapping'
  readonly keys: Readonly<Record<string, Key>>
}

export interface Key {
  readonly type: KeyType
  /** Why it is deprecated: completes "it is deprecated: …". */
  readonly deprecated?: string
}

const STRING: Key = { type: { kind: 'string' } }
const BOOL: Key = { type: { kind: 'bool' } }
const INT: Key = { type: { kind: 'int' } }
const FLOAT: Key = { type: { kind: 'float' } }
const STRINGS: Key = { type: { kind: 'list', of: STRING.type } }

function limited(value: ValueRule): Key {
  return { type: { kind: 'string', value } }
}

function mapping(keys: Readonly<Record<string, Key>>): MappingType {
  return { kind: 'mapping', keys }
}

/** One type for several keys. */
function each(key: Key, names: string): Readonly<Record<string, Key>> {
  return Object.fromEntries(
    names
      .trim()
      .split(/\s+/)
      .map((name) => [name, key]),
  )
}

const NO_LONGER_SHIPPED = 'is no longer shipped; the key only writes a drop-in for a service that is not there'
const REMOTE_KEYS = 'fetching keys over the network while the machine starts fails too often'

const ETCD = mapping({
  ...each(
    STRING,
    `addr advertise_client_urls bind_addr ca_file cert_file cors data_dir discovery_fallback discovery_srv
     discovery_proxy graphite_host initial_advertise_peer_urls initial_cluster initial_cluster_state
     initial_cluster_token key_file listen_client_urls listen_peer_urls name peer_addr peer_bind_addr peer_ca_file
     peer_cert_file peer_key_file peers peers_file proxy trace`,
  ),
  ...each(
    INT,
    `cluster_active_size election_timeout heartbeat_interval max_result_buffer max_retry_attempts max_snapshots max_wals
     peer_election_timeout peer_heartbeat_interval snapshot_count`,
  ),
  ...each(FLOAT, 'cluster_remove_delay cluster_sync_interval http_read_timeout http_write_timeout retry_interval'),
  ...each(BOOL, 'force_new_cluster snapshot verbose very_verbose very_very_verbose'),
  discovery: limited({ kind: 'url' }),
})

const ETCD2 = mapping({
  ...each(
    STRING,
    `advertise_client_urls ca_file cert_file cors data_dir discovery discovery_fallback discovery_srv discovery_proxy
     initial_advertise_peer_urls initial_cluster initial_cluster_state initial_cluster_token key_file listen_client_urls
     listen_peer_urls log_package_levels name peer_ca_file peer_cert_file peer_key_file peer_trusted_ca_file
     trusted_ca_file wal_dir`,
  ),
  ...each(
    INT,
    `election_timeout heartbeat_interval max_snapshots max_wals proxy_dial_timeout proxy_failure_wait proxy_read_timeout
     proxy_refresh_interval proxy_write_timeout snapshot_count`,
  ),
  ...each(BOOL, 'client_cert_auth debug enable_pprof force_new_cluster peer_client_cert_auth strict_reconfig_check'),
  proxy: limited({ kind: 'one-of', values: ['on', 'off', 'readonly'] }),
})

const FLEET = mapping({
  ...each(
    STRING,
    `agent_ttl authorized_keys_file etcd_cafile etcd_certfile etcd_keyfile etcd_key_prefix etcd_servers etcd_username
     etcd_password metadata public_ip`,
  ),
  ...each(BOOL, 'disable_engine disable_watches verify_units'),
  ...each(INT, 'token_limit verbosity'),
  ...each(FLOAT, 'engine_reconcile_interval etcd_request_timeout'),
})

const FLANNEL = mapping(
  each(
    STRING,
    `etcd_endpoints etcd_cafile etcd_certfile etcd_keyfile etcd_prefix etcd_username etcd_password ip_masq subnet_file
     interface public_ip`,
  ),
)

const LOCKSMITH = mapping({
  ...each(STRING, 'endpoint etcd_cafile etcd_certfile etcd_keyfile etcd_username etcd_password group'),
  window_start: limited(WINDOW_START),
  window_length: limited(DURATION),
})

const UNIT = mapping({
  ...each(STRING, 'name content'),
  ...each(BOOL, 'mask enable runtime'),
  command: limited({ kind: 'one-of', values: UNIT_COMMANDS }),
  drop_ins: { type: { kind: 'list', of: mapping(each(STRING, 'name content')) } },
})

const USER = mapping({
  ...each(STRING, 'name passwd gecos homedir primary_group shell'),
  ...each(BOOL, 'no_create_home no_user_group system no_log_init'),
  ...each(STRINGS, 'ssh_authorized_keys groups'),
  coreos_ssh_import_github: { ...STRING, deprecated: REMOTE_KEYS },
  coreos_ssh_import_github_users: { ...STRINGS, deprecated: REMOTE_KEYS },
  coreos_ssh_import_url: { ...STRING, deprecated: REMOTE_KEYS },
})

const FILE = mapping({
  ...each(STRING, 'path content owner'),
  permissions: limited(PERMISSIONS),
  encoding: limited({ kind: 'one-of', values: ENCODINGS }),
})

const COREOS = mapping({
  etcd: { type: ETCD, deprecated: `etcd ${NO_LONGER_SHIPPED}` },
  etcd2: { type: ETCD2, deprecated: `etcd2 ${NO_LONGER_SHIPPED}` },
  fleet: { type: FLEET, deprecated: `fleet ${NO_LONGER_SHIPPED}` },
  flannel: { type: FLANNEL },
  locksmith: { type: LOCKSMITH },
  oem: { type: mapping(each(STRING, 'id name version_id home_url bug_report_url')) },
  update: {
    type: mapping({
      ...each(STRING, 'group server'),
      reboot_strategy: limited({ kind: 'one-of', values: REBOOT_STRATEGIES }),
    }),
  },
  units: { type: { kind: 'list', of: UNIT } },
})

/** The whole file. */
export const CLOUD_CONFIG: MappingType = mapping({
  coreos: { type: COREOS },
  hostname: STRING,
  manage_etc_hosts: limited({ kind: 'one-of', values: ['localhost'] }),
  ssh_authorized_keys: STRINGS,
  users: { type: { kind: 'list', of: USER } },
  write_files: { type: { kind: 'list', of: FILE } },
})

/** Top-level keys of the other cloud-init (cloud-init.io), with what stands in their place here. */
export const CLOUD_INIT_ONLY: ReadonlySet<string> = new Set(
  `apk_repos apt apt_update apt_upgrade bootcmd byobu_by_default ca_certs chef chpasswd device_aliases
   disable_ec2_metadata disable_root disk_setup drivers fan final_message fqdn fs_setup groups growpart keyboard
   landscape locale mcollective mounts network ntp output package_reboot_if_required package_update package_upgrade
   packages password phone_home power_state preserve_hostname puppet random_seed resize_rootfs resolv_conf rsyslog
   runcmd salt_minion snap spacewalk ssh ssh_deletekeys ssh_genkeytypes ssh_import_id ssh_keys ssh_pwauth swap timezone
   ubuntu_advantage user vendor_data write_files_deferred yum_repos zypper`.split(/\s+/),
)

/** Its keys of a user and of a file, which are easily brought along. */
export const CLOUD_INIT_ONLY_BELOW: Readonly<Record<string, ReadonlySet<string>>> = {
  users: new Set(
    `sudo lock_passwd plain_text_passwd hashed_passwd expiredate inactive uid doas snapuser ssh_import_id
     ssh_redirect_user selinux_user create_groups`.split(/\s+/),
  ),
  write_files: new Set(['append', 'defer', 'source']),
}
