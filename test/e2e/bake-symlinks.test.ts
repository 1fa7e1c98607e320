/** Links that an image brings along are never followed: not out of the OEM partition, not within it. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeAll, describe, expect, it } from 'vitest'
import type { PlanReport } from '../../dist/index.js'
import { fixtureImage } from '../support/images.js'
import { temporaryDirectory } from '../support/temp.js'
import { cutOut, extTree, judge, oemBake, oemBakeJson, partitionRange } from './outside.js'
import { APPLIANCE_TIMEOUT_MS } from './proof.js'

const directory = temporaryDirectory()
const image = join(directory, 'links.bin')
const bait = join(directory, 'bait')

beforeAll(async () => {
  judge('cp', ['--sparse=always', await fixtureImage('cl-generic'), image])
  judge('chmod', ['u+w', image])
  judge('sh', ['-c', 'echo untouched > "$1"', 'sh', bait])
  const { offset } = partitionRange(image, 6)
  judge(
    'debugfs',
    ['-w', '-f', '-', `${image}?offset=${offset}`],
    [`symlink /grub.cfg ${bait}`, 'symlink /base ../../../../tmp', 'mkdir /real', 'symlink /bin real', ''].join('\n'),
  )
})

describe('links on the OEM partition', () => {
  it.each([
    ['a link in the place of a file', ['--template', 'rackspace', '--existing', 'merge'], '/grub.cfg'],
    [
      'a directory that is a link out of the partition',
      ['--file', `${bait}:/base/new`, '--existing', 'merge'],
      '/base',
    ],
    [
      'a directory that is a link within the partition',
      ['--file', `${bait}:/bin/agent`, '--existing', 'merge'],
      '/bin',
    ],
  ])('let nobody write through %s', async (_, flags, link) => {
    const { exitCode, stdout } = await oemBake(['plan', image, ...flags, '--json'])
    expect(exitCode).toBe(8)
    expect(JSON.parse(stdout.toString())).toMatchObject({ error: { code: 'ERR_OEM_SYMLINK', details: { path: link } } })
  })

  it.each(['embedded', 'libguestfs'])(
    'are removed themselves with --existing replace by the %s engine, and not what they point to',
    async (engine) => {
      const output = join(directory, `removed-${engine}.bin`)
      await oemBakeJson([image, '--template', 'ec2', '--existing', 'replace', '--engine', engine, '-o', output])
      expect(readFileSync(bait, 'utf8')).toBe('untouched\n')
      const oem = cutOut(output, partitionRange(output, 6), join(directory, `oem-${engine}`))
      judge('e2fsck', ['-fn', oem])
      expect(extTree(oem).map(({ path, kind }) => `${kind} ${path}`)).toEqual([
        'file /.oem-bake.json',
        'directory /base',
        'file /base/base.ign',
        'file /base/default.ign',
        'file /grub.cfg',
        'directory /lost+found',
        'file /oem-release',
      ])
    },
    APPLIANCE_TIMEOUT_MS,
  )

  it('are removed alone with --remove, and what they point to stays', async () => {
    const flags = ['--remove', '/bin', '--existing', 'merge']
    const { plan } = await oemBakeJson<PlanReport>(['plan', image, ...flags])
    expect(plan.changes.filter(({ action }) => action === 'remove').map(({ path }) => path)).toEqual(['/bin'])
  })
})
