import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { MemoryDevice } from '#src/byte-device.js'
import { EXT_INCOMPAT } from '#src/disk/filesystem/ext-superblock.js'
import { filesystemName, probeFilesystem } from '#src/disk/filesystem/probe.js'
import { btrfs, ext, madeBy, vfat } from '../../support/filesystems.js'
import { noise } from '../../support/random.js'

const probe = (bytes: Buffer) => probeFilesystem(new MemoryDevice(bytes))
const UUID = '12345678-9abc-def0-1234-56789abcdef0'
const SUPERBLOCK = 1024

describe('probeFilesystem', () => {
  it.each(['ext2', 'ext3', 'ext4'] as const)('tells %s from its neighbours', async (variant) => {
    const filesystem = await probe(ext(variant, 'OEM', '-U', UUID, '-b', '1024'))
    expect(filesystem).toMatchObject({
      kind: 'ext',
      variant,
      label: 'OEM',
      uuid: UUID,
      blockBytes: 1024,
      sizeBytes: 4 << 20,
      clean: true,
      needsRecovery: false,
      lastOrphan: 0,
    })
    expect(filesystemName(filesystem)).toBe(variant)
  })

  it('reads a size beyond 2^32 blocks only with the feature that says so', async () => {
    const bytes = ext('ext4', 'OEM', '-O', '64bit')
    bytes.writeUInt32LE(1, SUPERBLOCK + 0x150)
    expect(await probe(bytes)).toMatchObject({ sizeBytes: 2 ** 32 * 1024 + (4 << 20) })
    bytes.writeUInt32LE(bytes.readUInt32LE(SUPERBLOCK + 0x60) & ~EXT_INCOMPAT['64bit'], SUPERBLOCK + 0x60)
    expect(await probe(bytes)).toMatchObject({ sizeBytes: 4 << 20 })
  })

  it.each([
    [0x0, false],
    [0x1, true],
    [0x3, false],
    [0x5, false],
  ])('takes the state %i for clean: %s', async (state, clean) => {
    const bytes = ext('ext4')
    bytes.writeUInt16LE(state, SUPERBLOCK + 0x3a)
    expect(await probe(bytes)).toMatchObject({ clean })
  })

  it('tells a journal that must be replayed, an orphan, and the time of the last write', async () => {
    const bytes = ext('ext4')
    bytes.writeUInt32LE(bytes.readUInt32LE(SUPERBLOCK + 0x60) | 0x4, SUPERBLOCK + 0x60)
    bytes.writeUInt32LE(12, SUPERBLOCK + 0xe8)
    bytes.writeUInt32LE(1_590_000_000, SUPERBLOCK + 0x30)
    expect(await probe(bytes)).toMatchObject({ needsRecovery: true, lastOrphan: 12, lastWrittenSeconds: 1_590_000_000 })
  })

  it('reads USR-A, whose ro_compat holds 0xff so that nobody mounts it writable', async () => {
    const bytes = ext('ext2', 'USR-A')
    bytes.writeUInt8(0xff, SUPERBLOCK + 0x64 + 3)
    expect(await probe(bytes)).toMatchObject({ kind: 'ext', variant: 'ext2', label: 'USR-A' })
  })

  it('reads a label of all sixteen bytes', async () => {
    expect(await probe(ext('ext4', 'ABCDEFGHIJKLMNOP'))).toMatchObject({ label: 'ABCDEFGHIJKLMNOP' })
  })

  it('tells btrfs, its label and UUID', async () => {
    const bytes = madeBy('mkfs.btrfs', ['-q', '--mixed', '-L', 'OEM', '-U', UUID], 32 << 20)
    expect(await probe(bytes)).toEqual({ kind: 'btrfs', label: 'OEM', uuid: UUID, sizeBytes: 32 << 20 })
  })

  it('tells btrfs where ext4 was before', async () => {
    const bytes = btrfs()
    ext('ext4').copy(bytes, SUPERBLOCK, SUPERBLOCK, 2 * SUPERBLOCK)
    expect(await probe(bytes)).toMatchObject({ kind: 'btrfs' })
  })

  it.each<[string, Buffer]>([
    ['FAT12', vfat()],
    ['FAT16', madeBy('mkfs.vfat', ['-F', '16', '-n', 'OEM'], 16 << 20)],
    ['FAT32', madeBy('mkfs.vfat', ['-F', '32', '-n', 'OEM'], 40 << 20)],
  ])('names %s, with its label', async (_, bytes) => {
    expect(await probe(bytes)).toEqual({ kind: 'other', name: 'vfat', label: 'OEM' })
  })

  it.each([
    ['xfs', 'XFSB'],
    ['squashfs', 'hsqs'],
    ['luks', 'LUKS\xba\xbe'],
  ])('names %s', async (name, magic) => {
    const bytes = Buffer.alloc(1 << 20)
    bytes.write(magic, 'latin1')
    expect(filesystemName(await probe(bytes))).toBe(name)
  })

  it('tells a blank partition from one that holds something unknown', async () => {
    expect(await probe(Buffer.alloc(1 << 20))).toEqual({ kind: 'none', blank: true })
    expect(await probe(noise(1 << 20, 'no filesystem'))).toEqual({ kind: 'none', blank: false })
    expect(filesystemName({ kind: 'none', blank: true })).toBe('no filesystem')
  })

  it('looks at partitions of any size, however small', async () => {
    for (const length of [0, 1, 511, 512, 1023, 1025, 2047, 2048, 65_535, 65_536, 65_537, 69_632])
      expect(await probe(Buffer.alloc(length))).toEqual({ kind: 'none', blank: true })
    const cut = ext('ext4').subarray(0, 2048)
    expect(await probe(cut)).toMatchObject({ kind: 'ext' })
  })

  it('never throws, whatever a superblock says', async () => {
    const bytes = [ext('ext4'), btrfs(), vfat()].map((whole) => Buffer.from(whole.subarray(0, 70_000)))
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom(...bytes),
        fc.array(fc.tuple(fc.nat(69_999), fc.uint8Array({ minLength: 1, maxLength: 16 })), { maxLength: 5 }),
        fc.nat(70_000),
        async (sound, mutations, length) => {
          const mutated = Buffer.from(sound)
          for (const [place, patch] of mutations) mutated.set(patch.subarray(0, mutated.length - place), place)
          // Most of the fields that are read lie in the first 128 bytes of a superblock.
          for (const [place, patch] of mutations) mutated.set(patch, SUPERBLOCK + (place % 100))
          const filesystem = await probe(mutated.subarray(0, length))
          if (filesystem.kind === 'ext' || filesystem.kind === 'btrfs')
            expect(filesystem.sizeBytes).toSatisfy(Number.isSafeInteger)
        },
      ),
      { numRuns: 1000 },
    )
  })
})
