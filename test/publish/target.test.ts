import { execFileSync } from 'node:child_process'
import { chmodSync, mkdirSync, mkdtempSync } from 'node:fs'
import { link, symlink, writeFile } from 'node:fs/promises'
import { join, relative } from 'node:path'
import { describe, expect, it } from 'vitest'
import { chooseTarget, editionName } from '#src/publish/target.js'
import type { OutputRequest } from '#src/request.js'
import { openImage } from '#src/source/source.js'
import { rejectsWithCode } from '../support/errors.js'
import { temporaryDirectory } from '../support/temp.js'

const root = temporaryDirectory()

/** A directory with an image in it, and what is chosen for a request. */
async function prepared() {
  const directory = mkdtempSync(join(root, 'images-'))
  const image = join(directory, 'coreos_production_image.bin.bz2')
  await writeFile(image, 'the source')
  const choose = async (request: OutputRequest) => {
    await using opened = await openImage(image)
    return await chooseTarget(opened, request, 'rackspace')
  }
  return { directory, image, choose }
}

/** What is published beside an output unless something else is asked for. */
const besides = (output: string) => [
  { kind: 'sha256', path: `${output}.sha256` },
  { kind: 'manifest', path: `${output}.manifest.json` },
]

describe('editionName', () => {
  it.each([
    ['image.rackspace.img.bz2', 'image.unbaked.img.bz2'],
    ['image.rackspace.custom.bin', 'image.unbaked.bin'],
    ['image.1.2.bin', 'image.1.2.unbaked.bin'],
    ['rackspace.bin', 'rackspace.unbaked.bin'],
    ['.rackspace', '.rackspace.unbaked'],
  ])('of %s without the names of editions is %s', (name, expected) => {
    expect(editionName(name, 'unbaked', ['custom', 'rackspace'])).toBe(expected)
  })

  it.each([
    ['coreos_production_openstack_image.img.bz2', 'coreos_production_openstack_image.rackspace.img.bz2'],
    ['coreos_production_image.bin.bz2', 'coreos_production_image.rackspace.bin.bz2'],
    ['image.bin', 'image.rackspace.bin'],
    ['image.qcow2', 'image.rackspace.qcow2'],
    ['image.raw.bz2', 'image.rackspace.raw.bz2'],
    ['image.bz2', 'image.rackspace.bz2'],
    ['image', 'image.rackspace'],
    ['image-1.2.3', 'image-1.2.3.rackspace'],
    ['image.v1.img', 'image.v1.rackspace.img'],
    ['.img', '.img.rackspace'],
  ])('makes %s into %s', (name, expected) => {
    expect(editionName(name, 'rackspace')).toBe(expected)
  })
})

describe('chooseTarget', () => {
  it('calls the output after the edition, beside the image', async () => {
    const { directory, choose } = await prepared()
    expect(await choose({})).toEqual({
      path: join(directory, 'coreos_production_image.rackspace.bin.bz2'),
      directory,
      force: false,
      sideFiles: besides(join(directory, 'coreos_production_image.rackspace.bin.bz2')),
    })
  })

  it('gives absolute paths', async () => {
    const { directory, choose } = await prepared()
    const output = join(directory, 'out.img')
    expect(await choose({ output: relative(process.cwd(), output), force: true })).toEqual({
      path: output,
      directory,
      force: true,
      sideFiles: besides(output),
    })
  })

  it.each([false, true])('refuses the input itself, by any of its names (force: %s)', async (force) => {
    const { directory, image, choose } = await prepared()
    const hard = join(directory, 'hard')
    const soft = join(directory, 'soft')
    await link(image, hard)
    await symlink(image, soft)
    for (const output of [image, join(directory, '.', 'x', '..', 'coreos_production_image.bin.bz2'), hard, soft])
      await rejectsWithCode(choose({ output, force }), 'ERR_OUTPUT_IS_INPUT')
  })

  it('refuses an existing output unless it is to be replaced', async () => {
    const { directory, choose } = await prepared()
    const output = join(directory, 'out.img')
    await writeFile(output, '')
    await rejectsWithCode(choose({ output }), 'ERR_OUTPUT_EXISTS')
    expect(await choose({ output, force: true })).toMatchObject({ path: output })
  })

  it.each([false, true])('refuses what is no regular file (force: %s)', async (force) => {
    const { directory, choose } = await prepared()
    const pipe = join(directory, 'pipe')
    execFileSync('mkfifo', [pipe])
    const dangling = join(directory, 'dangling')
    await symlink(join(directory, 'nothing'), dangling)
    for (const output of [directory, `${directory}/`, pipe, dangling, '/dev/null'])
      await rejectsWithCode(choose({ output, force }), 'ERR_NOT_A_REGULAR_FILE')
  })

  const EXTENSIONS = ['.sha256', '.manifest.json', '.DIGESTS', '.provenance.json', '.sig', '.DIGESTS.asc']

  it.each(['.sha256', '.manifest.json', '.provenance.json'])(
    'refuses where output%s is there, made anew or not, unless it is to be replaced',
    async (extension) => {
      const { directory, choose } = await prepared()
      const output = join(directory, 'out.img')
      await writeFile(`${output}${extension}`, '')
      for (const kinds of [undefined, []] as const) {
        const request = { output, ...(kinds === undefined ? {} : { with: kinds }) }
        const { message } = await rejectsWithCode(choose(request), 'ERR_OUTPUT_EXISTS')
        expect(message).toContain(`out.img${extension}`)
        expect(await choose({ ...request, force: true })).toMatchObject({ path: output })
      }
    },
  )

  it.each(['.sig', '.asc', '.DIGESTS', '.DIGESTS.asc', '.DIGESTS.sig'])(
    'refuses a name that somebody else vouches for with output%s, with force, too',
    async (extension) => {
      const { directory, choose } = await prepared()
      const output = join(directory, 'coreos_production_openstack_image.img.bz2')
      await writeFile(`${output}${extension}`, 'of the vendor')
      for (const force of [false, true]) {
        const { exitCode, hint } = await rejectsWithCode(choose({ output, force }), 'ERR_OUTPUT_SIGNED')
        expect(exitCode).toBe(8)
        expect(hint).toContain('--output')
      }
      // A manifest that is about something else, or is none, makes it no edition of ours.
      for (const manifest of ['', '[]', '{"tool":{"name":"oem-bake"},"output":{"name":"other"}}']) {
        await writeFile(`${output}.manifest.json`, manifest)
        await rejectsWithCode(choose({ output, force: true }), 'ERR_OUTPUT_SIGNED')
      }
    },
  )

  it('takes with force a name that we have signed ourselves', async () => {
    const { directory, choose } = await prepared()
    const output = join(directory, 'out.img')
    for (const extension of ['', ...EXTENSIONS]) await writeFile(`${output}${extension}`, 'ours')
    const manifest = { tool: { name: 'oem-bake' }, output: { name: 'out.img' } }
    await writeFile(`${output}.manifest.json`, JSON.stringify(manifest))
    await rejectsWithCode(choose({ output }), 'ERR_OUTPUT_EXISTS')
    expect(await choose({ output, force: true })).toMatchObject({ path: output })
  })

  it('refuses where a side file would take the name of the input', async () => {
    const { directory } = await prepared()
    const output = join(directory, 'out.img')
    const image = `${output}.sha256`
    await writeFile(image, 'an image of that name')
    await using opened = await openImage(image)
    await rejectsWithCode(chooseTarget(opened, { output, force: true }, 'x'), 'ERR_OUTPUT_IS_INPUT')
  })

  it('refuses where a side file can not have its name', async () => {
    const { directory, choose } = await prepared()
    const output = join(directory, 'out.img')
    mkdirSync(`${output}.sha256`)
    await rejectsWithCode(choose({ output, force: true }), 'ERR_NOT_A_REGULAR_FILE')
    await rejectsWithCode(choose({ output: join(directory, 'x'.repeat(250)) }), 'ERR_IO')
  })

  it('gives digests, and what gpg makes, their names when they are asked for', async () => {
    const { directory, choose } = await prepared()
    const output = join(directory, 'out.img')
    const namesOf = async (request: OutputRequest) =>
      (await choose({ output, ...request })).sideFiles.map(({ path }) => path.slice(output.length))
    expect(await namesOf({ with: [] })).toEqual([])
    await rejectsWithCode(namesOf({ with: ['sha3' as 'sha256'] }), 'ERR_USAGE')
    expect(await namesOf({ with: ['provenance', 'sha256'] })).toEqual(['.sha256', '.provenance.json'])
    expect(await namesOf({ with: [], sign: 'KEY' })).toEqual(['.DIGESTS', '.sig', '.DIGESTS.asc'])
    expect(await namesOf({ with: ['sha256', 'manifest', 'digests', 'provenance'], sign: 'KEY' })).toEqual(EXTENSIONS)
  })

  it('refuses a directory that does not exist, or is a file', async () => {
    const { directory, image, choose } = await prepared()
    await rejectsWithCode(choose({ output: join(directory, 'no', 'out.img') }), 'ERR_NOT_FOUND')
    await rejectsWithCode(choose({ output: join(image, 'out.img') }), 'ERR_NOT_FOUND')
  })

  it('refuses a directory that may not be written to', async () => {
    const { directory, image } = await prepared()
    const closed = join(directory, 'closed')
    mkdirSync(closed)
    // Root may write anywhere, so somebody else has to try.
    for (const path of [root, directory]) chmodSync(path, 0o755)
    const script = `
      import { chooseTarget } from '#src/publish/target.js'
      import { openImage } from '#src/source/source.js'
      const opened = await openImage(process.argv[1])
      const outcome = await chooseTarget(opened, { output: process.argv[2] }, 'x').then(() => 'accepted', ({ code }) => code)
      console.log(outcome)`
    const attempt = () =>
      execFileSync(
        'setpriv',
        [
          '--reuid=65534',
          '--regid=65534',
          '--clear-groups',
          process.execPath,
          '--input-type=module',
          '-e',
          script,
          image,
          join(closed, 'out.img'),
        ],
        { encoding: 'utf8' },
      ).trim()
    expect(attempt()).toBe('ERR_PERMISSION')
    chmodSync(closed, 0o777)
    expect(attempt()).toBe('accepted')
  })
})
