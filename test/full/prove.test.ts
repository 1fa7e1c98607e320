/**
 * Proofs that must be false, or true, many times: one bit at a hundred random places outside the OEM partition, in every form of image;
 * pairs of bzip2 files put together from the same blocks in any order; and both engines. About ten minutes.
 */
import { execFileSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeAll, expect, it } from 'vitest'
import { prove } from '../../dist/index.js'
import { judge } from '../e2e/outside.js'
import { CHECKOUT } from '../support/command-line.js'
import { expectFalse, falsities } from '../support/falsities.js'
import { makeTestKeys } from '../support/gpg.js'
import { fixtureImage } from '../support/images.js'
import { bakeOf, FORMS, inForm, proveDisk } from '../support/prove.js'
import { temporaryDirectory } from '../support/temp.js'
import { forEachOf } from '../support/verified.js'

const directory = temporaryDirectory()
const path = (name: string): string => join(directory, name)
const RANDOM_PLACES = 100
const disk = path('disk')
const bakedDisk = path('disk.baked')

beforeAll(async () => {
  proveDisk(disk)
  await bakeOf(disk, bakedDisk)
})

it.each(FORMS)('is false for one bit at a hundred random places of %s', async (form) => {
  const original = inForm(disk, form, path(form))
  const places = falsities(disk, RANDOM_PLACES, form)
  await forEachOf([...places.entries()], ([nth, falsity]) =>
    expectFalse({ original, bakedDisk, work: path(`work-${nth % 3}-${nth}`) }, form, falsity),
  )
})

it.each(['lbzip2', 'bzip2', 'pbzip2'] as const)(
  'is false for one bit at a hundred random places of a signed original by %s',
  async (form) => {
    using keys = makeTestKeys(directory)
    const original = inForm(disk, form, path(`signed-${form}`))
    writeFileSync(`${original}.sig`, keys.gpg.sign(original, keys.own))
    const request = { keys: [keys.files.own] }
    await forEachOf([...falsities(disk, RANDOM_PLACES, `signed ${form}`).entries()], ([nth, falsity]) =>
      expectFalse({ original, bakedDisk, work: path(`work-${nth}`), request }, form, falsity),
    )
  },
)

it('says of four hundred pairs of bzip2 files nothing that is not so', () => {
  const env = { ...process.env, OEM_BAKE_TEST_PAIRS: '400' }
  const args = ['vitest', 'run', '--maxWorkers=1', 'test/codec/bzip2/pair.test.ts']
  const said = execFileSync('npx', args, { cwd: CHECKOUT, env, encoding: 'utf8' })
  expect(said).toMatch(/Tests.* passed/)
})

it('finds the same with libguestfs as with the embedded engine', async () => {
  const request = { original: disk, baked: bakedDisk }
  const embedded = await prove({ ...request, engine: 'embedded' })
  const libguestfs = await prove({ ...request, engine: 'libguestfs' })
  expect(libguestfs.engine).toEqual({ original: 'libguestfs', baked: 'libguestfs' })
  expect(libguestfs.files).toEqual(embedded.files)
})

it('holds for Flatcar images whose OEM partition is btrfs, with compressed clusters, too', async () => {
  for (const name of ['fl-layout-a', 'fl-openstack'] as const) {
    const original = await fixtureImage(name)
    const baked = await bakeOf(original, path(`${name}.baked`))
    const report = await prove({ original, baked })
    expect(report, name).toMatchObject({ holds: true, outside: { identical: true } })
    expect(report.files?.length, name).toBeGreaterThan(0)
  }
})

it.each(['cl-openstack', 'cl-generic-lbzip2', 'cl-generic-pbzip2'] as const)(
  'holds for a bake of %s, and for the same compressed anew',
  async (name) => {
    const original = await fixtureImage(name)
    const baked = await bakeOf(original, path(`${name}.baked`))
    const report = await prove({ original, baked })
    expect(report).toMatchObject({ holds: true, comparison: { by: 'blocks' } })
    // The same decoded bytes in blocks of another program.
    judge('bash', ['-c', 'lbzip2 -dc "$0" | lbzip2 -zc -3 > "$1"', baked, path('anew')])
    const anew = await prove({ original, baked: path('anew') })
    expect(anew.files).toEqual(report.files)
  },
)
