/** Whole bakes of small images of every kind, proved by outside programs (proof.ts). Full-size ones are in test/full. */
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it, vi } from 'vitest'
import { fixtureImage } from '../support/images.js'
import { temporaryDirectory } from '../support/temp.js'
import { judge } from './outside.js'
import { APPLIANCE_TIMEOUT_MS, type Proof, proveBake } from './proof.js'

vi.setConfig({ testTimeout: APPLIANCE_TIMEOUT_MS })
const directory = temporaryDirectory()

function newDirectory(name: string): string {
  const path = join(directory, name)
  mkdirSync(path)
  return path
}

const paths = (proof: Proof): string[] => proof.tree.map((entry) => entry.path)

describe('a bake of a Container Linux image', () => {
  it('changes the OEM partition as planned and nothing else, and both engines leave the same tree', async () => {
    const image = await fixtureImage('cl-generic')
    const proofs: Proof[] = []
    for (const engine of ['embedded', 'libguestfs'] as const) {
      const work = newDirectory(`cl-${engine}`)
      const flags = ['--template', 'rackspace']
      proofs.push(await proveBake({ image, flags, engine, work, format: 'raw', filesystem: 'ext4' }))
    }
    const [embedded, libguestfs] = proofs as [Proof, Proof]
    expect(embedded.report.engine).toBe('embedded')
    expect(libguestfs.report.engine).toBe('libguestfs')
    expect(libguestfs.tree).toEqual(embedded.tree)
    expect(embedded.tree).toContainEqual(
      expect.objectContaining({ path: '/cloud-config.yml', kind: 'file', mode: '0644', owner: '0:0' }),
    )
    const grub = judge('debugfs', ['-R', 'cat /grub.cfg', `${embedded.output}?offset=${embedded.partition.offset}`])
    expect(grub.toString()).toMatch(/^set oem_id="rackspace"$/m)
  })

  it('takes a raw image in bzip2 and gives one back that bzip2 itself accepts', async () => {
    const image = await fixtureImage('cl-generic-lbzip2')
    const proof = await proveBake({
      image,
      flags: ['--template', 'rackspace'],
      engine: 'embedded',
      work: newDirectory('cl-lbzip2'),
      bzip2: true,
      format: 'raw',
      filesystem: 'ext4',
    })
    expect(proof.report.image.codec).toMatchObject({ kind: 'bzip2', level: 9 })
  })
})

describe("a bake of the vendor's openstack image, qcow2 in bzip2", () => {
  it.each(['lbzip2', 'bzip2', 'pbzip2'] as const)(
    'compressed with %s, replaces the vendor files and keeps every other sector',
    async (compress) => {
      const image = await fixtureImage({
        distro: 'container-linux',
        variant: 'vm',
        oem: 'openstack',
        format: 'qcow2',
        compress,
      })
      const proof = await proveBake({
        image,
        flags: ['--template', 'rackspace'],
        engine: 'embedded',
        work: newDirectory(`openstack-${compress}`),
        bzip2: true,
        format: 'qcow2',
        filesystem: 'ext4',
      })
      expect(paths(proof)).not.toContain('/base/README')
      expect(proof.report.plan.changes).toContainEqual(
        expect.objectContaining({ path: '/base/default.ign', action: 'replace', origin: 'template rackspace' }),
      )
      expect(proof.report.plan.changes.filter((change) => change.origin === 'vendor set openstack')).not.toEqual([])
    },
  )

  it('as Flatcar makes it, keeps the system extension and its mark', async () => {
    const proof = await proveBake({
      image: await fixtureImage('fl-openstack'),
      flags: ['--template', 'ec2'],
      engine: 'libguestfs',
      work: newDirectory('fl-openstack'),
      format: 'qcow2',
      filesystem: 'btrfs',
    })
    expect(paths(proof)).toContain('/sysext/active-oem-openstack')
    expect(paths(proof).filter((path) => path.endsWith('.raw'))).toHaveLength(1)
  })
})

describe('a bake of a Flatcar image with btrfs', () => {
  it('keeps the filesystem clean and its zlib property', async () => {
    const proof = await proveBake({
      image: await fixtureImage('fl-layout-a'),
      flags: ['--template', 'rackspace'],
      engine: 'libguestfs',
      work: newDirectory('fl-layout-a'),
      format: 'raw',
      filesystem: 'btrfs',
    })
    expect(paths(proof)).toEqual([
      '/.oem-bake.json',
      '/base',
      '/base/base.ign',
      '/bin',
      '/bin/flatcar-setup-environment',
      '/cloud-config.yml',
      '/grub.cfg',
      '/oem-release',
    ])
  })
})
