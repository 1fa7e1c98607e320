/** Batches: many jobs in one run, what becomes of each, and which are left as they are by --resume. */
import {
  appendFileSync,
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { type BatchReport, type BatchRequest, bakeBatch } from 'oem-bake'
import { beforeAll, describe, expect, it } from 'vitest'
import { jobsAtOnce } from '#src/batch/at-once.js'
import { readJobs } from '#src/cli/batch/read-jobs.js'
import { exitCodeOf } from '#src/cli/render/outcome.js'
import { CancelledError, MachineError, UsageError } from '#src/errors.js'
import { rejectsWithCode } from '../support/errors.js'
import { makeSmallDisk } from '../support/small-disk.js'
import { temporaryDirectory } from '../support/temp.js'
import { oemBake, sha256 } from './outside.js'

const directory = temporaryDirectory()
const newPlace = (): string => mkdtempSync(join(directory, 'place-'))
let image = ''

beforeAll(() => {
  image = makeSmallDisk(join(directory, 'image.bin'), { oemFiles: {} })
})

const namesIn = (place: string): readonly string[] => readdirSync(place).sort()
const statesOf = ({ outcomes }: BatchReport): readonly string[] =>
  outcomes.map((outcome) => ('error' in outcome ? outcome.error.code : 'kept' in outcome ? 'kept' : 'baked'))

function writeTemplate(path: string, text: string): void {
  mkdirSync(path, { recursive: true })
  writeFileSync(
    join(path, 'template.yml'),
    'name: own\ntitle: Own\ndescription: For tests.\noem_id: ec2\nfiles:\n  - {path: /own.yml, source: own.yml, format: yaml}\n',
  )
  writeFileSync(join(path, 'own.yml'), text)
}

describe('bakeBatch', () => {
  it('bakes every job, and one that fails leaves the others', async () => {
    const place = newPlace()
    writeFileSync(join(place, 'broken.bin'), 'no image')
    const report = await bakeBatch({
      jobs: [
        { name: 'good', request: { image, templates: ['rackspace', 'gce'], outputDirectory: place, with: [] } },
        { name: 'broken', request: { image: join(place, 'broken.bin'), template: 'ec2' } },
        { name: 'absent', request: { image: join(place, 'absent.bin'), templates: ['ec2', 'gce'] } },
        { name: 'last', request: { image, template: 'ec2', output: join(place, 'last.bin'), with: [] } },
      ],
    })
    expect(report.outcomes.map(({ job, template }) => [job, template])).toEqual([
      ['good', 'rackspace'],
      ['good', 'gce'],
      ['broken', 'ec2'],
      ['absent', undefined],
      ['last', 'ec2'],
    ])
    expect(statesOf(report)).toEqual(['baked', 'baked', 'ERR_NOT_AN_IMAGE', 'ERR_NOT_FOUND', 'baked'])
    expect(namesIn(place)).toEqual(['broken.bin', 'image.gce.bin', 'image.rackspace.bin', 'last.bin'])
  })

  it.each(['read-oem', 'encode'] as const)('is cancelled at %s, and leaves nothing', async (phase) => {
    const place = newPlace()
    const abort = new AbortController()
    const jobs = ['ec2', 'gce', 'rackspace'].map((template) => ({
      name: template,
      request: { image, template, outputDirectory: place },
    }))
    const report = await bakeBatch(
      { jobs },
      {
        signal: abort.signal,
        onProgress: (event) => {
          if (event.kind === 'phase' && event.phase === phase) abort.abort()
        },
      },
    )
    expect(statesOf(report)).toEqual(['ERR_CANCELLED', 'ERR_CANCELLED', 'ERR_CANCELLED'])
    expect(namesIn(place)).toEqual([])
  })

  it('refuses jobs of one name, jobs of one output, and a number at once that is none', async () => {
    const job = (name: string) => ({ name, request: { image, template: 'ec2', output: join(directory, 'same') } })
    await rejectsWithCode(bakeBatch({ jobs: [job('a'), job('a')] }), 'ERR_USAGE')
    await rejectsWithCode(bakeBatch({ jobs: [job('a'), job('b')] }), 'ERR_USAGE')
    await rejectsWithCode(bakeBatch({ jobs: [job('a')], atOnce: 0 }), 'ERR_USAGE')
    expect(namesIn(directory)).not.toContain('same')
  })
})

describe('jobs that get in each other’s way', () => {
  /** Two images of one name in two directories, and what becomes of jobs of both. */
  async function statesIn(place: string, jobs: (place: string) => BatchRequest['jobs'], more: object = {}) {
    for (const name of ['a', 'b']) {
      mkdirSync(join(place, name))
      copyFileSync(image, join(place, name, 'image.bin'))
    }
    symlinkSync('a', join(place, 'link'))
    return statesOf(await bakeBatch({ jobs: jobs(place), atOnce: 1, ...more }))
  }
  const job = (name: string, request: BatchRequest['jobs'][number]['request']) => ({
    name,
    request: { force: true, ...request },
  })

  it.each<[string, (place: string) => BatchRequest['jobs']]>([
    [
      'editions of two images of one name in one directory',
      (place) =>
        ['a', 'b'].map((name) =>
          job(name, { image: join(place, name, 'image.bin'), template: 'ec2', outputDirectory: place }),
        ),
    ],
    [
      'the same template with other variables, by name and among others',
      (place) => [
        job('one', { image: join(place, 'a', 'image.bin'), template: 'ec2' }),
        job('two', { image: join(place, 'a', 'image.bin'), templates: ['ec2'], strict: true }),
      ],
    ],
    [
      'one directory under two names',
      (place) => [
        job('one', { image: join(place, 'a', 'image.bin'), template: 'ec2' }),
        job('two', { image: join(place, 'link', 'image.bin'), template: 'ec2' }),
      ],
    ],
  ])('by %s: the second is refused, with --force too', async (_, jobs) => {
    expect(await statesIn(newPlace(), jobs)).toEqual(['baked', 'ERR_USAGE'])
  })

  it.each<[string, (place: string) => BatchRequest['jobs']]>([
    [
      'an output that is another’s digest file',
      (place) => [
        job('one', { image, template: 'ec2', output: join(place, 'x') }),
        job('two', { image, template: 'gce', output: join(place, 'x.sha256') }),
      ],
    ],
    [
      'an output that is another’s image',
      (place) => [
        job('one', { image, template: 'ec2', output: join(place, 'link', 'image.bin') }),
        job('two', { image: join(place, 'a', 'image.bin'), template: 'gce' }),
      ],
    ],
    [
      'an output that is another’s original',
      (place) => [
        job('one', { image, template: 'ec2', output: join(place, 'a', 'image.bin') }),
        job('two', { image, original: join(place, 'a', 'image.bin'), template: 'gce', output: join(place, 'y') }),
      ],
    ],
  ])('by %s: refused before any work', async (_, jobs) => {
    const place = newPlace()
    await expect(statesIn(place, jobs)).rejects.toMatchObject({ code: 'ERR_USAGE' })
    expect(namesIn(place)).toEqual(['a', 'b', 'link'])
    expect(sha256(join(place, 'a', 'image.bin'))).toBe(sha256(image))
  })

  it('by an output that is the file of the batch', async () => {
    const place = newPlace()
    const file = join(place, 'jobs.json')
    writeFileSync(file, JSON.stringify({ jobs: [{ image, template: 'ec2', output: file, force: true }] }))
    const before = readFileSync(file)
    const { exitCode, stderr } = await oemBake(['batch', file])
    expect({ exitCode, said: stderr.toString() }).toEqual({ exitCode: 2, said: expect.stringContaining(file) })
    expect(readFileSync(file)).toEqual(before)
  })
})

describe('--resume', () => {
  /** A batch that has been done: of a template of one's own, by name and among others. */
  async function done() {
    const place = newPlace()
    const input = join(place, 'image.bin')
    copyFileSync(image, input)
    const template = join(place, 'own')
    writeTemplate(template, 'value: 1\n')
    const request: BatchRequest = {
      resume: true,
      jobs: [
        { name: 'one', request: { image: input, template, output: join(place, 'one.bin'), force: true } },
        { name: 'some', request: { image: input, templates: [template, 'gce'], force: true } },
      ],
    }
    expect(statesOf(await bakeBatch(request))).toEqual(['baked', 'baked', 'baked'])
    return { place, input, template, request, again: async () => statesOf(await bakeBatch(request)) }
  }

  it('keeps what is there, and touches nothing of it', async () => {
    const { again, place } = await done()
    const before = namesIn(place)
    const manifest = readFileSync(join(place, 'one.bin.manifest.json'))
    expect(await again()).toEqual(['kept', 'kept', 'kept'])
    expect(namesIn(place)).toEqual(before)
    expect(readFileSync(join(place, 'one.bin.manifest.json'))).toEqual(manifest)
  })

  it('makes an output again that was altered, has lost its manifest or a side file, or is gone', async () => {
    const { again, place } = await done()
    appendFileSync(join(place, 'one.bin'), 'x')
    rmSync(join(place, 'image.own.bin.manifest.json'))
    rmSync(join(place, 'image.gce.bin.sha256'))
    expect(await again()).toEqual(['baked', 'baked', 'baked'])
    rmSync(join(place, 'image.gce.bin'))
    expect(await again()).toEqual(['kept', 'kept', 'baked'])
  })

  it('makes an output again whose side files say something else', async () => {
    const place = newPlace()
    const input = join(place, 'image.bin')
    copyFileSync(image, input)
    const request = { image: input, templates: ['ec2', 'gce', 'packet'], force: true } as const
    const jobs = [
      { name: 'all', request: { ...request, with: ['manifest', 'digests', 'provenance', 'sha256'] } as const },
    ]
    await bakeBatch({ jobs })
    writeFileSync(join(place, 'image.ec2.bin.sha256'), '')
    appendFileSync(join(place, 'image.gce.bin.DIGESTS'), '\n')
    appendFileSync(join(place, 'image.packet.bin.provenance.json'), '\n')
    expect(statesOf(await bakeBatch({ jobs, resume: true }))).toEqual(['baked', 'baked', 'baked'])
    expect(statesOf(await bakeBatch({ jobs, resume: true }))).toEqual(['kept', 'kept', 'kept'])
  })

  it('keeps nothing of an input that is not what its digest says', async () => {
    const { again, place } = await done()
    writeFileSync(join(place, 'image.bin.sha256'), `${'0'.repeat(64)}  image.bin\n`)
    expect(await again()).toEqual(['ERR_DIGEST_MISMATCH', 'ERR_DIGEST_MISMATCH', 'ERR_DIGEST_MISMATCH'])
  })

  it('makes editions again whose template changed', async () => {
    const { again, template } = await done()
    writeTemplate(template, 'value: 2\n')
    expect(await again()).toEqual(['baked', 'baked', 'kept'])
    // A remark changes no file, but the template's digest, which the history on the partition has.
    writeTemplate(template, 'value: 2 # two\n')
    expect(await again()).toEqual(['baked', 'baked', 'kept'])
  })

  it('makes all of them again when the input changed', async () => {
    const { again, input } = await done()
    rmSync(input)
    makeSmallDisk(input, { oemFiles: {}, data: Buffer.from('another') })
    expect(await again()).toEqual(['baked', 'baked', 'baked'])
  })

  it('makes an edition again when something else is asked for', async () => {
    const { request } = await done()
    const jobs = request.jobs.map(({ name, request }) => ({ name, request: { ...request, oemId: 'gce' } }))
    expect(statesOf(await bakeBatch({ ...request, jobs }))).toEqual(['baked', 'baked', 'baked'])
    const clocked = jobs.map(({ name, request }) => ({ name, request: { ...request, sourceDateEpoch: 1 } }))
    expect(statesOf(await bakeBatch({ ...request, jobs: clocked }))).toEqual(['baked', 'baked', 'baked'])
  })
})

describe('jobsAtOnce', () => {
  it('is one a core, as far as there is memory, and one at least', () => {
    const gib = 2 ** 30
    expect(jobsAtOnce([undefined], { cores: 4, memoryBytes: 8 * gib })).toBe(4)
    expect(jobsAtOnce(['auto', 'embedded'], { cores: 8, memoryBytes: gib })).toBe(4)
    expect(jobsAtOnce(['auto', 'libguestfs'], { cores: 8, memoryBytes: 2 * gib })).toBe(2)
    expect(jobsAtOnce([undefined], { cores: 8, memoryBytes: 1 })).toBe(1)
  })
})

describe('a batch file', () => {
  const write = (text: string): string => {
    const path = join(newPlace(), 'jobs.yml')
    writeFileSync(path, text)
    return path
  }

  it('fills requests as the command line does, with defaults for what a job does not say', async () => {
    const path = write(`
defaults: {engine: embedded, output-dir: out, with: [sha256, manifest], strict: true, variables: {a: 1}}
jobs:
  - {name: first, image: one.bin, templates: [ec2, gce], cache: false}
  - {image: two.bin, template: ec2, output: two.out, strict: false, variables: {b: 'x=y'}, ignore: one-rule}
  - {image: three.bin, templates: all, recompress: true, level: 3, file: ['a:/b:0644']}
`)
    const shared = { engine: 'embedded', existing: 'auto', verify: 'auto', with: ['sha256', 'manifest'] }
    const rest = { ...shared, cache: true, strict: true, outputDirectory: 'out', variables: { a: '1' } }
    expect(await readJobs(path)).toEqual([
      { name: 'first', request: { ...rest, image: 'one.bin', templates: ['ec2', 'gce'], cache: false } },
      {
        name: 'job 2',
        request: {
          ...shared,
          ...{ image: 'two.bin', template: 'ec2', output: 'two.out', cache: true },
          ...{ variables: { b: 'x=y' }, ignore: ['one-rule'] },
        },
      },
      {
        name: 'job 3',
        request: {
          ...rest,
          ...{ image: 'three.bin', templates: 'all', recompress: { level: 3 } },
          files: [{ source: 'a', destination: '/b', mode: 0o644 }],
        },
      },
    ])
  })

  it('may be JSON', async () => {
    const jobs = await readJobs(write(JSON.stringify({ jobs: [{ image: 'a', template: 'ec2', label: true }] })))
    expect(jobs).toMatchObject([{ name: 'job 1', request: { image: 'a', template: 'ec2', label: true } }])
  })

  it.each([
    ['jobs: [', 'ERR_YAML_SYNTAX', 'line 1', ''],
    ['', 'ERR_USAGE', 'empty', ''],
    ['jobs: []', 'ERR_USAGE', 'line 1', ''],
    ['jops: []', 'ERR_USAGE', 'unknown key jops', 'did you mean jobs?'],
    ['jobs:\n  - image: a\n    templtae: ec2', 'ERR_USAGE', 'line 3', 'did you mean template?'],
    ['jobs:\n  - template: ec2', 'ERR_USAGE', 'line 2: job 1 has no image', ''],
    ['jobs:\n  - image: a', 'ERR_USAGE', 'line 2: job 1: nothing was asked for', ''],
    ['jobs:\n  - {image: a, template: ec2, force: perhaps}', 'ERR_USAGE', 'force is perhaps', 'true or false'],
    ['jobs:\n  - {image: a, template: ec2, level: high}', 'ERR_USAGE', 'level is high', 'a number'],
    ['jobs:\n  - {image: a, template: ec2, engine: steam}', 'ERR_USAGE', 'engine is steam', 'embedded'],
    ['jobs:\n  - {image: a, template: [ec2]}', 'ERR_USAGE', 'template is a list', 'text'],
    ['jobs:\n  - {image: a, templates: [ec2, gce], output: x}', 'ERR_USAGE', '--output x', 'output-dir'],
    ['jobs:\n  - {image: a, image: b, template: ec2}', 'ERR_USAGE', 'image is there twice', ''],
    ['jobs:\n  - {image: a, template: ec2, with: [nothing]}', 'ERR_USAGE', '"nothing"', ''],
    ['jobs: [a]\n---\njobs: [b]', 'ERR_USAGE', 'second YAML document', ''],
  ])('is refused with line and hint: %j', async (text, code, says, hint) => {
    const error = await rejectsWithCode(readJobs(write(text)), code)
    expect(error.message).toContain(says)
    expect(error.hint ?? '').toContain(hint)
  })
})

describe('oem-bake batch', () => {
  it('prints a row a job, tells failures, and ends with the exit code of the first', async () => {
    const place = newPlace()
    const file = join(place, 'jobs.yml')
    writeFileSync(
      file,
      `defaults: {output-dir: ${place}, with: none}
jobs:
  - {name: absent, image: ${join(place, 'absent.bin')}, template: ec2}
  - {name: here, image: ${image}, template: gce}
`,
    )
    const run = await oemBake(['batch', file, '--jobs', '1'])
    expect({ exitCode: run.exitCode, stdout: run.stdout.toString() }).toEqual({
      exitCode: 7,
      stdout: `failed  absent  ec2  ERR_NOT_FOUND\nbaked   here    gce  ${join(place, 'image.gce.bin')}\n`,
    })
    expect(run.stderr).toMatch(/^absent, ec2: error: could not open/m)
    expect(run.stderr).toMatch(/^here: /m)
    const { stdout } = await oemBake(['batch', file, '--force', '--json'])
    const document: { outcomes: readonly object[] } = JSON.parse(stdout.toString())
    expect(document.outcomes).toMatchObject([
      { job: 'absent', status: 'failed', error: { code: 'ERR_NOT_FOUND' } },
      { job: 'here', status: 'baked', output: { path: join(place, 'image.gce.bin') } },
    ])
  })
})

describe('exitCodeOf', () => {
  it('is that of the first failure, but of a cancelled run 130', () => {
    const full = { error: new MachineError('ERR_NO_SPACE', 'full') }
    const usage = { error: new UsageError('ERR_USAGE', 'what?') }
    expect(exitCodeOf([{ kept: 'x' }])).toBe(0)
    expect(exitCodeOf([{ kept: 'x' }, full, usage])).toBe(7)
    expect(exitCodeOf([full, { error: new CancelledError() }])).toBe(130)
  })
})
