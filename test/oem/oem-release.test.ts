import { execFileSync } from 'node:child_process'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { formatOemRelease, looseOemReleaseId, type OemRelease, parseOemRelease } from '#src/oem/oem-release.js'
import { rejectsWithCode } from '../support/errors.js'

const bare = fc.stringMatching(/^[a-z0-9._-]{1,20}$/)
const quoted = fc.string({ unit: 'grapheme', maxLength: 30 }).filter((text) => !/["$`\\\p{Cc}\u2028\u2029]/u.test(text))
const releases: fc.Arbitrary<OemRelease> = fc.record(
  { id: bare, versionId: bare, name: quoted, homeUrl: quoted, bugReportUrl: quoted },
  { requiredKeys: ['id', 'versionId', 'name'] },
)

const GOOD = 'ID=rackspace\nVERSION_ID=1\nNAME="Rackspace"\nHOME_URL="https://x"\nBUG_REPORT_URL="https://y"\n'

describe('oem-release', () => {
  it('reads back what it wrote', () => {
    fc.assert(
      fc.property(releases, (release) => {
        expect(parseOemRelease(formatOemRelease(release), 'x')).toEqual(release)
      }),
    )
  })

  it('survives the installers: each line evaluated with OEM_ in front under set -e', () => {
    fc.assert(
      fc.property(releases, (release) => {
        const script = 'set -e; while read -r line; do eval "OEM_$line"; done; printf "%s\\n" "$OEM_ID" "$OEM_NAME"'
        const output = execFileSync('bash', ['-c', script], { input: formatOemRelease(release), encoding: 'utf8' })
        expect(output).toBe(`${release.id}\n${release.name}\n`)
      }),
      { numRuns: 30 },
    )
  })

  it.each([
    ['a blank line', GOOD.replace('NAME', '\nNAME')],
    ['a comment', `# hello\n${GOOD}`],
    ['a quoted ID', GOOD.replace('ID=rackspace', 'ID="rackspace"')],
    ['an unquoted name', GOOD.replace('"Rackspace"', 'Rackspace Cloud')],
    ['an expansion', GOOD.replace('Rackspace', '$HOME')],
    ['a command', GOOD.replace('Rackspace', '`id`')],
    ['carriage returns', GOOD.replaceAll('\n', '\r\n')],
    ['a doubled key', `${GOOD}ID=again\n`],
    ['an unknown key', `${GOOD}COLOR="red"\n`],
    ['no ID', GOOD.replace('ID=rackspace\n', '')],
    ['no line feed at its end', GOOD.trimEnd()],
    ['nothing', ''],
  ])('refuses a file with %s', async (_, text) => {
    await rejectsWithCode(() => parseOemRelease(text, 'x'), 'ERR_OEM_RELEASE_INVALID')
  })

  it.each([
    { id: 'Rack space', versionId: '1', name: 'x' },
    { id: 'x', versionId: '', name: 'x' },
    { id: 'x', versionId: '1', name: 'a"b' },
    { id: 'x', versionId: '1', name: 'a\nID=y' },
  ])('refuses to write %j', async (release) => {
    await rejectsWithCode(() => formatOemRelease(release), 'ERR_OEM_RELEASE_INVALID')
  })

  it('tells the ID of a broken file as the updater reads it', () => {
    expect(looseOemReleaseId('# x\n\nID="ami"\n')).toBe('ami')
    expect(looseOemReleaseId('VERSION_ID=3\n')).toBeUndefined()
  })
})
