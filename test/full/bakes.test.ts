/** Full-size images through the engines: the same proofs as for small ones, with digests of everything outside OEM. */
import { mkdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import type { ImageOptions } from '../../scripts/make-image/options.js'
import { type ProofRequest, proveBake } from '../e2e/proof.js'
import { fixtureImage } from '../support/images.js'
import { temporaryDirectory } from '../support/temp.js'

interface FullCase {
  readonly title: string
  readonly image: ImageOptions
  readonly engines: readonly ProofRequest['engine'][]
  readonly flags: readonly string[]
  readonly proof: Pick<ProofRequest, 'format' | 'filesystem' | 'bzip2'>
}

const CASES: readonly FullCase[] = [
  {
    title: 'Container Linux, raw: both engines leave the same tree',
    image: { distro: 'container-linux', size: 'full' },
    engines: ['embedded', 'libguestfs'],
    flags: ['--template', 'rackspace'],
    proof: { format: 'raw', filesystem: 'ext4' },
  },
  {
    title: 'Container Linux openstack, qcow2 in bzip2, vendor files inside',
    image: {
      distro: 'container-linux',
      size: 'full',
      variant: 'vm',
      oem: 'openstack',
      format: 'qcow2',
      compress: 'lbzip2',
    },
    engines: ['embedded'],
    flags: ['--template', 'rackspace'],
    proof: { format: 'qcow2', filesystem: 'ext4', bzip2: true },
  },
  {
    title: 'Flatcar 3510.2.8, layout A, btrfs',
    image: { distro: 'flatcar', release: '3510.2.8', size: 'full' },
    engines: ['libguestfs'],
    flags: ['--template', 'openstack'],
    proof: { format: 'raw', filesystem: 'btrfs' },
  },
  {
    title: 'Flatcar 4593.0.0, layout B, btrfs OEM and USR-A, vendor sysext inside',
    image: { distro: 'flatcar', release: '4593.0.0', layout: 'B', size: 'full', oem: 'openstack' },
    engines: ['libguestfs'],
    flags: ['--template', 'openstack'],
    proof: { format: 'raw', filesystem: 'btrfs' },
  },
]

const directory = temporaryDirectory()

describe('a full-size bake changes the OEM partition and nothing else', () => {
  it.each(CASES)('$title', async ({ title, image, engines, flags, proof }) => {
    const path = await fixtureImage(image)
    const trees: unknown[] = []
    for (const engine of engines) {
      const work = join(directory, engine)
      mkdirSync(work)
      const { tree, seconds } = await proveBake({ image: path, flags, engine, work, digests: true, ...proof })
      process.stdout.write(`${title} [${engine}]: bake ${seconds.bake} s, proof ${seconds.proof} s\n`)
      trees.push(tree)
      rmSync(work, { recursive: true })
    }
    for (const tree of trees) expect(tree).toEqual(trees[0])
  })
})
