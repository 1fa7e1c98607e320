import { describe, expect, it } from 'vitest'
import { MemoryDevice } from '#src/byte-device.js'
import { type ExtFilesystem, probeFilesystem } from '#src/disk/filesystem/probe.js'
import { withEmbeddedEditor, withEmbeddedReader } from '#src/engine/embedded/engine.js'
import { whyNotServed } from '#src/engine/embedded/serves.js'
import { rejectsWithCode } from '../../support/errors.js'
import { temporaryDirectory } from '../../support/temp.js'
import { contextOf, debugfs, EDITED_AT, fsck, makeImage, mkdir, PROFILES, remove, volumeOf, write } from './images.js'

const directory = temporaryDirectory()
const modern = makeImage(directory, PROFILES.modern)

async function probed(bytes: Uint8Array): Promise<ExtFilesystem> {
  return (await volumeOf(bytes)).filesystem
}

describe('whyNotServed', () => {
  it('serves a clean ext4 for both', async () => {
    const filesystem = await probed(modern)
    expect(whyNotServed(filesystem, 'edit', modern.length)).toBeUndefined()
    expect(whyNotServed(filesystem, 'read', modern.length)).toBeUndefined()
  })

  it.each(['btrfs', 'none', 'other'] as const)('refuses what is not ext: %s', (kind) => {
    const filesystem = {
      btrfs: { kind: 'btrfs', label: 'OEM', uuid: '', sizeBytes: 1 },
      none: { kind: 'none', blank: true },
      other: { kind: 'other', name: 'vfat', label: '' },
    } as const
    expect(whyNotServed(filesystem[kind], 'read')).toMatch(/serves ext2, ext3 and ext4/)
  })

  it.each([
    ['a journal to replay', { needsRecovery: true }, /journal/],
    ['an unclean state', { clean: false }, /unmounted cleanly/],
    ['orphans', { lastOrphan: 13 }, /inode 13/],
    ['blocks of 32 KiB', { blockBytes: 32768 }, /32 KiB/],
    ['an incompatible feature without a name', { incompat: 0x2 | 0x40000000 }, /0x40000000/],
    ['a read-only feature without a name', { roCompat: 0x1 | 0x800000 }, /0x800000/],
    ['a part of the read-only mark', { roCompat: 0x7f000000 }, /0x7f000000/],
  ] as const)('refuses %s to readers and editors', async (_, change, reason) => {
    const filesystem = { ...(await probed(modern)), ...change }
    expect(whyNotServed(filesystem, 'edit')).toMatch(reason)
    expect(whyNotServed(filesystem, 'read')).toMatch(reason)
  })

  it('refuses a filesystem that is larger than its partition by one byte', async () => {
    const filesystem = await probed(modern)
    expect(whyNotServed(filesystem, 'read', filesystem.sizeBytes)).toBeUndefined()
    expect(whyNotServed(filesystem, 'read', filesystem.sizeBytes - 1)).toMatch(/claims/)
  })

  it('lets readers look through the read-only mark of USR-A, and no editor', async () => {
    const filesystem = await probed(modern)
    const marked = { ...filesystem, roCompat: (filesystem.roCompat | 0xff000000) >>> 0 }
    expect(whyNotServed(marked, 'read')).toBeUndefined()
    expect(whyNotServed(marked, 'edit')).toMatch(/0xff000000/)
  })
})

/** Every feature that mke2fs can make, and whether it is served. */
const FEATURES: readonly (readonly [string, 'edit' | 'read' | 'none'])[] = [
  ['^dir_index', 'edit'],
  ['^filetype', 'edit'],
  ['^extent,^64bit,^metadata_csum', 'edit'],
  ['64bit,^metadata_csum', 'edit'],
  ['metadata_csum,64bit', 'edit'],
  ['metadata_csum,metadata_csum_seed', 'edit'],
  ['uninit_bg,^metadata_csum', 'edit'],
  ['^flex_bg', 'edit'],
  ['inline_data', 'edit'],
  ['orphan_file', 'edit'],
  ['fast_commit', 'edit'],
  ['stable_inodes', 'edit'],
  ['sparse_super2,^resize_inode', 'edit'],
  ['^sparse_super,^resize_inode', 'edit'],
  ['^has_journal', 'edit'],
  ['huge_file,dir_nlink,extra_isize', 'edit'],
  ['large_dir', 'read'],
  ['ea_inode', 'read'],
  ['quota', 'read'],
  ['quota,project', 'read'],
  ['meta_bg,^resize_inode', 'none'],
  ['encrypt', 'none'],
  ['casefold', 'none'],
  ['verity', 'none'],
  ['bigalloc', 'none'],
  ['mmp', 'none'],
]

describe.each(FEATURES)('ext4 with -O %s', (features, served) => {
  const image = makeImage(directory, ['-t', 'ext4', '-O', features], { sizeMiB: 32 })
  const attempt = async (access: 'read' | 'edit'): Promise<Uint8Array> => {
    const volume = await volumeOf(Buffer.from(image))
    if (access === 'read') await withEmbeddedReader(volume, contextOf(), (fs) => fs.list())
    else {
      await withEmbeddedEditor(volume, contextOf(), async (fs) => {
        const edits = [mkdir('/d'), write('/d/small', 'x'), write('/d/middle', 'y'.repeat(500)), write('/gone', 'z')]
        await fs.apply([...edits, write('/d/big', Buffer.alloc(100_000, 1)), mkdir('/e')], EDITED_AT)
        await fs.apply([remove('/gone'), write('/d/small', 'w')], EDITED_AT)
      })
    }
    return volume.device.bytes
  }

  it(served === 'edit' ? 'is edited and clean afterwards' : 'is refused to editors with a hint', async () => {
    if (served === 'edit') {
      const edited = await attempt('edit')
      expect(fsck(directory, edited)).toBe('')
      expect(debugfs(directory, edited, 'cat /d/small').toString()).toBe('w')
      expect(debugfs(directory, edited, 'cat /d/middle').toString()).toBe('y'.repeat(500))
    } else {
      const error = await rejectsWithCode(attempt('edit'), 'ERR_ENGINE_CANNOT_SERVE')
      expect(error.hint).toContain('--engine libguestfs')
      expect(error.exitCode).toBe(5)
    }
  })

  it(served === 'none' ? 'is refused to readers' : 'is read', async () => {
    if (served === 'none') await rejectsWithCode(attempt('read'), 'ERR_ENGINE_CANNOT_SERVE')
    else await attempt('read')
  })
})

describe('the engine', () => {
  it.each([1024, 2048, 4096, 8192, 16384])('edits blocks of %d bytes', async (blockBytes) => {
    const image = makeImage(directory, ['-t', 'ext4', '-b', `${blockBytes}`, '-O', 'metadata_csum'], { sizeMiB: 32 })
    const volume = await volumeOf(image)
    await withEmbeddedEditor(volume, contextOf(), (fs) =>
      fs.apply([mkdir('/d'), write('/d/a', 'a'.repeat(99_999))], EDITED_AT),
    )
    // mke2fs and e2fsck of this machine have the last word on big blocks too.
    expect(fsck(directory, volume.device.bytes)).toBe('')
  })

  it.each([32768, 65536])('refuses blocks of %d bytes', async (blockBytes) => {
    const image = makeImage(directory, ['-t', 'ext4', '-b', `${blockBytes}`], { sizeMiB: 64 })
    const volume = await volumeOf(image)
    await rejectsWithCode(
      withEmbeddedReader(volume, contextOf(), (fs) => fs.list()),
      'ERR_ENGINE_CANNOT_SERVE',
    )
  })

  it('refuses a filesystem that its partition cuts off', async () => {
    const device = new MemoryDevice(modern.subarray(0, modern.length - 4096))
    const filesystem = await probeFilesystem(device)
    if (filesystem.kind !== 'ext') throw new Error('expected ext')
    const attempt = withEmbeddedEditor({ device, filesystem }, contextOf(), (fs) => fs.list())
    await rejectsWithCode(attempt, 'ERR_ENGINE_CANNOT_SERVE')
  })
})
