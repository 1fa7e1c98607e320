import { createHash } from 'node:crypto'
import { mkdirSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import type { ByteDevice } from '#src/byte-device.js'
import { withEmbeddedEditor, withEmbeddedReader } from '#src/engine/embedded/engine.js'
import type { FilesystemReader } from '#src/engine/engine.js'
import { rejectsWithCode } from '../../support/errors.js'
import { temporaryDirectory } from '../../support/temp.js'
import {
  contextOf,
  debugfsEdit,
  EDITED_AT,
  fsck,
  makeImage,
  PROFILE_NAMES,
  PROFILES,
  remove,
  volumeOf,
} from './images.js'

const directory = temporaryDirectory()
const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex')

/** Through a device that has no way to write. */
async function read<T>(bytes: Uint8Array, use: (fs: FilesystemReader) => Promise<T>): Promise<T> {
  const before = sha256(bytes)
  const { device, filesystem } = await volumeOf(bytes)
  const readable: ByteDevice = { size: device.size, read: (offset, length) => device.read(offset, length) }
  const result = await withEmbeddedReader({ device: readable, filesystem }, contextOf(), use)
  expect(sha256(bytes)).toBe(before)
  return result
}

const content = Buffer.from(Uint8Array.from({ length: 600_001 }, (_, at) => at % 251))
const longTarget = `/${'long/'.repeat(40)}target`
const source = (() => {
  const from = join(directory, 'from')
  mkdirSync(join(from, 'sub/deeper'), { recursive: true })
  writeFileSync(join(from, 'big'), content)
  writeFileSync(join(from, 'empty'), '')
  writeFileSync(join(from, 'ünïcode 😀'), 'u')
  writeFileSync(join(from, 'sub/deeper/file'), 'deep\n', { mode: 0o640 })
  writeFileSync(Buffer.concat([Buffer.from(`${from}/latin-`), Buffer.from([0xfc])]), 'l')
  symlinkSync('sub/deeper', join(from, 'short'))
  symlinkSync(longTarget, join(from, 'long'))
  symlinkSync('/lost+found', join(from, 'sub/absolute'))
  return from
})()

describe.each(PROFILE_NAMES)('reading %s', (profile) => {
  const image = makeImage(directory, PROFILES[profile], { from: source })

  it('lists everything sorted, follows no link and writes nothing', async () => {
    const entries = await read(image, (fs) => fs.list())
    const owned = { uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0 }
    expect(entries.map(({ path }) => path)).toEqual([
      '/big',
      '/empty',
      '/latin-\udcfc',
      '/long',
      '/lost+found',
      '/short',
      '/sub',
      '/sub/absolute',
      '/sub/deeper',
      '/sub/deeper/file',
      '/ünïcode 😀',
    ])
    const at = (path: string) => entries.find((entry) => entry.path === path)
    expect(at('/sub/deeper/file')).toEqual({
      path: '/sub/deeper/file',
      kind: 'file',
      mode: 0o640,
      sizeBytes: 5,
      ...owned,
    })
    expect(at('/big')).toMatchObject({ kind: 'file', sizeBytes: content.length })
    expect(at('/sub')).toMatchObject({ kind: 'directory', sizeBytes: 0 })
    expect(at('/short')).toMatchObject({ kind: 'symlink', target: 'sub/deeper', sizeBytes: 0 })
    expect(at('/long')).toMatchObject({ kind: 'symlink', target: longTarget })
    expect(at('/lost+found')).toMatchObject({ kind: 'directory', mode: 0o700, uid: 0, gid: 0 })
  })

  it('reads and digests content of any size', async () => {
    await read(image, async (fs) => {
      expect(sha256((await fs.read('/big', content.length)) ?? Buffer.alloc(0))).toBe(sha256(content))
      expect(await fs.sha256('/big')).toBe(sha256(content))
      expect(await fs.sha256('/empty')).toBe(sha256(Buffer.alloc(0)))
      expect(await fs.read('/empty', 0)).toHaveLength(0)
      expect((await fs.read('/latin-\udcfc', 10))?.toString()).toBe('l')
    })
  })

  it('removes a file whose name is not UTF-8', async () => {
    const volume = await volumeOf(Buffer.from(image))
    await withEmbeddedEditor(volume, contextOf(), (fs) => fs.apply([remove('/latin-\udcfc')], EDITED_AT))
    expect(fsck(directory, volume.device.bytes)).toBe('')
  })
})

describe('reading', () => {
  const image = makeImage(directory, PROFILES.era, { from: source })

  it('has no file for what is missing, a link, a directory, or reached through a link', async () => {
    await read(image, async (fs) => {
      for (const path of ['/none', '/none/deeper', '/short', '/sub', '/short/file', '/big/below']) {
        expect(await fs.read(path, 100), path).toBeUndefined()
        await rejectsWithCode(fs.sha256(path), 'ERR_EMBEDDED')
      }
    })
  })

  it('refuses a file over the limit and reads one at the limit', async () => {
    await read(image, async (fs) => {
      expect(await fs.read('/sub/deeper/file', 5)).toHaveLength(5)
      const error = await rejectsWithCode(fs.read('/sub/deeper/file', 4), 'ERR_FILE_TOO_BIG')
      expect(error.details).toMatchObject({ sizeBytes: 5, limitBytes: 4 })
    })
  })

  it('serves questions that are asked at the same time', async () => {
    const [entries, digest, space] = await read(image, (fs) => Promise.all([fs.list(), fs.sha256('/big'), fs.space()]))
    expect(entries).toHaveLength(11)
    expect(digest).toBe(sha256(content))
    expect(space.blockBytes).toBe(4096)
  })

  it('tells owners above 65535, special files, and times that its library can not', async () => {
    const special = debugfsEdit(directory, image, [
      'sif /empty uid 100000',
      'sif /empty gid 70001',
      'sif /empty mtime 0xfffffff0',
      'mknod fifo p',
      'mknod null c 1 3',
    ])
    const entries = await read(special, (fs) => fs.list())
    expect(entries.find(({ path }) => path === '/empty')).toMatchObject({ uid: 100000, gid: 70001 })
    expect(entries.filter(({ kind }) => kind === 'other').map(({ path }) => path)).toEqual(['/fifo', '/null'])
  })

  it('opens USR-A in spite of its mark, with and without checksums, and leaves the mark alone', async () => {
    for (const profile of [PROFILES.ext2, PROFILES.modern]) {
      const marked = makeImage(directory, profile, { from: source })
      marked.writeUInt8(0xff, 1024 + 0x64 + 3)
      await read(marked, async (fs) => {
        expect(await fs.sha256('/big')).toBe(sha256(content))
      })
      expect(marked.readUInt8(1024 + 0x64 + 3)).toBe(0xff)
    }
  })

  it('reads a sparse file beyond 2 GiB to its end', async () => {
    const from = join(directory, 'sparse')
    mkdirSync(from)
    writeFileSync(join(from, 'hole'), 'start')
    truncateSync(join(from, 'hole'), 2 ** 31 + 5)
    const sparse = makeImage(directory, PROFILES.modern, { from })
    const entries = await read(sparse, (fs) => fs.list())
    expect(entries.find(({ path }) => path === '/hole')?.sizeBytes).toBe(2 ** 31 + 5)
    await read(sparse, (fs) => rejectsWithCode(fs.read('/hole', 1 << 20), 'ERR_FILE_TOO_BIG'))
  })

  it('lists more directories than its library could have read by itself', async () => {
    const from = join(directory, 'many')
    for (let index = 0; index < 2000; index++) mkdirSync(join(from, `${index}`), { recursive: true })
    const many = makeImage(directory, PROFILES.ext2, { from, sizeMiB: 32 })
    expect(await read(many, (fs) => fs.list())).toHaveLength(2001)
  })
})
