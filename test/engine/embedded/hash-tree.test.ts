import { execFileSync } from 'node:child_process'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { withEmbeddedEditor, withEmbeddedReader } from '#src/engine/embedded/engine.js'
import type { OemEdit } from '#src/engine/engine.js'
import { rejectsWithCode } from '../../support/errors.js'
import { temporaryDirectory } from '../../support/temp.js'
import { contextOf, debugfs, EDITED_AT, fsck, makeImage, mkdir, remove, volumeOf, write } from './images.js'

const directory = temporaryDirectory()

/** mke2fs makes linear directories; `e2fsck -D` indexes them. */
function indexed(features: string, blockBytes: number, entries: number): Buffer {
  const from = join(directory, `from-${entries}`)
  mkdirSync(join(from, 'd'), { recursive: true })
  for (let index = 0; index < entries; index++)
    writeFileSync(join(from, 'd', `an-entry-with-a-rather-long-name-${index}`), '')
  const args = ['-t', 'ext4', '-b', `${blockBytes}`, '-O', features, '-N', '16384']
  const path = join(directory, `indexed-${features}-${blockBytes}-${entries}.img`)
  writeFileSync(path, makeImage(directory, args, { from, sizeMiB: 48 }))
  try {
    execFileSync('e2fsck', ['-fyD', path], {
      stdio: 'pipe',
      env: { ...process.env, PATH: `${process.env.PATH}:/usr/sbin` },
    })
  } catch {
    // e2fsck ends with 1 when it has changed something, which it was asked to.
  }
  const image = readFileSync(path)
  expect(fsck(directory, image)).toBe('')
  expect(debugfs(directory, image, 'stat /d').toString()).toMatch(/Flags: 0x8?1000\b/)
  return image
}

const additions = Array.from({ length: 300 }, (_, index) => index).flatMap((index): OemEdit[] => [
  write(`/d/new-${index}`, `${index}`),
  ...(index % 10 === 0 ? [mkdir(`/d/dir-${index}`)] : []),
  remove(`/d/an-entry-with-a-rather-long-name-${index}`),
])

const name = (index: number): string => `/d/an-entry-with-a-rather-long-name-${index}`

describe('a directory with a hash tree', () => {
  it.each([
    ['^metadata_csum,^64bit', 4096, 2000],
    ['^metadata_csum,^64bit', 1024, 9000],
    ['metadata_csum,64bit', 4096, 2000],
    ['metadata_csum,64bit', 1024, 1000],
  ])('of %s with %d-byte blocks and %d entries takes new ones and is clean', async (features, blockBytes, entries) => {
    const volume = await volumeOf(indexed(features, blockBytes, entries))
    await withEmbeddedEditor(volume, contextOf(), async (fs) => {
      await fs.apply(additions, EDITED_AT)
      const listed = (await fs.list()).filter(({ path }) => path.startsWith('/d/'))
      expect(listed).toHaveLength(entries + 30)
    })
    expect(fsck(directory, volume.device.bytes)).toBe('')
  })

  it('of several levels with checksums is refused to additions, untouched, with a hint', async () => {
    const image = indexed('metadata_csum,64bit', 1024, 9000)
    const volume = await volumeOf(Buffer.from(image))
    const attempt = withEmbeddedEditor(volume, contextOf(), (fs) => fs.apply([write('/d/new', '')], EDITED_AT))
    const error = await rejectsWithCode(attempt, 'ERR_ENGINE_CANNOT_SERVE')
    expect(error.hint).toContain('--engine libguestfs')
    expect(image.equals(volume.device.bytes)).toBe(true)
  })

  it('of several levels with checksums is read, and entries can be removed', async () => {
    const volume = await volumeOf(indexed('metadata_csum,64bit', 1024, 9000))
    await withEmbeddedReader(volume, contextOf(), async (fs) => expect(await fs.list()).toHaveLength(9002))
    const edits = Array.from({ length: 500 }, (_, index) => remove(name(index * 7)))
    await withEmbeddedEditor(volume, contextOf(), (fs) => fs.apply(edits, EDITED_AT))
    expect(fsck(directory, volume.device.bytes)).toBe('')
  })
})
