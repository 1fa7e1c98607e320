/** Completion scripts, sourced by the shells that they are for. */
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeAll, describe, expect, it } from 'vitest'
import { completion } from '#src/cli/commands/completion.js'
import { flagsOf } from '#src/cli/completion/flags.js'
import { VERBS } from '#src/cli/verbs.js'
import { listTemplates } from '#src/oem/template/template.js'
import { rejectsWithCode } from '../support/errors.js'
import { bashOffers, fishOffers, type Offers, zshCompletes } from '../support/shells.js'
import { temporaryDirectory } from '../support/temp.js'

const directory = temporaryDirectory()
const cwd = join(directory, 'cwd')
const script = (shell: string): string => join(directory, `completion.${shell}`)

beforeAll(async () => {
  for (const shell of ['bash', 'zsh', 'fish'])
    writeFileSync(script(shell), (await completion({ shell }, { env: {} })).text)
  mkdirSync(join(cwd, 'own-template'), { recursive: true })
  for (const name of ['image.img.bz2', 'two words.img']) writeFileSync(join(cwd, name), '')
})

describe.each<[string, () => Offers]>([
  ['bash', () => bashOffers(script('bash'), cwd)],
  ['fish', () => fishOffers(script('fish'), cwd)],
])('%s', (shell, offersOf) => {
  const offered = (typed: string): readonly string[] => offersOf()(typed)

  it('offers every verb, and images, as the first word', () => {
    expect(offered('oem-bake ')).toEqual(expect.arrayContaining([...VERBS.map(({ name }) => name), 'image.img.bz2']))
    expect(offered('oem-bake insp')).toEqual(['inspect'])
  })

  it('offers the flags of the verb, and no others', () => {
    expect(offered('oem-bake --temp')).toEqual(['--template'])
    expect(offered('oem-bake image.img.bz2 --reco')).toEqual(['--recompress'])
    expect(offered('oem-bake inspect --temp')).toEqual([])
    for (const verb of VERBS) {
      const flags = flagsOf(verb).map(({ name }) => `--${name}`)
      expect(
        [...offered(`oem-bake ${verb.name} --`)].filter((word) => word.startsWith('--')).sort(),
        verb.name,
      ).toEqual([...flags].sort())
    }
  })

  it('offers templates, rules, choices and words where they are wanted', async () => {
    const { templates } = await listTemplates({})
    expect(offered('oem-bake image.img.bz2 --template ')).toEqual(
      expect.arrayContaining(templates.map(({ name }) => name)),
    )
    expect(offered('oem-bake plan -t rackspace-')).toEqual(['rackspace-onmetal'])
    expect(offered('oem-bake explain image.img.bz2 --engine emb')).toEqual(['embedded'])
    expect(offered('oem-bake keys ')).toEqual(expect.arrayContaining(['list', 'add', 'doctor']))
    expect(offered('oem-bake templates show openst')).toEqual(['openstack'])
    expect(offered('oem-bake rules grub-not-asc')).toEqual(['grub-not-ascii'])
    expect(offered('oem-bake completion ')).toEqual(expect.arrayContaining(['bash', 'zsh', 'fish']))
  })

  it('offers files where files are wanted, also with blanks in their names', () => {
    expect(offered('oem-bake prove image')).toEqual(['image.img.bz2'])
    expect(offered('oem-bake verify --key tw').map((name) => name.replaceAll('\\', ''))).toEqual(['two words.img'])
    expect(offered('oem-bake --template own').map((name) => name.replace(/\/$/, ''))).toEqual(['own-template'])
  })

  it('takes a value behind an equals sign', () => {
    const value = offered('oem-bake --engine=emb').map((word) => word.replace(/^--engine=/, ''))
    expect(value, shell).toEqual(['embedded'])
  })
})

describe('zsh', () => {
  it.each([
    ['oem-bake insp', '*inspect*'],
    ['oem-bake --temp', '*--template=*'],
    ['oem-bake --template rackspace-', '*rackspace-onmetal*'],
    ['oem-bake keys doc', '*doctor*'],
  ])('completes "%s" to %s', (typed, pattern) => {
    expect(zshCompletes(script('zsh'), cwd, typed, pattern)).toContain(pattern.replaceAll('*', ''))
  })
})

describe('oem-bake completion', () => {
  it.each([
    [undefined, 'oem-bake completion bash'],
    ['bsh', 'did you mean bash?'],
    ['powershell-core', 'known shells: bash, zsh, fish'],
  ])('refuses %s with a hint', async (shell, hint) => {
    expect((await rejectsWithCode(completion({ shell }, { env: {} }), 'ERR_USAGE')).hint).toBe(hint)
  })
})
