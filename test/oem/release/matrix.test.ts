/**
 * What still works where: which file of the OEM partition has an effect on which release, as one table. Each row names the file,
 * each column an era; the last release of an era and the first of the next stand for it, so that the edges are asked about.
 */
import { describe, expect, it } from 'vitest'
import { noEffectOf, readsOemIdFromGrub } from '#src/oem/release/eras.js'
import { grubFactsOf } from '#src/oem/release/grub-facts.js'
import { acceptedSpecs } from '#src/oem/release/ignition-versions.js'
import { parseReleaseArgument } from '#src/oem/release/release.js'

const ERAS = [
  ['container-linux:834.0.0'],
  ['container-linux:835.0.0', 'container-linux:1631.0.0'],
  ['container-linux:1632.0.0', 'container-linux:2512.3.0'],
  ['flatcar:1855.4.0', 'flatcar:3184.0.0'],
  ['flatcar:3185.0.0', 'flatcar:4721.0.0'],
  ['flatcar:4722.0.0', 'flatcar:4799.0.0'],
] as const

const FILES: Readonly<Record<string, string>> = {
  '/cloud-config.yml': 'yes yes yes yes yes no',
  '/grub.cfg': 'yes yes yes yes yes yes',
  '/oem-release': 'yes yes yes yes yes yes',
  '/base/base.ign': 'no no yes yes yes yes',
  '/base/default.ign': 'no no yes yes no no',
  '/config.ign': 'no no yes yes yes yes',
  '/bin/coreos-setup-environment': 'yes yes yes no no no',
  '/bin/flatcar-setup-environment': 'no no no yes yes yes',
}

describe.each(Object.entries(FILES))('%s', (path, row) => {
  it.each(row.split(' ').map((effect, era) => [ERAS[era], effect] as const))(
    'has an effect on %j: %s',
    (era, effect) => {
      for (const release of era ?? []) {
        expect(noEffectOf(path, parseReleaseArgument(release)) === undefined, release).toBe(effect === 'yes')
      }
    },
  )
})

describe('oem_id', () => {
  it('counts from branch 835 on, in both tables that know', () => {
    for (const release of ERAS.flat().map(parseReleaseArgument)) {
      const facts = grubFactsOf(release)
      const reads = facts !== 'unknown' && facts.oemIdArgument !== undefined
      expect([readsOemIdFromGrub(release), reads]).toEqual(Array(2).fill(release.version !== '834.0.0'))
    }
  })
})

describe('versions of Ignition configs', () => {
  it.each([
    [ERAS[1], false, false],
    [ERAS[2], true, false],
    [ERAS[4], true, true],
    [ERAS[5], true, true],
  ])('on %j: 2.1.0 %s, 3.0.0 %s', (era, two, three) => {
    const last = parseReleaseArgument(era.at(-1) ?? '')
    const first = parseReleaseArgument(era[0])
    expect(acceptedSpecs(first)?.includes('2.1.0')).toBe(two)
    expect([first, last].map((release) => acceptedSpecs(release)?.includes('3.0.0'))).toEqual([three, three])
  })
})
