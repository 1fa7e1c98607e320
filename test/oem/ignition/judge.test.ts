/** Debian's ignition-validate against our checks, for the specs that it knows. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { mutatedConfig } from '../../support/ignition-mutations.js'
import { ignitionValidate } from '../../support/ignition-validate.js'
import { compareVerdicts } from '../../support/ignition-verdicts.js'
import { fullConfig, type Json } from './full-configs.js'

const SPECS = ['3.0.0', '3.1.0', '3.2.0', '3.3.0']

type Parts = { readonly [key: string]: Json }
const config = (version: string, more: Parts) => JSON.stringify({ ignition: { version }, ...more })
const file = (more: Parts, version = '3.3.0') => config(version, { storage: { files: [{ path: '/a', ...more }] } })
const source = (url: string, version = '3.3.0') => file({ contents: { source: url } }, version)
const unit = (contents: string) => config('3.3.0', { systemd: { units: [{ name: 'a.service', contents }] } })
const storage = (more: Parts, version = '3.3.0') => config(version, { storage: more })
const part = (...partitions: readonly Parts[]) => storage({ disks: [{ device: '/dev/sda', partitions }] })
const clevis = (more: Parts, version = '3.3.0') =>
  storage({ luks: [{ name: 'a', device: '/dev/sda', clevis: more }] }, version)

describe('ignition-validate', () => {
  it.each(SPECS)('takes the config of spec %s that uses every field, without a word', async (spec) => {
    const judged = await ignitionValidate(JSON.stringify(fullConfig(spec)))
    expect(judged).toEqual({ accepted: true, says: '' })
  })

  it.each([
    '{"ignition": {"version": "3.0.0"}} x',
    '{"ignition": {"version": "3.3"}}',
    '{"ignition": {"version": "3.9.0"}}',
    '{"ignition": {"version": 3}}',
    '{"ignition": {"version": "3.1.0-experimental"}}',
    '{"ignition": {"version": "3.4.0-experimental"}}',
    '[]',
    '',
    config('3.0.0', { kernelArguments: { shouldExist: 7 } }),
    config('3.3.0', { kernelArguments: { shouldExist: 7 } }),
    config('3.3.0', { kernelArguments: { shouldExist: ['a'], shouldNotExist: ['a'] } }),
    config('3.3.0', { systemd: null, storage: { files: null } }),
    config('3.3.0', { passwd: { users: [{ name: 'a' }, { name: 'a' }] } }),
    config('3.3.0', { passwd: { users: [{ name: 'a', sshAuthorizedKeys: ['k', 'k'] }] } }),
    ...['"420"', '420.0', '4e2', '-0', '4095', '4096', '-1', 'null', '99999999999999999999'].map((mode) =>
      config('3.3.0', { storage: { files: [{ path: '/a', mode: 'MODE' }] } }).replace('"MODE"', mode),
    ),
    ...['', '/', 'a', '/a/', '/a//b', '/a/../b', '/./a', '/a/..', '/ä', '/a b'].map((path) => file({ path })),
    file({ overwrite: true }),
    file({ overwrite: true, contents: { source: '' } }),
    file({ user: { id: 0, name: 'root' } }),
    file({ user: { id: 0, name: '' } }),
    file({ contents: { compression: 'xz' } }),
    file({ contents: { verification: { hash: `sha512-${'0'.repeat(128)}` } } }),
    file({ contents: { source: 'http://a', verification: { hash: `sha256-${'0'.repeat(64)}` } } }),
    file({ contents: { source: 'http://a', verification: { hash: `sha256-${'0'.repeat(64)}` } } }, '3.0.0'),
    file({ contents: { source: 'http://a', verification: { hash: 'sha512' } } }),
    file({ contents: { source: 'data:,a', httpHeaders: [{ name: 'a', value: 'b' }] } }),
    file({ contents: { source: 'http://a', httpHeaders: [{ name: '', value: 'b' }] } }),
    file({ contents: { source: 'http://a', httpHeaders: [{ name: 'a' }, { name: 'a' }] } }),
    ...[
      'gs://b/o',
      's3://b/o',
      's3://b/o?versionId=',
      's3://b/o?versionId=1',
      'tftp://h/a',
      'arn:aws:s3:::b/k',
    ].flatMap((url) => [source(url), source(url, '3.0.0')]),
    ...['HTTP://x', 'http:', 'http:x', 'http://a b', 'http://h:x/', 'http://h/%zz', 'http://h?%zz', 'http://h#%zz'].map(
      (url) => source(url),
    ),
    ...['x', ':x', '/x', 'ftp://x', 'http://[::1]/', 'http://[::1/', 'http://h<', 'http://u:p@h/', 'http://h/\n'].map(
      (url) => source(url),
    ),
    ...[',', '', 'x', ',a b', ',a%20b', ',%', ',%zz', ';base64,YQ==', ';base64,YQ', ';base64,YQ%3D%3D', ';base64,'].map(
      (rest) => source(`data:${rest}`),
    ),
    ...[
      'text/plain',
      'foo/bar',
      'x-a/b',
      'text',
      'text/plain;charset=utf-8',
      'text/plain;',
      ';a="b,c"',
      ';a="b',
      ';base65',
    ].map((type) => source(`data:${type},a`)),
    ...[
      '',
      'x',
      '[Unit',
      '[Unit]x',
      '[Unit]\nA',
      '[Unit]\nA\n',
      '[Unit]\nA=b\\\nc',
      '#[\n[A]',
      'a[b',
      '[A]\n#c\\\n[d',
      '[A]\r\nb=c\r\n',
    ].map(unit),
    ...[2045, 2046].map((length) => unit(`[A]\nB=${'x'.repeat(length)}`)),
    ...['a', 'a.conf', '.service', 'a.b/c.mount', 'a.service ', 'a@.service', 'a.slice/b'].map((name) =>
      config('3.3.0', { systemd: { units: [{ name }] } }),
    ),
    ...['a', 'a.conf', '.conf', 'a.CONF'].map((name) =>
      config('3.3.0', { systemd: { units: [{ name: 'a.service', dropins: [{ name }] }] } }),
    ),
    ...['3.2.0', '3.3.0'].map((version) => storage({ filesystems: [{ device: '/dev/sda', format: 'none' }] }, version)),
    storage({ filesystems: [{ device: '/dev/sda', label: 'a' }] }),
    storage({ filesystems: [{ device: '/dev/sda', path: '' }] }),
    storage({ filesystems: [{ device: '/dev/sda', wipeFilesystem: false }] }),
    storage({ filesystems: [{ device: '/dev/sda', wipeFilesystem: true }] }),
    storage({ filesystems: [{ device: '/dev/sda', format: 'vfat', label: 'äääääa' }] }),
    storage({ filesystems: [{ device: '/dev/sda', format: 'vfat', label: 'ääääää' }] }),
    part({ label: 'a' }, { label: 'a' }),
    part({ number: 1 }, { number: 1 }),
    part({}),
    part({ label: '' }),
    part({ number: 1, guid: '' }),
    part({ number: 1, guid: 'x' }),
    part({ number: 1, shouldExist: false, label: '' }),
    part({ number: 1, shouldExist: false, sizeMiB: 0 }),
    part({ number: 1, shouldExist: false }, { label: 'a' }),
    part({ number: 1, startMiB: 1, sizeMiB: 9 }, { number: 2, startMiB: 9, sizeMiB: 1 }),
    part({ number: 1, startMiB: 1, sizeMiB: 9 }, { number: 2, startMiB: 10, sizeMiB: 1 }),
    part({ number: 1, startMiB: 1, sizeMiB: 0 }, { number: 2, startMiB: 2, sizeMiB: 0 }),
    part({ number: 1, startMiB: 0, sizeMiB: 9 }, { number: 2, startMiB: 0, sizeMiB: 9 }),
    storage({ raid: [{ name: 'a', level: 'raid0', spares: 1, devices: ['/dev/a'] }] }),
    storage({ raid: [{ name: 'a', level: '6', spares: 1, devices: ['/dev/a', '/dev/a'] }] }),
    storage({ raid: [{ name: 'a', level: 'raid1', devices: [] }] }),
    clevis({ custom: {}, tpm2: true }),
    clevis({ custom: {}, tpm2: true }, '3.2.0'),
    clevis({ custom: { needsNetwork: true } }),
    clevis({ custom: { pin: 'tang', config: '{}' }, threshold: 1 }),
    clevis({ custom: { pin: 'tang', config: '{}' }, threshold: 0 }),
    clevis({ tang: [{ url: 'ftp://a', thumbprint: 'a' }] }),
    storage({ files: [{ path: '/a' }], links: [{ path: '/a', target: 'b' }] }),
    storage({ files: [{ path: '/a/b' }], links: [{ path: '/a', target: 'b' }] }),
    storage({ directories: [{ path: '/a' }], links: [{ path: '/b', target: '/a', hard: true }] }),
    storage({ directories: [{ path: '/a' }], links: [{ path: '/b', target: '../a', hard: true }] }),
    storage({ links: [{ path: '/b', target: '' }] }),
    JSON.stringify({ ignition: { version: '3.1.0', proxy: { httpProxy: 'x', httpsProxy: 'http://x' } } }),
    JSON.stringify({ ignition: { version: '3.1.0', config: { merge: [{ source: '' }] } } }),
    JSON.stringify({
      ignition: { version: '3.1.0', config: { merge: [{ source: 'http://a' }, { source: 'http://a' }] } },
    }),
  ])('and we agree about %s', async (text) => {
    const verdicts = await compareVerdicts(text)
    expect(verdicts).toMatchObject({ agree: true })
  })

  it.each(SPECS)(
    'and we agree about 100 small changes to the config of spec %s',
    { timeout: 120_000 },
    async (spec) => {
      await fc.assert(
        fc.asyncProperty(mutatedConfig(fullConfig(spec)), async (value) => {
          const verdicts = await compareVerdicts(JSON.stringify(value))
          expect(verdicts).toMatchObject({ agree: true })
        }),
        // The same ones every time, so that no run fails by chance; `test/full/ignition-fuzz.test.ts` looks for new ones.
        { numRuns: 100, seed: 20261125 },
      )
    },
  )
})
