import { describe, expect, it } from 'vitest'
import { formatRelease, parseOsRelease, parseReleaseArgument } from '#src/oem/release/release.js'
import { rejectsWithCode } from '../../support/errors.js'

describe('parseReleaseArgument', () => {
  it('reads distribution, version and branch', () => {
    expect(parseReleaseArgument('container-linux:2512.3.0')).toEqual({
      kind: 'known',
      distro: 'container-linux',
      version: '2512.3.0',
      branch: 2512,
      from: 'request',
    })
    expect(parseReleaseArgument('flatcar:4799.0.0+nightly-20260801-2100').branch).toBe(4799)
  })

  it.each([
    'flatcar',
    'flatcar:',
    'flatcar:3510',
    'flatcar:3510.2',
    'flatcar:a.b.c',
    'flatcar:3510.2.8 ',
    '2512.3.0',
    '',
  ])('refuses %j', async (text) => {
    await rejectsWithCode(() => parseReleaseArgument(text), 'ERR_USAGE')
  })

  it('names the distribution that was meant', async () => {
    const error = await rejectsWithCode(() => parseReleaseArgument('flatcr:3510.2.8'), 'ERR_USAGE')
    expect(error.hint).toContain('did you mean flatcar?')
  })
})

describe('parseOsRelease', () => {
  it('reads Container Linux', () => {
    const text =
      'NAME="Container Linux by CoreOS"\nID=coreos\nVERSION=2512.3.0\nVERSION_ID=2512.3.0\nBUILD_ID=2020-05-22\n'
    expect(parseOsRelease(text)).toMatchObject({ distro: 'container-linux', branch: 2512, from: 'image' })
  })

  it('reads Flatcar in any quoting', () => {
    for (const quote of ['', '"', "'"]) {
      const text = `ID=${quote}flatcar${quote}\nVERSION_ID=${quote}3510.2.8${quote}\n`
      expect(parseOsRelease(text)).toMatchObject({ distro: 'flatcar', version: '3510.2.8' })
    }
  })

  it('reads share/flatcar/release, which has other keys', () => {
    expect(parseOsRelease('FLATCAR_RELEASE_VERSION=3510.2.8\nFLATCAR_RELEASE_BOARD=amd64-usr\n')).toMatchObject({
      distro: 'flatcar',
      branch: 3510,
    })
  })

  it.each([
    ['ID=debian\nVERSION_ID=12\n', 'debian'],
    ['', 'no ID'],
    ['ID=flatcar\n', 'version'],
    ['ID=flatcar\nVERSION_ID=$(reboot)\n', 'version'],
  ])('makes %j unknown with the reason', (text, reason) => {
    const release = parseOsRelease(text)
    expect(release.kind).toBe('unknown')
    expect(release.kind === 'unknown' && release.reason).toContain(reason)
    expect(formatRelease(release)).toBe('an unknown release')
  })
})
