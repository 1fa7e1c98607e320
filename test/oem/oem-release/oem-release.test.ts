import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  formatOemRelease,
  looseOemReleaseId,
  type OemRelease,
  oemReleaseFromKeys,
} from '#src/oem/oem-release/oem-release.js'
import { readOemRelease } from '#src/oem/oem-release/read-oem-release.js'
import { rejectsWithCode } from '../../support/errors.js'
import { readByAll } from '../../support/oem-release-readers.js'

const bare = fc.stringMatching(/^[a-z0-9._-]{1,20}$/)
const quoted = fc
  .string({ unit: 'grapheme', minLength: 1, maxLength: 30 })
  .filter((text) => !/["$`\\\p{Cc}\u2028\u2029\ufffd]/u.test(text))
const releases: fc.Arbitrary<OemRelease> = fc.record(
  { id: bare, versionId: bare, name: quoted, homeUrl: quoted, bugReportUrl: quoted },
  { requiredKeys: ['id', 'versionId', 'name'] },
)

describe('the safe form', () => {
  it('reads back as it was written, without a finding', () => {
    fc.assert(
      fc.property(releases, (release) => {
        expect(readOemRelease(formatOemRelease(release), 'x')).toEqual({ release, id: release.id, findings: [] })
      }),
    )
  })

  it('gives every reader the same values', () => {
    const many = fc.array(releases, { minLength: 50, maxLength: 50 })
    fc.assert(
      fc.property(many, (written) => {
        const understood = readByAll(written.map((release) => formatOemRelease(release)))
        for (const [index, { values, id }] of understood.entries()) {
          const { id: ID, versionId: VERSION_ID, name: NAME, homeUrl, bugReportUrl } = written[index] as OemRelease
          const meant = { ID, VERSION_ID, NAME, HOME_URL: homeUrl ?? '', BUG_REPORT_URL: bugReportUrl ?? '' }
          expect(values).toEqual([meant, meant, meant, meant])
          expect(id).toBe(ID)
        }
      }),
      { numRuns: 2, endOnFailure: true },
    )
  })

  it.each([
    { id: 'Rack space', versionId: '1', name: 'x' },
    { id: 'x', versionId: '', name: 'x' },
    { id: 'x', versionId: '1', name: 'a"b' },
    { id: 'x', versionId: '1', name: 'a\nID=y' },
  ])('does not exist for %j', async (release) => {
    await rejectsWithCode(() => formatOemRelease(release), 'ERR_OEM_RELEASE_INVALID')
  })

  it.each([
    { ID: 'x', NAME: 'y' },
    { ID: 'x', VERSION_ID: '1', NAME: 'y', COLOR: 'red' },
  ])('is not made from the keys of %j', async (keys) => {
    await rejectsWithCode(() => oemReleaseFromKeys(keys, 'x'), 'ERR_OEM_RELEASE_INVALID')
  })
})

it('tells the ID of a broken file as the updater reads it', () => {
  expect(looseOemReleaseId('# x\n\nID="ami"\n')).toBe('ami')
  expect(looseOemReleaseId('VERSION_ID=3\n')).toBeUndefined()
})
