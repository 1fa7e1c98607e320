/** What a bake leaves beside its image, judged by the programs that it is for. */
import { copyFileSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import fc from 'fast-check'
import { type BakeRequest, bake, OemBakeError } from 'oem-bake'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { findDigests } from '#src/trust/find-digest.js'
import type { BakeReport } from '../../dist/index.js'
import { digestsOf } from '../support/digests.js'
import { Gpg } from '../support/gpg.js'
import { fixtureImage } from '../support/images.js'
import { faultsByPython, faultsOfManifest, readManifest } from '../support/manifests.js'
import { parseByProtobuf, verifyBySigstore } from '../support/provenance-judges.js'
import { makeSmallDisk } from '../support/small-disk.js'
import { temporaryDirectory } from '../support/temp.js'
import { judge, oemBake, oemBakeJson, sha256 } from './outside.js'

const directory = temporaryDirectory()
const newPlace = (): string => mkdtempSync(join(directory, 'place-'))
const NAME = 'coreos_production_openstack_image.rackspace.img.bz2'
const images = { bz2: '', raw: '' }
const gpg = new Gpg()
const GPG_ENV = { GNUPGHOME: gpg.home, GPG_TTY: undefined, DISPLAY: undefined }
afterAll(() => gpg[Symbol.dispose]())
const keys = { one: '', two: '' }

beforeAll(async () => {
  images.bz2 = await fixtureImage('cl-openstack')
  images.raw = makeSmallDisk(join(directory, 'image.bin'), { oemFiles: { '/notes.txt': 'somebody was here' } })
  keys.one = gpg.newKey('One <one@example.com>', 'ed25519', 'sign', '2020-01-01')
  keys.two = gpg.newKey('Two <two@example.com>', 'ed25519', 'sign', '2020-01-01')
})

const flags = (image: string, output: string, ...more: string[]) => [
  ...[image, '-t', 'rackspace', '--existing', 'merge', '--engine', 'embedded', '-o', output],
  ...more,
]
const shell = (command: string, cwd: string): string =>
  judge('bash', ['-c', `cd "$1" && ${command}`, 'bash', cwd]).toString()
const namesIn = (place: string) => readdirSync(place).sort()

describe('side files', () => {
  it('are .sha256 and .manifest.json unless others are asked for, and none with none', async () => {
    for (const [list, extensions] of [
      [undefined, ['', '.manifest.json', '.sha256']],
      ['none', ['']],
      ['sha256', ['', '.sha256']],
      ['digests,provenance', ['', '.DIGESTS', '.provenance.json']],
      ['all', ['', '.DIGESTS', '.manifest.json', '.provenance.json', '.sha256']],
    ] as const) {
      const place = newPlace()
      const report = await oemBakeJson<BakeReport>(
        flags(images.raw, join(place, 'x'), ...(list === undefined ? [] : ['--with', list])),
      )
      expect(namesIn(place)).toEqual(extensions.map((extension) => `x${extension}`))
      expect(report.output.files.map(({ path }) => basename(path)).sort()).toEqual(
        namesIn(place).filter((name) => name !== 'x'),
      )
    }
  })

  it('verify with sha256sum, with sha512sum in the vendors’ fashion, and as digests of an input of ours', async () => {
    for (const [image, more] of [
      [images.bz2, []],
      [images.bz2, ['--recompress']],
      [images.raw, []],
    ] as const) {
      const place = newPlace()
      const output = join(place, NAME)
      const { output: said } = await oemBakeJson<BakeReport>(flags(image, output, '--with', 'all', ...more))
      shell('sha256sum --check --strict *.sha256', place)
      expect(shell('set -o pipefail; grep -A1 SHA512 *.DIGESTS | sha512sum --check', place)).toBe(`${NAME}: OK\n`)
      expect(shell('sha512sum --check --strict *.DIGESTS', place).trimEnd().split('\n')).toHaveLength(3)
      expect((await findDigests(output)).expected).toEqual([
        expect.objectContaining({ algorithm: 'sha256', hex: said.sha256 }),
        expect.objectContaining({ algorithm: 'sha512', hex: said.sha512 }),
      ])
      const inspected = await oemBakeJson<{ image: { verification: unknown } }>(['inspect', output])
      expect(inspected.image.verification).toMatchObject({ status: 'digest' })
    }
  })

  it('of a bake to standard output are none, and asking for some is refused', async () => {
    const place = newPlace()
    const { exitCode } = await oemBake(flags(images.raw, '-', '--tmp-dir', place, '--with', 'none'))
    expect(exitCode).toBe(0)
    expect(namesIn(place)).toEqual([])
    for (const more of [
      ['--with', 'sha256'],
      ['--sign', keys.one],
    ]) {
      const { exitCode: refused, stderr } = await oemBake(flags(images.raw, '-', ...more))
      expect(refused).toBe(2)
      expect(stderr).toContain('--output -')
    }
  })

  it('of a replaced image go with it, and the run says so', async () => {
    const place = newPlace()
    const output = join(place, 'x.bin')
    await oemBakeJson(flags(images.raw, output, '--with', 'all', '--sign', keys.one), { env: GPG_ENV })
    expect(namesIn(place)).toHaveLength(7)
    const refused = await oemBake(flags(images.raw, output))
    expect(refused.exitCode).toBe(8)
    const { exitCode, stderr } = await oemBake(flags(images.raw, output, '--force'))
    expect(exitCode).toBe(0)
    expect(stderr).toContain('removed x.bin.DIGESTS, x.bin.provenance.json, x.bin.sig, x.bin.DIGESTS.asc')
    expect(namesIn(place)).toEqual(['x.bin', 'x.bin.manifest.json', 'x.bin.sha256'])
    shell('sha256sum --check --strict *.sha256', place)
  })

  it('never stand in for a vendor: a name beside whose signature one would come to lie is refused', async () => {
    const place = newPlace()
    const output = join(place, 'coreos_production_openstack_image.img.bz2')
    copyFileSync(images.bz2, output)
    writeFileSync(`${output}.sig`, 'the vendor says so')
    for (const more of [[], ['--force']]) {
      const { exitCode, stderr } = await oemBake(flags(images.raw, output, ...more))
      expect(exitCode).toBe(8)
      expect(stderr).toContain(more.length === 0 ? 'exists already' : 'vouches for a file called')
    }
    expect(sha256(output)).toBe(sha256(images.bz2))
  })
})

describe('the manifest', () => {
  it('has the form that is published, by two validators, and says what there was and is', async () => {
    const manifests = []
    for (const [image, more] of [
      [images.bz2, ['--with', 'all']],
      [images.bz2, ['--recompress', '--level', '1']],
      [images.raw, ['--remove', '/notes.txt', '--ignore', 'template-note']],
    ] as const) {
      const place = newPlace()
      const report = await oemBakeJson<BakeReport>(flags(image, join(place, 'x'), ...more), {
        env: { SOURCE_DATE_EPOCH: undefined },
      })
      const manifest = readManifest(join(place, 'x.manifest.json'))
      manifests.push(manifest)
      expect(manifest.input).toMatchObject({ name: basename(image), sha256: sha256(image) })
      expect(manifest.output).toMatchObject({ name: 'x', sha256: sha256(join(place, 'x')) })
      expect(manifest.oemId).toBe('rackspace')
      const touched = report.plan.changes.filter(({ action }) => !['keep', 'unchanged'].includes(action))
      expect(manifest.changes.map(({ path }) => path)).toEqual(touched.map(({ path }) => path))
      expect(manifest.times?.phases.map(({ phase }) => phase)).toContain('encode')
    }
    expect(manifests.map(({ strategy }) => strategy)).toEqual(['splice', 'recompress', 'copy'])
    expect(manifests[1]?.tools).toContainEqual({ name: 'lbzip2', version: expect.stringMatching(/^\d/) })
    expect(manifests[2]?.changes).toContainEqual(
      expect.objectContaining({
        path: '/notes.txt',
        action: 'remove',
        before: { mode: '0644', sizeBytes: 17, sha256: digestsOf(Buffer.from('somebody was here')).sha256 },
      }),
    )
    expect(manifests[2]?.ignored).toContainEqual(expect.objectContaining({ rule: 'template-note' }))
    expect(faultsByPython(manifests)).toEqual([[], [], []])
  })

  it('says who signed the input, and names no directory of the key or the signature', async () => {
    const place = newPlace()
    const image = join(place, 'signed.bin')
    copyFileSync(images.raw, image)
    writeFileSync(`${image}.sig`, gpg.sign(image, keys.one))
    const key = gpg.export(join(place, 'key.asc'), [keys.one])
    await oemBakeJson(flags(image, join(place, 'x'), '--key', key, '--verify', 'require'))
    const manifest = readManifest(join(place, 'x.manifest.json'))
    expect(manifest.input.verification).toMatchObject({
      status: 'signature',
      file: 'signed.bin.sig',
      covers: 'image',
      signer: { primaryFingerprint: keys.one },
    })
    expect(JSON.stringify(manifest)).not.toContain(place)
    expect(faultsByPython([manifest])).toEqual([[]])
  })

  it('that is not right is refused by both validators alike', async () => {
    const place = newPlace()
    await oemBakeJson(flags(images.raw, join(place, 'x')))
    const good = readManifest(join(place, 'x.manifest.json'))
    const [change] = good.changes
    const wrong: readonly unknown[] = [
      { ...good, schemaVersion: 2 },
      { ...good, more: true },
      { ...good, output: { ...good.output, name: '/data/x' } },
      { ...good, output: { ...good.output, sha256: 'abc' } },
      { ...good, changes: [{ ...change, before: undefined, after: undefined }] },
      { ...good, changes: [{ ...change, mode: 420 }] },
      { ...good, request: { ...good.request, variables: { token: 'plain' } } },
    ]
    expect(wrong.map((document) => faultsOfManifest(JSON.parse(JSON.stringify(document))).length > 0)).toEqual(
      wrong.map(() => true),
    )
    expect(faultsByPython(wrong).map((faults) => faults.length > 0)).toEqual(wrong.map(() => true))
  })

  it('is the same to the byte with one SOURCE_DATE_EPOCH, wherever and however often it is made', async () => {
    const texts = new Set<string>()
    const statements = new Set<string>()
    const cache = newPlace()
    for (const round of [1, 2]) {
      const place = newPlace()
      const here = join(place, `images-${round}`)
      mkdirSync(here)
      const image = join(here, 'image.img.bz2')
      copyFileSync(images.bz2, image)
      const report = await oemBakeJson<BakeReport>(flags(image, join(place, 'x'), '--with', 'all'), {
        env: { SOURCE_DATE_EPOCH: '1500000000', XDG_CACHE_HOME: cache },
      })
      expect(report.image.codec).toMatchObject({ index: round === 1 ? 'full' : 'cached' })
      texts.add(readFileSync(join(place, 'x.manifest.json'), 'utf8'))
      statements.add(readFileSync(join(place, 'x.provenance.json'), 'utf8'))
    }
    expect([texts.size, statements.size]).toEqual([1, 1])
    expect([...texts][0]).not.toContain('"times"')
    expect([...texts, ...statements].join('')).not.toContain(directory)
  })

  it('names the files of this machine without their directories, also where a finding speaks of them', async () => {
    const place = newPlace()
    const mine = join(place, 'mine')
    mkdirSync(mine)
    writeFileSync(join(mine, 'cloud.yml'), '#cloud-config\nruncmd: [true]\nhostname: x\n')
    writeFileSync(join(mine, 'agent'), '#!/bin/sh\n', { mode: 0o755 })
    await oemBakeJson([
      ...[images.raw, '--cloud-config', join(mine, 'cloud.yml'), '--file', `${join(mine, 'agent')}:/bin/agent`],
      ...['-o', join(place, 'x'), '--with', 'all', '--existing', 'merge'],
    ])
    const manifest = readManifest(join(place, 'x.manifest.json'))
    expect(manifest.findings.map(({ message }) => message).join('\n')).toContain('cloud.yml, line 2')
    expect(manifest.request).toMatchObject({
      cloudConfig: 'cloud.yml',
      files: [{ source: 'agent', destination: '/bin/agent' }],
    })
    for (const name of ['x.manifest.json', 'x.provenance.json'])
      expect(readFileSync(join(place, name), 'utf8')).not.toContain(place)
  })
})

describe('secrets', () => {
  const template = join(directory, 'own')

  beforeAll(() => {
    mkdirSync(template)
    writeFileSync(
      join(template, 'template.yml'),
      `name: own
title: Own
description: A test.
oem_id: packet
variables:
  hidden: {type: string, description: Declared a secret., secret: true}
  admin_password: {type: string, description: Not declared one.}
  region: {type: string, description: Not secret.}
files:
  - {path: /cloud-config.yml, source: cloud.yml, format: yaml}
  - {path: /notes.json, source: notes.json, format: json, mode: '0600'}
`,
    )
    writeFileSync(
      join(template, 'cloud.yml'),
      `#cloud-config\nhostname: "$\{{hidden}}"\nssh_authorized_keys: ["$\{{admin_password}}"]\nruncmd: ["$\{{hidden}}"]\n`,
    )
    writeFileSync(join(template, 'notes.json'), `{"password": "$\{{admin_password}}", "region": "$\{{region}}"}`)
  })

  it('occur in no side file, whatever they are made of', async () => {
    const line = fc
      .string({ minLength: 6, maxLength: 40, unit: 'grapheme' })
      .filter((text) => !/[\p{Cc}\u2028\u2029]/u.test(text))
    await fc.assert(
      fc.asyncProperty(line, line, async (hidden, password) => {
        fc.pre(!hidden.includes(password) && !password.includes(hidden))
        const output = join(newPlace(), 'x')
        const request: BakeRequest = {
          image: images.raw,
          template,
          output,
          existing: 'merge',
          variables: { hidden, admin_password: password, region: 'eu-west' },
          with: ['sha256', 'manifest', 'digests', 'provenance'],
          engine: 'embedded',
        }
        const report = await bake(request).catch((error: unknown) => {
          // What no cloud-config could hold is refused, and not what this is about.
          if (error instanceof OemBakeError && error.exitCode === 2) return undefined
          throw error
        })
        fc.pre(report !== undefined)
        for (const { path } of report?.output.files ?? []) {
          const text = readFileSync(path, 'utf8')
          for (const secret of [hidden, password]) {
            for (const form of [secret, JSON.stringify(secret).slice(1, -1), encodeURIComponent(secret)])
              expect(text.includes(form), `${basename(path)} holds ${JSON.stringify(secret)}`).toBe(false)
          }
        }
        expect(readManifest(`${output}.manifest.json`).request.variables).toEqual({
          hidden: { redacted: true },
          admin_password: { redacted: true },
          region: { value: 'eu-west' },
        })
      }),
      { seed: 7, numRuns: 8 },
    )
  })
})

describe('provenance', () => {
  it('is an in-toto statement with SLSA provenance for protobuf and for sigstore, over this very file', async () => {
    const place = newPlace()
    const output = join(place, 'x')
    const agent = join(directory, 'agent')
    writeFileSync(agent, '#!/bin/sh\n', { mode: 0o755 })
    await oemBakeJson(flags(images.bz2, output, '--with', 'provenance', '--file', `${agent}:/bin/agent`), {
      env: { SOURCE_DATE_EPOCH: undefined },
    })
    const text = readFileSync(`${output}.provenance.json`, 'utf8')
    const statement = JSON.parse(text) as { predicate: { buildDefinition: { resolvedDependencies: unknown[] } } }
    expect(parseByProtobuf(text, place)).toEqual(statement)
    verifyBySigstore(text)
    expect(() => verifyBySigstore(text, (payload) => payload.replace('rackspace', 'rackspice'))).toThrow()
    expect(() => parseByProtobuf(text.replace('"buildType"', '"buildKind"'), place)).toThrow()
    expect(statement).toMatchObject({ subject: [{ name: 'x', digest: { sha256: sha256(output) } }] })
    const { resolvedDependencies } = statement.predicate.buildDefinition
    const templates = join(import.meta.dirname, '../../oem-templates/rackspace')
    for (const [name, path] of [
      [basename(images.bz2), images.bz2],
      ['rackspace/template.yml', join(templates, 'template.yml')],
      ['agent', agent],
    ] as const) {
      const found = resolvedDependencies.filter((entry) => (entry as { name: string }).name === name)
      expect(found, name).toEqual([{ name, digest: expect.objectContaining({ sha256: sha256(path) }) }])
    }
  })
})

describe('--sign', () => {
  const signed = async (place: string, key: string, ...more: string[]) =>
    oemBake(flags(images.bz2, join(place, NAME), '--sign', key, '--json', ...more), { env: GPG_ENV })

  it('makes signatures that gpg verifies, of the key that was asked for, and says so in the manifest', async () => {
    const place = newPlace()
    const { exitCode, stdout } = await signed(place, 'two@example.com', '--with', 'all')
    expect(exitCode).toBe(0)
    const { output } = JSON.parse(stdout.toString()) as BakeReport
    expect(output.files.map(({ kind }) => kind)).toEqual([
      ...['sha256', 'manifest', 'digests', 'provenance', 'signature', 'signed-digests'],
    ])
    for (const names of [[`${NAME}.sig`, NAME], [`${NAME}.DIGESTS.asc`]]) {
      const said = gpg.run(['--status-fd', '1', '--verify', ...names.map((name) => join(place, name))])
      expect(said).toContain(`VALIDSIG ${keys.two}`)
    }
    const inClear = gpg.run(['--decrypt', join(place, `${NAME}.DIGESTS.asc`)])
    expect(inClear).toBe(readFileSync(join(place, `${NAME}.DIGESTS`), 'utf8'))
    shell('sha512sum --check --strict *.DIGESTS', place)
    const manifest = readManifest(join(place, `${NAME}.manifest.json`))
    expect(manifest.output.signedBy).toEqual({ key: keys.two, primary: keys.two })
    expect(manifest.tools).toContainEqual({ name: 'gpg', version: expect.stringMatching(/^2\./) })
    const [first = 0] = readFileSync(join(place, `${NAME}.sig`))
    // An OpenPGP packet begins with the highest bit set; armor would begin with a dash.
    expect(first & 0x80).toBe(0x80)
  })

  it('signs with a subkey, and takes its id', async () => {
    const place = newPlace()
    const subkey = gpg.newSubkey(keys.one, 'ed25519', '2020-01-02', 'never')
    expect((await signed(place, keys.one)).exitCode).toBe(0)
    const { signedBy } = readManifest(join(place, `${NAME}.manifest.json`)).output
    expect(signedBy).toEqual({ key: subkey, primary: keys.one })
    expect((await signed(place, `${keys.one}!`, '--force')).exitCode).toBe(0)
    expect(readManifest(join(place, `${NAME}.manifest.json`)).output.signedBy).toEqual({
      key: keys.one,
      primary: keys.one,
    })
    expect((await signed(place, subkey, '--force')).exitCode).toBe(0)
    // Our own judgement of it, by the way.
    const publicKey = gpg.export(join(place, 'key.asc'), [keys.one])
    const verified = await oemBake(['verify', join(place, NAME), '--key', publicKey, '--verify', 'require'])
    expect(verified.exitCode, verified.stderr).toBe(0)
  })

  it.each([
    ['a key that is not there', 'nobody@example.com', 'ERR_SIGNING_KEY', 2],
    ['a name that two keys have', 'example.com', 'ERR_SIGNING_KEY', 2],
    ['no name', '', 'ERR_SIGNING_KEY', 2],
  ])('refuses %s before any work', async (_, key, code, exit) => {
    const place = newPlace()
    const { exitCode, stderr, stdout } = await signed(place, key, '--progress', 'plain')
    expect(exitCode).toBe(exit)
    expect(JSON.parse(stdout.toString())).toMatchObject({ error: { code } })
    expect(stderr).not.toContain('reading the OEM partition')
    expect(namesIn(place)).toEqual([])
  })

  it('publishes nothing when gpg fails, and repeats its words', async () => {
    const locked = 'locked@example.org'
    const secret = ['--passphrase', 'nobody types this', '--quick-gen-key']
    gpg.run([...secret, `Locked <${locked}>`, 'ed25519', 'sign', 'never'])
    // The agent has heard the passphrase just now.
    judge('gpgconf', ['--homedir', gpg.home, '--kill', 'gpg-agent'])
    const expired = gpg.newKey('Expired <expired@example.org>', 'ed25519', 'sign', '2020-01-01', '1d')
    for (const [key, words] of [
      [locked, /signing failed|No pinentry|pinentry/i],
      [expired, /skipped|expired|unusable/i],
    ] as const) {
      const place = newPlace()
      const { exitCode, stdout } = await signed(place, key)
      expect(exitCode).toBe(6)
      const { error } = JSON.parse(stdout.toString()) as { error: { code: string; message: string } }
      expect(error.code).toBe('ERR_SIGN')
      expect(error.message).toMatch(words)
      expect(namesIn(place)).toEqual([])
    }
  })

  it('says that there is no gpg before any work', async () => {
    const place = newPlace()
    const { exitCode, stdout } = await oemBake(flags(images.bz2, join(place, 'x'), '--sign', keys.one, '--json'), {
      env: { ...GPG_ENV, PATH: place },
    })
    expect(exitCode).toBe(5)
    expect(JSON.parse(stdout.toString())).toMatchObject({ error: { code: 'ERR_GPG_MISSING' } })
  })

  it('trusts no gpg that signs with another key, or not at all, or verifies nothing', async () => {
    const real = judge('sh', ['-c', 'command -v gpg']).toString().trim()
    for (const [how, when, what] of [
      ['another key', '--detach-sign', `exec ${real} "\${@/${keys.one}/${keys.two}}"`],
      ['not at all', '--detach-sign', 'exit 0'],
      ['verifies nothing', '--verify', 'exit 0'],
    ] as const) {
      const place = newPlace()
      const bin = newPlace()
      const script = `#!/bin/bash\ncase "$*" in *${when}*) ${what};; *) exec ${real} "$@";; esac\n`
      writeFileSync(join(bin, 'gpg'), script, { mode: 0o755 })
      const { exitCode, stdout } = await oemBake(flags(images.bz2, join(place, 'x'), '--sign', keys.one, '--json'), {
        env: { ...GPG_ENV, PATH: `${bin}:${process.env.PATH}` },
      })
      expect(exitCode, how).toBe(6)
      expect(JSON.parse(stdout.toString()), how).toMatchObject({ error: { code: 'ERR_SIGN' } })
      expect(namesIn(place)).toEqual([])
    }
  })
})
