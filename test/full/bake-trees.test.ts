/** A bake that needs two appliances, and changes a whole tree: too long for every run (see test/e2e/bake-images.test.ts). */
import { mkdtempSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it, vi } from 'vitest'
import { APPLIANCE_TIMEOUT_MS, type Proof, proveBake } from '../e2e/proof.js'
import { fixtureImage } from '../support/images.js'
import { temporaryDirectory } from '../support/temp.js'

vi.setConfig({ testTimeout: APPLIANCE_TIMEOUT_MS })
const directory = temporaryDirectory()

describe('a bake of a Container Linux image', () => {
  it('replaces a directory tree of another vendor with both engines alike', async () => {
    const image = await fixtureImage('cl-rackspace')
    const proofs: Proof[] = []
    for (const engine of ['embedded', 'libguestfs'] as const) {
      const work = mkdtempSync(join(directory, engine))
      proofs.push(
        await proveBake({ image, flags: ['--template', 'ec2'], engine, work, format: 'raw', filesystem: 'ext4' }),
      )
    }
    const [embedded, libguestfs] = proofs as [Proof, Proof]
    expect(libguestfs.tree).toEqual(embedded.tree)
    const paths = embedded.tree.map(({ path }) => path)
    expect(paths.filter((path) => path.startsWith('/nova-agent') || path === '/bin/nova-agent-watcher')).toEqual([])
    expect(paths).toContain('/base/base.ign')
  })
})
