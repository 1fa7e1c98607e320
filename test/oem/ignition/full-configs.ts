/**
 * Configs that use every field of their version, after the documentation of each (coreos/ignition doc/configuration-v2_*.md,
 * docs/configuration-v3_*.md); the values are our own. Nothing is wrong with any of them.
 */
import { createHash } from 'node:crypto'
import { gzipSync } from 'node:zlib'
import { isAtLeast } from '#src/oem/release/ignition-versions.js'

export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json }

const sha = (kind: 'sha256' | 'sha512', text: string) => `${kind}-${createHash(kind).update(text).digest('hex')}`
const GUID = '0FC63DAF-8483-4772-8E79-3D69D8477DE4'
const UUID = '2b7a1c52-7c5e-4f0e-9a2e-0d6c7f1f4a10'
const UNIT =
  '[Unit]\nDescription=Agent\n\n[Service]\nExecStart=/opt/agent \\\n  --quiet\n\n[Install]\nWantedBy=multi-user.target\n'
const NETWORK = '[Match]\nName=eth0\n\n[Network]\nDHCP=yes\n'
const KEY = 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIExample core@example'

type Fields = { readonly [key: string]: Json }

const ACCOUNT: Fields = {
  uid: 1000,
  gecos: 'Somebody',
  homeDir: '/home/somebody',
  noCreateHome: true,
  primaryGroup: 'users',
  groups: ['docker', 'systemd-journal'],
  noUserGroup: true,
  noLogInit: true,
  shell: '/bin/bash',
}

export function fullConfig(spec: string): Fields {
  if (spec === '1') return SPEC_1
  return spec.startsWith('2.') ? spec2(spec) : spec3(spec)
}

function spec2(spec: string): Fields {
  const since = (first: string, fields: Fields): Fields => (isAtLeast(spec, first) ? fields : {})
  const until = (last: string, fields: Fields): Fields => (isAtLeast(last, spec) ? fields : {})
  const headers = since('2.4.0', { httpHeaders: [{ name: 'X-Token', value: 'abc' }] })
  const verification = { hash: sha('sha512', 'hello') }
  const reference = { source: 'https://example.com/more.ign', verification, ...headers }
  const overwrite = since('2.2.0', { overwrite: false })
  const owner = { user: { id: 500 }, group: isAtLeast(spec, '2.1.0') ? { name: 'docker' } : { id: 501 } }
  return {
    ignition: {
      version: spec,
      config: { append: [reference], replace: reference },
      ...since('2.1.0', { timeouts: { httpResponseHeaders: 20, httpTotal: 600 } }),
      ...since('2.2.0', {
        security: { tls: { certificateAuthorities: [{ source: 'https://example.com/ca.pem', verification }] } },
      }),
      ...since('2.4.0', {
        proxy: { httpProxy: 'http://proxy:3128', httpsProxy: 'https://proxy', noProxy: ['.local'] },
      }),
    },
    storage: {
      disks: [
        {
          device: '/dev/sdb',
          wipeTable: true,
          partitions: [
            {
              label: 'data',
              number: 1,
              typeGuid: GUID,
              ...until('2.2.0', { start: 2048, size: 4096 }),
              ...since('2.1.0', { guid: UUID }),
              ...since('2.3.0', { startMiB: 1, sizeMiB: 64, wipePartitionEntry: true, shouldExist: true }),
            },
          ],
        },
      ],
      raid: [
        {
          name: 'array',
          level: 'raid10',
          devices: ['/dev/sdc', '/dev/sdd'],
          spares: 1,
          ...since('2.1.0', { options: ['--bitmap=internal'] }),
        },
      ],
      filesystems: [
        {
          name: 'data',
          mount: {
            device: '/dev/disk/by-partlabel/data',
            format: 'ext4',
            ...(isAtLeast(spec, '2.1.0')
              ? { wipeFilesystem: true, label: 'DATA', uuid: UUID, options: ['-m', '1'] }
              : { create: { force: true, options: ['-L', 'DATA'] } }),
          },
        },
        { name: 'oem', mount: { device: '/dev/disk/by-label/OEM', format: 'ext4' } },
      ],
      files: [
        {
          filesystem: 'root',
          path: '/etc/motd',
          mode: 0o644,
          contents: { source: 'data:,hello', verification, ...headers },
          ...owner,
        },
        {
          filesystem: 'data',
          path: '/a',
          mode: 0o600,
          contents: { source: PACKED, compression: 'gzip', verification },
        },
        { filesystem: 'oem', path: '/b', mode: 0o4755, contents: { source: 'oem:///b' } },
        ...(isAtLeast(spec, '2.2.0')
          ? [
              {
                filesystem: 'root',
                path: '/etc/hosts',
                mode: 0o644,
                append: true,
                contents: { source: 'data:,127.0.0.1' },
              },
              { filesystem: 'root', path: '/etc/one', mode: 0o644, overwrite: true },
            ]
          : []),
      ].map((file) => withoutHeadersOnData(file)),
      ...since('2.1.0', {
        directories: [{ filesystem: 'root', path: '/opt/bin', mode: 0o755, ...overwrite, ...owner }],
        links: [
          {
            filesystem: 'root',
            path: '/etc/localtime',
            target: '../usr/share/zoneinfo/UTC',
            hard: false,
            ...overwrite,
            ...owner,
          },
        ],
      }),
    },
    systemd: {
      units: [
        isAtLeast(spec, '2.1.0')
          ? { name: 'agent.service', enabled: true, contents: UNIT }
          : { name: 'agent.service', enable: true, contents: UNIT },
        {
          name: 'etcd2.service',
          mask: true,
          dropins: [{ name: '10-a.conf', contents: '[Service]\nRestart=always\n' }],
        },
      ],
    },
    networkd: {
      units: [
        { name: '00-eth0.network', contents: NETWORK },
        ...(isAtLeast(spec, '2.2.0')
          ? [{ name: '00-eth1.network', dropins: [{ name: 'mtu.conf', contents: '[Link]\nMTUBytes=9000\n' }] }]
          : []),
      ],
    },
    passwd: {
      users: [
        {
          name: 'somebody',
          passwordHash: '$6$rounds=4096$salt$hash',
          sshAuthorizedKeys: [KEY],
          ...(isAtLeast(spec, '2.1.0') ? { ...ACCOUNT, system: false } : { create: ACCOUNT }),
        },
      ],
      groups: [{ name: 'staff', gid: 2000, passwordHash: '*', system: true }],
    },
  }
}

const PACKED = `data:;base64,${gzipSync('hello').toString('base64')}`

/** Headers go with http only; `contents` above gets them for the versions that have them. */
function withoutHeadersOnData(file: Fields): Fields {
  const { contents } = file
  if (typeof contents !== 'object' || contents === null || Array.isArray(contents) || !('httpHeaders' in contents))
    return file
  return { ...file, contents: { ...contents, source: 'https://example.com/motd' } }
}

function spec3(spec: string): Fields {
  const since = (first: string, fields: Fields): Fields => (isAtLeast(spec, first) ? fields : {})
  const verification = { hash: sha(isAtLeast(spec, '3.1.0') ? 'sha256' : 'sha512', 'hello') }
  const fetched = (name: string): Fields => ({
    source: `https://example.com/${name}`,
    verification,
    ...since('3.1.0', { compression: 'gzip', httpHeaders: [{ name: 'X-Token', value: 'abc' }] }),
  })
  const owner = { user: { id: 500 }, group: { name: 'docker' } }
  return {
    ignition: {
      version: spec,
      config: { merge: [fetched('more.ign')], replace: fetched('other.ign') },
      timeouts: { httpResponseHeaders: 20, httpTotal: 600 },
      security: { tls: { certificateAuthorities: [fetched('ca.pem')] } },
      ...since('3.1.0', {
        proxy: { httpProxy: 'http://proxy:3128', httpsProxy: 'https://proxy', noProxy: ['.local'] },
      }),
    },
    storage: {
      disks: [
        {
          device: '/dev/sdb',
          wipeTable: true,
          partitions: [
            {
              label: 'data',
              number: 1,
              startMiB: 1,
              sizeMiB: 64,
              typeGuid: GUID,
              guid: UUID,
              wipePartitionEntry: true,
              shouldExist: true,
              ...since('3.2.0', { resize: true }),
            },
            { label: 'rest', number: 2, startMiB: 65, sizeMiB: 0 },
          ],
        },
        { device: '/dev/sdc', partitions: [{ number: 3, shouldExist: false }] },
      ],
      raid: [
        { name: 'array', level: 'raid10', devices: ['/dev/sdd', '/dev/sde'], spares: 1, options: ['--bitmap=none'] },
      ],
      ...since('3.2.0', {
        luks: [
          {
            name: 'secret',
            device: '/dev/sdf',
            label: 'SECRET',
            uuid: UUID,
            keyFile: { source: 'data:,key' },
            wipeVolume: true,
            options: ['--cipher=aes-xts-plain64'],
            clevis: {
              tpm2: true,
              threshold: 2,
              tang: [
                {
                  url: 'http://tang.example.com',
                  thumbprint: 'abc',
                  ...since('3.4.0', { advertisement: '{}' }),
                },
              ],
            },
            ...since('3.4.0', { discard: true, openOptions: ['--perf-no_read_workqueue'] }),
            ...since('3.5.0', { cex: { enabled: false } }),
          },
          { name: 'pinned', device: '/dev/sdg', clevis: { custom: { pin: 'sss', config: '{}', needsNetwork: false } } },
        ],
      }),
      filesystems: [
        {
          device: '/dev/disk/by-partlabel/data',
          format: 'btrfs',
          path: '/var/data',
          wipeFilesystem: true,
          label: 'DATA',
          uuid: UUID,
          options: ['-q'],
          ...since('3.1.0', { mountOptions: ['subvolid=5'] }),
        },
        ...(isAtLeast(spec, '3.3.0') ? [{ device: '/dev/sdh', format: 'none', wipeFilesystem: true }] : []),
      ],
      files: [
        {
          path: '/etc/motd',
          mode: 0o644,
          overwrite: true,
          contents: { source: 'data:,hello', verification },
          ...owner,
        },
        { path: '/etc/packed', contents: { source: PACKED, compression: 'gzip', verification } },
        { path: '/etc/hosts', append: [{ source: 'data:,a' }, { source: 'data:,b' }] },
        { path: '/etc/fetched', contents: fetched('fetched') },
        ...(isAtLeast(spec, '3.2.0') ? [{ path: '/etc/gs', contents: { source: 'gs://bucket/object' } }] : []),
        ...(isAtLeast(spec, '3.4.0')
          ? [{ path: '/etc/arn', mode: 0o4755, contents: { source: 'arn:aws:s3:::bucket/key' } }]
          : []),
      ],
      directories: [{ path: '/opt/bin', mode: 0o755, overwrite: false, ...owner }],
      links: [{ path: '/etc/localtime', target: '../usr/share/zoneinfo/UTC', hard: false, overwrite: true, ...owner }],
    },
    systemd: {
      units: [
        { name: 'agent.service', enabled: true, contents: UNIT },
        {
          name: 'etcd2.service',
          mask: true,
          dropins: [{ name: '10-a.conf', contents: '[Service]\nRestart=always\n' }],
        },
        { name: 'update-engine.service', enabled: false },
      ],
    },
    passwd: {
      users: [
        {
          name: 'somebody',
          passwordHash: '$6$rounds=4096$salt$hash',
          sshAuthorizedKeys: [KEY],
          ...ACCOUNT,
          system: false,
          ...since('3.2.0', { shouldExist: true }),
        },
      ],
      groups: [
        { name: 'staff', gid: 2000, passwordHash: '*', system: false, ...since('3.2.0', { shouldExist: true }) },
      ],
    },
    ...since('3.3.0', { kernelArguments: { shouldExist: ['quiet', 'a b'], shouldNotExist: ['debug'] } }),
  }
}

const SPEC_1: Fields = {
  ignitionVersion: 1,
  storage: {
    disks: [
      {
        device: '/dev/sda',
        wipeTable: true,
        partitions: [{ label: 'data', number: 1, size: 4096, start: 2048, typeGuid: GUID }],
      },
    ],
    raid: [{ name: 'array', level: 'stripe', devices: ['/dev/sdb', '/dev/sdc'], spares: 0 }],
    filesystems: [
      {
        device: '/dev/disk/by-partlabel/ROOT',
        format: 'btrfs',
        create: { force: true, options: ['--label=ROOT'] },
        files: [{ path: '/etc/motd', contents: 'hello\n', mode: 0o644, uid: 500, gid: 500 }],
      },
    ],
  },
  systemd: { units: [{ name: 'agent.service', enable: true, contents: UNIT, mask: false }] },
  networkd: { units: [{ name: '00-eth0.network', contents: NETWORK }] },
  passwd: {
    users: [{ name: 'somebody', passwordHash: '*', sshAuthorizedKeys: [KEY], create: ACCOUNT }],
    groups: [{ name: 'staff', gid: 2000, passwordHash: '*' }],
  },
}
