import { createHash } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { withEmbeddedEditor, withEmbeddedReader } from '#src/engine/embedded/engine.js'
import type { OemEdit } from '#src/engine/engine.js'
import { rejectsWithCode } from '../../support/errors.js'
import { temporaryDirectory } from '../../support/temp.js'
import {
  contextOf,
  debugfs,
  dumpe2fs,
  EDITED_AT,
  fsck,
  MADE_AT,
  makeImage,
  mkdir,
  PROFILE_NAMES,
  PROFILES,
  remove,
  rmdir,
  volumeOf,
  write,
} from './images.js'

const directory = temporaryDirectory()
const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex')

async function edit(bytes: Uint8Array, edits: readonly OemEdit[], seconds = EDITED_AT): Promise<Uint8Array> {
  const volume = await volumeOf(Buffer.from(bytes))
  await withEmbeddedEditor(volume, contextOf(), (fs) => fs.apply(edits, seconds))
  return volume.device.bytes
}

/** Needs indirect blocks of two levels with 1 KiB blocks; no two blocks are alike. */
const big = Buffer.from(Uint8Array.from({ length: 700_001 }, (_, at) => at % 251))

const SCENARIO: readonly OemEdit[] = [
  mkdir('/base'),
  mkdir('/bin', 0o700),
  write('/base/base.ign', '{"ignition":{"version":"2.0.0"}}'),
  write('/bin/run.sh', '#!/bin/sh\n', 0o755),
  write('/cloud-config.yml', '#cloud-config\n', 0o600),
  write('/setuid', 'x', 0o4755),
  write('/empty', ''),
  write('/big', big),
]

describe.each(PROFILE_NAMES)('editing %s', (profile) => {
  const fresh = makeImage(directory, PROFILES[profile])

  it('leaves a filesystem that e2fsck calls clean, with the content that debugfs reads back', async () => {
    const edited = await edit(fresh, SCENARIO)
    expect(fsck(directory, edited)).toBe('')
    expect(debugfs(directory, edited, 'cat /bin/run.sh').toString()).toBe('#!/bin/sh\n')
    expect(debugfs(directory, edited, 'cat /base/base.ign').toString()).toBe('{"ignition":{"version":"2.0.0"}}')
    expect(debugfs(directory, edited, 'cat /empty').length).toBe(0)
    expect(sha256(debugfs(directory, edited, 'cat /big'))).toBe(sha256(big))
  })

  it('sets modes and owner exactly, whatever the umask', async () => {
    const umask = process.umask(0o077)
    try {
      const edited = await edit(fresh, SCENARIO)
      const listed = debugfs(directory, edited, 'ls -l /').toString()
      for (const [name, mode] of [
        ['base', '40755'],
        ['bin', '40700'],
        ['cloud-config.yml', '100600'],
        ['setuid', '104755'],
        ['empty', '100644'],
      ]) {
        expect(listed).toMatch(new RegExp(`^ *\\d+ +${mode} \\(\\d+\\) +0 +0 .* ${name} *$`, 'm'))
      }
    } finally {
      process.umask(umask)
    }
  })

  it('sets every time of what it writes, and of the directories around it, to the given second', async () => {
    const edited = await edit(fresh, SCENARIO)
    const hex = `0x${EDITED_AT.toString(16)}`
    for (const path of ['/base', '/base/base.ign', '/cloud-config.yml', '/empty', '/big']) {
      const stat = debugfs(directory, edited, `stat ${path}`).toString()
      for (const time of ['ctime', 'atime', 'mtime']) expect(stat, `${path} ${time}`).toContain(`${time}: ${hex}`)
      if (stat.includes('crtime')) expect(stat, path).toContain(`crtime: ${hex}`)
      // A fraction of a second would follow the seconds.
      expect(stat, path).not.toMatch(new RegExp(`time: ${hex}:0*[1-9a-f]`))
    }
    expect(debugfs(directory, edited, 'stat /').toString()).toContain(`mtime: ${hex}`)
    expect(debugfs(directory, edited, 'stats -h').toString()).toContain(
      'Last write time:          Fri Jul 14 02:40:00 2017',
    )
  })

  it('puts nothing near the wall clock anywhere: bytes depend on the edits alone', async () => {
    const once = await edit(fresh, SCENARIO)
    const volume = await volumeOf(Buffer.from(fresh))
    await withEmbeddedEditor(volume, contextOf(), async (fs) => {
      // Looking around first changes the library's memory, and must change nothing else.
      await fs.list()
      await fs.space()
      await fs.apply(SCENARIO, EDITED_AT)
      await fs.sha256('/big')
    })
    expect(sha256(volume.device.bytes)).toBe(sha256(once))
    const now = Math.floor(Date.now() / 1000)
    const image = Buffer.from(once.buffer, once.byteOffset, once.length)
    const words = Array.from({ length: image.length / 4 }, (_, index) => index * 4)
    expect(words.filter((at) => Math.abs(image.readUInt32LE(at) - now) < 86_400)).toEqual([])
  })

  it('gives other bytes for another second', async () => {
    const edited = await edit(fresh, [write('/a', 'a')], EDITED_AT)
    const later = await edit(fresh, [write('/a', 'a')], EDITED_AT + 7)
    expect(sha256(edited)).not.toBe(sha256(later))
  })

  it('gives back all blocks and inodes of what it replaces and removes', async () => {
    const edited = await edit(fresh, SCENARIO)
    const replaced = await edit(edited, [write('/big', 'small now'), write('/cloud-config.yml', 'other\n')])
    expect(fsck(directory, replaced)).toBe('')
    expect(debugfs(directory, replaced, 'cat /big').toString()).toBe('small now')
    expect(dumpe2fs(directory, replaced, 'Free inodes')).toBe(dumpe2fs(directory, edited, 'Free inodes'))
    expect(dumpe2fs(directory, replaced, 'Free blocks')).toBeGreaterThan(dumpe2fs(directory, edited, 'Free blocks'))
    const emptied = await edit(replaced, [
      remove('/base/base.ign'),
      rmdir('/base'),
      remove('/bin/run.sh'),
      rmdir('/bin'),
      ...['/cloud-config.yml', '/setuid', '/empty', '/big'].map(remove),
    ])
    expect(fsck(directory, emptied)).toBe('')
    expect(dumpe2fs(directory, emptied, 'Free inodes')).toBe(dumpe2fs(directory, fresh, 'Free inodes'))
    expect(dumpe2fs(directory, emptied, 'Free blocks')).toBe(dumpe2fs(directory, fresh, 'Free blocks'))
  })

  it('grows a directory to hundreds of files and directories, then empties it', async () => {
    const names = Array.from({ length: 160 }, (_, index) => `/d/a-name-that-fills-the-blocks-of-its-directory-${index}`)
    const grown = await edit(fresh, [mkdir('/d'), ...names.flatMap((name) => [write(name, name), mkdir(`${name}.d`)])])
    expect(fsck(directory, grown)).toBe('')
    const emptied = await edit(
      grown,
      names.flatMap((name) => [remove(name), rmdir(`${name}.d`)]),
    )
    expect(fsck(directory, emptied)).toBe('')
    const volume = await volumeOf(Buffer.from(emptied))
    await withEmbeddedReader(volume, contextOf(), async (fs) => {
      expect((await fs.list()).map(({ path }) => path)).toEqual(['/d', '/lost+found'])
    })
  })

  it('writes nothing when nothing is applied, and reports what dumpe2fs reports', async () => {
    const volume = await volumeOf(Buffer.from(fresh))
    const space = await withEmbeddedEditor(volume, contextOf(), async (fs) => {
      await fs.list()
      return fs.space()
    })
    expect(sha256(volume.device.bytes)).toBe(sha256(fresh))
    expect(space).toEqual({
      blockBytes: dumpe2fs(directory, fresh, 'Block size'),
      totalBytes: dumpe2fs(directory, fresh, 'Block count') * dumpe2fs(directory, fresh, 'Block size'),
      freeBytes: dumpe2fs(directory, fresh, 'Free blocks') * dumpe2fs(directory, fresh, 'Block size'),
      freeInodes: dumpe2fs(directory, fresh, 'Free inodes'),
    })
  })
})

describe('editing', () => {
  const fresh = makeImage(directory, PROFILES.era)

  it('does as well on 128 MiB as upstream made it', async () => {
    const upstream = makeImage(directory, PROFILES.era, { sizeMiB: 128 })
    const edited = await edit(upstream, SCENARIO)
    expect(fsck(directory, edited)).toBe('')
    expect(dumpe2fs(directory, edited, 'Inode size')).toBe(128)
  })

  it('sees what it wrote within the same session, and can go on', async () => {
    const volume = await volumeOf(Buffer.from(fresh))
    await withEmbeddedEditor(volume, contextOf(), async (fs) => {
      const before = await fs.space()
      await fs.apply([write('/a', 'first')], EDITED_AT)
      expect((await fs.read('/a', 10))?.toString()).toBe('first')
      expect((await fs.space()).freeBytes).toBe(before.freeBytes - 4096)
      await fs.apply([write('/a', 'second')], EDITED_AT + 1)
      expect((await fs.read('/a', 10))?.toString()).toBe('second')
    })
    expect(fsck(directory, volume.device.bytes)).toBe('')
  })

  it('takes content from a file in pieces, and notices when it has changed size since', async () => {
    const source = join(directory, 'source.bin')
    writeFileSync(source, big)
    const content = { kind: 'host-file', path: source, sizeBytes: big.length } as const
    const edited = await edit(fresh, [{ kind: 'write-file', path: '/big', mode: 0o644, content }])
    expect(sha256(debugfs(directory, edited, 'cat /big'))).toBe(sha256(big))
    writeFileSync(source, big.subarray(0, 300_000))
    await rejectsWithCode(edit(fresh, [{ kind: 'write-file', path: '/big', mode: 0o644, content }]), 'ERR_INPUT_FILE')
    const gone = { ...content, path: join(directory, 'gone') }
    await rejectsWithCode(
      edit(fresh, [{ kind: 'write-file', path: '/big', mode: 0o644, content: gone }]),
      'ERR_NOT_FOUND',
    )
  })

  it('leaves the other name of a hard link with its old content', async () => {
    const linked = debugfs(directory, await edit(fresh, [write('/a', 'old'), mkdir('/d')]), 'ln /a /d/b', true)
    const counted = debugfs(directory, linked, 'sif /a links_count 2', true)
    const edited = await edit(counted, [write('/a', 'new')])
    expect(fsck(directory, edited)).toBe('')
    expect(debugfs(directory, edited, 'cat /a').toString()).toBe('new')
    expect(debugfs(directory, edited, 'cat /d/b').toString()).toBe('old')
  })

  it('does not touch the times of what it only reads', async () => {
    const edited = await edit(fresh, [write('/a', 'a')])
    const volume = await volumeOf(Buffer.from(edited))
    await withEmbeddedEditor(volume, contextOf(), async (fs) => {
      await fs.read('/a', 10)
      await fs.apply([write('/b', 'b')], EDITED_AT + 100)
    })
    const stat = debugfs(directory, volume.device.bytes, 'stat /a').toString()
    expect(stat).toContain(`atime: 0x${EDITED_AT.toString(16)}`)
    const lostFound = debugfs(directory, volume.device.bytes, 'stat /lost+found').toString()
    expect(lostFound).toContain(`mtime: 0x${MADE_AT.toString(16)}`)
  })

  it.each([
    ['a missing parent', [write('/none/a', 'a')]],
    ['a directory that exists', [mkdir('/lost+found')]],
    ['a parent that is a file', [write('/a', 'a'), write('/a/b', 'b')]],
    ['the removal of what is not there', [remove('/none')]],
    ['the removal of a directory as a file', [remove('/lost+found')]],
    ['the removal of a file as a directory', [write('/a', 'a'), rmdir('/a')]],
    ['the removal of a directory that is not empty', [mkdir('/d'), write('/d/a', 'a'), rmdir('/d')]],
    ['a parent removed by an earlier edit', [mkdir('/d'), rmdir('/d'), write('/d/a', 'a')]],
  ] satisfies [string, OemEdit[]][])('refuses %s before anything is written', async (_, edits) => {
    const volume = await volumeOf(Buffer.from(fresh))
    const attempt = withEmbeddedEditor(volume, contextOf(), (fs) => fs.apply([write('/0', '0'), ...edits], EDITED_AT))
    const error = await rejectsWithCode(attempt, 'ERR_EMBEDDED')
    expect(error.message).toContain('nothing was written')
    expect(sha256(volume.device.bytes)).toBe(sha256(fresh))
  })

  it.each(['relative', '/', '/a//b', '/a/', '/../a', '/./a', '/a\0b', `/${'n'.repeat(256)}`])(
    'refuses the path %j',
    async (path) => {
      await rejectsWithCode(edit(fresh, [write(path, 'a')]), 'ERR_OEM_PATH_INVALID')
    },
  )

  it('refuses to write a file over a directory', async () => {
    await rejectsWithCode(edit(fresh, [write('/lost+found', 'a')]), 'ERR_NOT_A_REGULAR_FILE')
  })

  it.each([-1, 1.5, 2 ** 31, Number.NaN])('refuses the timestamp %d, which its clock can not show', async (seconds) => {
    await rejectsWithCode(edit(fresh, [write('/a', 'a')], seconds), 'ERR_ENGINE_CANNOT_SERVE')
  })

  it('stays usable after a refusal', async () => {
    const volume = await volumeOf(Buffer.from(fresh))
    await withEmbeddedEditor(volume, contextOf(), async (fs) => {
      await rejectsWithCode(fs.apply([remove('/none')], EDITED_AT), 'ERR_EMBEDDED')
      await fs.apply([write('/a', 'a')], EDITED_AT)
    })
    expect(fsck(directory, volume.device.bytes)).toBe('')
  })

  it('creates thousands of files in one go', async () => {
    const many = makeImage(directory, PROFILES.modern, { args: ['-N', '6000'], sizeMiB: 64 })
    const edits = Array.from({ length: 3000 }, (_, index) => write(`/${index}`, `${index}`))
    const edited = await edit(many, edits)
    expect(fsck(directory, edited)).toBe('')
  })
})

describe('symbolic links', () => {
  const linked = (() => {
    const image = makeImage(directory, PROFILES.era)
    return debugfs(directory, image, 'symlink /link /lost+found', true)
  })()

  it.each([
    ['a file below a link', write('/link/a', 'a')],
    ['a directory below a link', mkdir('/link/d')],
    ['a file in place of a link', write('/link', 'a')],
    ['a directory in place of a link', mkdir('/link')],
    ['the removal of something below a link', remove('/link/a')],
  ] satisfies [string, OemEdit][])('refuses %s', async (_, through) => {
    const volume = await volumeOf(Buffer.from(linked))
    const attempt = withEmbeddedEditor(volume, contextOf(), (fs) => fs.apply([write('/0', ''), through], EDITED_AT))
    const error = await rejectsWithCode(attempt, 'ERR_OEM_SYMLINK')
    expect(error.exitCode).toBe(8)
    expect(sha256(volume.device.bytes)).toBe(sha256(linked))
  })

  it('removes the link itself, and then the path is free', async () => {
    const edited = await edit(linked, [remove('/link'), mkdir('/link'), write('/link/a', 'a')])
    expect(fsck(directory, edited)).toBe('')
    expect(debugfs(directory, edited, 'cat /link/a').toString()).toBe('a')
    expect(debugfs(directory, edited, 'ls -p /lost+found').toString()).not.toContain('/a/')
  })
})
