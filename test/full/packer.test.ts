/**
 * Debian's Packer 1.6 runs every template of examples/packer and meets all that can go wrong. An edition is right when it is,
 * byte for byte, what the command line makes of the same image. QEMU is never booted into a system: a boot sector switches
 * the machine off.
 */
import { execFileSync } from 'node:child_process'
import { copyFileSync, existsSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { untilNothingIsLeft } from '../engine/libguestfs/traces.js'
import { compressFile } from '../support/bzip2-file.js'
import { CHECKOUT, runCli } from '../support/command-line.js'
import { EXAMPLES, type PackerPlace, type PackerRun, packerPlace } from '../support/packer.js'
import { noise } from '../support/random.js'
import { DiskPatcher, makeSmallDisk } from '../support/small-disk.js'
import { sha256File } from '../support/snapshot.js'
import { temporaryDirectory } from '../support/temp.js'

const directory = temporaryDirectory()
let image: string
/** Fails after it has been opened: no OEM partition. */
let broken: string
/** Takes some time to decode. */
let large: string
let held = 0

/** The MBR's program: ACPI power-off at both ports that QEMU's machines have it at (0x604, 0xb004), then halt. */
const POWER_OFF = Buffer.from('ba0406b80020efba04b0eff4ebfd', 'hex')

beforeAll(() => {
  image = makeSmallDisk(join(directory, 'image.img'))
  using disk = new DiskPatcher(image)
  disk.write(0, POWER_OFF)
  broken = makeSmallDisk(join(directory, 'broken.img'), { names: { 3: 'USR-A', 6: 'NOT-OEM', 9: 'ROOT' } })
  large = compressFile(makeSmallDisk(join(directory, 'large.img'), { data: noise(200 << 20, 'packer') }))
})

afterAll(() => {
  process.stdout.write(`${execFileSync('packer', ['version'], { encoding: 'utf8' }).trim()}: ${held} cases held\n`)
})

const place = (of = image, plugins?: string): PackerPlace => packerPlace(directory, of, plugins)
const example = (name: string): string => readFileSync(join(EXAMPLES, name), 'utf8')

/** A claim that is counted when it holds. */
function claim(title: string, check: () => Promise<void>): void {
  it(title, async () => {
    await check()
    held += 1
  })
}

const editions = new Map<string, Promise<string>>()
/** Digest of what the command line makes of the image. */
function byHand(template: string, version?: string): Promise<string> {
  const key = `${template} ${version ?? ''}`
  const known = editions.get(key)
  if (known !== undefined) return known
  const made = (async () => {
    const output = join(directory, `by-hand-${editions.size}.img`)
    const set = version === undefined ? [] : ['--set', `version_id=${version}`]
    const { exitCode, stderr } = await runCli([image, '--template', template, ...set, '-o', output])
    expect(exitCode, stderr).toBe(0)
    return sha256File(output)
  })()
  editions.set(key, made)
  return made
}

async function builds(
  { path, run }: PackerPlace,
  args: readonly string[],
  output: string,
  edition: string,
): Promise<string> {
  const { exitCode, said } = await run(['build', ...args])
  expect(exitCode, said).toBe(0)
  expect(sha256File(path(output)), said).toBe(edition)
  return said
}

describe('the templates of examples/packer', () => {
  it('are all run here', () => {
    const tried = ['in-place.pkr.hcl', 'plugin.json', 'plugin.pkr.hcl', 'qemu.pkr.hcl', 'recipe.json', 'recipe.pkr.hcl']
    expect(readdirSync(EXAMPLES).sort()).toEqual(tried)
  })

  claim('plugin, HCL2: edition, checksum, archive, manifest', async () => {
    const at = place()
    const said = await builds(at, ['plugin.pkr.hcl'], 'dist/disk.rackspace.img', await byHand('rackspace', '1.0'))
    expect(readFileSync(at.path('dist/checksums.txt'), 'utf8')).toContain(await byHand('rackspace', '1.0'))
    const packed = execFileSync('tar', ['-xzOf', at.path('dist/disk.rackspace.tar.gz'), '--wildcards', '*.img'], {
      maxBuffer: 1 << 28,
    })
    expect(packed.equals(readFileSync(at.path('dist/disk.rackspace.img')))).toBe(true)
    expect(said).toContain('(oem-bake): Baking build/disk.img for rackspace')
    expect(said).toContain('(oem-bake): publishing')
    expect(existsSync(at.path('build/disk.img'))).toBe(true)
  })

  claim('plugin, JSON: the same, with {{user}} and {{build_name}}', async () => {
    const at = place()
    await builds(at, ['plugin.json'], 'dist/flatcar.rackspace.img', await byHand('rackspace', '1.0'))
    expect(readFileSync(at.path('dist/checksums.txt'), 'utf8')).toContain(await byHand('rackspace', '1.0'))
    expect(existsSync(at.path('dist/flatcar.tar.gz'))).toBe(true)
  })

  claim('plugin, with a variable of the command line', async () => {
    await builds(
      place(),
      ['-var', 'template=digitalocean', 'plugin.json'],
      'dist/flatcar.digitalocean.img',
      await byHand('digitalocean', '1.0'),
    )
  })

  claim("plugin in place: the builder's own file, and its checksum", async () => {
    const at = place()
    await builds(at, ['in-place.pkr.hcl'], 'build/disk.img', await byHand('ec2'))
    expect(readFileSync(at.path('dist/checksums.txt'), 'utf8')).toContain(await byHand('ec2'))
    expect(readdirSync(at.path('build')).sort()).toEqual(['disk.img', 'manifest.json'])
    // The one that was copied is still what it was.
    expect(sha256File(at.path('image.img'))).toBe(sha256File(image))
  })

  claim(
    "plugin after the qemu builder: edition with the run's id, builder's directory dropped on request",
    async () => {
      const at = place()
      const { exitCode, said } = await at.run(['build', 'qemu.pkr.hcl'])
      expect(exitCode, said).toBe(0)
      const { builds: list } = JSON.parse(readFileSync(at.path('dist/manifest.json'), 'utf8')) as {
        builds: { artifact_id: string; packer_run_uuid: string; files: { name: string }[] }[]
      }
      const [{ artifact_id, files, packer_run_uuid }] = list as [(typeof list)[0]]
      const edition = await byHand('openstack', packer_run_uuid)
      expect(sha256File(at.path('dist/disk.openstack.raw'))).toBe(edition)
      expect({ artifact_id, names: files.map(({ name }) => name) }).toEqual({
        artifact_id: `sha256:${edition}`,
        names: ['dist/disk.openstack.raw'],
      })
      expect(existsSync(at.path('build/qemu'))).toBe(false)
    },
  )

  claim('recipe, HCL2: edition and checksum', async () => {
    const at = place()
    await builds(at, ['recipe.pkr.hcl'], 'dist/disk.rackspace.img', await byHand('rackspace'))
    expect(readFileSync(at.path('dist/checksums.txt'), 'utf8')).toContain(await byHand('rackspace'))
  })

  claim('recipe, JSON: edition and checksum', async () => {
    const at = place()
    await builds(at, ['recipe.json'], 'dist/disk.rackspace.img', await byHand('rackspace'))
    expect(readFileSync(at.path('dist/checksums.txt'), 'utf8')).toContain(await byHand('rackspace'))
  })

  claim('recipe after the qemu builder', async () => {
    const at = place()
    const qemu = example('qemu.pkr.hcl')
    const recipe = example('recipe.pkr.hcl')
      .replace('source.file', 'source.qemu')
      .replaceAll('build/disk.img', 'build/qemu/disk.raw')
    const chain = `variable "template" {\n  default = "rackspace"\n}\n${recipe.slice(recipe.indexOf('build {'))}`
    at.write('qemu-recipe.pkr.hcl', qemu.slice(0, qemu.indexOf('build {')) + chain)
    await builds(at, ['qemu-recipe.pkr.hcl'], 'dist/disk.rackspace.img', await byHand('rackspace'))
  })
})

describe('the single file of npm run package:packer', () => {
  claim('bakes from a directory of its own, with the oem-bake that is in PATH', async () => {
    execFileSync('npm', ['run', '--silent', 'package:packer'], { cwd: CHECKOUT })
    const out = join(CHECKOUT, 'build', 'packer')
    const at = place(image, join(out, '1.6'))
    await builds(at, ['plugin.pkr.hcl'], 'dist/disk.rackspace.img', await byHand('rackspace', '1.0'))
    const names = readdirSync(join(out, 'plugin'))
    expect(names).toContain('packer-plugin-oem-bake_v0.1.0_x5.0_linux_amd64')
    for (const name of names.filter((one) => !one.endsWith('_SHA256SUM'))) {
      expect(readFileSync(join(out, 'plugin', `${name}_SHA256SUM`), 'utf8')).toBe(sha256File(join(out, 'plugin', name)))
      expect(statSync(join(out, 'plugin', name)).mode & 0o111).toBe(0o111)
    }
  })

  claim('is found in the working directory, too, as Packer 1.6 looks there', async () => {
    const at = place(image, '/nowhere')
    copyFileSync(
      join(CHECKOUT, 'build/packer/1.6/packer-post-processor-oem-bake'),
      at.path('packer-post-processor-oem-bake'),
    )
    expect(await at.run(['validate', 'plugin.pkr.hcl'])).toMatchObject({ exitCode: 0 })
  })
})

describe('several builds at once', () => {
  const names = ['one', 'two', 'three']
  const templates = ['ec2', 'openstack', 'digitalocean']

  claim('HCL2: three sources, an edition each', async () => {
    const at = place()
    const sources = names.map(
      (name) => `source "file" "${name}" {\n source = "image.img"\n target = "build/${name}.img"\n}\n`,
    )
    at.write(
      'parallel.pkr.hcl',
      `${sources.join('')}build {\n sources = [${names.map((name) => `"source.file.${name}"`).join(', ')}]\n` +
        ` post-processor "oem-bake" {\n  template = "ec2"\n  output = "dist/\${source.name}.img"\n  keep_input_artifact = true\n }\n}\n`,
    )
    const { exitCode, said } = await at.run(['build', 'parallel.pkr.hcl'])
    expect(exitCode, said).toBe(0)
    for (const name of names) expect(sha256File(at.path(`dist/${name}.img`))).toBe(await byHand('ec2'))
  })

  claim('JSON: three builders and three chains, nine editions', async () => {
    const at = place()
    at.write(
      'parallel.json',
      JSON.stringify({
        builders: names.map((name) => ({ type: 'file', name, source: 'image.img', target: `build/${name}.img` })),
        'post-processors': templates.map((template) => [
          { type: 'oem-bake', template, output: `dist/{{build_name}}.${template}.img`, keep_input_artifact: true },
        ]),
      }),
    )
    const { exitCode, said } = await at.run(['build', 'parallel.json'])
    expect(exitCode, said).toBe(0)
    for (const name of names)
      for (const template of templates)
        expect(sha256File(at.path(`dist/${name}.${template}.img`))).toBe(await byHand(template))
  })
})

describe('packer validate refuses', () => {
  const rows: readonly (readonly [string, Readonly<Record<string, unknown>>, RegExp])[] = [
    ['an option that there is not', { template: 'ec2', output: 'x', outptu: 'y' }, /outptu/],
    ['a value of the wrong type', { template: 'ec2', output: 'x', level: 'nine' }, /number/],
    [
      'a choice that there is not',
      { template: 'ec2', output: 'x', engine: 'magic' },
      /engine: expected auto, embedded/,
    ],
    ['a template that there is not', { template: 'rackspce', output: 'x' }, /did you mean rackspace/],
    ['a variable that there is not', { template: 'ec2', output: 'x', variables: { y: '1' } }, /no variable "y"/],
    ['nothing to bake', { output: 'x' }, /nothing was asked for/],
    ['no output', { template: 'ec2' }, /neither output nor in_place/],
    ['output and in_place', { template: 'ec2', output: 'x', in_place: true }, /don't go together/],
    ['a program that is not there', { template: 'ec2', output: 'x', oem_bake: '/none' }, /names \/none/],
  ]
  for (const [what, options, message] of rows) {
    claim(`${what}, HCL2`, async () => {
      const at = place()
      const lines = Object.entries(options).map(([name, value]) => `  ${name} = ${JSON.stringify(value)}\n`)
      const source = 'source "file" "a" {\n source = "image.img"\n target = "build/a.img"\n}\n'
      at.write(
        'bad.pkr.hcl',
        `${source}build {\n sources = ["source.file.a"]\n post-processor "oem-bake" {\n${lines.join('')} }\n}\n`,
      )
      expect(await at.run(['validate', 'bad.pkr.hcl'])).toMatchObject({
        exitCode: 1,
        said: expect.stringMatching(message),
      })
    })
    claim(`${what}, JSON`, async () => {
      const at = place()
      const builders = [{ type: 'file', source: 'image.img', target: 'build/a.img' }]
      at.write('bad.json', JSON.stringify({ builders, 'post-processors': [{ type: 'oem-bake', ...options }] }))
      expect(await at.run(['validate', 'bad.json'])).toMatchObject({
        exitCode: 1,
        said: expect.stringMatching(message),
      })
    })
  }
})

describe('a bake that fails', () => {
  claim("through the plugin: exit code and message in Packer's output, the built image kept, no output", async () => {
    const at = place(broken)
    const { exitCode, said } = await at.run(['build', 'plugin.pkr.hcl'])
    expect(exitCode).toBe(1)
    expect(said).toMatch(/Post-processor failed: oem-bake: exit code 4, ERR_OEM_NOT_FOUND: .*\n(?:.*\n)*?hint: /)
    expect(existsSync(at.path('build/disk.img'))).toBe(true)
    expect(readdirSync(at.path('dist'))).toEqual([])
  })

  claim('through the recipe: the same', async () => {
    const at = place(broken)
    const { exitCode, said } = await at.run(['build', 'recipe.json'])
    expect(exitCode).toBe(1)
    expect(said).toContain('Script exited with non-zero exit status: 4')
    expect(said).toContain('error: ')
    expect(existsSync(at.path('build/disk.img'))).toBe(true)
    expect(readdirSync(at.path('dist'))).toEqual([])
  })

  claim('as the first of its chain costs the built image, as the README warns', async () => {
    const at = place(broken)
    at.write('first.pkr.hcl', example('plugin.pkr.hcl').replace(/post-processor "manifest" \{[^}]*\}/, ''))
    expect(await at.run(['build', 'first.pkr.hcl'])).toMatchObject({ exitCode: 1 })
    expect(existsSync(at.path('build/disk.img'))).toBe(false)
  })

  claim('in place leaves the image as it was', async () => {
    const at = place(broken)
    expect(await at.run(['build', 'in-place.pkr.hcl'])).toMatchObject({ exitCode: 1 })
    expect(sha256File(at.path('build/disk.img'))).toBe(sha256File(broken))
    expect(readdirSync(at.path('build')).sort()).toEqual(['disk.img', 'manifest.json'])
  })

  claim(
    'refuses an output that exists; with force, or with packer build -force of a JSON template, it is replaced',
    async () => {
      const at = place()
      await builds(at, ['plugin.json'], 'dist/flatcar.rackspace.img', await byHand('rackspace', '1.0'))
      const again = await at.run(['build', 'plugin.json'])
      expect(again).toMatchObject({ exitCode: 1, said: expect.stringContaining('exit code 8, ERR_OUTPUT_EXISTS') })
      await builds(at, ['-force', 'plugin.json'], 'dist/flatcar.rackspace.img', await byHand('rackspace', '1.0'))
      at.write(
        'force.pkr.hcl',
        example('plugin.pkr.hcl').replaceAll('disk.', 'flatcar.').replace('# Outside', 'force = true\n#'),
      )
      await builds(at, ['force.pkr.hcl'], 'dist/flatcar.rackspace.img', await byHand('rackspace', '1.0'))
    },
  )
})

describe('a build that is cancelled in the middle of a bake', () => {
  const withoutTraces = async (at: PackerPlace): Promise<void> => {
    await untilNothingIsLeft(at.directory, Date.now())
    const dist = existsSync(at.path('dist')) ? readdirSync(at.path('dist')) : []
    expect(dist.filter((name) => !name.startsWith('.oem-bake-'))).toEqual([])
    expect(readdirSync(at.path('tmp')).filter((name) => name.startsWith('packer-oem-bake'))).toEqual([])
  }
  // SIGINT to the one process that was started is none of them: it is Packer's own watchdog, which leaves that to its child.
  const signals: readonly (readonly [string, (run: PackerRun) => void])[] = [
    ['SIGTERM to Packer', ({ child }) => child.kill('SIGTERM')],
    ["Ctrl-C, which reaches Packer's whole group", ({ child }) => process.kill(-(child.pid ?? 0), 'SIGINT')],
    ['SIGKILL to Packer, which tells nobody', ({ child }) => child.kill('SIGKILL')],
  ]
  for (const [what, end] of signals) {
    claim(`plugin: ${what}`, async () => {
      const at = place(large)
      const run = at.start(['build', 'plugin.pkr.hcl'])
      await run.until(/\(oem-bake\): decoding/)
      end(run)
      const { exitCode } = await run.ended
      expect(exitCode).not.toBe(0)
      await withoutTraces(at)
      // Cleared away by the bake itself, not by the next one.
      expect(readdirSync(at.path('dist'))).toEqual([])
    })
  }

  for (const [what, end] of signals.slice(0, 2)) {
    claim(`recipe: ${what}`, async () => {
      const at = place(large)
      // Not quiet, so that it can be seen at work.
      at.write('loud.json', example('recipe.json').replace('--quiet', '--progress plain'))
      const run = at.start(['build', 'loud.json'])
      await run.until(/decoding/)
      end(run)
      const { exitCode } = await run.ended
      expect(exitCode).not.toBe(0)
      await withoutTraces(at)
    })
  }
})
