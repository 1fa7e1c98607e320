/** What `npm pack` makes of the build: its contents, and an installation of it in an empty directory. */
import { execFileSync } from 'node:child_process'
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { isBuiltin } from 'node:module'
import { homedir } from 'node:os'
import { dirname, join, normalize } from 'node:path'
import { execa } from 'execa'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { CHECKOUT, runCli } from '../support/command-line.js'
import { installedForUsers, NpmRegistry } from '../support/npm-registry.js'
import { bashOffers } from '../support/shells.js'
import { makeSmallDisk } from '../support/small-disk.js'
import { sha256File } from '../support/snapshot.js'
import { temporaryDirectory } from '../support/temp.js'

const directory = temporaryDirectory()
const packed = join(directory, 'packed')
const place = join(directory, 'place')
let tarball = ''
let registry: NpmRegistry

beforeAll(async () => {
  for (const path of [packed, place]) mkdirSync(path)
  // Scripts would build again, below the feet of other tests.
  execFileSync('npm', ['pack', '--ignore-scripts', '--silent', '--pack-destination', packed], { cwd: CHECKOUT })
  tarball = join(packed, readdirSync(packed)[0]!)
  execFileSync('tar', ['-xzf', tarball, '-C', packed])
  registry = await NpmRegistry.start()
})
afterAll(() => registry[Symbol.asyncDispose]())

const filesBelow = (root: string): readonly string[] =>
  readdirSync(root, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(root.length + 1))

describe('the npm package', () => {
  it('holds what users need, and no tests, no sources and no maps of them', () => {
    const files = filesBelow(join(packed, 'package'))
    expect(new Set(files.map((name) => name.split('/')[0]))).toEqual(
      new Set([
        ...['dist', 'examples', 'oem-templates', 'schema', 'package.json'],
        ...['README.md', 'CHANGELOG.md', 'ARCHITECTURE.md', 'LICENSE'],
      ]),
    )
    expect(
      files.filter((name) => /\.(?:map|tgz|log|tsbuildinfo)$|(?<!\.d)\.ts$|\.test\.|(?:^|\/)\./.test(name)),
    ).toEqual([])
    for (const folder of ['oem-templates', 'schema'])
      expect(filesBelow(join(packed, 'package', folder)).toSorted()).toEqual(
        filesBelow(join(CHECKOUT, folder)).toSorted(),
      )
  })

  it('names no directory of the machine that it was made on', () => {
    const own = [CHECKOUT.replace(/\/$/, ''), homedir()].filter((path) => path.split('/').length > 2)
    const naming = filesBelow(join(packed, 'package')).filter((name) => {
      const text = readFileSync(join(packed, 'package', name), 'latin1')
      return own.some((path) => text.includes(`${path}/`))
    })
    expect(naming).toEqual([])
  })

  it('has every module that one of its modules imports', () => {
    const files = new Set(filesBelow(join(packed, 'package')))
    const missing = [...files]
      .filter((name) => /^dist\/.*\.(?:js|d\.ts)$/.test(name))
      .flatMap((name) =>
        [...readFileSync(join(packed, 'package', name), 'utf8').matchAll(/(?:from|import\(?) ?["'](\.[^"'\n]+)["']/g)]
          .map(([, path = '']) => normalize(join(dirname(name), path)))
          .map((path) => (name.endsWith('.d.ts') ? path.replace(/\.js$/, '.d.ts') : path)),
      )
      .filter((path) => !files.has(path))
    expect(missing).toEqual([])
  })

  it('names every package that one of its modules imports', () => {
    const root = join(packed, 'package')
    const { dependencies } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
      readonly dependencies: Readonly<Record<string, string>>
    }
    const imported = filesBelow(root)
      .filter((name) => /^dist\/.*\.js$/.test(name))
      .flatMap((name) => [
        ...readFileSync(join(root, name), 'utf8').matchAll(
          /(?:^(?:import|export|\}) .*?from |\bimport\()["']([^."'][^"']*)["']/gm,
        ),
      ])
      .map(([, specifier = '']) => specifier)
      .filter((specifier) => !isBuiltin(specifier))
      .map((specifier) => /^(?:@[^/]+\/)?[^/]+/.exec(specifier)?.[0] ?? '')
    expect(imported.length).toBeGreaterThan(0)
    expect(imported.filter((name) => !Object.hasOwn(dependencies, name))).toEqual([])
  })
})

describe('installed from its tarball in an empty directory', () => {
  const env = { ...process.env, XDG_CACHE_HOME: join(directory, 'cache'), SOURCE_DATE_EPOCH: '1600000000' }
  const run = (program: string, ...words: readonly string[]) =>
    execa(program, words, { cwd: place, env, preferLocal: true, localDir: place, reject: false })

  beforeAll(async () => {
    makeSmallDisk(join(directory, 'image.img'), { oemMiB: 5 })
    const flags = ['--registry', registry.origin, '--cache', join(directory, 'npm'), '--userconfig', '/dev/null']
    await execa('npm', ['install', '--no-audit', '--no-fund', ...flags, tarball], {
      cwd: place,
      env: { NO_PROXY: '127.0.0.1', no_proxy: '127.0.0.1' },
    })
  })

  it('it comes with the packages that it names, and no other', () => {
    const lock = JSON.parse(readFileSync(join(place, 'node_modules/.package-lock.json'), 'utf8')) as {
      readonly packages: Readonly<Record<string, { readonly version: string }>>
    }
    const installed = Object.keys(lock.packages).map((path) => {
      const { name, version } = JSON.parse(readFileSync(join(place, path, 'package.json'), 'utf8')) as Record<
        'name' | 'version',
        string
      >
      return `${name} ${version}`
    })
    const wanted = installedForUsers().map(({ manifest: { name, version } }) => `${name} ${version}`)
    expect(new Set(installed.filter((name) => !name.startsWith('oem-bake ')))).toEqual(new Set(wanted))
  })

  it('it bakes the image that the checkout bakes', async () => {
    const words = [join(directory, 'image.img'), '--template', 'rackspace', '--output']
    const installed = await run('oem-bake', ...words, join(place, 'one.img'))
    expect(installed.exitCode, installed.stderr).toBe(0)
    const own = await runCli([...words, join(directory, 'two.img')])
    expect(own.exitCode, own.stderr).toBe(0)
    expect(sha256File(join(place, 'one.img'))).toBe(sha256File(join(directory, 'two.img')))
  })

  it('it is a library, with types that a strict compiler takes', async () => {
    writeFileSync(
      join(place, 'consumer.mts'),
      `import { plan, type PlanReport } from 'oem-bake'
const report: PlanReport = await plan({ image: process.argv[2] ?? '', template: 'ec2' })
console.log(report.plan.oemId)
// @ts-expect-error: were the types not found, this would be right
export const wrong: number = report.plan
`,
    )
    const flags = ['--strict', '--module', 'nodenext', '--target', 'es2022', '--types', 'node', '--noEmitOnError']
    const types = ['--typeRoots', join(CHECKOUT, 'node_modules/@types')]
    const compiled = await run(join(CHECKOUT, 'node_modules/.bin/tsc'), ...flags, ...types, 'consumer.mts')
    expect(compiled.stdout).toBe('')
    const ran = await run(process.execPath, 'consumer.mjs', join(directory, 'image.img'))
    expect(ran.stderr).toBe('')
    expect(ran.stdout).toBe('ec2')
  })

  it('it completes in a shell, and for all users it brings a manual page where man looks', async () => {
    const { stdout } = await run('oem-bake', 'completion', 'bash')
    writeFileSync(join(place, 'completion.bash'), stdout)
    expect(bashOffers(join(place, 'completion.bash'), place)('oem-bake --temp')).toEqual(['--template'])
    const prefix = join(directory, 'prefix')
    // A folder, which npm links: without its dependencies, so that it takes a second.
    const global = ['install', '--global', '--prefix', prefix, '--offline', '--userconfig', '/dev/null']
    await execa('npm', [...global, '--cache', join(directory, 'npm'), join(packed, 'package')], { cwd: place })
    const page = join(prefix, 'share/man/man1/oem-bake.1')
    expect(execFileSync('mandoc', ['-T', 'utf8', page], { encoding: 'utf8' })).toContain('OEM-BAKE(1)')
  })

  it('it runs no script when it is installed', () => {
    const manifest = readFileSync(join(place, 'node_modules/oem-bake/package.json'), 'utf8')
    const { scripts } = JSON.parse(manifest) as { readonly scripts: Readonly<Record<string, string>> }
    const run = ['preinstall', 'install', 'postinstall', 'prepublish', 'preprepare', 'prepare', 'postprepare']
    expect(run.filter((name) => Object.hasOwn(scripts, name))).toEqual([])
  })

  it('its Packer plugin starts, and says that Packer starts it', async () => {
    const { exitCode, stderr } = await run('packer-post-processor-oem-bake')
    expect(exitCode).not.toBe(0)
    expect(stderr).toContain('this is a plugin, which Packer starts by itself')
  })
})
