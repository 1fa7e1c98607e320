/** Ignition configs: one wrong and one right for every rule. */
import { createHash } from 'node:crypto'
import { gzipSync } from 'node:zlib'
import type { RuleExample, RuleInput } from '../../support/rule-examples.js'

type Json = Readonly<Record<string, unknown>>

function baked(text: string, more: Omit<RuleInput, 'files'> & { readonly path?: string } = {}): RuleInput {
  const { path = '/base/base.ign', ...rest } = more
  return { ...rest, files: { [path]: text } }
}

/** One line for each key of the config, so that places can be told. */
function config(version: string, more: Json = {}): string {
  const lines = Object.entries(more).map(([key, value]) => `,\n ${JSON.stringify(key)}: ${JSON.stringify(value)}`)
  return `{"ignition": {"version": ${JSON.stringify(version)}}${lines.join('')}}\n`
}

function storage2(more: Json): RuleInput {
  return baked(config('2.2.0', { storage: more }))
}

const FLATCAR = { release: 'flatcar:3510.2.8' }

function storage3(more: Json, version = '3.3.0'): RuleInput {
  return baked(config(version, { storage: more }), FLATCAR)
}

function file2(more: Json, version = '2.2.0'): RuleInput {
  return baked(config(version, { storage: { files: [{ filesystem: 'root', path: '/etc/a', mode: 420, ...more }] } }))
}

function file3(more: Json, version = '3.3.0'): RuleInput {
  return storage3({ files: [{ path: '/etc/a', ...more }] }, version)
}

function unit(more: Json): RuleInput {
  return baked(config('2.2.0', { systemd: { units: [{ name: 'a.service', ...more }] } }))
}

const contents = (more: Json) => ({ contents: more })
const base64 = (bytes: Buffer) => `data:;base64,${bytes.toString('base64')}`
const sha512 = (text: string) => `sha512-${createHash('sha512').update(text).digest('hex')}`
const RAID = { name: 'data', level: 'raid1', devices: ['/dev/sdb', '/dev/sdc'] }
const LUKS = { name: 'data', device: '/dev/sdb' }
const partitions = (...all: readonly Json[]) => ({ disks: [{ device: '/dev/sdb', partitions: all }] })
const filesystem3 = (more: Json) => storage3({ filesystems: [{ device: '/dev/sdb1', ...more }] })

export const IGNITION_EXAMPLES: readonly RuleExample[] = [
  { rule: 'ignition-spec', failing: baked(config('3.3.0')), passing: baked(config('3.3.0'), FLATCAR) },
  {
    rule: 'ignition-spec-unchecked',
    failing: baked(config('3.3.0'), { release: 'unknown' }),
    passing: baked(config('2.2.0'), { release: 'unknown' }),
  },
  {
    rule: 'ignition-spec-experimental',
    failing: baked(config('3.4.0-experimental'), FLATCAR),
    passing: baked(config('3.3.0'), FLATCAR),
    line: 1,
    column: 26,
  },
  {
    rule: 'ignition-oem-path',
    failing: file2(contents({ source: 'oem:///files/a' })),
    passing: {
      files: { ...file2(contents({ source: 'oem:///files/a' })).files, '/files/a': 'x' },
    },
  },
  {
    rule: 'ignition-hides-userdata',
    failing: baked(config('2.2.0'), { path: '/config.ign' }),
    passing: baked(config('2.2.0')),
  },
  {
    rule: 'ignition-kept-invalid',
    failing: { tree: { '/base': null, '/base/base.ign': '' }, request: { existing: 'merge' } },
    passing: { tree: { '/base': null, '/base/base.ign': config('2.2.0') }, request: { existing: 'merge' } },
  },
  ...translation(),
  {
    rule: 'ignition-structure',
    failing: file2({ mode: '0644' }),
    passing: file2({ mode: 420 }),
    line: 2,
    column: 67,
  },
  { rule: 'ignition-structure', failing: file3({ mode: 420.5 }), passing: file3({ mode: 420 }), line: 2 },
  {
    rule: 'ignition-missing',
    failing: storage2({ files: [{ path: '/etc/a', mode: 420 }] }),
    passing: storage3({ files: [{ path: '/etc/a' }] }),
    line: 2,
    column: 23,
  },
  {
    rule: 'ignition-unknown-key',
    failing: baked(config('2.2.0', { systemd: {}, sistemd: {} })),
    passing: baked(config('2.2.0', { systemd: {} })),
    line: 3,
    column: 2,
  },
  {
    rule: 'ignition-unknown-key',
    failing: file2({ overwrite: true }, '2.1.0'),
    passing: file2({ overwrite: true }),
    line: 2,
  },
  {
    rule: 'ignition-duplicate-key',
    failing: baked('{"ignition": {"version": "2.2.0"},\n "systemd": {},\n "systemd": {}}'),
    passing: baked('{"ignition": {"version": "2.2.0"},\n "systemd": {}}'),
    line: 3,
    column: 2,
  },
  {
    rule: 'ignition-deprecated',
    failing: unit({ enable: true }),
    passing: unit({ enabled: true }),
    line: 2,
  },
  {
    rule: 'ignition-path',
    failing: file2({ path: 'etc/a' }),
    passing: file2({ path: '/etc//a' }),
    line: 2,
    column: 51,
  },
  { rule: 'ignition-path', failing: file3({ path: '/etc//a' }), passing: file3({ path: '/etc/a' }), line: 2 },
  {
    rule: 'ignition-path-conflict',
    failing: storage3({ files: [{ path: '/opt/a/b' }], links: [{ path: '/opt/a', target: '/var/a' }] }),
    passing: storage3({ files: [{ path: '/opt/ab' }], links: [{ path: '/opt/a', target: '/var/a' }] }),
    line: 2,
  },
  {
    rule: 'ignition-path-conflict',
    failing: storage3({ directories: [{ path: '/opt/a' }], links: [{ path: '/opt/b', target: '/opt/a', hard: true }] }),
    passing: storage3({ directories: [{ path: '/opt/a' }], links: [{ path: '/opt/b', target: '/opt/a' }] }),
  },
  {
    rule: 'ignition-duplicate',
    failing: storage3({ files: [{ path: '/a' }], directories: [{ path: '/a' }] }),
    passing: storage3({ files: [{ path: '/a' }], directories: [{ path: '/b' }] }),
    line: 2,
  },
  { rule: 'ignition-mode', failing: file2({ mode: 4096 }), passing: file2({ mode: 4095 }), line: 2 },
  { rule: 'ignition-mode-octal', failing: file2({ mode: 644 }), passing: file2({ mode: 420 }), line: 2 },
  {
    rule: 'ignition-mode-special',
    failing: file3({ mode: 0o4755 }),
    passing: { ...file3({ mode: 0o4755 }, '3.4.0'), release: 'flatcar:3602.2.0' },
    line: 2,
  },
  { rule: 'ignition-mode-unset', failing: file2({ mode: undefined }, '2.1.0'), passing: file3({}), line: 2 },
  {
    rule: 'ignition-owner',
    failing: file2({ user: { id: 500, name: 'core' } }),
    passing: file2({ user: { name: 'core' } }),
    line: 2,
  },
  {
    rule: 'ignition-overwrite',
    failing: file2({ append: true, overwrite: true }),
    passing: file2({ append: true, overwrite: false }),
    line: 2,
  },
  {
    rule: 'ignition-overwrite',
    failing: file3({ overwrite: true }),
    passing: file3({ overwrite: true, contents: { source: '' } }),
    line: 2,
  },
  {
    rule: 'ignition-url',
    failing: file2(contents({ source: 'ftp://example.com/a' })),
    passing: file2(contents({ source: 'tftp://example.com/a' })),
    line: 2,
  },
  {
    rule: 'ignition-url',
    failing: file3(contents({ source: 'gs://bucket/a' }), '3.1.0'),
    passing: file3(contents({ source: 'gs://bucket/a' })),
  },
  {
    rule: 'ignition-data-url',
    failing: file2(contents({ source: 'data:,hello world' })),
    passing: file2(contents({ source: 'data:,hello%20world' })),
    line: 2,
  },
  {
    rule: 'ignition-data-url',
    failing: file2(contents({ source: 'data:;base64,aGk' })),
    passing: file2(contents({ source: 'data:;base64,aGk=' })),
  },
  {
    rule: 'ignition-compression',
    failing: file2(contents({ source: 'https://example.com/a', compression: 'xz' })),
    passing: file2(contents({ source: 'https://example.com/a', compression: 'gzip' })),
    line: 2,
  },
  {
    rule: 'ignition-gzip',
    failing: file2(contents({ source: base64(Buffer.from('text')), compression: 'gzip' })),
    passing: file2(contents({ source: base64(gzipSync('text')), compression: 'gzip' })),
    line: 2,
  },
  {
    rule: 'ignition-hash',
    failing: file2(contents({ source: 'https://example.com/a', verification: { hash: 'sha512-abc' } })),
    passing: file2(contents({ source: 'https://example.com/a', verification: { hash: sha512('a') } })),
    line: 2,
  },
  {
    rule: 'ignition-hash-mismatch',
    failing: file2(contents({ source: 'data:,a', verification: { hash: sha512('b') } })),
    passing: file2(contents({ source: 'data:,a', verification: { hash: sha512('a') } })),
    line: 2,
  },
  {
    rule: 'ignition-hash-mismatch',
    failing: file2(
      contents({ source: base64(gzipSync('b')), compression: 'gzip', verification: { hash: sha512('a') } }),
    ),
    passing: file2(
      contents({ source: base64(gzipSync('a')), compression: 'gzip', verification: { hash: sha512('a') } }),
    ),
  },
  {
    rule: 'ignition-headers',
    failing: file3(contents({ source: 'data:,a', httpHeaders: [{ name: 'a', value: 'b' }] })),
    passing: file3(contents({ source: 'https://example.com/a', httpHeaders: [{ name: 'a', value: 'b' }] })),
    line: 2,
  },
  { rule: 'ignition-unit-name', failing: unit({ name: 'a.servise' }), passing: unit({ name: 'a@b.timer' }), line: 2 },
  {
    rule: 'ignition-unit-name',
    failing: baked(config('2.2.0', { networkd: { units: [{ name: 'eth0.netwrk' }] } })),
    passing: baked(config('2.2.0', { networkd: { units: [{ name: 'eth0.network' }] } })),
  },
  {
    rule: 'ignition-dropin-name',
    failing: unit({ dropins: [{ name: '10-a' }] }),
    passing: unit({ dropins: [{ name: '10-a.conf' }] }),
    line: 2,
  },
  {
    rule: 'ignition-unit-syntax',
    failing: unit({ contents: '[Service]\nExecStart\n' }),
    passing: unit({ contents: '[Service]\nExecStart=/bin/a\n' }),
    line: 2,
  },
  {
    rule: 'ignition-unit-install',
    failing: unit({ enabled: true, contents: '[Service]\nExecStart=/bin/a\n' }),
    passing: unit({ enabled: true, contents: '[Service]\nExecStart=/bin/a\n[Install]\nWantedBy=multi-user.target\n' }),
    line: 2,
  },
  {
    rule: 'ignition-unit-conflict',
    failing: conflict('/etc/systemd/system/a.service'),
    passing: conflict('/etc/systemd/system/b.service'),
    line: 2,
  },
  {
    rule: 'ignition-filesystem',
    failing: filesystem3({ format: 'ext5' }),
    passing: filesystem3({ format: 'ext4' }),
    line: 2,
  },
  {
    rule: 'ignition-filesystem',
    failing: storage2({
      filesystems: [
        { name: 'data', mount: { device: '/dev/sdb', format: 'ext4', create: { force: true }, options: ['-q'] } },
      ],
    }),
    passing: storage2({
      filesystems: [
        { name: 'data', mount: { device: '/dev/sdb', format: 'ext4', wipeFilesystem: true, options: ['-q'] } },
      ],
    }),
  },
  {
    rule: 'ignition-filesystem-unknown',
    failing: file2({ filesystem: 'oem' }),
    passing: storage2({
      filesystems: [{ name: 'oem', mount: { device: '/dev/disk/by-label/OEM', format: 'ext4' } }],
      files: [{ filesystem: 'oem', path: '/a', mode: 420 }],
    }),
    line: 2,
  },
  {
    rule: 'ignition-filesystem-shadowed',
    failing: storage2({
      filesystems: [
        { name: 'a', path: '/a' },
        { name: 'a', path: '/b' },
      ],
    }),
    passing: storage2({
      filesystems: [
        { name: 'a', path: '/a' },
        { name: 'b', path: '/b' },
      ],
    }),
    line: 2,
  },
  {
    rule: 'ignition-label',
    failing: filesystem3({ format: 'xfs', label: '1234567890abc' }),
    passing: filesystem3({ format: 'xfs', label: '1234567890ab' }),
    line: 2,
  },
  {
    rule: 'ignition-label',
    failing: storage3(partitions({ label: 'a:b' })),
    passing: storage3(partitions({ label: 'a'.repeat(36) })),
  },
  {
    rule: 'ignition-partition',
    failing: storage3(partitions({ number: 1, startMiB: 1, sizeMiB: 10 }, { number: 2, startMiB: 10, sizeMiB: 10 })),
    passing: storage3(partitions({ number: 1, startMiB: 1, sizeMiB: 10 }, { number: 2, startMiB: 11, sizeMiB: 10 })),
    line: 2,
  },
  {
    rule: 'ignition-raid',
    failing: storage3({ raid: [{ ...RAID, level: 'raid7' }] }),
    passing: storage3({ raid: [RAID] }),
    line: 2,
  },
  {
    rule: 'ignition-luks',
    failing: storage3({ luks: [{ ...LUKS, clevis: { custom: { pin: 'usb', config: '{}' } } }] }),
    passing: storage3({ luks: [{ ...LUKS, clevis: { custom: { pin: 'tpm2', config: '{}' } } }] }),
    line: 2,
  },
]

function conflict(path: string): RuleInput {
  const systemd = { units: [{ name: 'a.service', contents: '[Service]\nExecStart=/bin/a\n' }] }
  return baked(config('3.3.0', { storage: { files: [{ path }] }, systemd }), FLATCAR)
}

/** The same config on releases before and after the translation came, and with what it cannot translate taken away. */
function translation(): readonly RuleExample[] {
  const twice = { files: [1, 2].map(() => ({ filesystem: 'root', path: '/a', mode: 420 })) }
  const sectors = partitions({ number: 1, start: 2048, size: 2048 })
  const mebibytes = partitions({ number: 1, startMiB: 1, sizeMiB: 1 })
  const oem = (create: Json) => ({
    filesystems: [{ name: 'data', mount: { device: '/dev/sdb', format: 'ext4', create } }],
  })
  const on = (storage: Json, release = 'flatcar:3510.2.8', version = '2.3.0') =>
    baked(config(version, { storage }), { release })
  return [
    { rule: 'ignition-untranslatable', failing: on(twice), passing: on(twice, 'flatcar:3139.2.0'), line: 2 },
    { rule: 'ignition-untranslatable', failing: on(sectors), passing: on(mebibytes), line: 2 },
    { rule: 'ignition-untranslatable', failing: on(oem({})), passing: on(oem({ force: true })), line: 2 },
    {
      rule: 'ignition-untranslatable',
      failing: on({ filesystems: [{ name: 'root', path: '/sysroot' }] }),
      passing: on({}),
      line: 2,
    },
  ]
}
