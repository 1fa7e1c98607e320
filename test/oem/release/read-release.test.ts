import { mkdtemp, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import type { FilesystemReader } from '#src/engine/engine.js'
import { readRelease, releaseNotes, toldRelease } from '#src/oem/release/read-release.js'
import type { ImageRelease } from '#src/oem/release/release.js'
import { rejectsWithCode } from '../../support/errors.js'
import { temporaryDirectory } from '../../support/temp.js'

const DIRECTORY = temporaryDirectory()
const VERSION_TXT = 'FLATCAR_VERSION=3374.2.0\nFLATCAR_VERSION_ID=3374.2.0\n'

const OS_RELEASE = 'ID=flatcar\nVERSION_ID=3510.2.8\n'
const BESIDE: ImageRelease = {
  kind: 'known',
  distro: 'flatcar',
  version: '3510.2.6',
  branch: 3510,
  from: 'version.txt',
}
const UNTOLD: ImageRelease = { kind: 'unknown', reason: '' }
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

/** An image's path in a directory with, or without, a version.txt. */
async function imageBeside(versionTxt?: string): Promise<string> {
  const directory = await mkdtemp(join(DIRECTORY, 'image-'))
  if (versionTxt !== undefined) await writeFile(join(directory, 'version.txt'), versionTxt)
  return join(directory, 'image.bin')
}

describe('toldRelease', () => {
  it('takes what was asked for before all else', async () => {
    const image = await imageBeside(VERSION_TXT)
    const told = await toldRelease('container-linux:2512.3.0', image, { release: 'flatcar:3033.2.0' })
    expect(told).toMatchObject({ version: '2512.3.0', from: 'request' })
    await rejectsWithCode(toldRelease('flatcar', image, {}), 'ERR_USAGE')
  })

  it('takes version.txt before what an earlier run read from the image', async () => {
    const told = await toldRelease(undefined, await imageBeside(VERSION_TXT), { release: 'flatcar:3033.2.0' })
    expect(told).toMatchObject({ version: '3374.2.0', from: 'version.txt' })
  })

  it('takes what an earlier run read from the image as the image saying so', async () => {
    for (const versionTxt of [undefined, 'ODD=1\n']) {
      const told = await toldRelease(undefined, await imageBeside(versionTxt), { release: 'flatcar:3033.2.0' })
      expect(told).toMatchObject({ distro: 'flatcar', version: '3033.2.0', from: 'image' })
    }
  })

  it('is unknown when nothing tells', async () => {
    expect(await toldRelease(undefined, await imageBeside(), {})).toEqual({ kind: 'unknown', reason: '' })
    expect((await toldRelease(undefined, await imageBeside('ODD=1\n'), {})).kind).toBe('unknown')
  })
})

describe('releaseNotes', () => {
  it('keeps for the next run what the image says, and nothing that anybody else said', () => {
    const known = { kind: 'known', distro: 'flatcar', version: '3033.2.0', branch: 3033 } as const
    expect(releaseNotes({ ...known, from: 'image' }, { a: 'b' })).toEqual({ a: 'b', release: 'flatcar:3033.2.0' })
    for (const from of ['request', 'version.txt'] as const) expect(releaseNotes({ ...known, from }, {})).toEqual({})
    expect(releaseNotes({ kind: 'unknown', reason: 'odd' }, {})).toEqual({})
  })
})

describe('readRelease', () => {
  it('does not touch USR-A when the release has been told', async () => {
    const { withUsr, lent } = usrWith({ '/lib/os-release': OS_RELEASE })
    expect(await readRelease(BESIDE, withUsr)).toEqual(BESIDE)
    expect(lent.times).toBe(0)
  })

  it.each([UNTOLD, DOUBTFUL])('asks the image where nothing tells: %j', async (told) => {
    for (const path of ['/lib/os-release', '/lib64/os-release', '/share/flatcar/release']) {
      const { withUsr } = usrWith({ '/lib/os-release': 'ID=odd\n', [path]: OS_RELEASE })
      expect(await readRelease(told, withUsr)).toMatchObject({ version: '3510.2.8', from: 'image' })
    }
  })

  it('says why neither of them told', async () => {
    const reasonOf = async (told: ImageRelease, files: Readonly<Record<string, string>> | undefined) => {
      const release = await readRelease(told, usrWith(files).withUsr)
      return release.kind === 'unknown' ? release.reason : ''
    }
    expect(await reasonOf(UNTOLD, undefined)).toBe('USR-A could not be read by this engine')
    expect(await reasonOf(UNTOLD, {})).toContain('USR-A holds none of /lib/os-release')
    expect(await reasonOf(DOUBTFUL, undefined)).toBe('USR-A could not be read by this engine; version.txt is odd')
  })
})
