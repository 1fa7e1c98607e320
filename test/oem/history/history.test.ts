/** The history file: what is written is read again, and whatever else is found in its place is told, not crashed on. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { formatHistory, type History, treeDigest } from '#src/oem/history/history.js'
import { parseHistory } from '#src/oem/history/parse-history.js'

const sha256 = fc.string({ unit: fc.constantFrom(...'0123456789abcdef'), minLength: 64, maxLength: 64 })
const name = fc
  .string({ unit: 'binary', minLength: 1, maxLength: 20 })
  .filter((text) => !/[/\0]/.test(text) && text !== '.' && text !== '..')
const path = fc.array(name, { minLength: 1, maxLength: 4 }).map((names) => `/${names.join('/')}`)
const mode = fc.integer({ min: 0, max: 0o7777 })
const text = fc.string({ unit: 'binary', minLength: 1, maxLength: 60 })
const count = fc.maxSafeNat()

/** In order of path, each once. */
const listOf = <T extends { readonly path: string }>(record: fc.Arbitrary<T>): fc.Arbitrary<readonly T[]> =>
  fc
    .uniqueArray(record, { maxLength: 6, selector: (each) => each.path })
    .map((records) => records.sort((left, right) => (left.path < right.path ? -1 : 1)))

const owned = { path, mode, uid: count, gid: count }
const history: fc.Arbitrary<History> = fc.record({
  version: text,
  template: fc.option(fc.record({ name: text, sha256 }), { nil: undefined }),
  original: fc.record({
    release: fc.option(text, { nil: undefined }),
    vendorSet: fc.option(text, { nil: undefined }),
    tree: sha256,
  }),
  written: listOf(fc.record({ path, mode, sizeBytes: count, sha256, isDerived: fc.boolean() })),
  directories: listOf(fc.record({ path })).map((records) => records.map((record) => record.path)),
  displaced: listOf(
    fc.oneof(
      fc.record({ ...owned, kind: fc.constant('file' as const), sizeBytes: count, sha256 }),
      fc.record({ ...owned, kind: fc.constant('symlink' as const), target: fc.string({ unit: 'binary' }) }),
      fc.record({ ...owned, kind: fc.constantFrom('directory' as const, 'other' as const) }),
    ),
  ),
})

const SAMPLE: History = {
  version: '0.1.0',
  template: { name: 'rackspace', sha256: 'a'.repeat(64) },
  original: { release: 'container-linux:2512.3.0', vendorSet: 'openstack', tree: 'b'.repeat(64) },
  written: [
    { path: '/bin/x', mode: 0o755, sizeBytes: 12, sha256: 'c'.repeat(64), isDerived: false },
    { path: '/grub.cfg', mode: 0o644, sizeBytes: 30, sha256: 'd'.repeat(64), isDerived: true },
  ],
  directories: ['/bin'],
  displaced: [
    { path: '/base', kind: 'directory', mode: 0o755, uid: 0, gid: 0 },
    { path: '/base/README', kind: 'file', mode: 0o644, uid: 0, gid: 0, sizeBytes: 5, sha256: 'e'.repeat(64) },
    { path: '/lib', kind: 'symlink', mode: 0o777, uid: 0, gid: 0, target: 'lib64' },
  ],
}

const sampleText = formatHistory(SAMPLE).toString()
/** The sample with a change to its JSON. */
function changed(change: (value: Record<string, unknown>) => void): string {
  const value: Record<string, unknown> = JSON.parse(sampleText)
  change(value)
  return JSON.stringify(value)
}

const reasonOf = (content: string | Uint8Array): string => {
  const parsed = parseHistory(typeof content === 'string' ? Buffer.from(content) : content)
  return parsed.kind === 'damaged' ? parsed.reason : parsed.kind
}

describe('a history', () => {
  it('is read as it was written, whatever names and targets it holds', () => {
    fc.assert(
      fc.property(history, (each) => {
        const bytes = formatHistory(each)
        const parsed = parseHistory(bytes)
        expect(parsed).toEqual({ kind: 'history', history: each })
        // The same bytes again: a bake that changes nothing has nothing to write.
        expect(parsed.kind === 'history' && formatHistory(parsed.history).equals(bytes)).toBe(true)
      }),
    )
  })

  it('is text that a person can read, one record a line', () => {
    expect(sampleText.split('\n').slice(0, 6)).toEqual([
      '{',
      '  "oemBakeHistory": 1,',
      '  "version": "0.1.0",',
      `  "template": {"name":"rackspace","sha256":"${'a'.repeat(64)}"},`,
      `  "original": {"release":"container-linux:2512.3.0","vendorSet":"openstack","tree":"${'b'.repeat(64)}"},`,
      '  "written": [',
    ])
    expect(sampleText).toContain(`\n    {"path":"/bin/x","mode":"0755","sizeBytes":12,"sha256":"${'c'.repeat(64)}"},\n`)
  })

  it('cut short anywhere is damaged', () => {
    // The line feed behind the last bracket is not missed.
    for (let length = 0; length < sampleText.length - 1; length++) {
      expect(parseHistory(Buffer.from(sampleText.slice(0, length))).kind, `${length} bytes`).toBe('damaged')
    }
  })

  it('with any bytes changed gives a history, or a reason why not, and never anything else', () => {
    const change = fc.record({ at: fc.nat(sampleText.length - 1), byte: fc.nat(255), length: fc.nat(3) })
    fc.assert(
      fc.property(fc.array(change, { minLength: 1, maxLength: 5 }), (changes) => {
        let bytes = Buffer.from(sampleText)
        for (const { at, byte, length } of changes) {
          bytes = Buffer.concat([bytes.subarray(0, at), Buffer.alloc(length, byte), bytes.subarray(at + 1)])
        }
        const parsed = parseHistory(bytes)
        if (parsed.kind === 'history') expect(parseHistory(formatHistory(parsed.history))).toEqual(parsed)
        else if (parsed.kind === 'damaged') expect(parsed.reason).not.toBe('')
      }),
      { numRuns: 500 },
    )
  })

  it('is not found in any JSON, nor in any bytes', () => {
    fc.assert(fc.property(fc.json(), (json) => parseHistory(Buffer.from(json)).kind === 'damaged'))
    fc.assert(fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => parseHistory(bytes).kind === 'damaged'))
  })

  it('of a newer form says so, with the version that wrote it, whatever else has changed', () => {
    expect(parseHistory(Buffer.from('{"oemBakeHistory": 2, "version": "3.1.0", "files": {}}'))).toEqual({
      kind: 'newer',
      version: '3.1.0',
    })
    expect(parseHistory(Buffer.from('{"oemBakeHistory": 7}'))).toEqual({ kind: 'newer', version: undefined })
  })

  it.each([
    ['bytes that are no text', Buffer.from([0x7b, 0xff, 0x7d]), 'it is no UTF-8 text'],
    ['no JSON', '{\n  "oemBakeHistory": 1,\n}', 'it is no JSON: line 3, column 1 has "}"'],
    ['a list', '[]', 'it has no oemBakeHistory'],
    ["somebody else's JSON", '{"version": 1}', 'it has no oemBakeHistory'],
    [
      'a form that never was',
      changed((value) => (value.oemBakeHistory = 0)),
      'oemBakeHistory is no version of its form',
    ],
    ['a missing key', changed((value) => delete value.displaced), 'it has no displaced'],
    ['an unknown key', changed((value) => (value.extra = 1)), 'it has an unknown key "extra"'],
    [
      'paths out of order',
      changed((value) => (value.directories = ['/b', '/a'])),
      'directories is not in order of path',
    ],
    ['a path twice', changed((value) => (value.directories = ['/b', '/b'])), 'directories is not in order of path'],
    ['a path that climbs', changed((value) => (value.directories = ['/a/../b'])), 'directories, record 1, has no path'],
    ['a relative path', changed((value) => (value.directories = ['a'])), 'directories, record 1, has no path'],
    ['the root as a path', changed((value) => (value.directories = ['/'])), 'directories, record 1, has no path'],
    ['a list that is none', changed((value) => (value.written = {})), 'written is a mapping, expected a list'],
    [
      'a kind that is none',
      changed((value) => (value.displaced = [{ path: '/a', kind: 'hardlink', mode: '0644', uid: 0, gid: 0 }])),
      'kind of displaced, record 1, is none that there is',
    ],
  ])('is told to be damaged by %s', (_, content, reason) => {
    expect(reasonOf(content)).toBe(reason)
  })
})

describe('the digest of a tree', () => {
  const entry = { path: '/a', kind: 'file', mode: 0o644, uid: 0, gid: 0, sizeBytes: 1 } as const

  it.each([
    ['a name', { path: '/b' }],
    ['a mode', { mode: 0o600 }],
    ['an owner', { gid: 1 }],
    ['a size', { sizeBytes: 2 }],
    ['a kind', { kind: 'symlink', target: 'x' } as const],
  ])('is another for %s', (_, change) => {
    expect(treeDigest([{ ...entry, ...change }])).not.toBe(treeDigest([entry]))
  })

  it('is the same whatever belongs to the filesystem, and whether there is a history', () => {
    const more = ['/.oem-bake.json', '/lost+found', '/lost+found/#12'].map((path) => ({ ...entry, path }))
    expect(treeDigest([...more, entry])).toBe(treeDigest([entry]))
  })
})
