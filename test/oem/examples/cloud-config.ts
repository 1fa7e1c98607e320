/** Examples of the rules about cloud-configs: the least that is wrong, and the same without the mistake. */
import { gzipSync } from 'node:zlib'
import type { RuleExample, RuleInput } from '../../support/rule-examples.js'

const NEW_READER = 'flatcar:4081.2.0'

interface Case {
  readonly rule: string
  /** Below the header, so the first line is line 2. */
  readonly failing: string
  readonly passing: string
  readonly line: number
  readonly column: number
  readonly release?: string
}

function example({ column, failing, line, passing, release, rule }: Case): RuleExample {
  return { rule, failing: baked(failing, release), passing: baked(passing, release), line, column }
}

function baked(body: string, release?: string): RuleInput {
  return { ...file(`#cloud-config\n${body}`), ...(release === undefined ? {} : { release }) }
}

function file(content: string | Buffer): RuleInput {
  return { files: { '/cloud-config.yml': content } }
}

function unit(...lines: readonly string[]): string {
  return `coreos:\n  units:\n    - name: a.service\n${lines.map((line) => `      ${line}\n`).join('')}`
}

const MIME = `Content-Type: multipart/mixed; boundary="x"
MIME-Version: 1.0

--x
Content-Type: text/cloud-config

#cloud-config
--x--
`

export const CLOUD_CONFIG_EXAMPLES: readonly RuleExample[] = [
  {
    rule: 'cloud-config-script',
    failing: file('#!/bin/sh\necho hello\n'),
    passing: file('#cloud-config\n'),
    line: 1,
    column: 1,
  },
  {
    rule: 'cloud-config-gzip',
    failing: file(gzipSync('#cloud-config\nhostname: a\n')),
    passing: file('#cloud-config\nhostname: a\n'),
  },
  {
    rule: 'cloud-config-multipart',
    failing: file(MIME),
    passing: file('#cloud-config\n'),
    line: 1,
    column: 1,
  },
  {
    rule: 'cloud-config-kept-invalid',
    failing: { tree: { '/cloud-config.yml': '#cloud-config\ncoreos: [\n' }, request: { existing: 'merge' } },
    passing: { tree: { '/cloud-config.yml': '#cloud-config\ncoreos: {}\n' }, request: { existing: 'merge' } },
  },
  ...[
    {
      rule: 'cloud-config-documents',
      failing: 'hostname: a\n---\nhostname: b\n',
      passing: '---\nhostname: a\n',
      line: 4,
      column: 1,
    },
    {
      rule: 'cloud-config-doubled-key',
      failing: 'coreos:\n  oem: {id: a}\nhostname: a\ncoreos:\n  units: []\n',
      passing: 'coreos:\n  oem: {id: a}\n  units: []\nhostname: a\n',
      line: 5,
      column: 1,
    },
    {
      rule: 'cloud-config-foreign-key',
      failing: 'hostname: a\nruncmd:\n  - ls\n',
      passing: 'hostname: a\n',
      line: 3,
      column: 1,
    },
    {
      rule: 'cloud-config-foreign-key',
      failing: 'users:\n  - name: a\n    sudo: ALL=(ALL) NOPASSWD:ALL\n',
      passing: 'users:\n  - name: a\n    groups: [sudo]\n',
      line: 4,
      column: 5,
    },
    {
      rule: 'cloud-config-unknown-key',
      failing: 'coreos:\n  unitz: []\n',
      passing: 'coreos:\n  units: []\n',
      line: 3,
      column: 3,
    },
    {
      rule: 'cloud-config-nested-write-files',
      failing: 'coreos:\n  write_files:\n    - path: /etc/motd\n',
      passing: 'coreos: {}\nwrite_files:\n  - path: /etc/motd\n',
      line: 3,
      column: 3,
    },
    {
      rule: 'cloud-config-deprecated',
      failing: 'coreos:\n  etcd2:\n    proxy: on\n',
      passing: 'coreos:\n  flannel:\n    interface: eth0\n',
      line: 3,
      column: 3,
    },
    {
      rule: 'cloud-config-deprecated',
      failing: 'users:\n  - name: a\n    coreos_ssh_import_github: a\n',
      passing: 'users:\n  - name: a\n    ssh_authorized_keys: [ssh-ed25519 AAAA]\n',
      line: 4,
      column: 5,
    },
    {
      rule: 'cloud-config-type',
      failing: unit('runtime: "true"', 'command: start'),
      passing: unit('runtime: true', 'command: start'),
      line: 5,
      column: 16,
      release: NEW_READER,
    },
    {
      rule: 'cloud-config-type',
      failing: 'users:\n  - name: a\n    groups: sudo, docker\n',
      passing: 'users:\n  - name: a\n    groups: [sudo, docker]\n',
      line: 4,
      column: 13,
    },
    {
      // The old reader leaves it out, the new one takes it.
      rule: 'cloud-config-type',
      failing: unit("runtime: 'yes'", 'command: start'),
      passing: unit('runtime: yes', 'command: start'),
      line: 5,
      column: 16,
      release: 'unknown',
    },
    {
      rule: 'cloud-config-value',
      failing: 'coreos:\n  update:\n    reboot_strategy: sometimes\n',
      passing: 'coreos:\n  update:\n    reboot_strategy: off\n',
      line: 4,
      column: 22,
    },
    {
      rule: 'cloud-config-value',
      failing: "coreos:\n  locksmith:\n    window_length: '2 hours'\n",
      passing: "coreos:\n  locksmith:\n    window_length: '1h30m'\n",
      line: 4,
      column: 20,
    },
    {
      rule: 'cloud-config-decimal-mode',
      failing: 'write_files:\n  - path: /etc/motd\n    permissions: 420\n',
      passing: "write_files:\n  - path: /etc/motd\n    permissions: '0644'\n",
      line: 4,
      column: 18,
    },
    {
      rule: 'cloud-config-yaml-version',
      failing: 'write_files:\n  - path: /etc/motd\n    permissions: 0644\n',
      passing: "write_files:\n  - path: /etc/motd\n    permissions: '0644'\n",
      line: 4,
      column: 18,
    },
    {
      rule: 'cloud-config-hyphens',
      failing: 'coreos:\n  oem:\n    id: a\n    version-id: "1"\n',
      passing: 'coreos:\n  oem:\n    id: a\n    version_id: "1"\n',
      line: 5,
      column: 5,
      release: NEW_READER,
    },
    {
      rule: 'cloud-config-substitution',
      failing: 'hostname: a # not $private_ipv4\n',
      passing: 'hostname: a # not \\$private_ipv4\n',
      line: 2,
      column: 19,
    },
    {
      rule: 'cloud-config-user-name',
      failing: 'users:\n  - gecos: A\n',
      passing: 'users:\n  - gecos: A\n    name: a\n',
      line: 3,
      column: 5,
    },
    {
      rule: 'cloud-config-passwd',
      failing: 'users:\n  - name: a\n    passwd: hello\n',
      passing: "users:\n  - name: a\n    passwd: '$6$salt$hash'\n",
      line: 4,
      column: 13,
    },
    {
      rule: 'cloud-config-path',
      failing: 'write_files:\n  - content: a\n',
      passing: 'write_files:\n  - content: a\n    path: /etc/motd\n',
      line: 3,
      column: 5,
    },
    {
      rule: 'cloud-config-path-twice',
      failing: 'write_files:\n  - path: /etc/motd\n  - path: /etc//motd\n',
      passing: 'write_files:\n  - path: /etc/motd\n  - path: /etc/issue\n',
      line: 4,
      column: 11,
    },
    {
      rule: 'cloud-config-path-twice',
      failing: 'write_files:\n  - path: /etc/oem-release\ncoreos:\n  oem: {id: a}\n',
      passing: 'write_files:\n  - path: /etc/oem-release\ncoreos: {}\n',
      line: 3,
      column: 11,
    },
    {
      rule: 'cloud-config-read-only',
      failing: 'write_files:\n  - path: /usr/bin/hello\n',
      passing: 'write_files:\n  - path: /opt/bin/hello\n',
      line: 3,
      column: 11,
    },
    {
      rule: 'cloud-config-encoding',
      failing: 'write_files:\n  - path: /etc/motd\n    encoding: gz+b64\n    content: aGVsbG8=\n',
      passing: `write_files:\n  - path: /etc/motd\n    encoding: gz+b64\n    content: ${gzipSync('hello').toString('base64')}\n`,
      line: 5,
      column: 5,
    },
    {
      rule: 'cloud-config-unit-name',
      failing: 'coreos:\n  units:\n    - name: hello\n      command: start\n',
      passing: 'coreos:\n  units:\n    - name: hello.service\n      command: start\n',
      line: 4,
      column: 13,
    },
    {
      rule: 'cloud-config-unit-name',
      failing: 'coreos:\n  units:\n    - name: a.service.d/b.conf\n      content: "[Service]"\n      command: start\n',
      passing: 'coreos:\n  units:\n    - name: a.service.d/b.conf\n      content: "[Service]"\n      runtime: true\n',
      line: 4,
      column: 13,
    },
    {
      rule: 'cloud-config-unit-twice',
      failing: `${unit('content: "[Unit]"')}    - name: a.service\n      content: "[Service]"\n`,
      passing: `${unit('content: "[Unit]"')}    - name: a.service\n      command: start\n`,
      line: 6,
      column: 13,
    },
    {
      rule: 'cloud-config-idle-unit',
      failing: unit('content: ""'),
      passing: unit('command: start'),
      line: 4,
      column: 13,
    },
    {
      rule: 'cloud-config-drop-in',
      failing: unit('drop_ins:', '  - {name: 10-a, content: "[Service]"}'),
      passing: unit('drop_ins:', '  - {name: 10-a.conf, content: "[Service]"}'),
      line: 6,
      column: 18,
    },
    {
      rule: 'cloud-config-masked',
      failing: unit('mask: true', 'command: start'),
      passing: unit('mask: true', 'command: stop'),
      line: 5,
      column: 7,
    },
    {
      rule: 'cloud-config-enable',
      failing: unit('enable: true', 'content: |', '  [Service]', '  ExecStart=/bin/true'),
      passing: unit('enable: true', 'content: |', '  [Install]', '  WantedBy=multi-user.target'),
      line: 5,
      column: 7,
    },
    {
      rule: 'cloud-config-network-unit',
      failing: 'coreos:\n  units:\n    - name: a.network\n      enable: true\n',
      passing: 'coreos:\n  units:\n    - name: a.network\n      runtime: true\n',
      line: 5,
      column: 7,
    },
    {
      rule: 'cloud-config-oneshot',
      failing: unit('command: start', 'content: |', '  [Service]', '  Type=oneshot'),
      passing: unit('command: start', 'content: |', '  [Service]', '  Type=simple'),
      line: 4,
      column: 13,
    },
    {
      rule: 'cloud-config-stale-unit',
      failing: unit('content: "[Unit]"'),
      passing: unit('content: "[Unit]"', 'runtime: true'),
      line: 4,
      column: 13,
    },
  ].map(example),
]
