import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type ByteDevice, MemoryDevice } from '#src/byte-device.js'
import { openQcow2 } from '#src/disk/qcow2/qcow2.js'
import { OemBakeError } from '#src/errors.js'
import { byteLength } from '#src/units.js'
import { rejectsWithCode } from '../../support/errors.js'
import { prose } from '../../support/random.js'
import { contentsByQemu, converted, created, judgedByQemu, mixed, RAW_DISK } from './images.js'
import { hostOf, isCompressed, isData, Qcow2Patch } from './patch.js'

/** Version 3, 16-bit refcounts, one L2 table after the other, every kind of cluster. */
const SOUND = mixed('compat=1.1,cluster_size=4k', 4096)
const VERSION_2 = mixed('compat=0.10,cluster_size=4k', 4096)
const END = SOUND.length

const open = (bytes: Buffer) => openQcow2(new MemoryDevice(bytes))

async function contents(bytes: Buffer): Promise<Buffer> {
  const { sectors } = await open(bytes)
  return sectors.read(0, sectors.size)
}

type Spoil = (image: Qcow2Patch) => void

const COPIED = 1n << 63n

/** Title, what is done to a sound image, and what the message has to name. */
const DAMAGED: readonly (readonly [string, Spoil, RegExp])[] = [
  [
    'an L1 table beyond the end of the file',
    (image) => image.setU64(40, Math.ceil(END / 4096) * 4096),
    /L1 table.*ends at/,
  ],
  ['an L1 table at 2^62', (image) => image.setU64(40, 1n << 62n), /l1_table_offset/],
  ['an L1 table that starts no cluster', (image) => image.setU64(40, image.l1Offset + 512), /L1 table lies at byte/],
  ['an L1 table at the header', (image) => image.setU64(40, 0), /L1 table lies at byte 0/],
  ['an L1 table on the refcount table', (image) => image.setU64(40, image.refcountTableOffset), /used twice|L1 entry/],
  ['an L1 table of 2^32 - 1 entries', (image) => image.setU32(36, 0xffffffff), /4294967295 entries/],
  ['an L1 table of 32 MiB and one entry', (image) => image.setU32(36, (32 << 20) / 8 + 1), /4194305 entries/],
  ['an L1 table of 32 MiB in a small file', (image) => image.setU32(36, (32 << 20) / 8), /L1 table.*ends at/],
  ['an L1 table that is too small for the disk', (image) => image.setU32(36, 1), /the virtual disk needs 2/],
  ['no L1 table', (image) => image.setU32(36, 0), /the virtual disk needs 2/],
  ['a disk that is too large for the L1 table', (image) => image.setU64(24, 1 << 30), /the virtual disk needs 512/],
  [
    'a refcount table beyond the end',
    (image) => image.setU64(48, Math.ceil(END / 4096) * 4096),
    /refcount table.*ends/,
  ],
  [
    'a refcount table that starts no cluster',
    (image) => image.setU64(48, 4096 + 8),
    /refcount table lies at byte 4104/,
  ],
  ['a refcount table of no clusters', (image) => image.setU32(56, 0), /0 clusters/],
  ['a refcount table of 2^32 - 1 clusters', (image) => image.setU32(56, 0xffffffff), /4294967295 clusters/],
  ['a refcount table of 8 MiB in a small file', (image) => image.setU32(56, 2048), /refcount table.*ends at/],
  ['refcounts of 128 bits', (image) => image.setU32(96, 7), /refcount_order is 7/],
  ['a header of 96 bytes', (image) => image.setU32(100, 96), /header_length is 96/],
  ['a header of 109 bytes', (image) => image.setU32(100, 109), /header_length is 109/],
  ['a header longer than a cluster', (image) => image.setU32(100, 8192), /header_length is 8192/],
  [
    'a header extension of 4 GiB',
    (image) => {
      const at = image.bytes.readUInt32BE(100)
      image.setU32(at, 0x12345678)
      image.setU32(at + 4, 0xffffffff)
    },
    /extension at byte 1\d\d has 4294967295/,
  ],
  ['extended L2 entries in clusters of 4 KiB', (image) => image.setU64(72, 1 << 4), /cluster_bits is 12, expected 14/],
  ['cluster_bits 8', (image) => image.setU32(20, 8), /cluster_bits is 8/],
  ['cluster_bits 22', (image) => image.setU32(20, 22), /cluster_bits is 22/],
  ['cluster_bits 13, which is not its own', (image) => image.setU32(20, 13), /./],
  [
    'an L2 table that starts no cluster',
    (image) => image.setU64(image.l1Offset, COPIED | BigInt(image.l2Offset() + 512)),
    /L1 entry 0/,
  ],
  [
    'an L2 table beyond the end',
    (image) => image.setU64(image.l1Offset, COPIED | (1n << 40n)),
    /L2 table of guest offset 0/,
  ],
  ['an L2 table at byte 0', (image) => image.setU64(image.l1Offset + 8, COPIED | 0n), /L1 entry 1 .*nowhere/],
  [
    'an L2 table that is the L1 table',
    (image) => image.setU64(image.l1Offset, COPIED | BigInt(image.l1Offset)),
    /used twice.*L2 table/,
  ],
  [
    'one L2 table for two L1 entries',
    (image) => image.setU64(image.l1Offset + 8, image.u64(image.l1Offset)),
    /used twice.*L2 table of guest offset 2097152/,
  ],
  [
    'an L1 entry with a reserved low bit',
    (image) => image.setU64(image.l1Offset, image.u64(image.l1Offset) | 1n),
    /L1 entry 0 is 0x/,
  ],
  [
    'an L1 entry with a reserved high bit',
    (image) => image.setU64(image.l1Offset, image.u64(image.l1Offset) | (1n << 60n)),
    /L1 entry 0 is 0x/,
  ],
  [
    'an L1 entry without its copied flag',
    (image) => image.setU64(image.l1Offset, image.u64(image.l1Offset) & ~COPIED),
    /refcount 1, and its entry says that it is not 1/,
  ],
  ...entryRows(),
  [
    'a refcount block that starts no cluster',
    (image) => image.setU64(image.refcountTableOffset, image.refcountBlockOffset + 512),
    /refcount block 0 lies at/,
  ],
  [
    'a refcount block beyond the end',
    (image) => image.setU64(image.refcountTableOffset, 1n << 41n),
    /refcount block 0/,
  ],
  ['a refcount block at 2^63', (image) => image.setU64(image.refcountTableOffset, 1n << 63n), /refcount block 0/],
  [
    'one refcount block for two entries',
    (image) => image.setU64(image.refcountTableOffset + 8, image.refcountBlockOffset),
    /used twice.*refcount block 1/,
  ],
  ['a refcount block that is the header', (image) => image.setU64(image.refcountTableOffset + 8, 0x1000), /used twice/],
  [
    'no refcount block',
    (image) => image.setU64(image.refcountTableOffset, 0),
    /host cluster 0 \(byte 0\) has refcount 0/,
  ],
  [
    'refcount 0 of the header',
    (image) => image.bytes.writeUInt16BE(0, image.refcountAt(0)),
    /host cluster 0 \(byte 0\) has refcount 0, and is used 1/,
  ],
  [
    'refcount 0 of the L1 table',
    (image) => image.bytes.writeUInt16BE(0, image.refcountAt(image.l1Offset)),
    /has refcount 0/,
  ],
  [
    'refcount 2 of an L2 table that says copied',
    (image) => image.bytes.writeUInt16BE(2, image.refcountAt(image.l2Offset())),
    /refcount 2, and its entry says that it is 1/,
  ],
]

/** What can be wrong with the L2 entry of one cluster. */
function entryRows(): (readonly [string, Spoil, RegExp])[] {
  const onData =
    (change: (entry: bigint, image: Qcow2Patch) => bigint): Spoil =>
    (image) => {
      const at = image.l2EntryAt(image.findCluster(isData))
      image.setU64(at, change(image.u64(at), image))
    }
  const onCompressed =
    (change: (entry: bigint, image: Qcow2Patch) => bigint): Spoil =>
    (image) => {
      const at = image.l2EntryAt(image.findCluster(isCompressed))
      image.setU64(at, change(image.u64(at), image))
    }
  return [
    [
      'a data cluster that starts no cluster',
      onData((entry) => entry + 512n),
      /L2 entry of guest offset 0 .*starts no cluster/,
    ],
    ['a data cluster beyond the end', onData(() => COPIED | (1n << 45n)), /data of guest offset 0 lies at/],
    ['a data cluster at byte 0', onData(() => COPIED), /guest offset 0 .*nowhere/],
    ['a data cluster on the header', onData((_, image) => image.u64(image.l1Offset)), /used twice/],
    [
      'a data cluster on its own L2 table',
      onData((_, image) => COPIED | BigInt(image.l2Offset())),
      /used twice.*data of guest offset 0/,
    ],
    [
      'a data cluster on the refcount block',
      onData((_, image) => COPIED | BigInt(image.refcountBlockOffset)),
      /used twice/,
    ],
    [
      'two guest clusters in one host cluster',
      onData((_, image) => image.u64(image.l2EntryAt(image.findCluster(isData) + 1))),
      /used twice.*guest offset 4096/,
    ],
    ['a data cluster with a reserved low bit', onData((entry) => entry | 2n), /reserved bits/],
    ['a data cluster with a reserved high bit', onData((entry) => entry | (1n << 57n)), /reserved bits/],
    ['a data cluster without its copied flag', onData((entry) => entry & ~COPIED), /its entry says that it is not 1/],
    [
      'refcount 0 of a data cluster',
      (image) =>
        image.bytes.writeUInt16BE(0, image.refcountAt(hostOf(image.u64(image.l2EntryAt(image.findCluster(isData)))))),
      /has refcount 0, and is used 1 times/,
    ],
    [
      'a compressed cluster that says copied',
      onCompressed((entry) => entry | COPIED),
      /compressed and marked as copied/,
    ],
    [
      'a compressed cluster beyond the end',
      onCompressed((entry) => entry | (1n << 50n)),
      /compressed data of guest offset \d+ lies at/,
    ],
    [
      'a compressed cluster on an L2 table',
      onCompressed((_, image) => (1n << 62n) | BigInt(image.l2Offset())),
      /used twice.*compressed data/,
    ],
    [
      'refcount 1 of what two compressed clusters share',
      (image) =>
        image.bytes.writeUInt16BE(
          1,
          image.refcountAt(
            Math.floor(Number(image.u64(image.l2EntryAt(image.findCluster(isCompressed))) & 0xffffffffffffn) / 4096) *
              4096,
          ),
        ),
      /has refcount 1, and is used \d+ times/,
    ],
  ]
}

describe('a damaged qcow2 image', () => {
  it('is refused only when it is: the one that the others are made from opens', async () => {
    expect((await contents(SOUND)).equals(contentsByQemu(SOUND))).toBe(true)
    expect((await contents(VERSION_2)).equals(contentsByQemu(VERSION_2))).toBe(true)
  })

  it.each(DAMAGED)('is refused with %s', async (_, spoil, says) => {
    const image = new Qcow2Patch(SOUND)
    spoil(image)
    const error = await rejectsWithCode(open(image.bytes), 'ERR_QCOW2_INVALID')
    expect(error.message).toMatch(says)
    expect(error.hint).not.toBe('')
  })

  it('is refused with a zero flag, of which version 2 knows nothing', async () => {
    const image = new Qcow2Patch(VERSION_2)
    const at = image.l2EntryAt(image.findCluster(isData))
    image.setU64(at, image.u64(at) | 1n)
    const error = await rejectsWithCode(open(image.bytes), 'ERR_QCOW2_INVALID')
    expect(error.message).toMatch(/zero flag/)
  })

  it('says how to repair an image whose refcounts are behind because it was not closed', async () => {
    const image = new Qcow2Patch(SOUND)
    image.setU64(72, 1)
    image.bytes.writeUInt16BE(0, image.refcountAt(image.l2Offset()))
    const error = await rejectsWithCode(open(image.bytes), 'ERR_QCOW2_INVALID')
    expect(error.hint).toContain('qemu-img check -r all')
  })

  it('is refused when more compressed clusters lie in one place than fit', async () => {
    const image = new Qcow2Patch(created('cluster_size=64k', 512 << 20, ['write -c -P 1 0 64k', 'write -P 2 500M 64k']))
    const entry = image.u64(image.l2EntryAt(0))
    for (let cluster = 1; cluster < 8192; cluster++) image.setU64(image.l2EntryAt(cluster), entry)
    image.bytes.writeUInt16BE(8192, image.refcountAt(Math.floor(Number(entry & 0x3fffffffffffffn) / 65_536) * 65_536))
    const error = await rejectsWithCode(open(image.bytes), 'ERR_QCOW2_INVALID')
    expect(error.message).toMatch(/more than 1034 compressed clusters/)
  })

  it('is refused when a compressed cluster that is read does not decode, and says which', async () => {
    const image = new Qcow2Patch(SOUND)
    const cluster = image.findCluster(isCompressed)
    const host = Number(image.u64(image.l2EntryAt(cluster)) & 0xffffffffffffn)
    image.bytes.fill(0xff, host, host + 4)
    const disk = await open(image.bytes)
    const error = await rejectsWithCode(disk.sectors.read(cluster * 4096, 10), 'ERR_QCOW2_INVALID')
    expect(error.message).toContain(`guest offset ${cluster * 4096}`)
    // What else is in it can still be read.
    expect((await disk.sectors.read(0, 4096)).every((byte) => byte === 1)).toBe(true)
  })
})

describe('a qcow2 image that another program has to convert', () => {
  it.each<[string, Buffer, string]>([
    ['zstd clusters', converted(RAW_DISK, '-c', '-o', 'compression_type=zstd'), 'compressed clusters'],
    ['more host clusters than are counted', created('', 1 << 20), 'more than 8388608'],
  ])('is refused with %s, and the hint says so', async (_, image, says) => {
    const device: ByteDevice = says.startsWith('more')
      ? {
          size: byteLength(2 ** 50),
          read: async (offset, length) => Buffer.from(image.subarray(offset, offset + length)),
        }
      : new MemoryDevice(image)
    const error = await rejectsWithCode(openQcow2(device), 'ERR_QCOW2_UNSUPPORTED')
    expect(error.message).toContain(says)
    expect(error.hint).toContain('qemu-img convert')
  })

  it.each<[string, Spoil]>([
    [
      'dirty bitmaps',
      (image) => {
        const at = image.bytes.readUInt32BE(100)
        image.setU32(at, 0x23852875)
        image.setU32(at + 4, 24)
      },
    ],
    ['a disk of 65 TiB', (image) => image.setU64(24, 65n * 2n ** 40n)],
    [
      'clusters beyond the end of the disk',
      (image) => {
        image.setU32(36, 3)
        image.setU64(image.l1Offset + 16, COPIED | BigInt(image.l2Offset()))
      },
    ],
  ])('is refused with %s', async (_, change) => {
    const image = new Qcow2Patch(SOUND)
    change(image)
    const error = await rejectsWithCode(open(image.bytes), 'ERR_QCOW2_UNSUPPORTED')
    expect(error.hint).not.toBe('')
  })

  it('is read with zstd announced and no compressed cluster in it', async () => {
    const image = converted(RAW_DISK, '-o', 'compression_type=zstd')
    expect((await contents(image)).equals(RAW_DISK)).toBe(true)
  })
})

describe('a qcow2 image that is cut off', () => {
  it.each<[string, Buffer]>([
    ['mixed clusters', SOUND],
    ['version 2', VERSION_2],
    ['compressed clusters', converted(RAW_DISK, '-c')],
    ['compressed clusters of 512 bytes', converted(RAW_DISK, '-c', '-o', 'cluster_size=512')],
    ['plain clusters', converted(RAW_DISK)],
    ['subclusters', mixed('extended_l2=on,cluster_size=16k', 16_384)],
    ['preallocation', mixed('preallocation=metadata', 65_536)],
  ])('with %s is refused, or nothing is missing', async (_, image) => {
    const whole = contentsByQemu(image)
    // Every cut near the end, and some all over.
    const cuts = new Set(Array.from({ length: 520 }, (__, bytes) => image.length - 1 - bytes))
    for (let cut = 0; cut < image.length; cut += 1009) cuts.add(cut)
    let refused = 0
    for (const cut of cuts) {
      try {
        const read = await contents(image.subarray(0, cut))
        expect(read.equals(whole), `cut at ${cut} of ${image.length}`).toBe(true)
      } catch (error) {
        if (!(error instanceof OemBakeError)) throw error
        expect(error.code, error.message).toBe('ERR_QCOW2_INVALID')
        refused++
      }
    }
    expect(refused).toBeGreaterThan(image.length / 1009 / 2)
  })
})

describe('a file that ends inside the last sector of a compressed cluster', () => {
  it('is refused when it is opened, whether or not that cluster is ever read', async () => {
    const image = new Qcow2Patch(converted(prose(300_000), '-c'))
    // For clusters of 64 KiB: 8 bits of further sectors above 54 bits of offset.
    const ends = Array.from({ length: Math.ceil(300_000 / 65_536) }, (_, cluster) => {
      const entry = image.u64(image.l2EntryAt(cluster))
      if (!isCompressed(entry)) return 0
      const sectors = Number((entry >> 54n) & 0xffn)
      return Math.floor(Number(entry & 0x3fffffffffffffn) / 512) * 512 + sectors * 512
    })
    const lastSector = Math.max(...ends)
    expect(image.bytes.length - lastSector).toBeLessThanOrEqual(512)
    const error = await rejectsWithCode(open(image.bytes.subarray(0, lastSector + 1)), 'ERR_QCOW2_INVALID')
    expect(error.message).toMatch(/compressed cluster of guest offset \d+.*does not decode/)
  })
})

describe('random damage to the tables', () => {
  /** All bytes but those of data clusters: what a flipped bit can mislead us with. */
  const tableBytes = (image: Qcow2Patch): readonly number[] => {
    const at = [8, 20, 24, 36, 40, 48, 56, 72, 88, 96, 100].flatMap((field) => [field, field + 3, field + 7])
    for (const table of [image.l1Offset, image.refcountTableOffset])
      for (let byte = 0; byte < 24; byte++) at.push(table + byte)
    for (let byte = 0; byte < 4096; byte++) at.push(image.l2Offset() + byte)
    for (let byte = 0; byte < 400; byte++) at.push(image.refcountBlockOffset + byte)
    return at
  }

  it.each<[string, Buffer]>([
    ['version 3', SOUND],
    ['version 2', VERSION_2],
  ])(
    'of %s is refused wherever qemu-img check finds corruption, and what is accepted reads as qemu reads it',
    async (_, sound) => {
      const places = tableBytes(new Qcow2Patch(sound))
      let accepted = 0
      await fc.assert(
        fc.asyncProperty(
          fc.array(fc.tuple(fc.nat(places.length - 1), fc.integer({ min: 1, max: 255 })), {
            minLength: 1,
            maxLength: 2,
          }),
          async (flips) => {
            const bytes = Buffer.from(sound)
            for (const [place, bits] of flips) {
              const at = places[place]!
              bytes[at] = bytes[at]! ^ bits
            }
            let read: Buffer
            try {
              read = await contents(bytes)
            } catch (error) {
              if (!(error instanceof OemBakeError) || error.code === 'ERR_INTERNAL') throw error
              return
            }
            accepted++
            expect(judgedByQemu(bytes).corruptions).toBe(0)
            expect(read.equals(contentsByQemu(bytes))).toBe(true)
          },
        ),
        { numRuns: 400 },
      )
      expect(accepted).toBeGreaterThan(5)
    },
  )
})
