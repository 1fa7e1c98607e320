import { gzipSync } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import { formatCloudConfig, hyphenatedKeys, parseCloudConfig } from '#src/oem/cloud-config/cloud-config.js'
import { rejectsWithCode } from '../../support/errors.js'

function rules(text: string): readonly string[] {
  return parseCloudConfig(Buffer.from(text), 'c.yml').findings.map((finding) => finding.rule)
}

describe('parseCloudConfig', () => {
  it.each(['#cloud-config\n', '#cloud-config', '#cloud-config \r\nhostname: x\n', '#cloud-config\nhostname: x\n'])(
    'accepts %j without a word',
    (text) => {
      expect(rules(text)).toEqual([])
    },
  )

  it.each([
    ['a byte order mark', '\ufeff#cloud-config\n', 'byte order mark'],
    ['a blank line first', '\n#cloud-config\n', 'line 2'],
    ['a blank before it', ' #cloud-config\n', 'must start'],
    ['a blank inside it', '# cloud-config\n', 'must start'],
    ['no header', 'hostname: x\n', 'must start'],
    ['nothing', '', 'empty'],
    ['an Ignition config', '{"ignition": {"version": "2.1.0"}}', 'Ignition'],
    ['a list', '#cloud-config\n- a\n', 'a list'],
  ])('refuses %s', async (_, text, words) => {
    const error = await rejectsWithCode(() => parseCloudConfig(Buffer.from(text), 'c.yml'), 'ERR_CLOUD_CONFIG_INVALID')
    expect(error.message).toContain(words)
    expect(error.hint).toBeTruthy()
  })

  it('says where the YAML breaks', async () => {
    const text = '#cloud-config\ncoreos:\n  units: [\n}\n'
    const error = await rejectsWithCode(() => parseCloudConfig(Buffer.from(text), 'c.yml'), 'ERR_YAML_SYNTAX')
    expect(error.message).toContain('c.yml, line 4, column 1')
  })

  it('unpacks gzip as coreos-cloudinit does', () => {
    expect(parseCloudConfig(gzipSync('#cloud-config\nhostname: x\n'), 'c').kind).toBe('cloud-config')
  })

  it('takes a script, and warns', () => {
    expect(rules('#!/bin/sh\n')).toEqual(['cloud-config-script'])
  })

  it.each([
    ['runcmd: [ls]\n', ['cloud-config-foreign-key']],
    ['colour: red\n', ['cloud-config-unknown-key']],
    ['coreos:\n  unitz: []\n', ['cloud-config-unknown-key']],
    ['ssh-authorized-keys: []\n', []],
    ['write_files:\n  - path: /usr/share/x\n', ['cloud-config-read-only']],
    ['# $private_ipv4\n', ['cloud-config-substitution']],
    ['hostname: \\$private_ipv4\n', []],
  ])('says of %j: %j', (body, expected) => {
    expect(rules(`#cloud-config\n${body}`)).toEqual(expected)
  })

  it('finds hyphens in its own keys, not in flags of daemons', () => {
    const value = {
      'ssh-authorized-keys': [],
      coreos: { update: { 'reboot-strategy': 'off' }, etcd2: { 'peer-addr': 1 }, units: [{ 'drop-ins': [] }] },
    }
    expect(hyphenatedKeys(value)).toEqual([
      'ssh-authorized-keys',
      'coreos.update.reboot-strategy',
      'coreos.units[].drop-ins',
    ])
  })

  it('formats with the header on line 1, also when there is nothing else', () => {
    expect(formatCloudConfig({ hostname: 'yes' })).toBe("#cloud-config\nhostname: 'yes'\n")
    expect(formatCloudConfig({})).toBe('#cloud-config\n')
  })
})
