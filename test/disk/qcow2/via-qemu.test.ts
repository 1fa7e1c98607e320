import { execFileSync, spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readdirSync } from 'node:fs'
import { open, readFile, truncate, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { environmentWith } from '../../support/bzip2.js'
import { childNames } from '../../support/children.js'
import { testContext } from '../../support/context.js'
import { copyDevice } from '../../support/copy-device.js'
import { withDisk } from '../../support/decoded.js'
import { rejectsWithCode } from '../../support/errors.js'
import { diskWith } from '../../support/gpt.js'
import { noise } from '../../support/random.js'
import { temporaryDirectory } from '../../support/temp.js'

const root = temporaryDirectory()

/** 4 MiB: a table, noise, and long stretches of nothing. */
const DISK = Buffer.concat([
  diskWith([{ slot: 6, name: 'OEM', first: 64, last: 100 }], 256),
  Buffer.alloc((4 << 20) - 256 * 512),
])
noise(300_000).copy(DISK, 1 << 20)

/** A qcow2 file of that disk, made by qemu-img; what is temporary goes beside it. */
async function qcow2(...options: readonly string[]): Promise<{ directory: string; path: string }> {
  const directory = mkdtempSync(join(root, 'qcow2-'))
  const raw = join(directory, 'disk.raw')
  const path = join(directory, 'disk.qcow2')
  await writeFile(raw, DISK)
  execFileSync('qemu-img', ['convert', '-f', 'raw', '-O', 'qcow2', ...options, raw, path])
  return { directory, path }
}

const EDITS: readonly [number, Buffer][] = [
  [0x8000, noise(512, 'a table entry')],
  [1 << 20, Buffer.alloc(70_000)],
  [(1 << 20) + 250_000, noise(200_000, 'across the end of the data')],
  [3 << 20, noise(1, 'one byte where nothing was')],
  [(4 << 20) - 1, Buffer.from([1])],
]

describe('a qcow2 image as a disk', () => {
  it.each<[string, readonly string[]]>([
    ['version 2', ['-o', 'compat=0.10']],
    ['version 3', []],
    ['compressed clusters', ['-c']],
    ['zstd clusters', ['-c', '-o', 'compression_type=zstd']],
    ['clusters of 512 bytes', ['-o', 'cluster_size=512']],
    ['clusters of 2 MiB', ['-o', 'cluster_size=2M']],
    ['extended L2 entries', ['-o', 'extended_l2=on,cluster_size=128k']],
    ['preallocation', ['-o', 'preallocation=metadata']],
  ])(
    'with %s: what is edited is in the new file as qemu-img reads it, all else is equal, the source stays',
    async (_, options) => {
      const { directory, path } = await qcow2(...options)
      const source = await readFile(path)
      const expected = Buffer.from(DISK)
      await withDisk(path, directory, async (disk) => {
        expect(disk.format).toBe('qcow2')
        expect((await disk.sectors.read(0, disk.sectors.size)).equals(DISK)).toBe(true)
        for (const [offset, bytes] of EDITS) {
          await disk.sectors.write(offset, bytes)
          bytes.copy(expected, offset)
        }
        await copyDevice(await disk.edited(), join(directory, 'edited.qcow2'))
      })
      await writeFile(join(directory, 'expected.raw'), expected)
      const compared = spawnSync(
        'qemu-img',
        ['compare', '-f', 'qcow2', '-F', 'raw', join(directory, 'edited.qcow2'), join(directory, 'expected.raw')],
        { encoding: 'utf8' },
      )
      expect(compared.stdout).toContain('Images are identical')
      execFileSync('qemu-img', ['check', '-q', '-f', 'qcow2', join(directory, 'edited.qcow2')])
      expect((await readFile(path)).equals(source)).toBe(true)
    },
  )

  it('without an edit is the same file', async () => {
    const { directory, path } = await qcow2()
    await withDisk(path, directory, async (disk) => {
      await disk.sectors.write(0, DISK.subarray(0, 100_000))
      const edited = await disk.edited()
      expect((await edited.read(0, edited.size)).equals(await readFile(path))).toBe(true)
    })
  })

  it('leaves nothing behind', async () => {
    const { directory, path } = await qcow2()
    await withDisk(path, directory, async (disk) => {
      await disk.sectors.write(1 << 20, noise(5000))
      await disk.edited()
    })
    expect(readdirSync(directory).sort()).toEqual(['disk.qcow2', 'disk.raw'])
    expect(childNames()).toEqual([])
  })

  it('works in a directory whose name holds spaces and quotes', async () => {
    const { directory, path } = await qcow2()
    const odd = join(directory, `a 'b' "c" $d; e,f=g`)
    mkdirSync(odd)
    await withDisk(path, odd, async (disk) => {
      await disk.sectors.write(1 << 20, noise(5000, 'odd'))
      await copyDevice(await disk.edited(), join(directory, 'edited.qcow2'))
    })
    const raw = join(directory, 'back.raw')
    execFileSync('qemu-img', ['convert', '-f', 'qcow2', '-O', 'raw', join(directory, 'edited.qcow2'), raw])
    expect((await readFile(raw)).subarray(1 << 20, (1 << 20) + 5000).equals(noise(5000, 'odd'))).toBe(true)
  })

  it('is refused without opening the file that it names as its backing file', async () => {
    const { directory, path } = await qcow2()
    const overlay = join(directory, 'overlay.qcow2')
    execFileSync('qemu-img', ['create', '-q', '-f', 'qcow2', '-b', path, '-F', 'qcow2', overlay])
    const context = testContext()
    await rejectsWithCode(
      withDisk(overlay, directory, async () => undefined, context),
      'ERR_QCOW2_UNSUPPORTED',
    )
    expect(context.events).not.toContainEqual(expect.objectContaining({ phase: 'convert' }))
  })

  it.each<[string, (path: string) => Promise<void>]>([
    ['half of it cut off', (path) => truncate(path, 200_000)],
    [
      'its tables overwritten',
      async (path) => {
        const handle = await open(path, 'r+')
        await handle.write(noise(4096), 0, 4096, 65_536)
        await handle.write(noise(4096), 0, 4096, 3 * 65_536)
        await handle.close()
      },
    ],
  ])('is refused with %s', async (_, spoil) => {
    const { directory, path } = await qcow2()
    await spoil(path)
    await rejectsWithCode(
      withDisk(path, directory, async () => undefined),
      'ERR_QCOW2_INVALID',
    )
    expect(readdirSync(directory).sort()).toEqual(['disk.qcow2', 'disk.raw'])
  })

  it.each([[[]], [['qemu-img']], [['qemu-io']]])(
    'says ERR_QEMU_MISSING when of the programs only %j are there',
    async (programs) => {
      const { directory, path } = await qcow2()
      const context = testContext({ env: environmentWith(directory, programs) })
      const error = await rejectsWithCode(
        withDisk(path, directory, async () => undefined, context),
        'ERR_QEMU_MISSING',
      )
      expect(error.hint).toContain('qemu-utils')
    },
  )

  it('says ERR_NO_SPACE when the disk does not fit beside it', async () => {
    const { path } = await qcow2('-c')
    const small = mkdtempSync(join(root, 'small-'))
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=128k', 'tmpfs', small])
    try {
      await rejectsWithCode(
        withDisk(path, small, async () => undefined),
        'ERR_NO_SPACE',
      )
    } finally {
      execFileSync('umount', [small])
    }
  })

  it('throws ERR_CANCELLED, and leaves no child and no file', async () => {
    const { directory, path } = await qcow2()
    const abort = new AbortController()
    const context = { ...testContext({ signal: abort.signal }), report: () => abort.abort() }
    await rejectsWithCode(
      withDisk(path, directory, async () => undefined, context),
      'ERR_CANCELLED',
    )
    expect(childNames()).toEqual([])
    expect(readdirSync(directory).sort()).toEqual(['disk.qcow2', 'disk.raw'])
  })
})
