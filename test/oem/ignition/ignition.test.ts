import { describe, expect, it } from 'vitest'
import { checkSpecAccepted, parseIgnition } from '#src/oem/ignition/ignition.js'
import { parseReleaseArgument } from '#src/oem/release/release.js'
import { rejectsWithCode } from '../../support/errors.js'

function config(version: string, more: object = {}): Buffer {
  return Buffer.from(JSON.stringify({ ignition: { version }, ...more }))
}

describe('parseIgnition', () => {
  it('reads version and oem files', () => {
    const bytes = config('2.1.0', {
      storage: {
        files: [
          { path: '/a', contents: { source: 'oem:///units/x%20y.service' } },
          { path: '/b', contents: { source: 'data:,oem:///not-this' } },
        ],
      },
    })
    expect(parseIgnition(bytes, 'x')).toMatchObject({ spec: '2.1.0', oemPaths: ['/units/x y.service'] })
    expect(parseIgnition(Buffer.from('{"ignitionVersion": 1}'), 'x').spec).toBe('1')
  })

  it.each([
    ['a Butane config', 'variant: flatcar\nversion: 1.0.0\n', 'Butane'],
    ['a Container Linux Config', 'systemd:\n  units: []\n', 'Container Linux Config'],
    ['other YAML', 'hello: world\n', 'YAML'],
    ['a MIME message', 'Content-Type: multipart/mixed\n', 'MIME'],
    ['UTF-16', '\xff\xfe{\x00}\x00', 'UTF-16'],
    ['UTF-16 without a mark', '{\x00}\x00', 'UTF-16'],
    ['a byte order mark', '\xef\xbb\xbf{}', 'byte order mark'],
    ['Latin-1', '{"a": "\xe4"}', 'not UTF-8'],
    ['bzip2', 'BZh9', 'bzip2'],
    ['a cloud-config', '#cloud-config\n', 'cloud-config'],
    ['a script', '#!/bin/sh\n', 'script'],
    ['nothing', ' \n', 'empty'],
    ['gzip', '\x1f\x8b\xff', 'gzip'],
    ['broken JSON', '{\n "a": 1,\n}', 'line 3, column 1'],
    ['a list', '[]', 'a list'],
    ['no version', '{"ignition": {}}', 'no ignition.version'],
    ['a number as version', '{"ignition": {"version": 2}}', 'a number'],
    ['a version of the future', '{"ignition": {"version": "9.9.9"}}', '9.9.9'],
    ['an experimental version of no release', '{"ignition": {"version": "3.1.0-experimental"}}', 'experimental'],
  ])('says of %s what it is', async (_, text, words) => {
    const error = await rejectsWithCode(() => parseIgnition(Buffer.from(text, 'latin1'), 'x'), 'ERR_IGNITION_INVALID')
    expect(error.message).toContain(words)
    expect(error.hint).toBeTruthy()
  })
})

describe('an empty config', () => {
  it.each([
    ['/base/base.ign', 'stop the boot'],
    ['/config.ign', 'end users could give none'],
  ])('at %s would %s', async (path, words) => {
    const error = await rejectsWithCode(() => parseIgnition(Buffer.from(''), 'x', path), 'ERR_IGNITION_INVALID')
    expect(error.message).toContain(words)
  })
})

describe('checkSpecAccepted', () => {
  const check = (version: string, release: string) =>
    checkSpecAccepted(parseIgnition(config(version), 'x'), parseReleaseArgument(release), 'x')

  it.each([
    ['3.0.0', 'container-linux:2512.3.0'],
    ['2.1.0', 'container-linux:1451.0.0'],
    ['2.4.0', 'flatcar:2905.0.0'],
    ['3.4.0', 'flatcar:3510.2.8'],
    ['3.4.0-experimental', 'flatcar:3602.2.0'],
  ])('refuses %s on %s with what is accepted', (version, release) => {
    const [found] = check(version, release)
    expect(found).toMatchObject({ rule: 'ignition-spec', severity: 'error' })
    expect(found?.message).toContain('accepts 1, 2.0.0')
  })

  it.each([
    ['2.3.0', 'container-linux:2512.3.0'],
    ['2.3.0', 'flatcar:3510.2.8'],
    ['3.3.0', 'flatcar:3510.2.8'],
    ['3.4.0-experimental', 'flatcar:3510.2.8'],
  ])('takes %s on %s', (version, release) => {
    expect(check(version, release)).toEqual([])
  })
})
