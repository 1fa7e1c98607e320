import { describe, expect, it } from 'vitest'
import { MemoryDevice } from '#src/byte-device.js'
import { assertOnlyOemChanged } from '#src/disk/assert-only-oem.js'
import { locateOem } from '#src/disk/locate-oem.js'
import { Overlay } from '#src/overlay.js'
import { rejectsWithCode } from '../support/errors.js'
import { btrfs, ext, vfat } from '../support/filesystems.js'
import { diskWith, SECTOR } from '../support/gpt.js'
import { noise } from '../support/random.js'

interface Content {
  readonly slot: number
  readonly name: string
  readonly bytes?: Buffer
}

const START = 2048
const SECTORS = 8192

/** A disk of partitions of 4 MiB, one behind the other; content that is longer gets what it needs. */
function openDiskWith(...contents: readonly Content[]) {
  let next = START
  const partitions = contents.map(({ slot, name, bytes }) => {
    const first = next
    next += Math.max(SECTORS, Math.ceil((bytes?.length ?? 0) / SECTOR))
    return { slot, name, first, last: next - 1, bytes }
  })
  const bytes = diskWith(partitions, next + 64)
  for (const partition of partitions) partition.bytes?.copy(bytes, partition.first * SECTOR)
  const sectors = new Overlay(new MemoryDevice(bytes))
  return {
    format: 'raw' as const,
    sectors,
    notes: {},
    edited: async () => sectors,
    [Symbol.asyncDispose]: async () => undefined,
  }
}

const OEM = { slot: 6, name: 'OEM', bytes: ext('ext4') }

describe('locateOem', () => {
  it('finds the partition by its label alone: neither its number nor its place counts', async () => {
    for (const slot of [1, 6, 128]) {
      const located = await locateOem(
        openDiskWith({ slot: 3, name: 'ROOT', bytes: ext('ext4', 'OEM') }, { ...OEM, slot }),
      )
      expect(located.oem.partition).toMatchObject({ slot, range: { offset: (START + SECTORS) * SECTOR } })
      expect(located.oem.filesystem).toMatchObject({ kind: 'ext', label: 'OEM' })
      expect(await located.findUsr()).toBeUndefined()
    }
  })

  it('gives a window on just that partition', async () => {
    const disk = openDiskWith({ slot: 1, name: 'A' }, OEM, { slot: 9, name: 'ROOT' })
    const { oem } = await locateOem(disk)
    expect(oem.device.size).toBe(SECTORS * SECTOR)
    expect((await oem.device.read(0, oem.device.size)).equals(OEM.bytes)).toBe(true)
    await rejectsWithCode(oem.device.read(oem.device.size, 1), 'ERR_INTERNAL')
  })

  it('takes btrfs', async () => {
    const { oem } = await locateOem(openDiskWith({ slot: 6, name: 'OEM', bytes: btrfs() }))
    expect(oem.filesystem).toMatchObject({ kind: 'btrfs', label: 'OEM' })
  })

  it('finds USR-A when it holds a filesystem that can be read', async () => {
    const located = await locateOem(openDiskWith({ slot: 3, name: 'USR-A', bytes: ext('ext2', 'USR-A') }, OEM))
    const usr = await located.findUsr()
    expect(usr?.filesystem).toMatchObject({ kind: 'ext', variant: 'ext2' })
    for (const bytes of [Buffer.alloc(10), noise(5000), vfat('USR-A')]) {
      const other = await locateOem(openDiskWith({ slot: 3, name: 'USR-A', bytes }, OEM))
      expect(await other.findUsr()).toBeUndefined()
    }
  })

  it.each<[string, string, readonly Content[]]>([
    ['no partition at all', 'ERR_OEM_NOT_FOUND', []],
    ['no partition of that label', 'ERR_OEM_NOT_FOUND', [{ ...OEM, name: 'OEM-CONFIG' }]],
    ['a label of other case', 'ERR_OEM_NOT_FOUND', [{ ...OEM, name: 'oem' }]],
    ['a label with a space', 'ERR_OEM_NOT_FOUND', [{ ...OEM, name: 'OEM ' }]],
    ['two partitions of that label', 'ERR_OEM_AMBIGUOUS', [OEM, { ...OEM, slot: 7 }]],
    ['two, of which one is blank', 'ERR_OEM_AMBIGUOUS', [OEM, { slot: 7, name: 'OEM' }]],
    ['a blank partition', 'ERR_OEM_NO_FILESYSTEM', [{ slot: 6, name: 'OEM' }]],
    ['a partition of noise', 'ERR_OEM_NO_FILESYSTEM', [{ ...OEM, bytes: noise(5000) }]],
    ['FAT', 'ERR_FILESYSTEM_UNSUPPORTED', [{ ...OEM, bytes: vfat() }]],
    ['LUKS', 'ERR_FILESYSTEM_UNSUPPORTED', [{ ...OEM, bytes: Buffer.from('LUKS\xba\xbe', 'latin1') }]],
    ['ext4 with another label', 'ERR_OEM_LABEL', [{ ...OEM, bytes: ext('ext4', 'ROOT') }]],
    ['ext4 without a label', 'ERR_OEM_LABEL', [{ ...OEM, bytes: ext('ext4', '') }]],
    ['btrfs with another label', 'ERR_OEM_LABEL', [{ ...OEM, bytes: btrfs('oem') }]],
  ])('refuses %s with %s', async (_, code, contents) => {
    const error = await rejectsWithCode(locateOem(openDiskWith(...contents)), code)
    expect(error.hint).toBeDefined()
  })

  it('says what it found instead', async () => {
    const error = await rejectsWithCode(
      locateOem(openDiskWith({ slot: 1, name: 'EFI' }, { slot: 9, name: 'ROOT' })),
      'ERR_OEM_NOT_FOUND',
    )
    expect(error.details).toEqual({
      partitions: [
        { slot: 1, name: 'EFI' },
        { slot: 9, name: 'ROOT' },
      ],
    })
  })
})

describe('assertOnlyOemChanged', () => {
  const disk = () => openDiskWith({ slot: 1, name: 'BEFORE' }, OEM, { slot: 9, name: 'AFTER' })
  const first = (START + SECTORS) * SECTOR
  const end = first + SECTORS * SECTOR

  it('accepts changes from the first to the last byte of the partition, and none at all', async () => {
    const located = await locateOem(disk())
    await assertOnlyOemChanged(located)
    await located.oem.device.write(0, Buffer.from([1]))
    await located.oem.device.write(located.oem.device.size - 1, Buffer.from([1]))
    await assertOnlyOemChanged(located)
  })

  it.each([0, 512, 1024, first - 1, end, (START + 3 * SECTORS + 63) * SECTOR])(
    'refuses a change at byte %i',
    async (offset) => {
      const located = await locateOem(disk())
      await located.oem.device.write(0, Buffer.from([1]))
      const byte = await located.disk.sectors.read(offset, 1)
      await located.disk.sectors.write(offset, Buffer.from([byte[0]! ^ 1]))
      await rejectsWithCode(assertOnlyOemChanged(located), 'ERR_CHECK_OUTSIDE')
    },
  )

  it('refuses a change in the page that a partition shares with the one before it', async () => {
    // Sectors of 512 bytes, pages of 4096: an OEM partition that starts in the middle of a page.
    const bytes = diskWith([{ slot: 6, name: 'OEM', first: 2050, last: 2050 + SECTORS - 1 }], 2050 + SECTORS + 64)
    OEM.bytes.copy(bytes, 2050 * SECTOR)
    const sectors = new Overlay(new MemoryDevice(bytes))
    const located = await locateOem({
      format: 'raw',
      sectors,
      notes: {},
      edited: async () => sectors,
      [Symbol.asyncDispose]: async () => undefined,
    })
    await located.oem.device.write(0, Buffer.from([1]))
    await assertOnlyOemChanged(located)
    await sectors.write(2050 * SECTOR - 1, Buffer.from([1]))
    await rejectsWithCode(assertOnlyOemChanged(located), 'ERR_CHECK_OUTSIDE')
  })
})
