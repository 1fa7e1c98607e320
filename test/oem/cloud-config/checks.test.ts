/** The checks of values, users, files and units in their cases; one example a rule is in `../examples/cloud-config.ts`. */
import { gzipSync } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import { parseCloudConfig } from '#src/oem/cloud-config/cloud-config.js'
import type { Finding } from '#src/oem/finding.js'

function findings(body: string): readonly Finding[] {
  return parseCloudConfig(Buffer.from(`#cloud-config\n${body}`), 'c.yml').findings
}

/** `error cloud-config-value`… */
function told(body: string): readonly string[] {
  return findings(body).map(({ rule, severity }) => `${severity} ${rule.replace('cloud-config-', '')}`)
}

function file(...lines: readonly string[]): string {
  return `write_files:\n  - ${lines.join('\n    ')}\n`
}

function unit(...lines: readonly string[]): string {
  return `coreos:\n  units:\n    - ${lines.join('\n      ')}\n`
}

describe('values', () => {
  it.each([
    ['coreos: {update: {reboot_strategy: off}}', ['note yaml-version']],
    ["coreos: {update: {reboot_strategy: 'off'}}", []],
    ["coreos: {update: {reboot_strategy: 'etcd-lock'}}", []],
    ['coreos: {update: {reboot_strategy: best-effort}}', []],
    ['coreos: {update: {reboot_strategy: ""}}', []],
    ['coreos: {update: {reboot_strategy: }}', []],
    ['coreos: {update: {reboot-strategy: false}}', ['error value']],
    ['manage_etc_hosts: localhost', []],
    ['manage_etc_hosts: true', ['error value']],
    ['manage-etc-hosts: "true"', ['error value']],
    ["coreos: {locksmith: {window_start: '14:00'}}", []],
    ["coreos: {locksmith: {window_start: 'Thu 23:59', window_length: 1h30m}}", []],
    ["coreos: {locksmith: {window_start: 'thu 24:00'}}", ['error value']],
    ["coreos: {locksmith: {window_start: 'Thursday 23:00'}}", ['error value']],
    ["coreos: {locksmith: {window_length: '90'}}", ['error value']],
    ['coreos: {locksmith: {window_length: .5h}}', []],
    ['coreos: {locksmith: {window_length: 1d}}', ['error value']],
    ['coreos: {units: [{name: a.service, command: try-restart}]}', []],
    ['coreos: {units: [{name: a.service, command: enable}]}', ['error value']],
    [file('path: /etc/a', "permissions: '0644'"), []],
    [file('path: /etc/a', 'permissions: 644'), []],
    [file('path: /etc/a', "permissions: '04755'"), []],
    [file('path: /etc/a', "permissions: 'rw-r--r--'"), ['error value']],
    [file('path: /etc/a', "permissions: '0o644'"), ['error value']],
    [file('path: /etc/a', 'permissions: 493'), ['error value']],
    [file('path: /etc/a', 'permissions: 420'), ['warning decimal-mode']],
    [file('path: /etc/a', 'encoding: utf8'), ['error value']],
    // Deprecated as a whole, so what is in it is not looked at.
    ['coreos: {etcd2: {proxy: sometimes, unknown: 1}}', ['warning deprecated']],
  ])('of %j: %j', (body, expected) => {
    expect(told(body)).toEqual(expected)
  })

  it('names the mode that was meant by a decimal number', () => {
    expect(findings(file('path: /etc/a', 'permissions: 493'))[0]?.hint).toContain("'0755'")
  })
})

describe('keys', () => {
  it.each([
    ['coreos:\n  unit: []', 'did you mean units?'],
    ['units: []', 'coreos.units'],
    ['write_file: []', 'did you mean write_files?'],
    ['users: [{name: a, password: b}]', 'did you mean passwd?'],
    ['coreos: {oem: {qqqq: 1}}', 'known here: bug_report_url, home_url, id, name, version_id'],
  ])('%j: %s', (body, hint) => {
    expect(findings(body)[0]?.hint).toContain(hint)
  })

  it.each(['constructor', '__proto__', 'toString', 'hasOwnProperty'])('takes no %s from JavaScript', (key) => {
    expect(told(`${key}: 1`)).toEqual(['warning unknown-key'])
  })
})

describe('scalars that YAML versions read differently', () => {
  it.each([
    ['hostname: 010', ['note yaml-version']],
    ['hostname: 0o10', ['note yaml-version']],
    ['hostname: yes', ['note yaml-version']],
    ['hostname: 2001-01-01', ['note yaml-version']],
    ['hostname: 1:30', ['note yaml-version']],
    ["hostname: '010'", []],
    ['hostname: !!str 010', []],
    ['hostname: web1', []],
    ['coreos: {oem: {id: a, version_id: 1.10}}', []],
    // Fields for bools take the words of both.
    ['coreos: {units: [{name: a.service, command: start, runtime: yes}]}', []],
  ])('%s: %j', (body, expected) => {
    expect(told(body)).toEqual(expected)
  })
})

describe('users', () => {
  it.each([
    ['{name: core}', []],
    ['{name: core, passwd: "$6$rounds=4096$salt$hash"}', []],
    ['{name: core, passwd: "$1$salt$hash"}', []],
    ['{name: core, passwd: "$2y$05$hash"}', []],
    ['{name: core, passwd: "*"}', []],
    ['{name: core, passwd: "!$6$salt$hash"}', []],
    ['{name: core, passwd: ""}', []],
    ['{name: core, passwd: secret}', ['warning passwd']],
    ['{name: core, passwd: "correct horse battery staple"}', ['warning passwd']],
    ['{name: Core}', ['warning user-name']],
    ['{name: ""}', ['error user-name']],
    ['{passwd: x}', ['error user-name', 'warning passwd']],
  ])('%s: %j', (user, expected) => {
    expect(told(`users: [${user}]`)).toEqual(expected)
  })

  it('does not repeat the password', () => {
    expect(JSON.stringify(findings('users: [{name: a, passwd: hunter2}]'))).not.toContain('hunter2')
  })
})

describe('files to be written', () => {
  it.each([
    ['/etc/motd', []],
    ['/opt/bin/x', []],
    ['/usrlocal/x', []],
    ['etc/motd', ['warning path']],
    ['/etc/../usr/bin/x', ['error read-only']],
    ['/etc//motd', ['warning path']],
    ['/etc/motd/', ['warning path']],
    ['/', ['error path']],
    ['""', ['error path']],
    ['/usr/lib/x', ['error read-only']],
    ['/usr', ['error read-only']],
    ['/usr/share/oem/x', ['warning read-only']],
  ])('path %s: %j', (path, expected) => {
    expect(told(file(`path: ${path}`))).toEqual(expected)
  })

  it.each([
    ['b64', 'aGVsbG8=', []],
    ['b64', '|\n      aGVs\n      bG8=', []],
    ['b64', 'hello!', ['error encoding']],
    ['gz+b64', gzipSync('x').toString('base64'), []],
    ['gzip', `!!binary ${gzipSync('x').toString('base64')}`, []],
    ['gzip', 'hello', ['error encoding']],
    ['gz+b64', gzipSync(Buffer.alloc(32 << 20)).toString('base64'), ['warning encoding']],
  ])('encoding %s of %.20s: %j', (encoding, content, expected) => {
    expect(told(file('path: /etc/a', `encoding: ${encoding}`, `content: ${content}`))).toEqual(expected)
  })

  it.each([
    ['/etc/oem-release', 'coreos: {oem: {id: a}}'],
    ['/etc/coreos/update.conf', 'coreos: {update: {group: a}}'],
    ['/etc/hosts', 'manage_etc_hosts: localhost'],
  ])('says that %s is written again by %s', (path, keys) => {
    expect(told(`${file(`path: ${path}`)}${keys}\n`)).toEqual(['warning path-twice'])
    expect(told(file(`path: ${path}`))).toEqual([])
  })
})

describe('units', () => {
  it.each([
    [['name: a.service', 'command: start'], []],
    [['name: a@b.service', 'command: start'], []],
    [['name: a\\x2db.mount', 'command: start'], []],
    [['name: a', 'command: start'], ['error unit-name']],
    [['name: a.services', 'command: start'], ['error unit-name']],
    [['name: .service', 'command: start'], ['error unit-name']],
    [['name: a b.service', 'command: start'], ['error unit-name']],
    [['name: ../a.service', 'command: start'], ['error unit-name']],
    [['name: 00-eth0.network', 'runtime: true', 'content: "[Match]"'], []],
    [['name: 00-eth0.network', 'content: "[Match]"'], ['warning stale-unit']],
    [['name: 00-eth0.network', 'runtime: true', 'command: start', 'content: "[Match]"'], ['note network-unit']],
    [['command: start'], ['error unit-name']],
    [['name: a.service'], ['warning idle-unit']],
    [['name: a.service', 'enable: no'], ['warning idle-unit']],
    [['name: a.service', 'mask: yes', 'runtime: yes'], []],
    [['name: a.service', 'mask: yes'], ['warning stale-unit']],
    [['name: a.service', 'mask: yes', 'runtime: yes', 'command: stop'], []],
    [['name: a.service', 'mask: yes', 'runtime: yes', 'command: restart'], ['error masked']],
    [['name: a.service', 'mask: yes', 'runtime: yes', 'enable: yes'], ['error masked']],
    [['name: a.service', 'mask: yes', 'runtime: yes', 'content: "[Unit]"'], ['warning masked']],
    [['name: a.service', 'runtime: yes', 'enable: yes'], []],
    [['name: a.service', 'runtime: yes', 'drop_ins: [{name: a.conf, content: "[Service]"}]'], []],
    [['name: a.service', 'drop_ins: [{name: a.conf, content: "[Service]"}]'], ['warning stale-unit']],
    [['name: a.service', 'runtime: yes', 'drop_ins: [{name: a, content: x}]'], ['error drop-in']],
    [['name: a.service', 'runtime: yes', 'drop_ins: [{name: a/b.conf, content: x}]'], ['error drop-in']],
    [['name: a.service', 'runtime: yes', 'drop_ins: [{name: a.conf}]'], ['error drop-in']],
    [['name: a.service', 'runtime: yes', 'drop_ins: [{content: x}]'], ['error drop-in']],
  ])('%j: %j', (lines, expected) => {
    expect(told(unit(...lines))).toEqual(expected)
  })

  it.each([
    ['[Service]\nType=oneshot', ['note oneshot', 'warning enable']],
    ['[Service]\n  Type = oneshot', ['note oneshot', 'warning enable']],
    ['[Service]\nType=oneshot\nType=simple', ['warning enable']],
    ['# Type=oneshot\n[Unit]\nType=oneshot', ['warning enable']],
    ['[Install]\nWantedBy=multi-user.target', []],
    ['[Install]\n', ['warning enable']],
    ['[Unit]\nDescription=a \\\n[Install]\nWantedBy=multi-user.target', ['warning enable']],
  ])('content %j, started and enabled: %j', (content, expected) => {
    const text = JSON.stringify(content)
    expect(told(unit('name: a.service', 'runtime: yes', 'command: start', 'enable: yes', `content: ${text}`))).toEqual(
      expected,
    )
  })
})

describe('substitutions', () => {
  it.each([
    ['hostname: $private_ipv4', [[2, 11]]],
    [
      '# $public_ipv6 and $private_ipv4',
      [
        [2, 3],
        [2, 20],
      ],
    ],
    ['# $public_ipv4_extra', [[2, 3]]],
    ['# \\$public_ipv4, $PUBLIC_IPV4, $$, public_ipv4', []],
  ])('%j: %j', (body, places) => {
    const found = findings(body).filter(({ rule }) => rule === 'cloud-config-substitution')
    expect(found.map(({ place }) => [place?.line, place?.column])).toEqual(places)
  })
})
