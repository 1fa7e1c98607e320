/** Every flag reaches its effect, through the command line: mostly by what `plan` says, for that is what a bake does. */
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { beforeAll, describe, expect, it } from 'vitest'
import type { BakeReport, PlanReport, ProgressEvent } from '../../dist/index.js'
import { fixtureImage } from '../support/images.js'
import { makeSmallDisk } from '../support/small-disk.js'
import { temporaryDirectory } from '../support/temp.js'
import { ENV, judge, oemBake, oemBakeJson, sha256 } from './outside.js'
import { APPLIANCE_TIMEOUT_MS } from './proof.js'

const directory = temporaryDirectory()
const path = (name: string): string => join(directory, name)
const images = { empty: '', openstack: '', rackspace: '', bz2: '' }

beforeAll(async () => {
  images.empty = await fixtureImage('cl-generic')
  images.openstack = await fixtureImage('cl-openstack-qcow2')
  images.rackspace = await fixtureImage('cl-rackspace')
  images.bz2 = await fixtureImage('cl-openstack')
  writeFileSync(path('cloud.yml'), '#cloud-config\nhostname: flag\n')
  writeFileSync(path('config.ign'), '{"ignition": {"version": "2.2.0"}}\n')
  writeFileSync(path('vars.yml'), 'version_id: from-file\nhome_url: https://example.com/file\n')
  writeFileSync(path('agent'), '#!/bin/sh\n', { mode: 0o755 })
  mkdirSync(path('tree/below'), { recursive: true })
  writeFileSync(path('tree/below/leaf'), 'leaf')
  mkdirSync(path('own'))
  writeFileSync(
    path('own/template.yml'),
    'name: own\ntitle: Own\ndescription: A test.\noem_id: packet\nfiles:\n  - {path: /grub.cfg, source: grub.cfg, format: grub}\n',
  )
  writeFileSync(path('own/grub.cfg'), `set oem_id="$\{{oem_id}}"\n`)
})

type Changes = PlanReport['plan']['changes']

/** What each row expects to find in the plan: path and action, and mode where it says one. */
interface Row {
  readonly flags: string
  readonly image?: keyof typeof images
  readonly changes: Readonly<Record<string, string>>
  readonly oemId?: string
}

/** `@name` stands for a file of this test. */
const words = (flags: string): string[] =>
  flags.split(' ').map((word) => word.replace(/@([\w./-]+)/, (_, name: string) => path(name)))

const ROWS: readonly Row[] = [
  {
    flags: '--template rackspace',
    changes: { '/cloud-config.yml': 'add 0644', '/grub.cfg': 'add 0644' },
    oemId: 'rackspace',
  },
  { flags: '-t ec2', changes: { '/base/base.ign': 'add 0644', '/base/default.ign': 'add 0644' }, oemId: 'ec2' },
  { flags: '--template @own', changes: { '/grub.cfg': 'add 0644' }, oemId: 'packet' },
  { flags: '--cloud-config @cloud.yml', changes: { '/cloud-config.yml': 'add 0644' } },
  { flags: '--ignition @config.ign', changes: { '/base/base.ign': 'add 0644' } },
  { flags: '--ignition @config.ign --ignition-as default', changes: { '/base/default.ign': 'add 0644' } },
  { flags: '--ignition @config.ign --ignition-as config', changes: { '/config.ign': 'add 0644' } },
  { flags: '--oem-id digitalocean', changes: { '/grub.cfg': 'add 0644' }, oemId: 'digitalocean' },
  { flags: '--oem-id nowhere --oem-id-unchecked', changes: { '/grub.cfg': 'add 0644' }, oemId: 'nowhere' },
  {
    flags: '--oem-id packet',
    image: 'openstack',
    changes: { '/grub.cfg': 'replace 0644', '/base/default.ign': 'remove' },
    oemId: 'packet',
  },
  { flags: '--file @agent:/bin/agent', changes: { '/bin': 'add 0755', '/bin/agent': 'add 0755' } },
  { flags: '--file @agent:/bin/agent:0600', changes: { '/bin/agent': 'add 0600' } },
  { flags: '--file @tree:/tree', changes: { '/tree/below/leaf': 'add 0644' } },
  { flags: '--file @agent:/one --file @agent:/two', changes: { '/one': 'add 0755', '/two': 'add 0755' } },
  { flags: '--remove /nova-agent', image: 'rackspace', changes: { '/nova-agent': 'remove', '/grub.cfg': 'keep 0644' } },
  {
    flags: '--remove /base/README --remove /base/default.ign',
    image: 'openstack',
    changes: { '/base/README': 'remove', '/base/default.ign': 'remove', '/base': 'remove' },
  },
  {
    flags: '-t ec2 --existing merge',
    image: 'rackspace',
    changes: { '/nova-agent/etc': 'keep 0755', '/grub.cfg': 'replace 0644' },
  },
  {
    flags: '-t ec2 --existing replace',
    image: 'rackspace',
    changes: { '/nova-agent': 'remove', '/cloud-config.yml': 'remove' },
  },
  {
    flags: '-t ec2 --existing auto',
    image: 'rackspace',
    changes: { '/nova-agent': 'remove', '/base/base.ign': 'add 0644' },
  },
  // Ignition reads the OEM partition from branch 1632 on; before, cloud-config does its work.
  { flags: '-t ec2 --release container-linux:1000.0.0', changes: { '/cloud-config.yml': 'add 0644' } },
]

const shown = (changes: Changes): Record<string, string> =>
  Object.fromEntries(
    changes.map(({ path: at, action, mode }) => [
      at,
      mode === undefined ? action : `${action} ${mode.toString(8).padStart(4, '0')}`,
    ]),
  )

describe('plan', () => {
  it.each(ROWS)('with $flags plans what that means', async ({ flags, image, changes, oemId }) => {
    const report = await oemBakeJson<PlanReport>(['plan', images[image ?? 'empty'], ...words(flags)])
    expect(shown(report.plan.changes)).toMatchObject(changes)
    if (oemId !== undefined) expect(report.plan.oemId).toBe(oemId)
  })

  it('with --json gives edits with sizes, digests beside them, and no content', async () => {
    const flags = ['--cloud-config', path('cloud.yml')]
    const { plan } = await oemBakeJson<PlanReport>(['plan', images.empty, ...flags])
    expect(plan.edits).toEqual([
      { kind: 'write-file', path: '/.oem-bake.json', mode: 0o644, sizeBytes: expect.any(Number) },
      { kind: 'write-file', path: '/cloud-config.yml', mode: 0o644, sizeBytes: 29 },
    ])
    expect(plan.expected).toContainEqual(
      expect.objectContaining({ path: '/cloud-config.yml', sha256: sha256(path('cloud.yml')) }),
    )
  })

  it('refuses with exit code 8 what --existing refuse finds, and says what', async () => {
    const { exitCode, stderr } = await oemBake(['plan', images.rackspace, '-t', 'ec2', '--existing', 'refuse'])
    expect(exitCode).toBe(8)
    expect(stderr).toContain('/cloud-config.yml')
  })

  it.each([
    ['-t rackspace --template ec2', '--template'],
    ['-t ec2 --engine auto --engine embedded', '--engine'],
  ])('refuses %s: one of the two would be ignored', async (flags, name) => {
    const { exitCode, stderr } = await oemBake(['plan', images.empty, ...words(flags)])
    expect(exitCode).toBe(2)
    expect(stderr).toContain(`${name} was given twice`)
  })

  it('puts --set before --vars, and both before the default, into the files that are baked', async () => {
    const output = path('variables.bin')
    const flags = [
      '--vars',
      path('vars.yml'),
      '--set',
      'version_id=from-flag',
      '--set',
      'bug_report_url=https://example.com/flag',
    ]
    const report = await oemBakeJson<BakeReport>([images.openstack, '-t', 'rackspace', ...flags, '-o', output])
    const raw = path('variables.raw')
    judge('qemu-img', ['convert', '-f', 'qcow2', '-O', 'raw', output, raw])
    const oem = report.image.partitions.find((partition) => partition.label === 'OEM')
    const text = judge('debugfs', [
      '-R',
      'cat /oem-release',
      `${raw}?offset=${(oem?.firstSector ?? 0) * 512}`,
    ]).toString()
    expect(text).toMatch(/^VERSION_ID=from-flag$/m)
    expect(text).toContain('https://example.com/file')
    expect(text).toContain('https://example.com/flag')
  })

  it(
    'takes the engine that --engine names',
    async () => {
      for (const engine of ['embedded', 'libguestfs']) {
        const report = await oemBakeJson<PlanReport>(['plan', images.empty, '-t', 'rackspace', '--engine', engine])
        expect(report.engine).toBe(engine)
      }
    },
    APPLIANCE_TIMEOUT_MS,
  )

  it('keeps its temporary files in --tmp-dir, and leaves none there', async () => {
    const place = mkdtempSync(path('tmp-'))
    const seen = new Set<string>()
    let timer: NodeJS.Timeout | undefined
    const { exitCode } = await oemBake(['plan', images.bz2, '-t', 'rackspace', '--tmp-dir', place], {
      onStart: () => {
        timer = setInterval(() => {
          for (const name of readdirSync(place)) seen.add(name)
        }, 2)
      },
    })
    clearInterval(timer)
    expect(exitCode).toBe(0)
    expect([...seen].some((name) => name.startsWith('.oem-bake-'))).toBe(true)
    expect(readdirSync(place)).toEqual([])
  })

  it('says that a --tmp-dir is not there', async () => {
    const { exitCode, stderr } = await oemBake(['plan', images.empty, '-t', 'rackspace', '--tmp-dir', path('absent')])
    expect(exitCode).toBe(7)
    expect(stderr).toContain(path('absent'))
  })
})

describe('bake', () => {
  const small = () => [images.bz2, '--template', 'rackspace', '--engine', 'embedded']

  it('names its output after the template, beside the image, and prints its path alone', async () => {
    const place = mkdtempSync(path('beside-'))
    const image = join(place, 'coreos_production_openstack_image.img.bz2')
    judge('cp', [images.bz2, image])
    const { exitCode, stdout } = await oemBake([image, '--template', 'rackspace'])
    expect(exitCode).toBe(0)
    const output = join(place, 'coreos_production_openstack_image.rackspace.img.bz2')
    expect(stdout.toString()).toBe(`${output}\n`)
    const beside = ['', '.manifest.json', '.sha256'].map((extension) => `${basename(output)}${extension}`)
    expect(readdirSync(place).sort()).toEqual([basename(image), ...beside].sort())
  })

  it('warns of a name that says something else of the bytes than is true', async () => {
    const place = mkdtempSync(path('misnamed-'))
    const raw = makeSmallDisk(join(place, 'raw.bin'), {})
    const warningOf = async (image: string, name: string): Promise<string | undefined> => {
      const words = [image, '-t', 'rackspace', '--with', 'none', '-q', '-o', join(place, name)]
      const { exitCode, stderr } = await oemBake(words)
      expect(exitCode, stderr).toBe(0)
      return /^warning: (x\S* .*)$/m.exec(stderr)?.[1]
    }
    expect(await warningOf(raw, 'x.bin.bz2')).toContain('says that it is compressed')
    expect(await warningOf(raw, 'x.img')).toBeUndefined()
    expect(await warningOf(images.bz2, 'x.bin')).toContain('does not say that it is compressed')
    for (const name of ['x.img.bz2', 'x']) expect(await warningOf(images.bz2, name)).toBeUndefined()
  })

  it('writes to --output, replaces it with --force only, and needs no `bake` to be said', async () => {
    const output = path('forced.img.bz2')
    expect((await oemBake(['bake', ...small(), '-o', output])).exitCode).toBe(0)
    const first = statSync(output).ino
    expect((await oemBake([...small(), '-o', output])).exitCode).toBe(8)
    expect(statSync(output).ino).toBe(first)
    expect((await oemBake([...small(), '--output', output, '--force'])).exitCode).toBe(0)
    expect(statSync(output).ino).not.toBe(first)
  })

  it('with -o - writes the image to standard output, and nothing else', async () => {
    const place = mkdtempSync(path('stdout-'))
    const { exitCode, stdout } = await oemBake([...small(), '-o', '-', '--tmp-dir', place])
    expect(exitCode).toBe(0)
    const output = path('stdout.img.bz2')
    expect((await oemBake([...small(), '-o', output])).exitCode).toBe(0)
    expect(stdout.equals(readFileSync(output))).toBe(true)
    expect(readdirSync(place)).toEqual([])
  })

  it('refuses -o - together with --json: one would be mixed into the other', async () => {
    const { exitCode, stdout } = await oemBake([...small(), '-o', '-', '--json'])
    expect(exitCode).toBe(2)
    expect(JSON.parse(stdout.toString())).toMatchObject({ error: { code: 'ERR_USAGE' } })
  })

  it('with --json prints one document that tells path, digest and encoder', async () => {
    const output = path('json.img.bz2')
    const report = await oemBakeJson<BakeReport>([...small(), '-o', output])
    expect(report.output).toEqual({
      path: output,
      sha256: sha256(output),
      encoder: undefined,
      files: [
        { kind: 'sha256', path: `${output}.sha256` },
        { kind: 'manifest', path: `${output}.manifest.json` },
      ],
      removed: [],
    })
    expect(report.image).toMatchObject({ format: 'qcow2', verification: { status: 'unverified' } })
  })

  it('with --recompress encodes all of it with lbzip2, at the level asked for', async () => {
    const output = path('recompressed.img.bz2')
    const report = await oemBakeJson<BakeReport>([...small(), '-o', output, '--recompress', '--level', '3'])
    expect(report.output).toMatchObject({ path: output, sha256: sha256(output), encoder: 'lbzip2' })
    expect(readFileSync(output).toString('latin1', 0, 4)).toBe('BZh3')
  })

  it('refuses a level that is none, and one without --recompress', async () => {
    for (const flags of [
      ['--recompress', '--level', '0'],
      ['--recompress', '--level', '9.5'],
      ['--level', '9'],
    ])
      expect((await oemBake([...small(), '-o', path('level'), ...flags])).exitCode).toBe(2)
  })

  it('with --json prints a failure as a document, too', async () => {
    const { exitCode, stdout } = await oemBake([images.empty, '-t', 'rackspac', '--json'])
    expect(exitCode).toBe(2)
    expect(JSON.parse(stdout.toString())).toMatchObject({ error: { code: 'ERR_TEMPLATE_UNKNOWN', exitCode: 2 } })
  })

  it('with --progress json reports every phase in order, counters that only grow, and the warning', async () => {
    const { exitCode, stderr, stdout } = await oemBake([
      ...small(),
      '-o',
      path('progress.img.bz2'),
      '--progress',
      'json',
    ])
    expect(exitCode).toBe(0)
    expect(stdout.toString()).toBe(`${path('progress.img.bz2')}\n`)
    const events = stderr
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as ProgressEvent)
    const phases = events.flatMap((event) => (event.kind === 'phase' ? [event.phase] : []))
    // Whether there is anything left to wait for when the digest is wanted is a matter of speed.
    expect(phases.filter((phase) => phase !== 'hash')).toEqual([
      'decode',
      'read-oem',
      'edit',
      'encode',
      'check',
      'publish',
    ])
    expect(events).toContainEqual(expect.objectContaining({ kind: 'warning', code: 'UNVERIFIED' }))
    const last = new Map<string, number>()
    for (const event of events) {
      if (event.kind !== 'progress') continue
      expect(event.doneBytes).toBeGreaterThanOrEqual(last.get(event.phase) ?? 0)
      expect(event.doneBytes).toBeLessThanOrEqual(event.totalBytes)
      last.set(event.phase, event.doneBytes)
    }
    expect([...last.keys()].sort()).toEqual(['decode', 'encode', 'hash'])
  })

  it('with --quiet says warnings only; with --progress none no progress; with --progress plain phases in words', async () => {
    const said = async (...flags: string[]): Promise<string> =>
      (await oemBake(['plan', images.bz2, '-t', 'rackspace', ...flags])).stderr
    const quiet = await said('--quiet')
    expect(quiet).toContain('UNVERIFIED')
    expect(quiet).not.toContain('decoding')
    expect(await said('--progress', 'none')).not.toContain('decoding')
    expect(await said('--progress', 'plain')).toContain('decoding')
  })

  it('writes nothing at all when it is asked for nothing', async () => {
    const { exitCode, stderr } = await oemBake([images.empty])
    expect(exitCode).toBe(2)
    expect(stderr).toContain('hint: ')
    expect(existsSync(images.empty.replace('.bin', '.oem.bin'))).toBe(false)
  })

  it('ends with 130 at SIGINT and 143 at SIGTERM, and leaves nothing', async () => {
    for (const [signal, code] of [
      ['SIGINT', 130],
      ['SIGTERM', 143],
    ] as const) {
      const place = mkdtempSync(path('signal-'))
      const { exitCode } = await oemBake([...small(), '-o', join(place, 'out')], {
        env: ENV,
        onStart: (child) => child.stderr?.once('data', () => child.kill(signal)),
      })
      expect(exitCode).toBe(code)
      expect(readdirSync(place)).toEqual([])
    }
  })
})
