/** What a full-size bake may take of a machine's memory: the whole process tree, compressors included. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { peakOfTree } from '../../bench/tree-memory.js'
import type { ImageOptions } from '../../scripts/make-image/options.js'
import { ENV } from '../e2e/outside.js'
import { fixtureImage } from '../support/images.js'
import { temporaryDirectory } from '../support/temp.js'

const LIMIT_MIB = 400e6 / 2 ** 20
const directory = temporaryDirectory()
const CLI = join(import.meta.dirname, '../../dist/oem-bake.js')

it.each<[string, ImageOptions]>([
  ['raw', { distro: 'container-linux', size: 'full' }],
  ['raw in bzip2', { distro: 'container-linux', size: 'full', compress: 'lbzip2' }],
  [
    'qcow2 in bzip2',
    { distro: 'container-linux', size: 'full', variant: 'vm', oem: 'openstack', format: 'qcow2', compress: 'lbzip2' },
  ],
])('a full-size bake of %s with the embedded engine stays below 400 MB', async (title, options) => {
  const output = join(directory, title.replaceAll(' ', '-'))
  const flags = ['--template', 'rackspace', '--engine', 'embedded', '--quiet', '--output', output]
  const child = spawn(process.execPath, [CLI, await fixtureImage(options), ...flags], { env: ENV, stdio: 'ignore' })
  const ended = once(child, 'exit')
  const { ownMiB } = await peakOfTree(child.pid ?? 0, ended)
  expect(await ended).toEqual([0, null])
  process.stdout.write(`${title}: peak of ${ownMiB} MiB\n`)
  expect(ownMiB).toBeLessThan(LIMIT_MIB)
})
