/** Debian's Packer 1.6 itself, as far as every run can afford it. All the rest: scripts/packer-check. */
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeAll, describe, expect, it } from 'vitest'
import { CHECKOUT, runCli } from '../support/command-line.js'
import { EXAMPLES, packerPlace } from '../support/packer.js'
import { makeSmallDisk } from '../support/small-disk.js'
import { sha256File } from '../support/snapshot.js'
import { temporaryDirectory } from '../support/temp.js'

const directory = temporaryDirectory()
let image: string

beforeAll(() => {
  image = makeSmallDisk(join(directory, 'image.img'))
})

describe('the README', () => {
  it('shows the example that is run here', () => {
    const readme = readFileSync(join(CHECKOUT, 'README.md'), 'utf8')
    const shown = readme
      .slice(readme.indexOf('<!-- packer: test'), readme.indexOf('<!-- packer: end -->'))
      .split('\n')
      .slice(1, -1)
      .map((line) => line.slice(2))
      .join('\n')
    expect(shown).toMatch(/post-processor "oem-bake"/)
    expect(readFileSync(join(EXAMPLES, 'plugin.pkr.hcl'), 'utf8')).toContain(shown)
  })
})

describe('Packer 1.6', () => {
  it('accepts our options in gob, and refuses one of the wrong type and one that there is not', async () => {
    const place = packerPlace(directory, image)
    expect(await place.run(['validate', 'plugin.pkr.hcl'])).toMatchObject({ exitCode: 0 })
    const template = readFileSync(place.path('plugin.pkr.hcl'), 'utf8')
    place.write('wrong-type.pkr.hcl', template.replace('template  = var.template', 'strict = ["x"]'))
    const wrongType = await place.run(['validate', 'wrong-type.pkr.hcl'])
    expect(wrongType).toMatchObject({ exitCode: 1, said: expect.stringMatching(/strict.*bool required/s) })
    place.write('unknown.pkr.hcl', template.replace('template  = var.template', 'templat = "ec2"'))
    const unknown = await place.run(['validate', 'unknown.pkr.hcl'])
    expect(unknown).toMatchObject({ exitCode: 1, said: expect.stringContaining('An argument named "templat"') })
  })

  it('bakes: the edition that the command line makes, its checksum and its archive', async () => {
    const place = packerPlace(directory, image)
    const { exitCode, said } = await place.run(['build', 'plugin.pkr.hcl'])
    expect(exitCode, said).toBe(0)
    const edition = place.path('dist/disk.rackspace.img')
    const byHand = join(directory, 'by-hand.img')
    const words = [image, '--template', 'rackspace', '--set', 'version_id=1.0', '-o', byHand]
    expect(await runCli(words)).toMatchObject({ exitCode: 0 })
    expect(sha256File(edition)).toBe(sha256File(byHand))
    expect(readFileSync(place.path('dist/checksums.txt'), 'utf8')).toContain(sha256File(edition))
    expect(existsSync(place.path('dist/disk.rackspace.tar.gz'))).toBe(true)
  })
})
