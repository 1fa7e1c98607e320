/** The FAT reader, on filesystems that mkfs.vfat and mtools made, and on what is left of them after damage. */
import { describe, expect, it } from 'vitest'
import { MemoryDevice } from '#src/byte-device.js'
import { findInFat, readFatVolume } from '#src/disk/fat/find.js'
import { rejectsWithCode } from '../../support/errors.js'
import { type FatStep, makeFat, makeSmallFat32 } from '../../support/fat.js'

const MIB = 1 << 20

const STEPS: readonly FatStep[] = [
  { make: '/coreos' },
  // More entries than a cluster has: the directory goes on elsewhere.
  ...Array.from({ length: 40 }, (_, index): FatStep => ({ touch: `/coreos/a file with a long name, number ${index}` })),
  { touch: '/coreos/first_boot' },
  { make: '/flatcar' },
  { touch: '/flatcar/first_boot' },
  { remove: '/flatcar/first_boot' },
  { touch: '/PLAIN.TXT' },
]

const KINDS = [
  ['FAT12', ['-F', '12', '-s', '1'], 1 * MIB],
  ['FAT16', ['-F', '16', '-s', '1'], 8 * MIB],
  ['FAT32', ['-F', '32', '-s', '1'], 34 * MIB],
] as const

const SMALL_FAT32 = makeSmallFat32(512 << 10)
const IMAGES = KINDS.map(([kind, args, size]) => [kind, args.join(' '), makeFat(args, size, STEPS)] as const)

async function find(image: Buffer, ...path: string[]) {
  const device = new MemoryDevice(image)
  const volume = await readFatVolume(device)
  return volume === undefined ? 'no FAT' : findInFat(device, volume, path)
}

describe.each(IMAGES)('%s (%s)', (kind, _, image) => {
  it('is told by its boot sector', async () => {
    expect((await readFatVolume(new MemoryDevice(image)))?.kind).toBe(kind)
  })

  it.each([
    ['coreos', 'directory'],
    ['COREOS', 'directory'],
    ['coreos/first_boot', 'file'],
    ['coreos/First_Boot', 'file'],
    ['coreos/a file with a long name, number 39', 'file'],
    ['plain.txt', 'file'],
    ['coreos/.', 'directory'],
    ['coreos/../flatcar', 'directory'],
    // Taken away again: the entry is still there, marked.
    ['flatcar/first_boot', 'nothing'],
    ['coreos/first_boot/below', 'nothing'],
    ['first_boot', 'nothing'],
    ['coreos/a file with a long name, number 40', 'nothing'],
  ])('has %s as a %s', async (path, expected) => {
    // `..` of a directory in the root names cluster 0, which is none: nobody asks for such a path.
    if (path.includes('..')) await rejectsWithCode(find(image, ...path.split('/')), 'ERR_FILESYSTEM_CORRUPT')
    else expect(await find(image, ...path.split('/'))).toBe(expected)
  })
})

describe('FAT32 with few clusters', () => {
  it('is FAT32 all the same, as to mkfs.vfat and Linux', async () => {
    expect((await readFatVolume(new MemoryDevice(SMALL_FAT32)))?.kind).toBe('FAT32')
    expect(await find(SMALL_FAT32, 'coreos', 'first_boot')).toBe('file')
    expect(await find(SMALL_FAT32, 'flatcar', 'first_boot')).toBe('nothing')
  })
})

describe('what is no FAT', () => {
  it.each<[string, Buffer]>([
    ['zeros', Buffer.alloc(MIB)],
    ['a partition of less than a sector', Buffer.alloc(100)],
    ['an MBR', Buffer.concat([Buffer.alloc(510), Buffer.from([0x55, 0xaa])])],
  ])('is not taken for it: %s', async (_, image) => {
    expect(await find(image, 'coreos')).toBe('no FAT')
  })
})

describe('a damaged FAT', () => {
  const damaged = (damage: (image: Buffer) => void) => {
    const image = Buffer.from(SMALL_FAT32)
    damage(image)
    return image
  }
  /** BPB_TotSec32 counts when BPB_TotSec16 is zero. */
  const setSectors = (image: Buffer, count: number) => {
    image.writeUInt16LE(0, 19)
    image.writeUInt32LE(count, 32)
  }
  const table = (image: Buffer) => image.readUInt16LE(14) * 512

  it.each<[string, RegExp, Buffer]>([
    ['more sectors than the partition', /claims/, damaged((image) => setSectors(image, 0xffffffff))],
    ['no cluster', /no room for clusters/, damaged((image) => setSectors(image, 40))],
    [
      'tables of 2^32 - 1 sectors',
      /no room for clusters/,
      damaged((image) => void image.writeUInt32LE(0xffffffff, 36)),
    ],
    ['tables of one sector', /too small/, damaged((image) => void image.writeUInt32LE(1, 36))],
    ['table 7 of 2 as the one that counts', /table 7/, damaged((image) => void image.writeUInt16LE(0x87, 40))],
    ['its root in cluster 0', /cluster 0/, damaged((image) => void image.writeUInt32LE(0, 44))],
    ['its root beyond the end', /cluster 4294967295/, damaged((image) => void image.writeUInt32LE(0xffffffff, 44))],
    [
      'a directory without an end',
      /more than 2097152 bytes/,
      damaged((image) => {
        // The root has no end mark, and its cluster leads to itself.
        const root = image.readUInt32LE(44)
        const data = table(image) + 2 * image.readUInt32LE(36) * 512
        image.fill(0xe5, data + (root - 2) * 512, data + (root - 1) * 512)
        image.writeUInt32LE(root, table(image) + root * 4)
      }),
    ],
  ])('is told by what contradicts itself: %s', async (_, says, image) => {
    const { message } = await rejectsWithCode(find(image, 'coreos', 'first_boot'), 'ERR_FILESYSTEM_CORRUPT')
    expect(message).toMatch(says)
  })
})
