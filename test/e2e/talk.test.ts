/** What a run says beside its result, by who listens: GitHub Actions, a program that wants JSON, a terminal. */
import { copyFileSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { execa } from 'execa'
import { describe, expect, it } from 'vitest'
import { CHECKOUT, runCli } from '../support/command-line.js'
import { makeSmallDisk } from '../support/small-disk.js'
import { temporaryDirectory } from '../support/temp.js'

const directory = temporaryDirectory()
const image = makeSmallDisk(join(directory, 'image.img'), { oemMiB: 5 })
mkdirSync(join(directory, 'below'))
writeFileSync(join(directory, 'below', 'oem-release'), 'VERSION_ID=1\nID="acme"\n\nNAME="Acme Cloud"\n')
writeFileSync(join(directory, 'unknown.yml'), '#cloud-config\nhostnam: x\n')
const STARTS_NOTHING = ['plan', image, '--cloud-config', 'unknown.yml'] as const

describe('in GitHub Actions', () => {
  const run = (cwd: string, ...words: readonly string[]) =>
    runCli(words, {
      cwd: join(directory, cwd),
      env: { GITHUB_ACTIONS: 'true', GITHUB_WORKSPACE: directory, XDG_CONFIG_HOME: directory },
    })
  const annotations = (stderr: string): readonly string[] => stderr.split('\n').filter((line) => line.startsWith('::'))

  it('what stops a bake is an annotation each, at its place in the checkout, after the words for people', async () => {
    const { exitCode, stderr } = await run('below', 'image', '--file', 'oem-release:/oem-release')
    expect(exitCode).toBe(2)
    expect(stderr).toMatch(/^error: 2 things are wrong:\n/)
    expect(annotations(stderr)).toEqual([
      expect.stringMatching(
        /^::error title=oem-release-quoted-id,file=below\/oem-release,line=2,col=4::oem-release, line 2, .*%0Ahint: write ID=acme$/,
      ),
      expect.stringMatching(/^::error title=oem-release-blank-line,file=below\/oem-release,line=3,col=1::/),
    ])
  })

  it('a warning is one, with its place, even when only warnings are to be printed', async () => {
    const { exitCode, stderr } = await run('.', ...STARTS_NOTHING, '--quiet')
    expect(exitCode).toBe(0)
    expect(annotations(stderr)).toEqual([
      expect.stringMatching(/^::warning title=UNVERIFIED::image\.img is UNVERIFIED: /),
      expect.stringMatching(/^::warning title=cloud-config-unknown-key,file=unknown\.yml,line=2,col=1::unknown\.yml, /),
    ])
  })

  it('a flag that is none, and bad news that is a result, are errors', async () => {
    const typo = await run('.', 'plan', image, '--tempate', 'ec2')
    expect(annotations(typo.stderr)).toEqual([
      '::error title=ERR_USAGE::unknown flag --tempate%0Ahint: did you mean --template?',
    ])
    const verify = await run('.', 'verify', 'image.img', '--quiet')
    expect(annotations(verify.stderr)).toContainEqual(
      expect.stringMatching(/^::error title=UNVERIFIED::.*image\.img: /),
    )
    const keys = await run('.', 'keys', 'doctor')
    expect(annotations(keys.stderr)).toEqual([
      '::error title=keys doctor::there are no keys%0Ahint: oem-bake keys add FILE, or --key FILE',
    ])
  })

  it('what a template does wrong on many releases is said once', async () => {
    mkdirSync(join(directory, 'acme'))
    writeFileSync(
      join(directory, 'acme/template.yml'),
      'name: acme\ntitle: Acme\ndescription: A test.\ndistros: [{ distro: flatcar, from: 3185 }]\nfiles: [{ path: /oem-release, source: oem-release, format: text }]\n',
    )
    copyFileSync(join(directory, 'below/oem-release'), join(directory, 'acme/oem-release'))
    const { exitCode, stderr } = await run('.', 'templates', 'check', './acme')
    expect(exitCode).toBe(2)
    const titles = annotations(stderr).map((line) => line.split('::')[1])
    expect(titles).toContain('error title=oem-release-quoted-id,file=acme/oem-release,line=2,col=4')
    expect(titles).toHaveLength(new Set(titles).size)
  })

  it('a job of a batch that fails is an error that names it', async () => {
    writeFileSync(join(directory, 'jobs.yml'), 'jobs: [{ name: nightly, image: absent.img, template: ec2 }]\n')
    const { exitCode, stderr } = await run('.', 'batch', 'jobs.yml', '--quiet')
    expect(exitCode).toBe(7)
    expect(annotations(stderr)).toEqual([
      expect.stringMatching(/^::error title=ERR_NOT_FOUND::nightly, ec2: could not .*absent\.img: no such file/),
    ])
  })

  it('an image that is another one outside the OEM partition is an error', async () => {
    const other = makeSmallDisk(join(directory, 'other.img'), { oemMiB: 5, data: Buffer.from('other') })
    const { exitCode, stderr } = await run('.', 'prove', image, other, '--verify', 'off', '--quiet')
    expect(exitCode).toBe(3)
    expect(annotations(stderr)).toContainEqual(expect.stringMatching(/^::error title=NOT PROVED::.*other\.img: /))
  })

  it('a program that reads JSON lines is not given anything else', async () => {
    const { stderr } = await run('.', ...STARTS_NOTHING, '--json', '--progress', 'json')
    const events = stderr
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as unknown)
    expect(events).toContainEqual(
      expect.objectContaining({ kind: 'warning', place: { file: 'unknown.yml', line: 2, column: 1 } }),
    )
  })

  it('nor when a run fails: an error is the last of its lines, or the document on standard output', async () => {
    const strict = [...STARTS_NOTHING, '--strict', '--progress', 'json'] as const
    const events = (await run('.', ...strict)).stderr.trimEnd().split('\n')
    const [last] = events.map((line) => JSON.parse(line) as unknown).slice(-1)
    const document = await run('.', ...strict, '--json')
    expect(document.stderr).not.toContain('"kind":"error"')
    const { error } = JSON.parse(document.stdout) as { readonly error: object }
    expect(last).toEqual({ kind: 'error', ...error })
    const typo = await run('.', 'plan', image, '--tempate', 'ec2', '--progress=json')
    expect(JSON.parse(typo.stderr)).toMatchObject({ kind: 'error', code: 'ERR_USAGE', exitCode: 2 })
  })

  it('and nowhere else', async () => {
    const { stderr } = await runCli(STARTS_NOTHING, { cwd: directory, env: { GITHUB_ACTIONS: undefined, CI: 'true' } })
    expect(stderr).toContain('warning: unknown.yml')
    expect(stderr).not.toContain('::')
  })
})

describe('on a terminal', () => {
  /** script(1) gives it a terminal as standard error. */
  async function onTerminal(env: Readonly<Record<string, string>>): Promise<string> {
    const words = [...STARTS_NOTHING, '--file', 'nowhere:/x', '--quiet'].join(' ')
    const command = `"${process.execPath}" "${join(CHECKOUT, 'dist/oem-bake.js')}" ${words}`
    const { stdout } = await execa('script', ['--quiet', '--return', '--command', command, '/dev/null'], {
      cwd: directory,
      env: { NO_COLOR: '', TERM: 'xterm', ...env },
      reject: false,
    })
    return stdout
  }

  it('labels are coloured, but for NO_COLOR and terminals that can do nothing', async () => {
    expect(await onTerminal({})).toContain('\x1b[1;31merror:\x1b[0m ')
    for (const env of [{ NO_COLOR: '1' }, { TERM: 'dumb' }]) {
      const said = await onTerminal(env)
      expect(said).toContain('error: ')
      expect(said).not.toContain('\x1b[1')
    }
  })
})
