/** Packer's part is played by us, for what a real Packer 1.6 can't show: the newer handshake, and death at any time. */
import { execFileSync } from 'node:child_process'
import { copyFileSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeAll, describe, expect, it } from 'vitest'
import { SPEC } from '#src/packer/options.js'
import { formatSpecAsGob } from '#src/packer/spec/gob.js'
import { formatSpecAsProtobuf } from '#src/packer/spec/protobuf.js'
import { processesKnowing, untilNothingIsLeft } from '../engine/libguestfs/traces.js'
import { CHECKOUT, RUN_MARK } from '../support/command-line.js'
import { type Core, hclConfigs, jsonConfigs, startCore } from '../support/packer-core.js'
import { makeSmallDisk } from '../support/small-disk.js'
import { temporaryDirectory } from '../support/temp.js'

const directory = temporaryDirectory()
const PLUGIN = join(CHECKOUT, 'dist', 'packer-plugin.js')
const env = { TMPDIR: directory, [RUN_MARK]: directory }
const NAME = '-packer-default-plugin-name-'
let image: string
/** Bakes for ever, as far as anybody can tell, and leaves on SIGTERM only when told to. */
let endless: string

beforeAll(() => {
  image = makeSmallDisk(join(directory, 'image.img'))
  endless = join(directory, 'endless')
  const script = `#!/usr/bin/env node
process.on('SIGTERM', () => process.exit(143))
process.stdin.on('end', () => process.exit(143)).resume()
if (process.argv.includes('/dev/null/image')) { console.log('{"error":{"code":"ERR_NOT_FOUND"}}'); process.exit(7) }
console.error(JSON.stringify({ kind: 'phase', phase: 'decode' }))
console.error(JSON.stringify({ kind: 'note', message: 'cookie ' + (process.env.PACKER_PLUGIN_MAGIC_COOKIE ?? 'none') }))
setInterval(() => undefined, 1000)
`
  writeFileSync(endless, script, { mode: 0o755 })
})

describe('the handshake', () => {
  it('has three fields for a Packer that starts it without words', async () => {
    await using core = await startCore([PLUGIN], env)
    expect(core.handshake.slice(0, -1)).toEqual(['5', 'unix'])
    const { ConfigSpec } = (await core.plugin.call('PostProcessor.ConfigSpec')) as { ConfigSpec: Uint8Array }
    expect(Buffer.from(ConfigSpec)).toEqual(formatSpecAsGob(SPEC))
  })

  it.each([
    [[], formatSpecAsGob(SPEC)],
    [['--protobuf'], formatSpecAsProtobuf(SPEC)],
  ])('has four fields for one that says start post-processor %j', async (flags, expected) => {
    await using core = await startCore([PLUGIN, 'start', 'post-processor', ...flags, NAME], env)
    expect(core.handshake.slice(0, -1)).toEqual(['5', '0', 'unix'])
    const { ConfigSpec } = (await core.plugin.call('PostProcessor.ConfigSpec')) as { ConfigSpec: Uint8Array }
    expect(Buffer.from(ConfigSpec)).toEqual(expected)
  })

  it('is described for Packer from 1.7 on, without its cookie', () => {
    const described = JSON.parse(execFileSync(PLUGIN, ['describe'], { encoding: 'utf8' })) as object
    const { version } = JSON.parse(readFileSync(join(CHECKOUT, 'package.json'), 'utf8')) as { version: string }
    expect(described).toMatchObject({ version, api_version: 'x5.0', post_processors: [NAME], protocol_version: 'v2' })
  })

  it('is refused to whoever starts the plugin by hand', () => {
    expect(() => execFileSync(PLUGIN, [], { stdio: 'pipe', env: { PATH: process.env.PATH } })).toThrow(
      /Packer starts by itself/,
    )
  })
})

describe('our side of the wire', () => {
  it("is understood by Packer's own plugins, and understands them", async () => {
    await using core = await startCore(['packer', 'plugin', 'packer-post-processor-manifest'], {
      ...env,
      CHECKPOINT_DISABLE: '1',
    })
    const { ConfigSpec } = (await core.plugin.call('PostProcessor.ConfigSpec')) as { ConfigSpec: Uint8Array }
    expect(Buffer.from(ConfigSpec).includes('strip_path')).toBe(true)
    await expect(core.plugin.call('PostProcessor.Configure', jsonConfigs({ outputt: 'x' }))).rejects.toThrow(/outputt/)
    // More than a window in one call, answered all the same.
    await core.plugin.call('PostProcessor.Configure', jsonConfigs({ output: 'x'.repeat(1_500_000) }))
  })
})

describe('a bake', () => {
  it('gives Packer a new artifact that can be asked and destroyed, and its warnings as errors', async () => {
    await using core = await startCore([PLUGIN], env)
    const output = join(directory, 'new folder', 'edition.img')
    const options = { template: '{{user `t`}}', output, variables: { version_id: '{{build `ID`}}' }, cache: false }
    await core.plugin.call('PostProcessor.Configure', jsonConfigs(options, { t: 'ec2' }))
    const reply = await core.plugin.call('PostProcessor.PostProcess', core.offerArtifact([image]))
    expect(reply).toMatchObject({ Err: null, Keep: true, ForceOverride: false })
    const artifact = await core.artifact(reply)
    expect(await artifact.call('Artifact.Files')).toEqual([output])
    expect(await artifact.call('Artifact.BuilderId')).toBe('oem-bake.post-processor')
    const digest = execFileSync('sha256sum', [output], { encoding: 'utf8' }).slice(0, 64)
    expect(await artifact.call('Artifact.Id')).toBe(`sha256:${digest}`)
    expect(await artifact.call('Artifact.State', 'generated_data')).toEqual({ ID: 'machine-1' })
    expect(await artifact.call('Artifact.State', 'other')).toBeNull()
    expect(core.said[0]).toMatch(/^Say: Baking .*image\.img for ec2$/)
    expect(core.said).toContainEqual(expect.stringMatching(/^Message: publishing/))
    expect(core.said).toContainEqual(expect.stringMatching(/^Error: warning: UNVERIFIED|^Error: warning: .*UNVERIFIED/))
    await artifact.call('Artifact.Destroy')
    expect(readdirSync(join(directory, 'new folder'))).toEqual([])
  })

  it('in place leaves the artifact what it was, with another image in it and nothing beside it', async () => {
    await using core = await startCore([PLUGIN], env)
    const place = join(directory, 'in-place')
    mkdirSync(place)
    copyFileSync(image, join(place, 'disk.img'))
    await core.plugin.call('PostProcessor.Configure', hclConfigs({ template: 'ec2', in_place: true, output: null }))
    const reply = await core.plugin.call('PostProcessor.PostProcess', core.offerArtifact([join(place, 'disk.img')]))
    expect(reply).toMatchObject({ Err: null, Keep: true, ForceOverride: true })
    const artifact = await core.artifact(reply)
    expect(await artifact.call('Artifact.BuilderId')).toBe('packer.file')
    expect(await artifact.call('Artifact.Files')).toEqual([join(place, 'disk.img')])
    expect(readFileSync(join(place, 'disk.img')).equals(readFileSync(image))).toBe(false)
    expect(readdirSync(place)).toEqual(['disk.img'])
  })

  it('takes the one disk image among the files of an artifact, and asks when it can not tell', async () => {
    await using core = await startCore([PLUGIN], env)
    const notes = join(directory, 'notes.img')
    writeFileSync(notes, 'no disk')
    const second = join(directory, 'second.img')
    copyFileSync(image, second)
    await core.plugin.call(
      'PostProcessor.Configure',
      hclConfigs({ template: 'ec2', output: join(directory, 'one.img') }),
    )
    const chosen = await core.plugin.call('PostProcessor.PostProcess', core.offerArtifact([notes, image]))
    expect(chosen).toMatchObject({ Err: null })
    const unclear = await core.plugin.call('PostProcessor.PostProcess', core.offerArtifact([second, image]))
    expect(unclear).toMatchObject({
      Err: { Message: expect.stringMatching(/has 2: .*second\.img.*\n?hint: .*input/s) },
      StreamId: 0,
    })
    const none = await core.plugin.call('PostProcessor.PostProcess', core.offerArtifact([]))
    expect(none).toMatchObject({ Err: { Message: expect.stringContaining('has no files') } })
  })

  it('that fails says so with exit code, error code, message and hint', async () => {
    await using core = await startCore([PLUGIN], env)
    const output = join(directory, 'never.img')
    await core.plugin.call('PostProcessor.Configure', hclConfigs({ template: 'ec2', output, release: null }))
    const reply = await core.plugin.call(
      'PostProcessor.PostProcess',
      core.offerArtifact([join(directory, 'notes.img')]),
    )
    expect(reply).toMatchObject({
      Err: { Message: expect.stringMatching(/exit code 4, ERR_NOT_AN_IMAGE: .*\nhint: /s) },
    })
    expect(existsSync(output)).toBe(false)
  })

  it.each([
    ['a template that there is not', { template: 'rackspce' }, /ERR_TEMPLATE_UNKNOWN.*did you mean rackspace/s],
    ['a variable that there is not', { template: 'ec2', variables: { x: '1' } }, /ERR_VARIABLE_UNKNOWN/],
    ['a level without recompress', { template: 'ec2', level: 9 }, /ERR_USAGE: --level 9/],
    ['nothing to bake', {}, /nothing was asked for/],
    ['a program that is not there', { template: 'ec2', oem_bake: '/no/such' }, /oem_bake names \/no\/such/],
  ])('is refused at once with %s', async (_what, options, message) => {
    await using core = await startCore([PLUGIN], env)
    const asked = core.plugin.call(
      'PostProcessor.Configure',
      hclConfigs({ output: join(directory, 'x.img'), ...options }),
    )
    await expect(asked).rejects.toThrow(message)
  })

  it('without a program says ERR_OEM_BAKE_MISSING in words: what to install, what to set', async () => {
    const single = join(directory, 'single')
    copyFileSync(PLUGIN, single)
    const path = join(directory, 'node-only')
    mkdirSync(path)
    execFileSync('ln', ['-s', process.execPath, join(path, 'node')])
    await using core = await startCore([single], { ...env, PATH: path, OEM_BAKE: '' })
    const asked = core.plugin.call('PostProcessor.Configure', hclConfigs({ template: 'ec2', output: 'x' }))
    await expect(asked).rejects.toThrow(/not in PATH\nhint: npm install --global oem-bake/)
  })
})

describe('a bake that is under way', () => {
  /** @returns PostProcess's reply, which is not there yet */
  const begin = async (core: Core): Promise<{ readonly reply: Promise<unknown> }> => {
    const options = { template: 'ec2', output: join(directory, 'endless.img'), oem_bake: endless }
    await core.plugin.call('PostProcessor.Configure', hclConfigs(options))
    const reply = core.plugin.call('PostProcessor.PostProcess', core.offerArtifact([image]))
    reply.catch(() => undefined)
    await core.untilSaid(/cookie/)
    return { reply }
  }

  it("ends when Packer cancels it, and has not seen Packer's cookie", async () => {
    await using core = await startCore([PLUGIN], env)
    const { reply } = await begin(core)
    expect(core.said).toContain('Message: note: cookie none')
    await core.plugin.call('PostProcessor.Cancel')
    expect(await reply).toMatchObject({ Err: { Message: 'cancelled' }, StreamId: 0 })
    expect(processesKnowing(directory)).toEqual([core.child.pid])
  })

  it.each([
    ['is killed', (core: Core) => core.child.kill('SIGKILL')],
    ['loses its connection', (core: Core) => core.disconnect()],
  ])('ends when the plugin %s', async (_how, end) => {
    await using core = await startCore([PLUGIN], env)
    await begin(core)
    expect(processesKnowing(directory)).toHaveLength(2)
    end(core)
    await untilNothingIsLeft(directory, Date.now())
    expect(readdirSync(directory).filter((name) => /^packer-oem-bake|endless\.img/.test(name))).toEqual([])
  })
})
