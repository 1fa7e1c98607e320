import { mkdirSync, readdirSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { beforeAll, describe, expect, it } from 'vitest'
import type { OemEntry, OemSpace } from '#src/engine/engine.js'
import { withLibguestfs } from '#src/engine/libguestfs/engine.js'
import type { Overlay } from '#src/overlay.js'
import { makeBtrfs as makeFlatcarBtrfs } from '../../../scripts/make-image/btrfs.js'
import { file } from '../../../scripts/make-image/tree.js'
import { rejectsWithCode } from '../../support/errors.js'
import { temporaryDirectory } from '../../support/temp.js'
import { engineContext } from './context.js'
import { changedPages, judge, openImage, saveDevice } from './partitions.js'
import { processesKnowing, untilNothingIsLeft } from './traces.js'

const TIMESTAMP = 1_700_000_000
const directory = temporaryDirectory()
const workDirectory = join(directory, 'work')
mkdirSync(workDirectory)
const image = join(directory, 'oem.img')

/** As Flatcar's OEM: mixed block groups, single copies, and the compression property zlib on the root. */
beforeAll(async () => {
  writeFileSync(image, '')
  truncateSync(image, 128 * 1024 * 1024)
  await makeFlatcarBtrfs({
    disk: image,
    offset: 0,
    bytes: 128 * 1024 * 1024,
    label: 'OEM',
    uuid: '12345678-1234-4234-8234-123456789abc',
    seed: 1,
    tree: [file('grub.cfg', 'set oem_id="openstack"\n'), file('sysext/oem-test.raw', Buffer.alloc(50_000, 'sysext'))],
    rootCompression: 'zlib',
    workDirectory: directory,
    epochSeconds: 1_600_000_000,
  })
})

/** What the filesystem's trees hold, told by btrfs-progs. */
function dumpTree(path: string): string {
  return judge('btrfs', ['inspect-internal', 'dump-tree', path])
}

describe('a btrfs partition', () => {
  const compressible = Buffer.alloc(1024 * 1024, 'compressible ')
  let device: Overlay
  let saved: string
  let list: readonly OemEntry[]
  let space: OemSpace

  beforeAll(async () => {
    const edit = await openImage(image)
    device = edit.device
    const { context } = engineContext(workDirectory)
    await withLibguestfs({ edit }, context, async ({ edit: oem }) => {
      await oem.apply(
        [
          { kind: 'make-directory', path: '/base', mode: 0o755 },
          { kind: 'write-file', path: '/base/base.ign', mode: 0o644, content: { kind: 'bytes', bytes: compressible } },
          { kind: 'write-file', path: '/grub.cfg', mode: 0o644, content: { kind: 'bytes', bytes: Buffer.from('new') } },
        ],
        TIMESTAMP,
      )
      list = await oem.list()
      space = await oem.space()
    })
    saved = await saveDevice(device, join(directory, 'edited.img'))
  })

  it('holds the edits', () => {
    expect(list.map(({ path, sizeBytes }) => [path, sizeBytes])).toEqual([
      ['/base', 0],
      ['/base/base.ign', compressible.length],
      ['/grub.cfg', 3],
      ['/sysext', 0],
      ['/sysext/oem-test.raw', 50_000],
    ])
  })

  it('has no count of inodes', () => {
    expect(space.freeInodes).toBeUndefined()
    expect(space.freeBytes).toBeGreaterThan(100 * 1024 * 1024)
  })

  it('passes btrfs check', () => {
    judge('btrfs', ['check', saved])
  })

  it('keeps the compression property, and new files inherit it', () => {
    const count = (path: string) => [...dumpTree(path).matchAll(/name: btrfs\.compression\s+data zlib/g)].length
    // The root, its directory and files of before; now also /base and base.ign. grub.cfg is a new inode under its name.
    expect(count(saved)).toBe(count(image) + 2)
    expect(dumpTree(saved)).toMatch(/extent compression 1 \(zlib\)/)
  })

  it('changes little: a compressed MiB and some tree blocks', async () => {
    expect(await changedPages(device)).toBeLessThan(64)
  })
})

describe('a btrfs partition that is not edited', () => {
  it('is not changed by being opened for editing, read, and edited in nothing', async () => {
    const edit = await openImage(image)
    const { context } = engineContext(workDirectory)
    const text = await withLibguestfs({ edit }, context, async ({ edit: oem }) => {
      await oem.list()
      await oem.sha256('/sysext/oem-test.raw')
      await oem.apply([], TIMESTAMP)
      return (await oem.read('/grub.cfg', 100))?.toString()
    })
    expect(text).toBe('set oem_id="openstack"\n')
    expect(await changedPages(edit.device)).toBe(0)
  })

  it('is not changed when the run is cancelled in the middle of an edit', async () => {
    const sinceMs = Date.now()
    const edit = await openImage(image)
    const { context, cancel } = engineContext(workDirectory)
    const bytes = Buffer.alloc(64 * 1024 * 1024, 'incompressible? no matter')
    const run = withLibguestfs({ edit }, context, async ({ edit: oem }) => {
      await oem.apply([{ kind: 'make-directory', path: '/base', mode: 0o755 }], TIMESTAMP)
      const writing = oem.apply(
        [{ kind: 'write-file', path: '/base/big', mode: 0o644, content: { kind: 'bytes', bytes } }],
        TIMESTAMP,
      )
      await pause(200)
      expect(processesKnowing(workDirectory).length).toBeGreaterThan(0)
      cancel()
      await writing
    })
    await rejectsWithCode(run, 'ERR_CANCELLED')
    expect(await changedPages(edit.device)).toBe(0)
    await untilNothingIsLeft(workDirectory, sinceMs, 0)
    expect(readdirSync(workDirectory)).toEqual([])
  })
})
