/** Examples of the rules about the whole tree, on the image's release. */
import type { Filesystem } from '#src/disk/filesystem/probe.js'
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
    rule: 'update-mark',
    failing: { files: { '/sysext/active-oem-acme': '' }, release: 'flatcar:3815.2.0' },
    passing: { files: { '/sysext/active-oem-azure': '' }, release: 'flatcar:3815.2.0' },
  },
]
