/** Examples of the rules about the whole tree, on the image's release. */
import type { Filesystem } from '#src/disk/filesystem/probe.js'
import { formatHistory } from '#src/oem/history/history.js'
import { loadedBytes } from '#src/oem/host-files.js'
import type { Node, RuleExample } from '../../support/rule-examples.js'

const grub = (id: string) => `set oem_id="${id}"\n`
const release = (id: string) => `ID=${id}\nVERSION_ID=1\nNAME="Some Cloud"\n`
const OPENSTACK: Readonly<Record<string, Node>> = {
  '/base': null,
  '/base/default.ign': '{"ignition":{"version":"2.1.0"}}',
  '/grub.cfg': grub('openstack'),
  '/oem-release': release('openstack'),
}
const space = (freeBytes: number) => ({ blockBytes: 4096, totalBytes: 128 << 20, freeBytes, freeInodes: 1000 })
const template = (more: string): string => `name: acme\ntitle: Acme\ndescription: Acme's cloud\n${more}`
const agent = (mode: string) => ({
  'template.yml': template(
    `variables:
  token: { type: string, secret: true, default: x, description: what the agent says }
files:
  - { path: /agent.json, source: agent.json, format: json, mode: '${mode}' }
`,
  ),
  'agent.json': JSON.stringify({ agent: `\${{token}}` }),
})
const REGION = {
  'template.yml': template(
    `variables:
  region: { type: string, default: eu, description: where }
files:
  - { path: /region.json, source: region.json, format: json, for: [{ distro: flatcar }] }
`,
  ),
  'region.json': JSON.stringify({ region: `\${{region}}` }),
}
const NEW_ONLY = {
  'template.yml': template(
    'distros: [{ distro: flatcar, from: 4000 }]\nfiles: [{ path: /grub.cfg, source: grub.cfg, format: grub }]\n',
  ),
  'grub.cfg': grub('openstack'),
}
const cloudConfig = (id: string) => `#cloud-config\ncoreos:\n  oem:\n    id: ${id}\n`
const unit = (exec: string) => `#cloud-config
coreos:
  units:
    - name: agent.service
      content: |
        [Service]
        ExecStart=${exec}
`
const withKey = (key: string) => `#cloud-config\nssh_authorized_keys:\n  - ssh-rsa ${key} somebody\n`
/** The beginning of the key that Vagrant publishes. */
const INSECURE_KEY = 'AAAAB3NzaC1yc2EAAAABIwAAAQEA6NF8iallvQVp22WDkTkyrtvp9eWW6A8YVr+kz4TjGYe7gHzIw+niNltGEFHzD8'
const DIGITALOCEAN: Readonly<Record<string, Node>> = {
  '/base': null,
  '/base/default.ign':
    '{"ignition":{"version":"2.1.0"},"systemd":{"units":[{"name":"a.service","contents":"[Service]\\nExecStart=/usr/bin/coreos-cloudinit --oem=digitalocean"}]}}',
  '/grub.cfg': grub('digitalocean'),
}
const AZURE: Readonly<Record<string, Node>> = {
  '/grub.cfg': grub('azure'),
  '/oem-release': release('azure'),
  '/sysext': null,
  '/sysext/active-oem-azure': '',
}
/** Something that the file of this name may hold. */
function contentFor(path: string): string {
  if (path.endsWith('.ign')) return '{"ignition":{"version":"2.1.0"}}'
  return path.endsWith('.yml') ? '#cloud-config\n' : '#\n'
}
const NOTED = {
  'template.yml': template(
    `notes: [{ text: it goes another way here, for: [{ distro: flatcar, from: 4000 }] }]
files: [{ path: /grub.cfg, source: grub.cfg, format: grub }]
`,
  ),
  'grub.cfg': grub('openstack'),
}
/** An earlier bake wrote /mine, and took a README away. */
const BAKED: Readonly<Record<string, Node>> = {
  '/mine': 'mine',
  '/.oem-bake.json': formatHistory({
    version: '0.1.0',
    template: undefined,
    original: { release: undefined, vendorSet: undefined, tree: 'a'.repeat(64) },
    written: [
      { path: '/mine', mode: 0o644, sizeBytes: 4, sha256: loadedBytes(Buffer.from('mine')).sha256, isDerived: false },
    ],
    directories: [],
    displaced: [
      { path: '/base', kind: 'directory', mode: 0o755, uid: 0, gid: 0 },
      { path: '/base/README', kind: 'file', mode: 0o644, uid: 0, gid: 0, sizeBytes: 3, sha256: 'b'.repeat(64) },
    ],
  }),
}
const EXT4: Filesystem = {
  kind: 'ext',
  variant: 'ext4',
  label: 'OEM',
  uuid: '',
  blockBytes: 4096,
  sizeBytes: 128 << 20,
  compat: 0,
  incompat: 0,
  roCompat: 0,
  clean: true,
  needsRecovery: false,
  lastOrphan: 0,
  lastWrittenSeconds: 0,
}

export const TREE_EXAMPLES: readonly RuleExample[] = [
  {
    rule: 'no-effect-cloud-config',
    failing: { files: { '/cloud-config.yml': '#cloud-config\n' }, release: 'flatcar:4722.0.0' },
    passing: { files: { '/cloud-config.yml': '#cloud-config\n' }, release: 'flatcar:4459.2.0' },
  },
  {
    rule: 'no-effect-ignition',
    failing: { files: { '/base/default.ign': '{"ignition":{"version":"2.1.0"}}' }, release: 'flatcar:3510.2.8' },
    passing: { files: { '/base/default.ign': '{"ignition":{"version":"2.1.0"}}' }, release: 'flatcar:3033.2.4' },
  },
  {
    rule: 'no-effect-file',
    failing: {
      files: { '/bin/coreos-setup-environment': { content: '#!/bin/sh\n', mode: 0o755 } },
      release: 'flatcar:3510.2.8',
    },
    passing: { files: { '/bin/coreos-setup-environment': { content: '#!/bin/sh\n', mode: 0o755 } } },
  },
  {
    rule: 'oem-id-not-read',
    failing: { request: { oemId: 'ec2' }, release: 'container-linux:794.1.0' },
    passing: { request: { oemId: 'ec2' }, release: 'container-linux:835.8.0' },
  },
  {
    rule: 'oem-id-unknown',
    failing: { request: { oemId: 'hetzner' } },
    passing: { request: { oemId: 'hetzner' }, release: 'flatcar:4081.2.0' },
  },
  {
    rule: 'template-release',
    failing: {
      template: NEW_ONLY,
      release: 'flatcar:3510.2.8',
    },
    passing: {
      template: NEW_ONLY,
      release: 'flatcar:4081.2.0',
    },
  },
  {
    rule: 'template-note',
    failing: { template: NOTED, release: 'flatcar:4081.2.0' },
    passing: { template: NOTED, release: 'flatcar:3975.2.0' },
  },
  {
    rule: 'release-unknown',
    failing: { request: { oemId: 'ec2' }, release: 'unknown' },
    passing: { request: { oemId: 'ec2' } },
  },
  {
    rule: 'grub-cannot-read-ext',
    failing: {
      request: { oemId: 'ec2' },
      release: 'flatcar:4186.0.0',
      state: { filesystem: EXT4 },
    },
    passing: { request: { oemId: 'ec2' }, release: 'flatcar:4186.0.0' },
  },
  {
    rule: 'vendor-files-stay',
    failing: { request: { oemId: 'ec2', existing: 'merge' }, tree: OPENSTACK },
    passing: { request: { oemId: 'ec2' }, tree: OPENSTACK },
  },
  {
    rule: 'vendor-set-replaced',
    failing: { request: { oemId: 'ec2' }, tree: OPENSTACK },
    passing: { request: { oemId: 'openstack' }, tree: OPENSTACK },
  },
  {
    rule: 'remove-absent',
    failing: { request: { oemId: 'openstack', remove: ['/bin'] }, tree: OPENSTACK },
    passing: { request: { oemId: 'openstack', remove: ['/base'] }, tree: OPENSTACK },
  },
  {
    rule: 'variable-without-effect',
    failing: { template: REGION, request: { variables: { region: 'us' } } },
    passing: { template: REGION, request: { variables: { region: 'us' } }, release: 'flatcar:3510.2.8' },
  },
  {
    rule: 'secret-readable',
    failing: { template: agent('0644') },
    passing: { template: agent('0600') },
  },
  {
    rule: 'oem-nearly-full',
    failing: { request: { oemId: 'ec2' }, state: { space: space(900_000) } },
    passing: { request: { oemId: 'ec2' }, state: { space: space(2_000_000) } },
  },
  {
    rule: 'update-extension-id',
    failing: {
      files: { '/oem-release': release('acme') },
      tree: { '/sysext': null, '/sysext/active-oem-azure': '', '/sysext/oem-azure-3815.2.0.raw': 'x' },
      release: 'flatcar:3815.2.0',
    },
    passing: {
      files: { '/oem-release': release('azure') },
      tree: { '/sysext': null, '/sysext/active-oem-azure': '', '/sysext/oem-azure-3815.2.0.raw': 'x' },
      release: 'flatcar:3815.2.0',
    },
  },
  {
    rule: 'update-id-changes',
    failing: {
      files: { '/oem-release': release('acme') },
      tree: { '/oem-release': release('openstack') },
      release: 'flatcar:3815.2.0',
    },
    passing: {
      files: { '/oem-release': release('openstack') },
      tree: { '/oem-release': release('openstack') },
      release: 'flatcar:3815.2.0',
    },
  },
  {
    rule: 'update-cleans',
    failing: {
      files: { '/oem-release': release('azure'), '/bin/agent': 'x' },
      release: 'flatcar:3510.2.8',
    },
    passing: {
      files: { '/oem-release': release('acme'), '/bin/agent': 'x' },
      release: 'flatcar:3510.2.8',
    },
  },
  {
    rule: 'update-cleans',
    failing: { files: { '/oem-release': release('ami'), '/units/a.service': '[Unit]\n' }, release: 'flatcar:3510.2.8' },
    // Copied on the first boot, which is long over then.
    passing: {
      files: {
        '/oem-release': release('ami'),
        '/units/a.service': '[Unit]\n',
        '/base/base.ign': JSON.stringify({
          ignition: { version: '3.3.0' },
          storage: {
            files: [{ path: '/etc/systemd/system/a.service', contents: { source: 'oem:///units/a.service' } }],
          },
        }),
      },
      release: 'flatcar:3510.2.8',
    },
  },
  {
    rule: 'update-mark',
    failing: { files: { '/sysext/active-oem-acme': '' }, release: 'flatcar:3815.2.0' },
    passing: { files: { '/sysext/active-oem-azure': '' }, release: 'flatcar:3815.2.0' },
  },
  {
    rule: 'oem-id-absent',
    failing: { files: { '/agent': 'x' } },
    passing: { files: { '/agent': 'x' }, request: { oemId: 'ec2' } },
  },
  {
    rule: 'oem-id-stays',
    failing: { files: { '/cloud-config.yml': cloudConfig('rackspace') }, tree: OPENSTACK },
    passing: {
      files: { '/cloud-config.yml': cloudConfig('rackspace') },
      tree: OPENSTACK,
      request: { oemId: 'rackspace' },
    },
  },
  {
    rule: 'secure-boot-skips-grub',
    failing: { request: { oemId: 'ec2' }, release: 'flatcar:3815.2.0' },
    passing: { request: { oemId: 'ec2' }, release: 'flatcar:3975.2.0' },
  },
  {
    rule: 'cloudinit-of-other-vendor',
    failing: { tree: DIGITALOCEAN, request: { oemId: 'rackspace', existing: 'merge' } },
    passing: { tree: DIGITALOCEAN, request: { oemId: 'rackspace', remove: ['/base'] } },
    line: 1,
    column: 115,
  },
  ...[
    ['/cloud-config.yaml', '/cloud-config.yml'],
    ['/user-data', '/agent/user-data'],
    ['/Grub.cfg', '/grub.cfg'],
    ['/base.ign', '/base/base.ign'],
    ['/default.ign', '/base/default.ign'],
    ['/oem-postinst', '/bin/oem-postinst'],
  ].map(
    ([wrong = '', right = '']): RuleExample => ({
      rule: 'name-not-read',
      failing: { files: { [wrong]: contentFor(right) } },
      passing: { files: { [right]: contentFor(right) } },
    }),
  ),
  {
    rule: 'program-absent',
    failing: { files: { '/cloud-config.yml': unit('/usr/share/oem/bin/agent --quiet') } },
    passing: {
      files: {
        '/cloud-config.yml': unit('/usr/share/oem/bin/agent --quiet'),
        '/bin/agent': { content: '#!/bin/sh\n', mode: 0o755 },
      },
    },
    line: 7,
    column: 9,
  },
  {
    rule: 'program-not-executable',
    failing: { files: { '/bin/oem-postinst': { content: '#!/bin/sh\n', mode: 0o644 } } },
    passing: { files: { '/bin/oem-postinst': { content: '#!/bin/sh\n', mode: 0o755 } } },
  },
  {
    rule: 'program-not-executable',
    failing: { files: { '/cloud-config.yml': unit('-/usr/share/oem/agent'), '/agent': '#!/bin/sh\n' } },
    passing: { files: { '/cloud-config.yml': unit('-/bin/sh /usr/share/oem/agent'), '/agent': '#!/bin/sh\n' } },
  },
  {
    rule: 'program-without-shebang',
    failing: { files: { '/bin/coreos-setup-environment': { content: 'echo A=b\n', mode: 0o755 } } },
    passing: { files: { '/bin/coreos-setup-environment': { content: Buffer.from('\u007fELF\0'), mode: 0o755 } } },
    line: 1,
    column: 1,
  },
  {
    rule: 'script-cr',
    failing: { files: { '/agent': '#!/bin/sh\r\ntrue\r\n' } },
    passing: { files: { '/agent.ini': '[agent]\r\na=b\r\n' } },
    line: 1,
    column: 10,
  },
  {
    rule: 'setuid-file',
    failing: { tree: { '/agent': { content: 'x', mode: 0o4755 } }, request: { oemId: 'ec2', existing: 'merge' } },
    passing: { tree: { '/agent': { content: 'x', mode: 0o755 } }, request: { oemId: 'ec2', existing: 'merge' } },
  },
  {
    rule: 'world-writable',
    failing: { files: { '/agent': { content: 'x', mode: 0o666 } } },
    passing: { files: { '/agent': { content: 'x', mode: 0o664 } } },
  },
  {
    rule: 'secret-readable',
    failing: { files: { '/agent.conf': 'user = agent\n  password = correct-horse\n' } },
    passing: { files: { '/agent.conf': 'user = agent\n  password = $PASSWORD\n' } },
    line: 2,
    column: 3,
  },
  {
    rule: 'insecure-key',
    failing: { files: { '/cloud-config.yml': withKey(INSECURE_KEY) } },
    passing: { files: { '/cloud-config.yml': withKey(INSECURE_KEY.replace('NF8iallvQVp', 'NF8iallvQVq')) } },
    line: 3,
    column: 13,
  },
  {
    rule: 'extension-room',
    failing: {
      files: { '/agent': Buffer.alloc(500_000, 1) },
      tree: { ...AZURE, '/sysext/oem-azure-3815.2.0.raw': Buffer.alloc(1_000_000) },
      request: { existing: 'merge' },
      release: 'flatcar:3815.2.0',
      state: { space: space(1_550_000) },
    },
    passing: {
      files: { '/agent': Buffer.alloc(500_000, 1) },
      tree: { ...AZURE, '/sysext/oem-azure-3815.2.0.raw': Buffer.alloc(1_000_000) },
      request: { existing: 'merge' },
      release: 'flatcar:3815.2.0',
      state: { space: space(1_700_000) },
    },
  },
  {
    rule: 'update-vendor-extension',
    failing: { files: { '/oem-release': release('azure') }, release: 'flatcar:3510.2.8' },
    passing: { files: { '/oem-release': release('acme') }, release: 'flatcar:3510.2.8' },
  },
  {
    rule: 'own-files-replaced',
    failing: { template: REGION, tree: BAKED, release: 'flatcar:3510.2.8' },
    passing: { request: { oemId: 'openstack' }, tree: BAKED, release: 'flatcar:3510.2.8' },
  },
  {
    rule: 'own-file-edited',
    failing: {
      files: { '/mine': 'new' },
      request: { existing: 'merge' },
      tree: { ...BAKED, '/mine': 'changed' },
    },
    passing: { files: { '/mine': 'new' }, request: { existing: 'merge' }, tree: BAKED },
  },
  {
    rule: 'original-files-gone',
    failing: { files: { '/other': 'x' }, template: REGION, request: { existing: 'merge' }, tree: BAKED },
    passing: { files: { '/base/README': 'x' }, template: REGION, request: { existing: 'merge' }, tree: BAKED },
  },
  {
    rule: 'history-damaged',
    failing: { request: { oemId: 'openstack' }, tree: { '/.oem-bake.json': '{"oemBakeHistory": 1}' } },
    passing: { request: { oemId: 'openstack' }, tree: BAKED },
  },
]
