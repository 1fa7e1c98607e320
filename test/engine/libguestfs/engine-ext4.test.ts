import { createHash } from 'node:crypto'
import { mkdirSync, readdirSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeAll, describe, expect, it } from 'vitest'
import type { OemEntry, OemSpace } from '#src/engine/engine.js'
import { withLibguestfs } from '#src/engine/libguestfs/engine.js'
import type { OemBakeError } from '#src/errors.js'
import { type Overlay, PAGE_BYTES } from '#src/overlay.js'
import { rejectsWithCode } from '../../support/errors.js'
import { temporaryDirectory } from '../../support/temp.js'
import { engineContext, launches } from './context.js'
import { changedPages, judge, makeBtrfs, makeExt4, openImage, saveDevice } from './partitions.js'
import { untilNothingIsLeft } from './traces.js'
import { entriesOf, ODD_NAMES, stageOddTree } from './tree.js'

const TIMESTAMP = 1_500_000_000
const directory = temporaryDirectory()
/** The run's own directory may be anywhere: `--tmp-dir` is the user's. */
const workDirectory = join(directory, 'wörk:1, "d\'i=r\\ ~*')
mkdirSync(workDirectory)
const staging = join(directory, 'staging')
stageOddTree(staging)

function sha256(bytes: Uint8Array | string): string {
  return createHash('sha256').update(bytes).digest('hex')
}

/** Facts about a file as debugfs, which is not ours, tells them. */
function debugfsStat(image: string, path: string) {
  const text = judge('debugfs', ['-R', `stat "${path}"`, image])
  const mode = Number.parseInt(/Mode:\s+(\d+)/.exec(text)?.[1] ?? '', 8)
  const [, user, group] = /User:\s+(\d+)\s+Group:\s+(\d+)/.exec(text) ?? []
  const mtime = Number.parseInt(/mtime: 0x([0-9a-f]+)/.exec(text)?.[1] ?? '', 16)
  return { mode, user: Number(user), group: Number(group), mtime }
}

describe('an ext4 partition to edit and a btrfs one to look at', () => {
  const hostFile = join(directory, '- host "file" \\ ~')
  const hostBytes = Buffer.from(Array.from({ length: 300_000 }, (_, index) => index % 251))
  const oddPath = '/base/new\n\'"\\ ~*|✓'
  let before: readonly OemEntry[]
  let looked: readonly OemEntry[]
  let after: readonly OemEntry[]
  let space: OemSpace
  let launchCount: number
  let device: Overlay
  let saved: string
  const read: Record<string, string | undefined> = {}
  const digests: string[] = []
  let tooLong: OemBakeError
  let sinceMs: number

  beforeAll(async () => {
    sinceMs = Date.now()
    writeFileSync(hostFile, hostBytes)
    const lookRoot = join(directory, 'look-root')
    mkdirSync(join(lookRoot, 'etc'), { recursive: true })
    writeFileSync(join(lookRoot, 'etc', 'os-release'), 'ID=flatcar\n')
    const edit = await openImage(makeExt4(directory, 'edit.img', 32, staging))
    const look = await openImage(makeBtrfs(directory, 'look.img', lookRoot))
    device = edit.device
    const { context, events } = engineContext(workDirectory)
    await withLibguestfs({ edit, look: [look] }, context, async (mounted) => {
      before = await mounted.edit.list()
      looked = (await mounted.look[0]?.list()) ?? []
      read.usr = (await mounted.look[0]?.read('/etc/os-release', 100))?.toString()
      read.deep = (await mounted.edit.read('/dir\n"odd\'/deeper/file', 4))?.toString()
      read.link = (await mounted.edit.read('/link-to-file', 100))?.toString()
      read.throughLink = (await mounted.edit.read('/link-to-directory/deeper/file', 100))?.toString()
      read.nothing = (await mounted.edit.read('/no/such/file', 100))?.toString()
      read.directory = (await mounted.edit.read('/odd', 100))?.toString()
      tooLong = await rejectsWithCode(mounted.edit.read('/dir\n"odd\'/deeper/file', 3), 'ERR_GUESTFISH')
      for (const name of ODD_NAMES) digests.push(await mounted.edit.sha256(`/odd/${name}`))
      await mounted.edit.apply(
        [
          { kind: 'remove-file', path: '/link-to-etc' },
          { kind: 'remove-file', path: '/pipe' },
          { kind: 'remove-file', path: '/dir\n"odd\'/deeper/file' },
          { kind: 'remove-directory', path: '/dir\n"odd\'/deeper' },
          { kind: 'make-directory', path: '/base', mode: 0o750 },
          { kind: 'write-file', path: oddPath, mode: 0o600, content: { kind: 'bytes', bytes: Buffer.from('{}\n') } },
          { kind: 'write-file', path: '/theirs', mode: 0o644, content: { kind: 'bytes', bytes: Buffer.alloc(0) } },
          {
            kind: 'write-file',
            path: '/base/run',
            mode: 0o4755,
            content: { kind: 'host-file', path: hostFile, sizeBytes: hostBytes.length },
          },
          { kind: 'make-directory', path: '/owned', mode: 0o2755, owner: { uid: 500, gid: 501 } },
          {
            kind: 'write-file',
            path: '/owned/f',
            mode: 0o4711,
            owner: { uid: 7, gid: 0 },
            content: { kind: 'bytes', bytes: Buffer.from('f') },
          },
          { kind: 'make-symlink', path: '/owned/-l', target: '-odd target\n"', owner: { uid: 0, gid: 9 } },
        ],
        TIMESTAMP,
      )
      after = await mounted.edit.list()
      space = await mounted.edit.space()
      read.written = (await mounted.edit.read(oddPath, 100))?.toString()
      digests.push(await mounted.edit.sha256('/base/run'))
    })
    launchCount = launches(events)
    saved = await saveDevice(device, join(directory, 'edited.img'))
  })

  it('take one appliance', () => {
    expect(launchCount).toBe(1)
  })

  it('lists the whole tree as it was made, whatever the names, following no link', () => {
    const lostAndFound = before.find((entry) => entry.path === '/lost+found')
    expect(lostAndFound?.kind).toBe('directory')
    expect(before.filter((entry) => entry !== lostAndFound)).toEqual(entriesOf(staging))
    expect(looked.map(({ path }) => path)).toEqual(['/etc', '/etc/os-release'])
  })

  it('reads regular files, and nothing through a link', () => {
    expect(read).toEqual({
      usr: 'ID=flatcar\n',
      deep: 'deep',
      link: undefined,
      throughLink: undefined,
      nothing: undefined,
      directory: undefined,
      written: '{}\n',
    })
  })

  it('refuses to read more than the limit', () => {
    expect(tooLong.details).toEqual({ sizeBytes: 4, limitBytes: 3 })
  })

  it('hashes content, whatever the name', () => {
    expect(digests).toEqual([...ODD_NAMES.map((name) => sha256(`content of ${name}`)), sha256(hostBytes)])
  })

  it('shows the edits, and nothing else, in the next list', () => {
    const gone = ['/link-to-etc', '/pipe', '/dir\n"odd\'/deeper/file', '/dir\n"odd\'/deeper']
    const root = { uid: 0, gid: 0 }
    const made: OemEntry[] = [
      { path: '/base', kind: 'directory', mode: 0o750, ...root, sizeBytes: 0 },
      { path: oddPath, kind: 'file', mode: 0o600, ...root, sizeBytes: 3 },
      { path: '/base/run', kind: 'file', mode: 0o4755, ...root, sizeBytes: hostBytes.length },
      { path: '/theirs', kind: 'file', mode: 0o644, ...root, sizeBytes: 0 },
      { path: '/owned', kind: 'directory', mode: 0o2755, uid: 500, gid: 501, sizeBytes: 0 },
      { path: '/owned/f', kind: 'file', mode: 0o4711, uid: 7, gid: 0, sizeBytes: 1 },
      { path: '/owned/-l', kind: 'symlink', mode: 0o777, uid: 0, gid: 9, sizeBytes: 0, target: '-odd target\n"' },
    ]
    const kept = before.filter(({ path }) => !gone.includes(path) && path !== '/theirs')
    expect(after).toEqual([...kept, ...made].sort((a, b) => (a.path < b.path ? -1 : 1)))
  })

  it('leaves a filesystem that e2fsck finds no fault with', () => {
    judge('e2fsck', ['-fn', saved])
  })

  it('sets owner, mode and time so that debugfs sees them', () => {
    const owner = { user: 0, group: 0, mtime: TIMESTAMP }
    expect(debugfsStat(saved, '/base/run')).toEqual({ mode: 0o4755, ...owner })
    expect(debugfsStat(saved, '/theirs')).toEqual({ mode: 0o644, ...owner })
    expect(debugfsStat(saved, '/base')).toEqual({ mode: 0o750, ...owner })
    expect(debugfsStat(saved, '/').mtime).toBe(TIMESTAMP)
  })

  it('says how much is free, below what the whole holds', () => {
    expect(space.blockBytes).toBe(4096)
    expect(space.totalBytes).toBeLessThanOrEqual(32 * 1024 * 1024)
    expect(space.freeBytes).toBeGreaterThan(20 * 1024 * 1024)
    expect(space.freeBytes).toBeLessThan(space.totalBytes)
    expect(space.freeInodes).toBeGreaterThan(1000)
  })

  it('writes few pages beside the content', async () => {
    // 74 pages of content, and: superblock, group descriptors, bitmaps, inodes, directories, the journal's blocks.
    const contentPages = Math.ceil(hostBytes.length / PAGE_BYTES) + 1
    expect(await changedPages(device)).toBeLessThan(contentPages + 64)
  })

  it('leaves no process and no file', async () => {
    await untilNothingIsLeft(workDirectory, sinceMs, 0)
    expect(readdirSync(workDirectory)).toEqual([])
  })
})

describe('an ext4 partition that an edit can not be finished on', () => {
  it('is left as it was, after refusals and after a failure in the middle', async () => {
    const sinceMs = Date.now()
    const edit = await openImage(makeExt4(directory, 'spoilt.img', 32, staging))
    const { context } = engineContext(workDirectory)
    const content = { kind: 'bytes', bytes: Buffer.from('x') } as const
    const write = (path: string) => ({ kind: 'write-file', path, mode: 0o644, content }) as const
    const full = join(directory, 'full')
    const failure = new Error('a failure of the caller')
    await expect(
      withLibguestfs({ edit }, context, async ({ edit: oem }) => {
        const refused = (...edits: Parameters<typeof oem.apply>[0]) => oem.apply(edits, TIMESTAMP)
        const { freeBytes } = await oem.space()
        writeFileSync(full, '')
        truncateSync(full, freeBytes + 1)
        const fill = { kind: 'write-file', path: '/full', mode: 0o644 } as const

        const tooFull = await rejectsWithCode(
          refused({ ...fill, content: { kind: 'host-file', path: full, sizeBytes: freeBytes + 1 } }),
          'ERR_OEM_FULL',
        )
        expect(tooFull.details).toEqual({ neededBytes: freeBytes + 4096, availableBytes: freeBytes })
        await rejectsWithCode(refused(write('/link-to-etc/passwd')), 'ERR_OEM_SYMLINK')
        await rejectsWithCode(refused(write('/link-to-file')), 'ERR_OEM_SYMLINK')
        await rejectsWithCode(
          refused({ kind: 'make-directory', path: '/link-to-directory/x', mode: 0o755 }),
          'ERR_OEM_SYMLINK',
        )
        await rejectsWithCode(
          refused({ kind: 'remove-file', path: '/link-to-directory/deeper/file' }),
          'ERR_OEM_SYMLINK',
        )
        await rejectsWithCode(refused(write('/odd')), 'ERR_NOT_A_REGULAR_FILE')
        await rejectsWithCode(refused(write('/pipe')), 'ERR_NOT_A_REGULAR_FILE')
        await rejectsWithCode(refused(write('/missing/file')), 'ERR_GUESTFISH')

        // All that is said to be free can be used, also when a file has to go first.
        truncateSync(full, freeBytes)
        const all = { kind: 'host-file', path: full, sizeBytes: freeBytes } as const
        await oem.apply([{ ...fill, content: all }], TIMESTAMP)
        expect((await oem.space()).freeBytes).toBeLessThan(64 * 1024)
        await oem.apply([{ ...fill, content: all }], TIMESTAMP)
        throw failure
      }),
    ).rejects.toBe(failure)
    expect(await changedPages(edit.device)).toBe(0)
    await untilNothingIsLeft(workDirectory, sinceMs, 0)
    expect(readdirSync(workDirectory)).toEqual([])
  })
})
