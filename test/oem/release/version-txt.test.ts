import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { parseVersionTxt, readVersionTxt } from '#src/oem/release/version-txt.js'
import { withFault } from '../../support/faults.js'
import { temporaryDirectory } from '../../support/temp.js'

function versionTxt(prefix: string, version: string, { id = version.split('+')[0], build = '' } = {}): string {
  const [first, second, third] = (id ?? '').split('.')
  return [
    `${prefix}_BUILD=${first}`,
    `${prefix}_BRANCH=${second}`,
    `${prefix}_PATCH=${third}`,
    `${prefix}_VERSION=${version}`,
    `${prefix}_VERSION_ID=${id}`,
    `${prefix}_BUILD_ID="${build}"`,
    `${prefix}_SDK_VERSION=2765.0.0`,
    '',
  ].join('\n')
}
const CONTAINER_LINUX = versionTxt('COREOS', '2512.3.0')
const FLATCAR = versionTxt('FLATCAR', '3510.2.6', { build: '2023-08-07-1626' })
const FROM = { kind: 'known', from: 'version.txt' }

describe('parseVersionTxt', () => {
  it('reads a release of either distribution, with and without a build', () => {
    expect(parseVersionTxt(CONTAINER_LINUX)).toEqual({
      ...FROM,
      distro: 'container-linux',
      version: '2512.3.0',
      branch: 2512,
    })
    expect(parseVersionTxt(FLATCAR)).toEqual({ ...FROM, distro: 'flatcar', version: '3510.2.6', branch: 3510 })
  })

  it('reads a build that is no release', () => {
    const version = '4799.0.0+nightly-20260801-2100'
    const text = versionTxt('FLATCAR', version, { build: 'nightly-20260801-2100' })
    expect(parseVersionTxt(text)).toMatchObject({ ...FROM, version, branch: 4799 })
  })

  it('reads any quoting, Windows line ends, comments, and a version in VERSION_ID alone', () => {
    expect(parseVersionTxt(CONTAINER_LINUX.replaceAll('\n', '\r\n'))).toMatchObject({ version: '2512.3.0' })
    expect(parseVersionTxt(`# release\nFLATCAR_VERSION="3510.2.8"\nFLATCAR_VERSION_ID='3510.2.8'\n`)).toMatchObject(
      FROM,
    )
    expect(parseVersionTxt('COREOS_VERSION_ID=2512.3.0\nCOREOS_BUILD_ID="b"\n')).toMatchObject({ version: '2512.3.0' })
    expect(parseVersionTxt('COREOS_VERSION=\nCOREOS_VERSION_ID=2512.3.0\n')).toMatchObject({ version: '2512.3.0' })
  })

  it('takes Flatcar where both prefixes are', () => {
    expect(parseVersionTxt(CONTAINER_LINUX + FLATCAR)).toMatchObject({ distro: 'flatcar', version: '3510.2.6' })
  })

  it.each([
    ['', 'neither'],
    ['1.2.3\n', 'neither'],
    ['VERSION=2512.3.0\n', 'neither'],
    ['COREOS_SDK_VERSION=2512.0.0\n', 'neither'],
    ['COREOS_VERSION=2512\n', '"2512"'],
    ['FLATCAR_VERSION=$(reboot)\n', '"$(reboot)"'],
    // biome-ignore lint/suspicious/noTemplateCurlyInString: a shell's expansion, which is not done
    ['FLATCAR_VERSION="${FLATCAR_VERSION_ID}"\nFLATCAR_VERSION_ID=3510.2.8\n', 'FLATCAR_VERSION_ID}'],
    [versionTxt('COREOS', '2512.3.0', { id: '2345.3.0' }), 'contradicts itself'],
    [versionTxt('COREOS', '2512.3.01', { id: '2512.3.0' }), 'contradicts itself'],
  ])('makes %j unknown with the reason', (text, reason) => {
    const release = parseVersionTxt(text)
    expect(release.kind === 'unknown' && release.reason).toContain(reason)
  })

  it('never throws, and knows nothing that is not there', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        expect(parseVersionTxt(text).kind).toBe('unknown')
        expect(parseVersionTxt(`${text}\n${FLATCAR}`)).toMatchObject({ version: '3510.2.6' })
      }),
    )
  })
})

describe('readVersionTxt', () => {
  const parent = temporaryDirectory()
  const directoryWith = (text?: string): string => {
    const directory = mkdtempSync(join(parent, 'images-'))
    if (text !== undefined) writeFileSync(join(directory, 'version.txt'), text)
    return directory
  }
  const reasonBeside = async (image: string): Promise<string> => {
    const release = await readVersionTxt(image)
    expect(release?.kind).toBe('unknown')
    return release?.kind === 'unknown' ? release.reason : ''
  }

  it('reads the one in the directory of the image, whatever the image is called', async () => {
    const directory = directoryWith(FLATCAR)
    for (const name of ['flatcar_production_image.bin.bz2', 'x.img'])
      expect(await readVersionTxt(join(directory, name))).toMatchObject({ ...FROM, version: '3510.2.6' })
  })

  it('gives undefined where there is none', async () => {
    expect(await readVersionTxt(join(directoryWith(), 'x.img'))).toBeUndefined()
  })

  it("does not believe one that lies beside the other distribution's image", async () => {
    const flatcar = join(directoryWith(CONTAINER_LINUX), 'flatcar_production_image.bin.bz2')
    expect(await reasonBeside(flatcar)).toContain('of Container Linux')
    const coreos = join(directoryWith(FLATCAR), 'coreos_production_openstack_image.img.bz2')
    expect(await reasonBeside(coreos)).toContain('of Flatcar')
  })

  it('makes unknown what is no text of a vendor, too big, or no file', async () => {
    expect(await reasonBeside(join(directoryWith('1.0\n'), 'x'))).toContain('neither')
    expect(await readVersionTxt(join(directoryWith(FLATCAR.padEnd(64 << 10, '\n')), 'x'))).toMatchObject(FROM)
    expect(await reasonBeside(join(directoryWith(FLATCAR.padEnd((64 << 10) + 1, '\n')), 'x'))).toContain('64 KiB')
    const directory = directoryWith()
    mkdirSync(join(directory, 'version.txt'))
    expect(await reasonBeside(join(directory, 'x'))).toContain('not a regular file')
    rmSync(join(directory, 'version.txt'), { recursive: true })
    execFileSync('mkfifo', [join(directory, 'version.txt')])
    expect(await reasonBeside(join(directory, 'x'))).toContain('not a regular file')
  })

  it('makes unknown what could not be read, and says why', async () => {
    const image = join(directoryWith(FLATCAR), 'x')
    for (const operation of ['open', 'stat', 'read'] as const) {
      let reason = ''
      const { fired } = await withFault({ kind: 'EIO', nth: 1, operations: [operation] }, async () => {
        reason = await reasonBeside(image)
      })
      expect(fired).toBe(operation)
      expect(reason).toContain('version.txt')
      expect(reason).toContain('EIO')
    }
  })
})
