import { gzipSync } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import { formatCloudConfig, parseCloudConfig } from '#src/oem/cloud-config/cloud-config.js'
import { rejectsWithCode } from '../../support/errors.js'

function rules(text: string): readonly string[] {
  return parseCloudConfig(Buffer.from(text), 'c.yml').findings.map((finding) => finding.rule)
}

describe('parseCloudConfig', () => {
  it.each(['#cloud-config\n', '#cloud-config', '#cloud-config \r\nhostname: x\r\n', '#cloud-config\nhostname: x\n'])(
    'accepts %j without a word',
    (text) => {
      expect(rules(text)).toEqual([])
    },
  )

  it.each([
    ['a byte order mark', '\ufeff#cloud-config\n', 'line 1, column 1: starts with a byte order mark'],
    ['a blank line first', '\n#cloud-config\n', 'line 2, column 1'],
    ['a blank before it', ' #cloud-config\n', 'must start'],
    ['a blank inside it', '# cloud-config\n', 'must start'],
    ['no header', 'hostname: x\n', 'must start'],
    ['nothing', '', 'empty'],
    ['nothing but blanks', ' \n\n', 'empty'],
    ['an Ignition config', '{"ignition": {"version": "2.1.0"}}', 'Ignition'],
    ['MIME whose first line is another', 'MIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=x\n', 'MIME'],
    ['a list', '#cloud-config\n- a\n', 'line 2, column 1: a list'],
    ['text', '#cloud-config\nhello\n', 'line 2, column 1: hello'],
    ['gzip that is none', '\u001f\u008b', 'unpacked'],
  ])('refuses %s', async (_, text, words) => {
    const bytes = Buffer.from(text, text.startsWith('\u001f') ? 'latin1' : 'utf8')
    const error = await rejectsWithCode(() => parseCloudConfig(bytes, 'c.yml'), 'ERR_CLOUD_CONFIG_INVALID')
    expect(error.message).toContain(words)
    expect(error.hint).toBeTruthy()
  })

  it.each([
    ['a bracket that is not closed', 'coreos:\n  units: [\n}\n', 'line 4, column 1'],
    ['a tab as indentation', 'coreos:\n\tunits: []\n', 'line 3, column 1: tab characters'],
    ['an alias of nothing', 'coreos: *x\n', 'line 2, column 9: there is no &x above'],
    ['an alias inside of itself', 'coreos: &x\n  oem: *x\n', 'line 3, column 8: *x stands inside'],
  ])('says where the YAML breaks: %s', async (_, body, words) => {
    const text = `#cloud-config\n${body}`
    const error = await rejectsWithCode(() => parseCloudConfig(Buffer.from(text), 'c.yml'), 'ERR_YAML_SYNTAX')
    expect(error.message).toContain(`c.yml, ${words}`)
  })

  it('unpacks gzip as coreos-cloudinit does, but not a bomb', async () => {
    expect(parseCloudConfig(gzipSync('#cloud-config\nhostname: x\n'), 'c').kind).toBe('cloud-config')
    const bomb = gzipSync(Buffer.alloc(32 << 20, '#'))
    const error = await rejectsWithCode(() => parseCloudConfig(bomb, 'c'), 'ERR_CLOUD_CONFIG_INVALID')
    expect(error.message).toContain('16 MiB')
  })

  it('takes a script, and warns', () => {
    expect(rules('#!/bin/sh\n')).toEqual(['cloud-config-script'])
  })

  it('takes MIME, whose parts it leaves alone', () => {
    const text = 'Content-Type: multipart/mixed; boundary=x\n\n--x\n'
    expect(parseCloudConfig(Buffer.from(text), 'c')).toEqual({ kind: 'multipart', findings: [] })
  })

  it('tells findings in the order of the file', () => {
    expect(rules('#cloud-config\nruncmd: []\nhostname: 010\ncolour: $public_ipv4\n')).toEqual([
      'cloud-config-foreign-key',
      'cloud-config-yaml-version',
      'cloud-config-unknown-key',
      'cloud-config-substitution',
    ])
  })

  it('finds hyphens in keys that count, not in flags of daemons that are gone', () => {
    const parsed = parseCloudConfig(
      Buffer.from(`#cloud-config
ssh-authorized-keys: []
coreos:
  update: {reboot-strategy: off}
  etcd2: {peer-addr: 1}
  units: [{name: a.service, command: start, drop-ins: []}]
`),
      'c.yml',
    )
    const keys = parsed.kind === 'cloud-config' ? parsed.hyphenated.map(({ path }) => path) : []
    expect(keys).toEqual(['ssh_authorized_keys', 'coreos.update.reboot_strategy', 'coreos.units[0].drop_ins'])
  })

  it('follows aliases and merge keys, and says where they stand', () => {
    const parsed = parseCloudConfig(
      Buffer.from(`#cloud-config
coreos:
  units:
    - &a
      name: a.service
      command: start
    - <<: *a
      name: b
    - *a
`),
      'c.yml',
    )
    expect(parsed.findings.map(({ rule, place }) => [rule, place?.line, place?.column])).toEqual([
      ['cloud-config-unit-name', 8, 13],
    ])
  })

  it('tells no more than somebody would read of a file that repeats its mistakes', () => {
    const mistakes = Array.from({ length: 3000 }, (_, index) => `  wrong${index}: x`).join('\n')
    const users = `users:\n${'  - gecos: a\n'.repeat(3000)}`
    const again = rules(`#cloud-config\ncoreos:\n${mistakes}\n${users}`)
    expect(again).toHaveLength(200)
    // The gravest are among them.
    expect(again).toContain('cloud-config-user-name')
  })

  it('formats with the header on line 1, also when there is nothing else', () => {
    expect(formatCloudConfig({ hostname: 'yes' })).toBe("#cloud-config\nhostname: 'yes'\n")
    expect(formatCloudConfig({})).toBe('#cloud-config\n')
  })
})
