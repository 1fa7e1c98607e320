/** The same bake twice gives the same bytes; a bake of what is baked already changes nothing, or replaces its own. */
import { copyFileSync, mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import type { BakeReport, PlanReport } from '../../dist/index.js'
import { fixtureImage } from '../support/images.js'
import { temporaryDirectory } from '../support/temp.js'
import { cutOut, extTree, firstDifferenceOutside, judge, oemBake, oemBakeJson, partitionRange } from './outside.js'

const directory = temporaryDirectory()
const NOTHING = { offset: 0, length: 0 }
let count = 0
const newPath = (name = 'image.bin'): string => {
  const path = join(directory, String(count++))
  mkdirSync(path)
  return join(path, name)
}

async function bake(image: string, template: string, env: Readonly<Record<string, string | undefined>> = {}) {
  const output = newPath()
  const flags = [image, '--template', template, '--engine', 'embedded', '--output', output]
  const report = await oemBakeJson<BakeReport>(flags, { env })
  return { output, report }
}

/** The OEM partition of a baked qcow2 image, in a file. */
function oemOf(image: string): string {
  const raw = newPath('disk.raw')
  judge('qemu-img', ['convert', '-f', 'qcow2', '-O', 'raw', image, raw])
  return cutOut(raw, partitionRange(raw, 6), newPath('oem'))
}

const identical = (one: string, other: string): boolean => firstDifferenceOutside(one, other, NOTHING) === undefined

describe('the same bake at another time and place', () => {
  it.each([
    ['a raw image', 'with one SOURCE_DATE_EPOCH', 'cl-generic', '1500000000', '1500000000'],
    ['a qcow2 image', 'with one SOURCE_DATE_EPOCH', 'cl-openstack-qcow2', '1500000000', '1500000000'],
    ['a qcow2 image', 'without SOURCE_DATE_EPOCH', 'cl-openstack-qcow2', undefined, undefined],
  ] as const)(
    'of %s %s gives the same bytes, whatever time zone, home and locale',
    async (_, __, name, first, second) => {
      const image = await fixtureImage(name)
      const home = join(directory, 'home')
      const one = await bake(image, 'rackspace', {
        SOURCE_DATE_EPOCH: first,
        TZ: 'Asia/Tokyo',
        HOME: home,
        LC_ALL: 'C',
      })
      // Time stamps count seconds.
      await new Promise((resolve) => setTimeout(resolve, 1100))
      const other = await bake(image, 'rackspace', { SOURCE_DATE_EPOCH: second, TZ: 'America/Lima', LC_ALL: 'C.UTF-8' })
      expect(other.report.output.sha256).toBe(one.report.output.sha256)
      expect(identical(one.output, other.output)).toBe(true)
    },
  )

  it('gives the same bytes whatever the umask', async () => {
    const image = await fixtureImage('cl-openstack')
    const outputs: string[] = []
    for (const mask of ['000', '077']) {
      const output = newPath('image.img.bz2')
      const main = join(import.meta.dirname, '../../dist/oem-bake.js')
      const flags = ['--template', 'rackspace', '--engine', 'embedded', '--quiet', '--output', output]
      judge('sh', ['-c', 'umask "$1"; shift; exec "$@"', 'sh', mask, process.execPath, main, image, ...flags])
      outputs.push(output)
    }
    expect(identical(outputs[0]!, outputs[1]!)).toBe(true)
  })

  it('gives other bytes for another SOURCE_DATE_EPOCH, which debugfs finds on the new files', async () => {
    const image = await fixtureImage('cl-openstack-qcow2')
    const { output, report } = await bake(image, 'rackspace', { SOURCE_DATE_EPOCH: '1400000000' })
    const oem = oemOf(output)
    expect(judge('debugfs', ['-R', 'stat /grub.cfg', oem]).toString()).toContain(
      `mtime: 0x${(1_400_000_000).toString(16)}`,
    )
    expect(report.output.sha256).not.toBe((await bake(image, 'rackspace')).report.output.sha256)
  })
})

describe('a bake of a baked image', () => {
  it('with the same template plans nothing and gives the same bytes', async () => {
    const { output } = await bake(await fixtureImage('cl-openstack-qcow2'), 'rackspace')
    const planned = await oemBakeJson<PlanReport>(['plan', output, '--template', 'rackspace'])
    expect(planned.plan.edits).toEqual([])
    expect(new Set(planned.plan.changes.map((change) => change.action))).toEqual(new Set(['unchanged', 'keep']))
    expect(identical(output, (await bake(output, 'rackspace')).output)).toBe(true)
  })

  it('with the same template but other times still gives the same bytes', async () => {
    const { output } = await bake(await fixtureImage('cl-openstack-qcow2'), 'rackspace', {
      SOURCE_DATE_EPOCH: '1500000000',
    })
    const again = await bake(output, 'rackspace', { SOURCE_DATE_EPOCH: '1600000000' })
    expect(identical(output, again.output)).toBe(true)
  })

  it.each([
    ['rackspace', 'ec2'],
    ['ec2', 'openstack'],
    ['openstack', 'rackspace'],
  ])('made for %s with the template %s leaves what the template alone would have left', async (before, after) => {
    const image = await fixtureImage('cl-openstack-qcow2')
    const trees: unknown[] = []
    for (const start of [image, (await bake(image, before)).output]) {
      const { output } = await bake(start, after)
      const oem = oemOf(output)
      judge('e2fsck', ['-fn', oem])
      trees.push(extTree(oem))
    }
    expect(trees[1]).toEqual(trees[0])
  })

  it('is refused while its own output is there, and the output stays as it is', async () => {
    const { output } = await bake(await fixtureImage('cl-openstack-qcow2'), 'rackspace')
    const copy = newPath()
    copyFileSync(output, copy)
    const { exitCode, stderr } = await oemBake([await fixtureImage('cl-openstack-qcow2'), '-t', 'ec2', '-o', output])
    expect(exitCode, stderr).toBe(8)
    expect(identical(output, copy)).toBe(true)
  })
})
