import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import type { OemEntry } from '#src/engine/engine.js'
import { type OemContent, resolveContent } from '#src/oem/content.js'
import { HISTORY_PATH } from '#src/oem/history/history.js'
import { describeOem, type OemState, type Plan, pathsWorthReading, planBake } from '#src/oem/plan/plan.js'
import { type ImageRelease, parseReleaseArgument } from '#src/oem/release/release.js'
import type { ContentRequest } from '#src/request.js'
import { rejectsWithCode } from '../../support/errors.js'
import { historyOf } from '../../support/model-tree.js'
import { temporaryDirectory } from '../../support/temp.js'

const CL = 'container-linux:2512.3.0'
const directory = temporaryDirectory()
let made = 0

/** A file on this machine. */
function hostFile(text: string | Buffer, mode = 0o644): string {
  const path = join(directory, `f${made++}`)
  writeFileSync(path, text, { mode })
  return path
}

type Tree = Readonly<Record<string, string | null | { readonly link: string } | { readonly executable: string }>>

/** An OEM partition: text is a file, null a directory, `link` a symlink. */
function oem(tree: Tree, more: Partial<OemState['space']> = {}): OemState {
  const entries: OemEntry[] = Object.entries(tree)
    .map(([path, value]): OemEntry => {
      const common = { path, uid: 0, gid: 0 }
      if (value === null) return { ...common, kind: 'directory', mode: 0o755, sizeBytes: 0 }
      if (typeof value === 'object' && 'link' in value)
        return { ...common, kind: 'symlink', mode: 0o777, sizeBytes: 0, target: value.link }
      const [text, mode] = typeof value === 'string' ? [value, 0o644] : [value.executable, 0o755]
      return { ...common, kind: 'file', mode, sizeBytes: Buffer.byteLength(text) }
    })
    .sort((left, right) => (left.path < right.path ? -1 : 1))
  const contents = new Map(
    Object.entries(tree).flatMap(([path, value]) => {
      const text = typeof value === 'object' && value !== null && 'executable' in value ? value.executable : value
      return typeof text === 'string' ? [[path, Buffer.from(text)]] : []
    }),
  )
  const space = { blockBytes: 4096, totalBytes: 128 << 20, freeBytes: 99 << 20, freeInodes: 1000, ...more }
  const filesystem = { kind: 'btrfs', label: 'OEM', uuid: '', sizeBytes: 128 << 20 } as const
  return { entries, contents, space, filesystem, ...historyOf(contents) }
}

const OPENSTACK: Tree = {
  '/lost+found': null,
  '/base': null,
  '/base/README': 'read me',
  '/base/default.ign': '{"ignition":{"version":"2.1.0"}}',
  '/grub.cfg': 'set oem_id="openstack"\nset linux_append="$linux_append keep"\n',
  '/oem-release': 'ID=openstack\nVERSION_ID=1\nNAME="OpenStack"\n',
}

async function plan(request: ContentRequest, state: OemState, release: string | ImageRelease = CL): Promise<Plan> {
  const content: OemContent = await resolveContent(request, {})
  return planBake(content, state, typeof release === 'string' ? parseReleaseArgument(release) : release)
}

function actions(planned: Plan): Readonly<Record<string, string>> {
  const changes = planned.changes.filter(({ path }) => path !== HISTORY_PATH)
  return Object.fromEntries(changes.map((change) => [change.path, change.action]))
}

/** But for the history, which every bake leaves. */
function editsOf(planned: Plan): Plan['edits'] {
  return planned.edits.filter(({ path }) => path !== HISTORY_PATH)
}

function rules(planned: Plan): readonly string[] {
  return planned.findings.map((finding) => finding.rule)
}

/** Does what an engine does, and gives the tree that results. */
function carryOut(state: OemState, planned: Plan): ReadonlyMap<string, string> {
  const tree = new Map(state.entries.map((entry) => [entry.path, entry.kind as string]))
  for (const edit of planned.edits) {
    const parent = edit.path.slice(0, edit.path.lastIndexOf('/'))
    if (parent !== '') expect(tree.get(parent), `${edit.kind} ${edit.path}`).toBe('directory')
    switch (edit.kind) {
      case 'remove-file':
        expect(tree.get(edit.path)).not.toBe('directory')
        expect(tree.delete(edit.path)).toBe(true)
        break
      case 'remove-directory':
        expect([...tree.keys()].filter((path) => path.startsWith(`${edit.path}/`))).toEqual([])
        expect(tree.delete(edit.path)).toBe(true)
        break
      case 'make-directory':
        expect(tree.has(edit.path)).toBe(false)
        tree.set(edit.path, 'directory')
        break
      case 'write-file':
        expect([undefined, 'file']).toContain(tree.get(edit.path))
        tree.set(edit.path, 'file')
    }
  }
  return tree
}

function assertConsistent(state: OemState, planned: Plan): void {
  const expected = new Map(planned.expected.map((entry) => [entry.path, entry.kind as string]))
  expect(new Map([...carryOut(state, planned)].sort())).toEqual(new Map([...expected].sort()))
}

describe('a template on an empty partition', () => {
  it.each([
    [
      'rackspace',
      'container-linux:1000.0.0',
      ['/bin', '/bin/coreos-setup-environment', '/cloud-config.yml', '/grub.cfg', '/oem-release'],
    ],
    [
      'rackspace',
      CL,
      [
        '/base',
        '/base/default.ign',
        '/bin',
        '/bin/coreos-setup-environment',
        '/cloud-config.yml',
        '/grub.cfg',
        '/oem-release',
      ],
    ],
    [
      'rackspace',
      'flatcar:3510.2.8',
      [
        '/base',
        '/base/base.ign',
        '/bin',
        '/bin/flatcar-setup-environment',
        '/cloud-config.yml',
        '/grub.cfg',
        '/oem-release',
      ],
    ],
    ['ec2', 'container-linux:1000.0.0', ['/cloud-config.yml', '/grub.cfg', '/oem-release']],
    ['ec2', CL, ['/base', '/base/base.ign', '/base/default.ign', '/grub.cfg', '/oem-release']],
    ['ec2', 'flatcar:3033.2.4', ['/base', '/base/base.ign', '/base/default.ign', '/grub.cfg', '/oem-release']],
    ['ec2', 'flatcar:3510.2.8', ['/base', '/base/base.ign', '/grub.cfg', '/oem-release']],
    ['ec2', 'flatcar:4722.0.0', ['/base', '/base/base.ign', '/grub.cfg', '/oem-release']],
    ['openstack', CL, ['/base', '/base/default.ign', '/grub.cfg', '/oem-release']],
    ['openstack', 'flatcar:3510.2.8', ['/grub.cfg', '/oem-release']],
    ['openstack', 'flatcar:4722.0.0', ['/grub.cfg', '/oem-release']],
  ])('%s on %s writes %j, without a warning', async (template, release, paths) => {
    const state = oem({ '/lost+found': null })
    const planned = await plan({ template }, state, release)
    expect(
      editsOf(planned)
        .map((edit) => edit.path)
        .sort(),
    ).toEqual(paths)
    expect(planned.findings.filter((finding) => finding.severity === 'warning')).toEqual([])
    expect(planned.oemId).toBe(template)
    assertConsistent(state, planned)
  })

  it('writes spec 3.x only where 2.x would be translated', async () => {
    const specOf = async (release: string) => {
      const edit = (await plan({ template: 'ec2' }, oem({}), release)).edits.find(
        ({ path }) => path === '/base/base.ign',
      )
      if (edit?.kind !== 'write-file' || edit.content.kind !== 'bytes') throw new Error('no base.ign')
      return JSON.parse(Buffer.from(edit.content.bytes).toString()).ignition.version
    }
    expect(await specOf(CL)).toBe('2.1.0')
    expect(await specOf('flatcar:3510.2.8')).toBe('3.0.0')
  })

  it('baked a second time makes no edit', async () => {
    const first = await plan({ template: 'rackspace' }, oem({}))
    const tree: Record<string, string | null | { readonly executable: string }> = {}
    for (const edit of first.edits) {
      if (edit.kind === 'make-directory') tree[edit.path] = null
      if (edit.kind === 'write-file' && edit.content.kind === 'bytes')
        tree[edit.path] =
          edit.mode === 0o755
            ? { executable: Buffer.from(edit.content.bytes).toString() }
            : Buffer.from(edit.content.bytes).toString()
    }
    const second = await plan({ template: 'rackspace' }, oem(tree))
    expect(second.edits).toEqual([])
    expect(new Set(Object.values(actions(second)))).toEqual(new Set(['unchanged', 'keep']))
    expect(second.space.freeBytesAfter).toBe(second.space.freeBytesBefore)
  })
})

describe('files that are there already', () => {
  it('replaces a vendor set as a whole and says so', async () => {
    const state = oem(OPENSTACK)
    const planned = await plan({ template: 'rackspace' }, state)
    expect(actions(planned)).toEqual({
      '/base': 'keep',
      '/base/README': 'remove',
      '/base/default.ign': 'replace',
      '/bin': 'add',
      '/bin/coreos-setup-environment': 'add',
      '/cloud-config.yml': 'add',
      '/grub.cfg': 'replace',
      '/oem-release': 'replace',
    })
    expect(rules(planned)).toContain('vendor-set-replaced')
    expect(planned.changes.find(({ path }) => path === '/base/README')?.origin).toBe('vendor set openstack')
    assertConsistent(state, planned)
  })

  it('keeps lost+found, in the tree and out of the changes', async () => {
    const planned = await plan({ template: 'rackspace', existing: 'replace' }, oem(OPENSTACK))
    expect(planned.expected.map(({ path }) => path)).toContain('/lost+found')
    expect(planned.changes.map(({ path }) => path)).not.toContain('/lost+found')
  })

  it('refuses what nobody knows, with the list and the way out', async () => {
    const state = oem({ ...OPENSTACK, '/mine.txt': 'x', '/base/mine.ign': '{"ignition":{"version":"2.1.0"}}' })
    const error = await rejectsWithCode(plan({ template: 'rackspace' }, state), 'ERR_OEM_UNKNOWN_FILES')
    expect(error.details).toEqual({ paths: ['/base/mine.ign', '/mine.txt'] })
    expect(error.hint).toContain('--existing merge')
  })

  it("does not take files for a vendor's by their names alone", async () => {
    const state = oem({ '/base': null, '/base/base.ign': '{"ignition":{"version":"2.1.0"}}' })
    await rejectsWithCode(plan({ template: 'rackspace' }, state), 'ERR_OEM_UNKNOWN_FILES')
  })

  it('merge keeps everything else, and warns of the other vendor', async () => {
    const state = oem({ ...OPENSTACK, '/mine.txt': 'x' })
    const planned = await plan({ template: 'rackspace', existing: 'merge' }, state)
    expect(actions(planned)).toMatchObject({ '/mine.txt': 'keep', '/base/README': 'keep', '/grub.cfg': 'replace' })
    expect(rules(planned)).toContain('vendor-files-stay')
    assertConsistent(state, planned)
  })

  it('replace removes everything but sysext', async () => {
    const state = oem({
      ...OPENSTACK,
      '/mine': null,
      '/mine/empty': null,
      '/mine/a.txt': 'x',
      '/sysext': null,
      '/sysext/active-oem-openstack': '',
      '/sysext/oem-openstack-1.raw': 'raw',
    })
    const planned = await plan({ template: 'rackspace', existing: 'replace' }, state)
    expect(actions(planned)).toMatchObject({
      '/mine': 'remove',
      '/mine/empty': 'remove',
      '/mine/a.txt': 'remove',
      '/sysext': 'keep',
      '/sysext/active-oem-openstack': 'keep',
      '/sysext/oem-openstack-1.raw': 'keep',
    })
    assertConsistent(state, planned)
  })

  it('refuse refuses a vendor set, and accepts an empty partition', async () => {
    await rejectsWithCode(plan({ template: 'rackspace', existing: 'refuse' }, oem(OPENSTACK)), 'ERR_OEM_UNKNOWN_FILES')
    await plan({ template: 'rackspace', existing: 'refuse' }, oem({ '/lost+found': null }))
  })

  it('keeps the vendor set when only a file is added', async () => {
    const state = oem(OPENSTACK)
    const planned = await plan({ files: [{ source: hostFile('x'), destination: '/units/x.service' }] }, state)
    expect(actions(planned)).toMatchObject({ '/base/default.ign': 'keep', '/units': 'add', '/units/x.service': 'add' })
    expect(planned.oemId).toBe('openstack')
    assertConsistent(state, planned)
  })

  it('removes a directory with all it holds, and nothing beside it', async () => {
    const state = oem({ '/a': null, '/a/b': null, '/a/b/c': 'x', '/ab': 'y', '/a.txt': 'z' })
    const planned = await plan({ remove: ['/a'], existing: 'merge' }, state)
    expect(editsOf(planned)).toEqual([
      { kind: 'remove-file', path: '/a/b/c' },
      { kind: 'remove-directory', path: '/a/b' },
      { kind: 'remove-directory', path: '/a' },
    ])
    assertConsistent(state, planned)
  })

  it('keeps a removed directory that new files need', async () => {
    const state = oem({ ...OPENSTACK, '/base/mine': 'x' })
    const planned = await plan({ template: 'ec2', remove: ['/base'] }, state)
    expect(actions(planned)).toMatchObject({ '/base': 'keep', '/base/mine': 'remove', '/base/default.ign': 'replace' })
    assertConsistent(state, planned)
  })

  it('notes a path to remove that is not there', async () => {
    expect(rules(await plan({ template: 'rackspace', remove: ['/gone'] }, oem({})))).toContain('remove-absent')
  })

  it.each([
    ['onto one', { '/grub.cfg': { link: '/etc/passwd' } }],
    ['through one', { '/base': { link: '/etc' } }],
  ])('refuses to write %s that stays', async (_, tree) => {
    for (const existing of ['merge'] as const)
      await rejectsWithCode(plan({ template: 'ec2', existing }, oem(tree)), 'ERR_OEM_SYMLINK')
  })

  it('writes where a link was once that is removed', async () => {
    const state = oem({ '/base': { link: '/etc' }, '/grub.cfg': { link: '/etc/passwd' } })
    const planned = await plan({ template: 'ec2', remove: ['/base', '/boot'], existing: 'replace' }, state)
    expect(planned.edits.slice(0, 2)).toEqual([
      { kind: 'remove-file', path: '/base' },
      { kind: 'remove-file', path: '/grub.cfg' },
    ])
    assertConsistent(state, planned)
  })

  it('refuses a file where a directory is, and one below a file', async () => {
    const source = hostFile('x')
    const state = oem({ '/a': null, '/a/x': 'x', '/b': 'x' })
    const write = (destination: string) => plan({ files: [{ source, destination }], existing: 'merge' }, state)
    await rejectsWithCode(write('/a'), 'ERR_OEM_PATH_INVALID')
    await rejectsWithCode(write('/b/c'), 'ERR_OEM_PATH_INVALID')
  })
})

describe('the OEM id', () => {
  it('is changed in the grub.cfg that is there, whose other lines stay', async () => {
    const planned = await plan({ oemId: 'brightbox' }, oem(OPENSTACK))
    const edit = planned.edits.find(({ path }) => path === '/grub.cfg')
    if (edit?.kind !== 'write-file' || edit.content.kind !== 'bytes') throw new Error('no grub.cfg')
    expect(Buffer.from(edit.content.bytes).toString()).toBe(
      'set oem_id="brightbox"\nset linux_append="$linux_append keep"\n',
    )
    // The rest of the set goes: its default.ign would start the old vendor's cloudinit.
    expect(actions(planned)).toMatchObject({ '/base/default.ign': 'remove', '/oem-release': 'remove' })
  })

  it('that is the same already changes nothing', async () => {
    expect((await plan({ oemId: 'openstack' }, oem(OPENSTACK))).edits).toEqual([])
  })

  it("takes the place of the template's", async () => {
    expect((await plan({ template: 'rackspace', oemId: 'openstack' }, oem({}))).oemId).toBe('openstack')
  })

  it.each([
    [CL, 'hetzner'],
    ['flatcar:4722.0.0', 'rackspace'],
    ['flatcar:3227.2.0', 'rackspace'],
    ['container-linux:1800.0.0', 'metal'],
  ])('%s does not know %s, and says what it knows', async (release, oemId) => {
    const error = await rejectsWithCode(plan({ oemId }, oem({}), release), 'ERR_OEM_ID_UNKNOWN')
    expect(error.message).toContain('never boot')
    expect(error.hint).toContain('openstack')
    expect(rules(await plan({ oemId, oemIdUnchecked: true }, oem({}), release))).toContain('oem-id-unknown')
  })

  it('of an unknown release is checked against all, with a warning', async () => {
    const unknown: ImageRelease = { kind: 'unknown', reason: 'test' }
    expect(rules(await plan({ oemId: 'hetzner' }, oem({}), unknown))).toContain('release-unknown')
    await rejectsWithCode(plan({ oemId: 'hcloud' }, oem({}), unknown), 'ERR_OEM_ID_UNKNOWN')
    await plan({ template: 'ec2' }, oem({}), unknown)
  })

  it('that was there and is unknown only warns', async () => {
    const state = oem({ '/grub.cfg': 'set oem_id="hcloud"\n' })
    const planned = await plan({ files: [{ source: hostFile('x'), destination: '/x' }], existing: 'merge' }, state)
    expect(rules(planned)).toContain('oem-id-unknown')
  })

  it('must not contradict a grub.cfg that is given', async () => {
    const files = [{ source: hostFile('set oem_id="ec2"\n'), destination: '/grub.cfg' }]
    await rejectsWithCode(plan({ files, oemId: 'gce' }, oem({})), 'ERR_OEM_ID_INVALID')
    expect((await plan({ files }, oem({}))).oemId).toBe('ec2')
  })
})

describe('files without an effect on the release', () => {
  const ignition = (as: 'base' | 'default' | 'config') => ({
    path: hostFile('{"ignition":{"version":"2.0.0"}}'),
    as,
  })

  it.each([
    ['default', 'flatcar:3510.2.8'],
    ['default', 'container-linux:1590.0.0'],
    ['base', 'container-linux:1590.0.0'],
    ['config', 'container-linux:1590.0.0'],
  ] as const)('an Ignition config as %s on %s is an error', async (as, release) => {
    const error = await rejectsWithCode(plan({ ignition: ignition(as) }, oem({}), release), 'ERR_IGNITION_INVALID')
    expect(error.hint).toBeTruthy()
  })

  it('a cloud-config on Flatcar from 4722 on is an error, and below it is not', async () => {
    const cloudConfig = hostFile('#cloud-config\n')
    await rejectsWithCode(plan({ cloudConfig }, oem({}), 'flatcar:4722.0.0'), 'ERR_CLOUD_CONFIG_INVALID')
    expect(actions(await plan({ cloudConfig }, oem({}), 'flatcar:4721.0.0'))).toEqual({ '/cloud-config.yml': 'add' })
  })

  it('hyphenated keys are told from Flatcar 3913 on', async () => {
    const cloudConfig = hostFile('#cloud-config\ncoreos:\n  update:\n    reboot-strategy: "off"\n')
    expect(rules(await plan({ cloudConfig }, oem({}), 'flatcar:3913.0.0'))).toContain('cloud-config-hyphens')
    expect(rules(await plan({ cloudConfig }, oem({}), 'flatcar:3912.0.0'))).not.toContain('cloud-config-hyphens')
  })

  it('a config.ign is told to hide user data', async () => {
    expect(rules(await plan({ ignition: ignition('config') }, oem({})))).toContain('ignition-hides-userdata')
  })
})

describe('oem:// files', () => {
  const path = hostFile(
    '{"ignition":{"version":"2.1.0"},"storage":{"files":[{"filesystem":"root","path":"/x","contents":{"source":"oem:///units/x"}}]}}',
  )

  it('must be in the tree that results', async () => {
    const request: ContentRequest = { ignition: { path, as: 'base' } }
    const error = await rejectsWithCode(plan(request, oem({})), 'ERR_IGNITION_INVALID')
    expect(error.hint).toContain('--file SRC:/units/x')
    await plan({ ...request, files: [{ source: hostFile('x'), destination: '/units/x' }] }, oem({}))
    await plan({ ...request, existing: 'merge' }, oem({ '/units': null, '/units/x': 'x' }))
    await rejectsWithCode(
      plan({ ...request, existing: 'replace' }, oem({ '/units': null, '/units/x': 'x' })),
      'ERR_IGNITION_INVALID',
    )
  })

  it('must not be taken from a config that stays', async () => {
    const kept = '{"ignition":{"version":"2.1.0","config":{"append":[{"source":"oem:///a"}]}}}'
    const state = oem({ '/base': null, '/base/base.ign': kept, '/a': 'x' })
    await rejectsWithCode(plan({ remove: ['/a'], existing: 'merge' }, state), 'ERR_IGNITION_INVALID')
  })
})

describe('room', () => {
  it('that does not suffice is refused before anything is written', async () => {
    const files = [{ source: hostFile(Buffer.alloc(3 << 20, 1)), destination: '/big' }]
    const error = await rejectsWithCode(plan({ files }, oem({}, { freeBytes: 2 << 20 })), 'ERR_OEM_FULL')
    expect(error.message).toContain('2 MiB')
    const planned = await plan({ files }, oem({}))
    expect(planned.space.freeBytesAfter).toBeLessThan(planned.space.freeBytesBefore - (3 << 20) + 1)
  })

  it('counts what goes', async () => {
    const files = [{ source: hostFile(Buffer.alloc(3 << 20, 1)), destination: '/big' }]
    const state = oem({ '/old': 'x'.repeat(3 << 20) }, { freeBytes: 1 << 20 })
    await plan({ files, remove: ['/old'] }, state)
  })

  it('of inodes is checked where the filesystem counts them', async () => {
    await rejectsWithCode(plan({ template: 'rackspace' }, oem({}, { freeInodes: 2 })), 'ERR_OEM_FULL')
    await plan({ template: 'rackspace' }, { ...oem({}), space: { ...oem({}).space, freeInodes: undefined } })
  })
})

describe('updates of the OS', () => {
  const SYSEXT: Tree = { '/sysext': null, '/sysext/active-oem-openstack': '', '/sysext/oem-openstack-1.raw': 'r' }

  it('are foreseen when the ID differs from the extension that stays', async () => {
    const state = oem({ ...OPENSTACK, ...SYSEXT })
    expect(rules(await plan({ template: 'rackspace' }, state, 'flatcar:3815.2.0'))).toContain('update-extension-id')
    expect(rules(await plan({ template: 'openstack' }, state, 'flatcar:3815.2.0'))).not.toContain('update-extension-id')
    expect(rules(await plan({ template: 'rackspace' }, state, CL))).not.toContain('update-extension-id')
  })

  it('clean folders of vendor IDs: a warning for files that somebody added', async () => {
    const files = [{ source: hostFile('x'), destination: '/bin/mine' }]
    const planned = await plan({ template: 'ec2', files }, oem({}), 'flatcar:3510.2.8')
    const finding = planned.findings.find(({ rule }) => rule === 'update-cleans')
    expect(finding?.severity).toBe('warning')
    expect(finding?.message).toContain('/bin/mine')
  })

  it('fail for a mark without an extension', async () => {
    const files = [{ source: hostFile(''), destination: '/sysext/active-oem-acme' }]
    expect(rules(await plan({ files }, oem({}), 'flatcar:3815.2.0'))).toContain('update-mark')
  })
})

describe('resolveContent', () => {
  const source = hostFile('x', 0o755)

  it('takes the mode from the request, else from the file', async () => {
    const modes = async (mode?: number) =>
      (await resolveContent({ files: [{ source, destination: '/x', ...(mode === undefined ? {} : { mode }) }] }, {}))
        .files[0]?.mode
    expect(await modes()).toBe(0o755)
    expect(await modes(0o600)).toBe(0o600)
    await rejectsWithCode(modes(0o4755), 'ERR_USAGE')
  })

  it('takes a directory with all its files, but no links in it', async () => {
    const root = join(directory, 'tree')
    mkdirSync(join(root, 'a/b'), { recursive: true })
    writeFileSync(join(root, 'a/b/c'), 'x')
    writeFileSync(join(root, 'd'), 'y')
    const paths = async (destination: string) =>
      (await resolveContent({ files: [{ source: root, destination }] }, {})).files.map(({ path }) => path)
    expect(await paths('/to')).toEqual(['/to/a/b/c', '/to/d'])
    expect(await paths('/')).toEqual(['/a/b/c', '/d'])
    symlinkSync('/etc/passwd', join(root, 'z'))
    await rejectsWithCode(paths('/to'), 'ERR_INPUT_FILE')
  })

  it('leaves big files on the host', async () => {
    const big = hostFile(Buffer.alloc((1 << 20) + 1))
    const [file] = (await resolveContent({ files: [{ source: big, destination: '/big' }] }, {})).files
    expect(file?.content).toEqual({ kind: 'host-file', path: big, sizeBytes: (1 << 20) + 1 })
    expect(file?.sha256).toMatch(/^[0-9a-f]{64}$/)
  })

  it.each([
    'x',
    '/',
    '/a/',
    '//a',
    '/a/../b',
    '/a/./b',
    '/a\0b',
    '/a\nb',
    '/usr/share/oem/x',
    '/oem/x',
    `/${'a'.repeat(256)}`,
  ])('refuses the destination %j', async (destination) => {
    await rejectsWithCode(resolveContent({ files: [{ source, destination }] }, {}), 'ERR_OEM_PATH_INVALID')
  })

  it.each(['/', '/sysext', '/sysext/active-oem-x', '/lost+found', 'x'])('refuses to remove %j', async (path) => {
    await rejectsWithCode(resolveContent({ remove: [path] }, {}), 'ERR_OEM_PATH_INVALID')
  })

  it.each([
    [
      'a path twice',
      {
        files: [
          { source, destination: '/x' },
          { source, destination: '/x' },
        ],
      },
      'ERR_OEM_PATH_INVALID',
    ],
    [
      'a file below a file',
      {
        files: [
          { source, destination: '/x' },
          { source, destination: '/x/y' },
        ],
      },
      'ERR_OEM_PATH_INVALID',
    ],
    ['to remove what it writes', { files: [{ source, destination: '/x' }], remove: ['/x'] }, 'ERR_OEM_PATH_INVALID'],
    ['a missing file', { files: [{ source: '/nowhere', destination: '/x' }] }, 'ERR_INPUT_FILE'],
    ['a missing cloud-config', { cloudConfig: '/nowhere' }, 'ERR_INPUT_FILE'],
    ['a directory as cloud-config', { cloudConfig: directory }, 'ERR_INPUT_FILE'],
    ['an unknown template', { template: 'rakspace' }, 'ERR_TEMPLATE_UNKNOWN'],
    ['an unknown variable', { template: 'rackspace', variables: { colour: 'red' } }, 'ERR_VARIABLE_UNKNOWN'],
    ['variables without a template', { variables: { a: 'b' } }, 'ERR_VARIABLE_UNKNOWN'],
    ['an invalid variable', { template: 'rackspace', variables: { version_id: 'A B' } }, 'ERR_VARIABLE_INVALID'],
    ['an OEM id that is none', { oemId: 'Rack Space' }, 'ERR_OEM_ID_INVALID'],
    ['a bad oem-release', { files: [{ source, destination: '/oem-release' }] }, 'ERR_OEM_RELEASE_INVALID'],
    ['a bad base.ign by --file', { files: [{ source, destination: '/base/base.ign' }] }, 'ERR_IGNITION_INVALID'],
  ] satisfies readonly (readonly [string, ContentRequest, string])[])('refuses %s', async (_, request, code) => {
    await rejectsWithCode(resolveContent(request, {}), code)
  })

  it('refuses a variable that only a replaced file would have used', async () => {
    const cloudConfig = hostFile('#cloud-config\n')
    const oemRelease = hostFile('ID=x\nVERSION_ID=1\nNAME="x"\n')
    const request: ContentRequest = {
      template: 'rackspace',
      variables: { home_url: 'https://x' },
      cloudConfig,
      files: [{ source: oemRelease, destination: '/oem-release' }],
    }
    await rejectsWithCode(resolveContent(request, {}), 'ERR_VARIABLE_INVALID')
  })

  it('lets --set win over --vars', async () => {
    const variablesFile = hostFile('home_url: https://file\nversion_id: 7\n')
    const content = await resolveContent(
      { template: 'rackspace', variablesFile, variables: { home_url: 'https://set' } },
      {},
    )
    const release = content.files.find(({ path }) => path === '/oem-release')?.content
    if (release?.kind !== 'bytes') throw new Error('no oem-release')
    expect(Buffer.from(release.bytes).toString()).toContain(
      'VERSION_ID=7\nNAME="Rackspace Cloud Servers"\nHOME_URL="https://set"',
    )
  })
})

describe('describeOem', () => {
  it('names vendor set, id and release', () => {
    expect(describeOem(oem(OPENSTACK))).toEqual({
      oemId: 'openstack',
      vendorSet: 'openstack',
      oemRelease: { id: 'openstack', versionId: '1', name: 'OpenStack' },
      oemReleaseId: 'openstack',
    })
  })

  it('believes oem-release before the platform id, which vendors borrow', () => {
    const state = oem({ '/grub.cfg': 'set oem_id="openstack"\n', '/oem-release': 'ID=stackit\n' })
    expect(describeOem(state)).toMatchObject({ vendorSet: 'stackit', oemRelease: undefined, oemReleaseId: 'stackit' })
  })

  it('knows a vendor by its cloud-config when nothing else tells', () => {
    const state = oem({ '/cloud-config.yml': '#cloud-config\ncoreos: {oem: {id: rackspace}}\n' })
    expect(describeOem(state).vendorSet).toBe('rackspace')
  })

  it('says nothing of an empty partition, and does not stumble over a broken one', () => {
    const nothing = { oemId: undefined, vendorSet: undefined, oemRelease: undefined, oemReleaseId: undefined }
    expect(describeOem(oem({ '/lost+found': null }))).toEqual(nothing)
    expect(describeOem(oem({ '/cloud-config.yml': '}{', '/oem-release': '\0', '/grub.cfg': '"' }))).toEqual(nothing)
  })
})

describe('pathsWorthReading', () => {
  it('names small files that tell, and those that will be written', async () => {
    const state = oem({ ...OPENSTACK, '/mine': 'x', '/other': 'y' })
    expect(pathsWorthReading(state.entries)).toEqual(['/base/default.ign', '/grub.cfg', '/oem-release'])
    const content = await resolveContent({ files: [{ source: hostFile('x'), destination: '/mine' }] }, {})
    expect(pathsWorthReading(state.entries, content)).toContain('/mine')
    expect(pathsWorthReading(state.entries, content)).not.toContain('/other')
  })
})
