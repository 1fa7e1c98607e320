/** The README says what the program does: its codes, its exit codes and its flags are compared with the sources and with --help. */
import { execFileSync } from 'node:child_process'
import { copyFileSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { VERBS } from '#src/cli/verbs.js'
import { ALL_RULES } from '#src/oem/rules.js'
import { VENDOR_KEYS } from '#src/trust/vendors.js'
import { CHECKOUT, runCli } from './support/command-line.js'
import { makeSmallDisk } from './support/small-disk.js'
import { temporaryDirectory } from './support/temp.js'

const read = (path: string): string => readFileSync(join(CHECKOUT, path), 'utf8')
const README = read('README.md')
const ERRORS = read('src/errors.ts')

const CODE = /'(ERR_[A-Z0-9_]+)'/g
const UNION = /^export type (\w+Code) =((?:\s*\|?\s*'ERR_[A-Z0-9_]+')+)/gm
const CLASS = /^export class \w+ extends OemBakeError<(?:(\w+Code)|'(ERR_\w+)')> \{\s*readonly exitCode = (\d+)/gm

const codesIn = (text: string): readonly string[] => [...text.matchAll(CODE)].map(([, code]) => code ?? '')

/** Exit code by error code, as src/errors.ts has it: union → class → exit code. */
function declaredCodes(): ReadonlyMap<string, number> {
  const unions = new Map([...ERRORS.matchAll(UNION)].map(([, name = '', members = '']) => [name, codesIn(members)]))
  const exits = new Map<string, number>()
  for (const [, union, single, exit] of ERRORS.matchAll(CLASS)) {
    const codes = single === undefined ? (unions.get(union ?? '') ?? []) : [single]
    for (const code of codes) exits.set(code, Number(exit))
  }
  return exits
}

const directory = temporaryDirectory()

/** Rows of the table in a section, without head and rule. */
function tableIn(title: string): readonly (readonly string[])[] {
  const start = README.indexOf(`\n## ${title}\n`)
  expect(start, `the README has no section ${title}`).not.toBe(-1)
  const end = README.indexOf('\n## ', start + 1)
  const section = README.slice(start, end === -1 ? undefined : end)
  const rows = section.split('\n').filter((line) => line.startsWith('|'))
  const cells = (line: string) =>
    line
      .split('|')
      .slice(1, -1)
      .map((cell) => cell.trim())
  return rows.slice(2).map(cells)
}

/** TypeScript files below a directory, with their comments taken out: a code in a doc block is neither thrown nor asserted. */
function sourcesBelow(directory: string): readonly { readonly path: string; readonly text: string }[] {
  return readdirSync(join(CHECKOUT, directory), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts'))
    .map((name) => join(directory, name))
    .map((path) => ({
      path,
      text: read(path)
        .replace(/\/\*[\s\S]*?\*\//g, '')
        .replace(/^\s*\/\/.*$/gm, ''),
    }))
}

describe('the table of error codes', () => {
  const codes = declaredCodes()

  it('is read from src/errors.ts without losing one', () => {
    expect([...codes.keys()].sort()).toEqual([...new Set(codesIn(ERRORS))].sort())
  })

  it('has exactly the codes that there are, each with the exit code of its class', () => {
    const rows = tableIn('Error codes')
    const inReadme = rows.map(([code = '', exit]) => [code.replaceAll('`', ''), Number(exit)])
    expect(Object.fromEntries(inReadme)).toEqual(Object.fromEntries(codes))
    expect(inReadme).toHaveLength(codes.size)
    expect(rows.filter(([, , when]) => when === undefined || when === '')).toEqual([])
  })

  it('has only codes that are thrown somewhere in src/', () => {
    const thrown = new Set(
      sourcesBelow('src').flatMap(({ path, text }) =>
        codesIn(path === 'src/errors.ts' ? text.replace(/^export type \w+ =(?:\s*\|[^\n]*)+/gm, '') : text),
      ),
    )
    expect([...codes.keys()].filter((code) => !thrown.has(code))).toEqual([])
  })

  it('has only codes that are asserted somewhere in test/', () => {
    const asserted = new Set(sourcesBelow('test').flatMap(({ text }) => text.match(/ERR_[A-Z0-9_]+/g) ?? []))
    expect([...codes.keys()].filter((code) => !asserted.has(code))).toEqual([])
  })
})

describe('the table of exit codes', () => {
  it('has success, the three signals and the exit code of every class, and no other', () => {
    const inReadme = tableIn('Exit codes').flatMap(([exits = '']) => exits.split(',').map(Number))
    const wanted = new Set([0, 129, 130, 143, ...declaredCodes().values()])
    expect(inReadme.toSorted((a, b) => a - b)).toEqual([...wanted].sort((a, b) => a - b))
  })

  it('is what --help sums up', async () => {
    const { stdout } = await runCli(['--help'])
    const summary = stdout.slice(stdout.indexOf('Exit codes:')).replace(/\s+/g, ' ')
    for (const exit of new Set([0, 129, 130, 143, ...declaredCodes().values()]))
      expect(summary).toMatch(new RegExp(`[ ,]${exit}[ ,]`))
  })
})

describe('the example of explain', () => {
  it('is what the program says, word for word', async () => {
    const example = README.slice(README.indexOf('<!-- explain: test'), README.indexOf('<!-- explain: end -->'))
    const [command = '', ...shown] = example
      .split('\n')
      .filter((line) => line.startsWith('    '))
      .map((line) => line.slice(4))
    const args = command.replace('$ oem-bake ', '').split(' ')
    const image = makeSmallDisk(join(directory, 'flatcar.bin'), {
      oemFiles: { '/cloud-config.yml': '#cloud-config\nhostname: x\n', '/grub.cfg': 'set oem_id="ec2"\n' },
    })
    const { exitCode, stdout } = await runCli([
      ...args.map((word) => (word === 'flatcar.bin' ? image : word)),
      '--no-cache',
    ])
    expect(exitCode).toBe(0)
    const pieces = shown
      .join('\n')
      .split('…')
      .filter((piece) => piece.trim() !== '')
    expect(pieces).toHaveLength(2)
    let from = 0
    for (const piece of pieces) {
      const at = stdout.indexOf(piece, from)
      expect(at, piece).toBeGreaterThan(-1)
      from = at + piece.length
    }
  })
})

describe('the way to a provider of your own', () => {
  it('goes as it is written, from nothing to a machine that is explained', async () => {
    const place = join(directory, 'own')
    mkdirSync(place)
    makeSmallDisk(join(place, 'image.bin'))
    const section = README.slice(README.indexOf('<!-- templates: test'), README.indexOf('<!-- templates: end -->'))
    const commands = section
      .split('\n')
      .filter((line) => line.startsWith('    '))
      .map((line) => line.slice(4).replace(/\s+#.*$/, ''))
    expect(commands.map((command) => command.split(' ').slice(0, 2).join(' '))).toEqual([
      'oem-bake templates',
      'sed -i',
      'oem-bake templates',
      'oem-bake plan',
      'oem-bake image.bin',
      'oem-bake explain',
    ])
    const outputs: string[] = []
    for (const command of commands) {
      const words = command.split(' ')
      if (words[0] !== 'oem-bake') {
        outputs.push(execFileSync('sh', ['-c', command], { cwd: place, encoding: 'utf8' }))
        continue
      }
      const { exitCode, stderr, stdout } = await runCli(words.slice(1), { cwd: place, env: { XDG_CACHE_HOME: place } })
      expect(exitCode, stderr).toBe(0)
      outputs.push(stdout)
    }
    const edited = readFileSync(join(place, 'mycloud/template.yml'), 'utf8')
    const lines = (text: string): readonly string[] => text.split('\n')
    const start = lines(read('oem-templates/custom/template.yml'))
    expect(lines(edited).filter((line, index) => line !== start[index])).toEqual([
      'name: mycloud',
      'title: My Cloud',
      'homepage: https://my.cloud.example/',
      'oem_id: openstack',
    ])
    const [, , check = '', plan = '', bake, explain = ''] = outputs
    expect(check).toContain('nothing that could hurt')
    expect(plan).toMatch(/oem_id +openstack/)
    expect(bake).toBe(`${join(place, 'image.mycloud.bin')}\n`)
    expect(explain.replace(/\s+/g, ' ')).toContain(
      'Ignition fetches it from openstack/latest/user_data on the config drive',
    )
  })
})

describe('the way to another edition and back', () => {
  it('goes as it is written', async () => {
    const place = join(directory, 'again')
    mkdirSync(place)
    makeSmallDisk(join(place, 'image.bin'))
    const section = README.slice(README.indexOf('<!-- rebake: test'), README.indexOf('<!-- rebake: end -->'))
    const commands = [...section.matchAll(/^ {4}oem-bake (.*?)(?: +#.*)?$/gm)].map(([, words = '']) => words.split(' '))
    expect(commands).toHaveLength(4)
    const outputs: string[] = []
    for (const words of commands) {
      const { exitCode, stderr, stdout } = await runCli(words, { cwd: place, env: { XDG_CACHE_HOME: place } })
      expect(exitCode, stderr).toBe(0)
      outputs.push(stdout.trim())
    }
    const [rackspace = '', same = '', , back] = outputs
    expect(readFileSync(same).equals(readFileSync(rackspace))).toBe(true)
    expect(back).toBe(join(place, 'image.unbaked.bin'))
  })
})

describe('the section on many editions', () => {
  it('has commands that do what they say', async () => {
    const place = join(directory, 'editions')
    mkdirSync(place)
    // A release that few templates are made for: one of the user's own.
    makeSmallDisk(join(place, 'image.bin'), { osRelease: 'ID=coreos\nVERSION=681.2.0\nVERSION_ID=681.2.0\n' })
    const own = join(place, 'templates', 'own')
    mkdirSync(own, { recursive: true })
    writeFileSync(join(own, 'own.yml'), 'a: b\n')
    writeFileSync(
      join(own, 'template.yml'),
      'name: own\ntitle: Own\ndescription: x\noem_id: ec2\nfiles: [{path: /own.yml, source: own.yml, format: yaml}]\n',
    )
    const env = { XDG_CACHE_HOME: place, OEM_BAKE_TEMPLATES: join(place, 'templates') }
    const section = README.slice(README.indexOf('<!-- editions: test'), README.indexOf('<!-- editions: end -->'))
    const [, jobs = ''] = section.split('    # jobs.yml\n')
    writeFileSync(join(place, 'jobs.yml'), jobs.replaceAll(/^ {4}/gm, ''))
    const commands = [...section.matchAll(/^ {4}oem-bake (.*?) +#/gm)].map(([, words = '']) => words.split(' '))
    expect(commands).toHaveLength(4)
    const outputs: string[] = []
    for (const words of commands) {
      const { exitCode, stderr, stdout } = await runCli(words, { cwd: place, env })
      expect(exitCode, stderr).toBe(0)
      outputs.push(stdout)
    }
    const [two, all, batch = '', resumed] = outputs
    expect(two).toBe(`${join(place, 'image.ec2.bin')}\n${join(place, 'image.gce.bin')}\n`)
    expect(all).toBe(`${join(place, 'everywhere', 'image.own.bin')}\n`)
    expect(batch.match(/^baked /gm)).toHaveLength(3)
    expect(resumed).toBe(batch.replaceAll(/^baked/gm, 'kept'))
  })
})

describe('the section on trust', () => {
  it('has commands that do what they say', async () => {
    const place = join(directory, 'keys')
    mkdirSync(place)
    copyFileSync(join(CHECKOUT, 'test/fixtures/openpgp/coreos-2014.asc'), join(place, 'coreos.asc'))
    const section = README.slice(README.indexOf('<!-- keys: test'), README.indexOf('<!-- keys: end -->'))
    const commands = [...section.matchAll(/^ {4}oem-bake (.*?) +#/gm)].map(([, words = '']) => words.split(' '))
    const outputs: string[] = []
    for (const words of commands)
      outputs.push((await runCli(words, { cwd: place, env: { XDG_CONFIG_HOME: join(place, 'config') } })).stdout)
    const [added, listed, examined] = outputs
    expect(added).toContain('added as')
    expect(listed).toContain('official: CoreOS')
    expect(examined).toContain("problem: CoreOS's key lacks")
  })

  it('names both pinned fingerprints', () => {
    for (const { primaryFingerprint } of VENDOR_KEYS) expect(README).toContain(primaryFingerprint)
  })
})

describe('the section on checks', () => {
  it('says how many rules there are, in round numbers', () => {
    const said = Number(/There are more than (\d+) rules for this/.exec(README)?.[1])
    expect(ALL_RULES.length).toBeGreaterThan(said)
    expect(ALL_RULES.length).toBeLessThanOrEqual(said + 40)
  })

  it('shows what oem-bake says of its example', async () => {
    writeFileSync(join(directory, 'oem-release'), 'VERSION_ID=1\nID="acme"\n\nNAME="Acme Cloud"\n')
    const { stderr } = await runCli(['image', '--file', 'oem-release:/oem-release'], { cwd: directory })
    const shown = README.slice(README.indexOf('    error: 2 things'), README.indexOf('First the place'))
    expect(shown.replaceAll(/^ {4}/gm, '').trim()).toBe(stderr.trim())
  })
})

describe('--help', () => {
  it.each(['', ...VERBS.map(({ name }) => name)])('of "%s" fits 80 columns', async (verb) => {
    const help = await helpOf(verb)
    expect(help.split('\n').filter((line) => line.length > 80)).toEqual([])
    expect(help).toContain(`oem-bake ${verb}`)
  })

  it('knows every flag that the README names', async () => {
    const helps = await Promise.all(['', ...VERBS.map(({ name }) => name)].map((verb) => helpOf(verb)))
    const known = new Set(helps.flatMap(flagsIn))
    const mentioned = flagsOfReadme()
    expect(mentioned.length).toBeGreaterThan(10)
    expect(mentioned.filter((flag) => !known.has(flag))).toEqual([])
  })
})

/** @param verb empty for the help of all */
async function helpOf(verb: string): Promise<string> {
  const { exitCode, stdout } = await runCli([...(verb === '' ? [] : [verb]), '--help'])
  expect(exitCode).toBe(0)
  return stdout
}

function flagsIn(text: string): readonly string[] {
  return [...text.matchAll(/(?<![\w-])(--[a-z][a-z-]*|-[A-Za-z])(?![\w-])/g)].map(([, flag]) => flag ?? '')
}

/** Behind the word oem-bake in code, and at the start of a code span; other programs' flags are none of ours. */
function flagsOfReadme(): readonly string[] {
  const blocks = README.split('\n').filter((line) => line.startsWith('    '))
  const spans = [...README.matchAll(/`([^`\n]+)`/g)].map(([, span]) => span ?? '')
  const commands = [...blocks, ...spans].map((code) => /(?:^|\s)oem-bake (.*)$/.exec(code)?.[1]?.split('#')[0] ?? '')
  const bare = spans.filter((span) => span.startsWith('-'))
  return [...new Set([...commands, ...bare].flatMap(flagsIn))]
}
