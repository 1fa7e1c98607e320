import { describe, expect, it } from 'vitest'
import type { FilesystemReader } from '#src/engine/engine.js'
import { readRelease } from '#src/oem/read-release.js'
import type { ImageRelease } from '#src/oem/release.js'
import { rejectsWithCode } from '../support/errors.js'

const OS_RELEASE = 'ID=flatcar\nVERSION_ID=3510.2.8\n'
const BESIDE: ImageRelease = {
  kind: 'known',
  distro: 'flatcar',
  version: '3510.2.6',
  branch: 3510,
  from: 'version.txt',
}
const DOUBTFUL: ImageRelease = { kind: 'unknown', reason: 'version.txt is odd' }

/** A USR-A with these files; counts how often it was lent. */
function usrWith(files: Readonly<Record<string, string>> | undefined) {
  const usr = {
    read: async (path: string) => {
      const text = files?.[path]
      return text === undefined ? undefined : Buffer.from(text)
    },
  } as Partial<FilesystemReader> as FilesystemReader
  const lent = { times: 0 }
  const withUsr = async <T>(use: (reader: FilesystemReader) => Promise<T>): Promise<T | undefined> => {
    lent.times++
    return files === undefined ? undefined : use(usr)
  }
  return { withUsr, lent }
}

describe('readRelease', () => {
  it('takes what was asked for before all else, and does not touch USR-A', async () => {
    const { withUsr, lent } = usrWith({ '/lib/os-release': OS_RELEASE })
    const sources = { requested: 'container-linux:2512.3.0', beside: BESIDE }
    expect(await readRelease(sources, withUsr)).toMatchObject({ version: '2512.3.0', from: 'request' })
    expect(lent.times).toBe(0)
    await rejectsWithCode(readRelease({ requested: 'flatcar', beside: BESIDE }, withUsr), 'ERR_USAGE')
  })

  it('takes version.txt before the image, and does not touch USR-A', async () => {
    const { withUsr, lent } = usrWith({ '/lib/os-release': OS_RELEASE })
    expect(await readRelease({ requested: undefined, beside: BESIDE }, withUsr)).toEqual(BESIDE)
    expect(lent.times).toBe(0)
  })

  it.each([undefined, DOUBTFUL])('asks the image where version.txt does not tell: %j', async (beside) => {
    for (const path of ['/lib/os-release', '/lib64/os-release', '/share/flatcar/release']) {
      const { withUsr } = usrWith({ '/lib/os-release': 'ID=odd\n', [path]: OS_RELEASE })
      const release = await readRelease({ requested: undefined, beside }, withUsr)
      expect(release).toMatchObject({ version: '3510.2.8', from: 'image' })
    }
  })

  it('says why neither of them told', async () => {
    const reasonOf = async (beside: ImageRelease | undefined, files: Readonly<Record<string, string>> | undefined) => {
      const release = await readRelease({ requested: undefined, beside }, usrWith(files).withUsr)
      return release.kind === 'unknown' ? release.reason : ''
    }
    expect(await reasonOf(undefined, undefined)).toBe('USR-A could not be read by this engine')
    expect(await reasonOf(undefined, {})).toContain('USR-A holds none of /lib/os-release')
    expect(await reasonOf(DOUBTFUL, undefined)).toBe('USR-A could not be read by this engine; version.txt is odd')
  })
})
