/** Files of the OEM partition, of templates, and beside an image. */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { type OemContent, resolveContent } from '#src/oem/content.js'
import { contentFile } from '#src/oem/content-file.js'
import type { OemState } from '#src/oem/describe.js'
import { explainBoot } from '#src/oem/explain/explain.js'
import { treeOfState } from '#src/oem/explain/tree.js'
import { checkGrubForRelease } from '#src/oem/grub/check-for-release.js'
import { formatHistory, type History } from '#src/oem/history/history.js'
import { parseHistory } from '#src/oem/history/parse-history.js'
import { loadedBytes } from '#src/oem/host-files.js'
import { planBake } from '#src/oem/plan/plan.js'
import { parseOsRelease, parseReleaseArgument } from '#src/oem/release/release.js'
import { parseVersionTxt } from '#src/oem/release/version-txt.js'
import { builtInDirectory } from '#src/oem/template/template.js'
import { parseTemplateManifest } from '#src/oem/template/template-manifest.js'
import { parseTemplateSource, variablesOf } from '#src/oem/template/template-source.js'
import { isWholeDigest, parseDigests } from '#src/trust/digests.js'
import type { FuzzTarget } from './target.js'

const RELEASES = ['container-linux:1010.5.0', 'container-linux:2512.3.0', 'flatcar:3510.2.8', 'flatcar:4722.0.0'].map(
  parseReleaseArgument,
)

const text = (...lines: string[]): Buffer => Buffer.from(`${lines.join('\n')}\n`)

const SHA256 = '0'.repeat(64)
const HISTORY: History = {
  version: '0.1.0',
  template: { name: 'rackspace', sha256: SHA256 },
  original: { release: 'container-linux:2512.3.0', vendorSet: 'ec2', tree: SHA256 },
  written: [{ path: '/grub.cfg', mode: 0o644, sizeBytes: 20, sha256: SHA256, isDerived: true }],
  directories: ['/base'],
  displaced: [
    { kind: 'file', path: '/cloud-config.yml', mode: 0o644, uid: 0, gid: 0, sizeBytes: 5, sha256: SHA256 },
    { kind: 'symlink', path: '/link', mode: 0o777, uid: 0, gid: 0, target: '../x' },
  ],
}
const HISTORIES = [
  formatHistory(HISTORY),
  formatHistory({ ...HISTORY, template: undefined, written: [], directories: [], displaced: [] }),
]

const GRUB = [
  text(
    '# Set the OEM id',
    'set oem_id="ec2"',
    'set linux_append="net.ifnames=0 nvme_core.io_timeout=4294967295"',
    'if [ "$grub_platform" = pc ]; then',
    '    set linux_console="console=ttyS0,115200n8"',
    'elif [ "$grub_platform" = efi -a "$grub_cpu" = "x86_64" ]; then',
    "    set linux_console='console=ttyAMA0'",
    'fi',
    `set linux_append="$linux_append $\{extra} flatcar.autologin"`,
  ),
  text(
    'function say { echo "$1" ; }',
    'for x in a b c; do say $x; done',
    'search --label OEM --set root',
    '. /x\\',
    'y',
  ),
]
const GRUB_TOKENS = [
  'set ',
  'if ',
  'then',
  'fi',
  '[ ',
  ' ]',
  '"',
  "'",
  '\\',
  '$',
  '${',
  '}',
  ';',
  '\n',
  '{',
  'while ',
  'do',
  'done',
  '!',
  '&&',
  '||',
  '$"',
  '\0',
  '#',
]

const CLOUD_CONFIG = [
  text(
    '#cloud-config',
    'hostname: core1',
    'ssh_authorized_keys: ["ssh-rsa AAAA x"]',
    'users: [{name: elroy, passwd: "$6$x", groups: [sudo, docker], no_create_home: true}]',
    'write_files: [{path: /etc/x, permissions: "0644", owner: root, encoding: base64, content: aGVsbG8=}]',
    'coreos:',
    '  units:',
    '    - {name: a.service, command: start, enable: true, content: "[Service]\\nExecStart=/usr/share/oem/bin/a\\n", drop-ins: [{name: 1.conf, content: "[Unit]"}]}',
    '  update: {reboot-strategy: etcd-lock, group: stable}',
    '  locksmith: {window_start: "Mon 14:00", window_length: 1h}',
    '  oem: {id: rackspace, name: Rackspace, version-id: "1", home-url: "https://x", bug-report-url: "https://y"}',
  ),
  text('#!/bin/bash', 'echo'),
]
const YAML_TOKENS = [
  '- ',
  ': ',
  '{',
  '}',
  '[',
  ']',
  '&a ',
  '*a',
  '!!binary ',
  '|\n',
  '>-\n',
  '"',
  "'",
  '0644',
  'yes',
  '~',
  '\t',
  '#',
  '---\n',
  '...\n',
  '<<: ',
  '? ',
  '%YAML 1.1\n',
  '\u2028',
  '\ufeff',
  'coreos:',
  'units:',
]

const OEM_RELEASE = [
  text(
    'ID=rackspace',
    'VERSION_ID=1.2.3',
    'NAME="Rackspace Cloud"',
    'HOME_URL="https://x"',
    'BUG_REPORT_URL="https://y"',
  ),
]

const IGNITION = [
  Buffer.from(
    JSON.stringify({
      ignition: {
        version: '2.2.0',
        config: { append: [{ source: 'data:,x', verification: { hash: `sha512-${'a'.repeat(128)}` } }] },
      },
      storage: {
        disks: [{ device: '/dev/sda', partitions: [{ label: 'a', number: 1, size: 2048, start: 0 }] }],
        files: [{ filesystem: 'root', path: '/etc/x', mode: 420, contents: { source: 'data:;base64,aGVsbG8=' } }],
      },
      systemd: {
        units: [{ name: 'a.service', enabled: true, contents: '[Service]\nExecStart=/bin/a\n[Install]\nWantedBy=a' }],
      },
      passwd: { users: [{ name: 'core', sshAuthorizedKeys: ['ssh-rsa AAAA'] }] },
    }),
  ),
  Buffer.from(
    JSON.stringify({
      ignition: { version: '3.3.0' },
      storage: { links: [{ path: '/a', target: '/b' }], luks: [{ name: 'x', device: '/dev/sda' }] },
      kernelArguments: { shouldExist: ['a'] },
    }),
  ),
]
const JSON_TOKENS = [
  '{',
  '}',
  '[',
  ']',
  ',',
  ':',
  '"',
  '\\u0000',
  '1e999',
  '-',
  'null',
  'true',
  '/*',
  '//',
  '"version":',
  '"3.0.0"',
  '\ufeff',
]

const DIGESTS = [
  text(
    '-----BEGIN PGP SIGNED MESSAGE-----',
    'Hash: SHA256',
    '',
    '# MD5 HASH',
    `${'0'.repeat(32)}  image.bin.bz2`,
    '# SHA512 HASH',
    `${'ab'.repeat(64)}  image.bin.bz2`,
    `${'cd'.repeat(64)} *other.bin.bz2`,
    '# SHA256 HASH',
    `${'12'.repeat(32)}  image.bin.bz2`,
    '-----BEGIN PGP SIGNATURE-----',
    '',
    'iQIzBAEBCgAdFiEE',
    '=abcd',
    '-----END PGP SIGNATURE-----',
  ),
  text(`SHA256 (image.bin.bz2) = ${'12'.repeat(32)}`, `\\${'12'.repeat(32)}  a\\\\b\\n`),
  text('12'.repeat(32)),
]

const VERSION_TXT = [
  text('COREOS_BUILD=2512', 'COREOS_VERSION_ID=2512.3.0', 'COREOS_VERSION=2512.3.0', "COREOS_SDK_VERSION='2512.1.0'"),
  text('FLATCAR_VERSION=3510.2.8', 'FLATCAR_VERSION_ID="3510.2.8"', 'FLATCAR_BUILD_ID="2023-09-19-2047"'),
]
const OS_RELEASE = [
  text(
    'NAME="Flatcar Container Linux by Kinvolk"',
    'ID=flatcar',
    'ID_LIKE=coreos',
    'VERSION=3510.2.8',
    'VERSION_ID=3510.2.8',
  ),
  text('FLATCAR_RELEASE_VERSION=3510.2.8'),
]

function templateFiles(pattern: RegExp): readonly Buffer[] {
  const directory = join(builtInDirectory('ec2'), '..')
  return readdirSync(directory, { recursive: true, encoding: 'utf8' })
    .filter((name) => pattern.test(name))
    .sort()
    .map((name) => readFileSync(join(directory, name)))
}

/** Whatever is asked of a file by its role, on releases of each kind. */
const asFile = (path: string) => (bytes: Buffer) => {
  const file = contentFile({ ...loadedBytes(bytes), path, mode: 0o644, origin: '--file', source: path, scopes: [] })
  const { role } = file
  if (role.kind === 'grub-cfg') for (const release of RELEASES) checkGrubForRelease(role.grub, path, release)
  return file.findings
}

let content: OemContent | undefined
const CONTENT_LATER = async (): Promise<OemContent> => {
  content ??= await resolveContent({ oemId: 'packet', existing: 'merge', oemIdUnchecked: true }, {})
  return content
}

/** An OEM partition that holds the bytes in one place, as somebody else left it there. */
const asFound = (path: string) => async (bytes: Buffer) => {
  const entry = { kind: 'file', mode: 0o644, uid: 0, gid: 0 } as const
  const state: OemState = {
    entries: [{ ...entry, path, sizeBytes: bytes.length }],
    contents: new Map([[path, bytes]]),
    space: { blockBytes: 4096, totalBytes: 1 << 27, freeBytes: 1 << 26, freeInodes: 1000 },
    filesystem: { kind: 'btrfs', label: 'OEM', uuid: '', sizeBytes: 1 << 27 },
  }
  for (const release of RELEASES) {
    explainBoot(treeOfState(state), release)
    planBake(await CONTENT_LATER(), state, release)
  }
}

const FORMATS = [
  ['/grub.cfg', GRUB, GRUB_TOKENS],
  ['/cloud-config.yml', CLOUD_CONFIG, YAML_TOKENS],
  ['/oem-release', OEM_RELEASE, ['=', '"', "'", '\\', '$', '`', '\n\n', ' ', '#', 'ID=']],
  ['/base/base.ign', IGNITION, JSON_TOKENS],
] as const

export const TEXT_TARGETS: readonly FuzzTarget[] = [
  ...FORMATS.flatMap(([path, seeds, tokens]): FuzzTarget[] => [
    { name: `${path.slice(1)}, to be baked`, seeds: () => seeds, tokens, read: asFile(path) },
    { name: `${path.slice(1)}, as found on the partition`, seeds: () => seeds, tokens, read: asFound(path) },
  ]),
  {
    name: 'DIGESTS',
    seeds: () => DIGESTS,
    tokens: [
      '# SHA512 HASH\n',
      '# ',
      '  ',
      ' *',
      '\\',
      '(',
      ') = ',
      '\r\n',
      'a'.repeat(64),
      '-----BEGIN PGP SIGNED MESSAGE-----\n',
      '- ',
    ],
    read: (bytes) => {
      for (const algorithm of [undefined, 'sha256', 'sha512'] as const)
        parseDigests(bytes.toString('utf8'), algorithm).map(isWholeDigest)
    },
  },
  {
    name: 'a history',
    seeds: () => HISTORIES,
    tokens: ['"oemBakeHistory":', '"displaced":', '"written":', '"sha256":', '/../', ...JSON_TOKENS],
    read: (bytes) => parseHistory(bytes),
  },
  { name: 'version.txt', seeds: () => VERSION_TXT, read: (bytes) => parseVersionTxt(bytes.toString('utf8')) },
  { name: 'os-release', seeds: () => OS_RELEASE, read: (bytes) => parseOsRelease(bytes.toString('utf8')) },
  {
    name: 'template.yml',
    seeds: () => templateFiles(/template\.yml$/),
    tokens: YAML_TOKENS,
    read: (bytes) => parseTemplateManifest(bytes.toString('utf8'), 'template.yml'),
  },
  ...(['yaml', 'json', 'grub', 'oem-release'] as const).map(
    (format): FuzzTarget => ({
      name: `a template's ${format}`,
      seeds: () =>
        ({
          yaml: CLOUD_CONFIG.slice(0, 1),
          json: IGNITION,
          grub: [text(`set oem_id="$\{{oem_id}}"`, `set linux_append="a=$\{{title}}"`)],
          'oem-release': [text('ID: rackspace', `NAME: "$\{{title}}"`)],
        })[format],
      tokens: ['${{', '}}', '$when', '$text: ', '$unless', ...(format === 'json' ? JSON_TOKENS : YAML_TOKENS)],
      read: (bytes) => variablesOf(parseTemplateSource(format, bytes, 'source'), 'source'),
    }),
  ),
]
