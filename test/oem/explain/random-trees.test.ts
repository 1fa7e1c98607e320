/** explainBoot never throws and never leaves a question open, whatever lies on the partition and whatever the release is. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { bootSummary } from '#src/cli/render/boot.js'
import { explainBoot } from '#src/oem/explain/explain.js'
import type { BootTree } from '#src/oem/explain/tree.js'
import type { ImageRelease } from '#src/oem/release/release.js'
import * as trees from '../../support/vendor-trees.js'

const PATHS = [
  '/grub.cfg',
  '/oem-release',
  '/cloud-config.yml',
  '/config.ign',
  '/base/base.ign',
  '/base/default.ign',
  '/bin/coreos-setup-environment',
  '/bin/x',
  '/units/x.service',
  '/sysext/active-oem-ami',
  '/constructor',
]
/** Files of all vendor trees, whole or cut, in any place. */
const REAL = Object.values(trees).flatMap((tree) =>
  typeof tree === 'object' ? Object.values(tree).map((file) => (typeof file === 'string' ? file : file.text)) : [],
)
const text = fc.oneof(
  fc.tuple(fc.constantFrom(...REAL), fc.nat(400)).map(([whole, end]) => (end > 300 ? whole : whole.slice(0, end))),
  fc.string({ unit: 'binary', maxLength: 80 }),
  fc.json(),
  fc.constantFrom('constructor', '__proto__', 'toString', 'ec2', 'rackspace').map((id) => `set oem_id="${id}"\n`),
)
const tree: fc.Arbitrary<BootTree> = fc
  .array(
    fc.record({
      path: fc.constantFrom(...PATHS),
      kind: fc.constantFrom('file', 'directory', 'symlink', 'other'),
      mode: fc.constantFrom(0o644, 0o755, 0),
      text: fc.option(text, { nil: undefined }),
    }),
    { maxLength: 8 },
  )
  .map((rows) => ({
    entries: rows.map(({ path, kind, mode }) => ({ path, kind, mode })),
    contents: new Map(
      rows.flatMap(({ path, text: content }) => (content === undefined ? [] : [[path, Buffer.from(content)] as const])),
    ),
    filesystem: rows.length % 2 === 0 ? 'ext' : 'btrfs',
  }))
const release: fc.Arbitrary<ImageRelease> = fc.oneof(
  fc.constant<ImageRelease>({ kind: 'unknown', reason: 'test' }),
  fc
    .tuple(fc.constantFrom('container-linux' as const, 'flatcar' as const), fc.nat(5000))
    .map(([distro, branch]) => ({ kind: 'known', distro, version: `${branch}.0.0`, branch, from: 'image' }) as const),
)

describe('explainBoot on random trees', () => {
  it('never throws, answers who gets user data, and says unknown only where something is', () => {
    fc.assert(
      fc.property(tree, release, (found, of) => {
        const boot = explainBoot(found, of)
        expect(boot.userData.how).not.toBe('')
        expect(boot.userData.why).not.toBe('')
        expect(boot.platform.why.length).toBeGreaterThan(0)
        expect(JSON.parse(JSON.stringify(boot))).toBeTypeOf('object')
        if (of.kind === 'unknown') {
          expect([boot.userData.by, boot.platform.platform, boot.mount, boot.secureBoot.grubCfg]).toEqual(
            Array(4).fill('unknown'),
          )
        } else {
          expect(boot.commandLines).toHaveLength(2)
          expect(boot.platform.platform).not.toBe('unknown')
          expect(boot.mount).not.toBe('unknown')
        }
        for (const line of bootSummary(boot)) expect(line).not.toMatch(/\n/)
      }),
      { numRuns: 2000 },
    )
  })

  it('takes less than 5 ms of a processor', () => {
    const of = { kind: 'known', distro: 'container-linux', version: '2512.3.0', branch: 2512, from: 'image' } as const
    const contents = new Map(
      Object.entries(trees.AZURE).map(([path, file]) => [
        path,
        Buffer.from(typeof file === 'string' ? file : file.text),
      ]),
    )
    const entries = [...contents.keys()].map((path) => ({ path, kind: 'file', mode: 0o644 }) as const)
    explainBoot({ entries, contents }, of)
    const rounds = 50
    const start = process.cpuUsage()
    for (let round = 0; round < rounds; round++) explainBoot({ entries, contents }, of)
    const { user, system } = process.cpuUsage(start)
    expect((user + system) / 1000 / rounds).toBeLessThan(5)
  })
})
