import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type ByteDevice, type EditedDevice, MemoryDevice } from '#src/byte-device.js'
import { openQcow2 } from '#src/disk/qcow2/qcow2.js'
import { PAGE_BYTES } from '#src/overlay.js'
import { noise } from '../../support/random.js'
import {
  changedByQemu,
  contentsByQemu,
  converted,
  created,
  DISK_BYTES,
  judgedByQemu,
  mixed,
  RAW_DISK,
  readByQemu,
} from './images.js'
import { hostOf, isCompressed, isData, Qcow2Patch } from './patch.js'

interface Edit {
  readonly offset: number
  readonly bytes: Buffer
}

interface Edited {
  readonly bytes: Buffer
  readonly device: EditedDevice
}

async function edit(image: Buffer, edits: readonly Edit[]): Promise<Edited> {
  await using disk = await openQcow2(new MemoryDevice(image))
  for (const { offset, bytes } of edits) await disk.sectors.write(offset, bytes)
  const device = await disk.edited()
  const bytes = await device.read(0, device.size)
  // And once more as a file that was checked before.
  await using known = await openQcow2(new MemoryDevice(image), Number.POSITIVE_INFINITY, disk.notes)
  for (const { offset, bytes: written } of edits) await known.sectors.write(offset, written)
  const again = await known.edited()
  expect((await again.read(0, again.size)).equals(bytes)).toBe(true)
  return { device, bytes }
}

function withEdits(contents: Buffer, edits: readonly Edit[]): Buffer {
  const expected = Buffer.from(contents)
  for (const { offset, bytes } of edits) bytes.copy(expected, offset)
  return expected
}

/**
 * Everything that a judge can say of an edition: sound, no new leaks, the disk as meant, and what changed as told.
 *
 * @param leaks that the image had before
 */
async function assertEdition(image: Buffer, { bytes, device }: Edited, contents: Buffer, leaks = 0): Promise<void> {
  const after = readByQemu(bytes)
  expect(after.corruptions).toBe(0)
  expect(after.leaks).toBe(leaks)
  expect(after.contents.equals(contents)).toBe(true)
  const told = Buffer.from(bytes.subarray(0, image.length))
  for (const { offset, length } of await device.changedExtents()) image.copy(told, offset, offset, offset + length)
  expect(told.equals(image), 'bytes changed that changedExtents does not name').toBe(true)
}

/** Options of qemu-img create, and the size of a cluster. */
const FORMATS: readonly (readonly [string, number])[] = [
  ['compat=0.10', 65_536],
  ['compat=0.10,cluster_size=512', 512],
  ['compat=1.1', 65_536],
  ['cluster_size=512,refcount_bits=64', 512],
  ['cluster_size=4k,refcount_bits=1,lazy_refcounts=off', 4096],
  ['cluster_size=1k,refcount_bits=2', 1024],
  ['cluster_size=4k,refcount_bits=4', 4096],
  ['cluster_size=8k,refcount_bits=8', 8192],
  ['refcount_bits=32', 65_536],
  ['lazy_refcounts=on,cluster_size=16k', 16_384],
  ['extended_l2=on,cluster_size=16k', 16_384],
  ['extended_l2=on,cluster_size=128k', 131_072],
  ['cluster_size=2M', 2 << 20],
  ['preallocation=metadata', 65_536],
  ['preallocation=full,cluster_size=32k', 32_768],
]

const IMAGES: readonly (readonly [string, Buffer])[] = [
  ...FORMATS.map(([options, clusterBytes]) => [options, mixed(options, clusterBytes)] as const),
  ['converted', converted(RAW_DISK)],
  ['compressed', converted(RAW_DISK, '-c')],
  ['compressed, version 2', converted(RAW_DISK, '-c', '-o', 'compat=0.10')],
  ['compressed, clusters of 512 bytes', converted(RAW_DISK, '-c', '-o', 'cluster_size=512')],
  ['compressed, clusters of 2 MiB', converted(RAW_DISK, '-c', '-o', 'cluster_size=2M')],
  ['compressed, extended L2 entries', converted(RAW_DISK, '-c', '-o', 'extended_l2=on,cluster_size=16k')],
  ['empty', created('', DISK_BYTES)],
]

/** What is on the disk of each image. */
const CONTENTS = new Map(IMAGES.map(([, image]) => [image, contentsByQemu(image)]))

const EDITS: readonly Edit[] = [
  { offset: 0x8000, bytes: noise(512, 'a table entry') },
  { offset: 100_000, bytes: Buffer.alloc(70_000) },
  { offset: 290_000, bytes: noise(200_000, 'across the end of the data') },
  { offset: 1_600_000, bytes: noise(9000, 'where it is compressed') },
  { offset: 2_200_000, bytes: noise(1, 'one byte where nothing was') },
  { offset: DISK_BYTES - 1, bytes: Buffer.from([1]) },
]

describe('a qcow2 image as a disk', () => {
  it.each(IMAGES)('(%s) reads as qemu-img reads it, whole and in pieces', async (_, image) => {
    const contents = contentsByQemu(image)
    const { sectors, format } = await openQcow2(new MemoryDevice(image))
    expect(format).toBe('qcow2')
    expect((await sectors.read(0, sectors.size)).equals(contents)).toBe(true)
    await fc.assert(
      fc.asyncProperty(fc.nat(DISK_BYTES), fc.nat(200_000), async (offset, wanted) => {
        const length = Math.min(wanted, DISK_BYTES - offset)
        const piece = Buffer.alloc(length, 0xaa)
        await sectors.readInto(offset, piece)
        expect(piece.equals(contents.subarray(offset, offset + length))).toBe(true)
      }),
      { numRuns: 40 },
    )
  })

  it.each(IMAGES)('(%s) holds what was written, as qemu-img reads it, and nothing else changed', async (_, image) => {
    const source = Buffer.from(image)
    const expected = withEdits(contentsByQemu(image), EDITS)
    const edited = await edit(image, EDITS)
    await assertEdition(image, edited, expected)
    expect(image.equals(source)).toBe(true)
  })

  it.each(IMAGES)('(%s) is the same file when nothing was changed', async (_, image) => {
    const same = [{ offset: 0, bytes: contentsByQemu(image).subarray(0, 200_000) }]
    const { bytes, device } = await edit(image, same)
    expect(bytes.equals(image)).toBe(true)
    expect(await device.changedExtents()).toEqual([])
  })

  it('gives the same bytes for the same edits in another order', async () => {
    for (const [, image] of IMAGES.slice(0, 6)) {
      const one = await edit(image, EDITS)
      expect((await edit(image, EDITS.toReversed())).bytes.equals(one.bytes)).toBe(true)
    }
  })

  it('can be edited again and again, whatever is written where, and qemu-img finds no fault', async () => {
    const anyEdit = fc.record({
      offset: fc.nat(DISK_BYTES - 1),
      length: fc.oneof(fc.integer({ min: 1, max: 3000 }), fc.integer({ min: 1, max: 150_000 })),
      fill: fc.constantFrom('noise', 'zeros'),
    })
    const rounds = fc.array(fc.array(anyEdit, { minLength: 1, maxLength: 5 }), { minLength: 1, maxLength: 3 })
    await fc.assert(
      fc.asyncProperty(fc.constantFrom(...IMAGES), rounds, async ([, start], all) => {
        let image = start
        let contents = CONTENTS.get(start) ?? Buffer.alloc(0)
        for (const round of all) {
          const edits = round.map(({ offset, length, fill }): Edit => {
            const count = Math.min(length, DISK_BYTES - offset)
            return { offset, bytes: fill === 'zeros' ? Buffer.alloc(count) : noise(count, offset) }
          })
          const edited = await edit(image, edits)
          contents = withEdits(contents, edits)
          await assertEdition(image, edited, contents)
          image = edited.bytes
        }
      }),
      { numRuns: 200 },
    )
    // Some 800 runs of qemu-img: half a minute, and four times that on a machine that is busy (measured).
  }, 600_000)
})

describe('where an edit goes', () => {
  const IMAGE = mixed('cluster_size=4k', 4096)

  /** Writes one byte into a guest cluster, and looks at the file before and after. */
  async function editCluster(image: Buffer, cluster: number) {
    const { bytes, device } = await edit(image, [{ offset: cluster * 4096 + 100, bytes: Buffer.from([0xee]) }])
    const [before, after] = [new Qcow2Patch(image), new Qcow2Patch(bytes)]
    return { before, after, changed: await device.changedExtents(), entry: after.u64(after.l2EntryAt(cluster)) }
  }

  it('is the cluster itself, and only it, where the cluster is data of its own', async () => {
    const cluster = new Qcow2Patch(IMAGE).findCluster(isData)
    const { before, changed, entry } = await editCluster(IMAGE, cluster)
    expect(entry).toBe(before.u64(before.l2EntryAt(cluster)))
    expect(changed).toEqual([{ offset: hostOf(entry), length: PAGE_BYTES }])
  })

  it('is the cluster itself, without its zero flag, where a zero cluster has one', async () => {
    const cluster = new Qcow2Patch(IMAGE).findCluster((entry) => (entry & 1n) === 1n && hostOf(entry) !== 0)
    const { before, after, entry } = await editCluster(IMAGE, cluster)
    expect(entry).toBe(before.u64(before.l2EntryAt(cluster)) & ~1n)
    expect(after.bytes.length).toBe(before.bytes.length)
  })

  it.each<[string, (entry: bigint) => boolean]>([
    ['nothing is', (entry) => entry === 0n],
    ['a zero cluster has no host cluster', (entry) => entry === 1n],
    ['the cluster is compressed', isCompressed],
  ])('is a new cluster at the end where %s', async (_, wanted) => {
    const cluster = new Qcow2Patch(IMAGE).findCluster(wanted)
    const { before, after, entry } = await editCluster(IMAGE, cluster)
    expect(isData(entry)).toBe(true)
    expect(hostOf(entry)).toBe(Math.ceil(before.bytes.length / 4096) * 4096)
    expect(after.bytes.length).toBe(hostOf(entry) + 4096)
    expect(after.bytes.readUInt16BE(after.refcountAt(hostOf(entry)))).toBe(1)
  })

  it('frees the host cluster of the last compressed cluster in it', async () => {
    const image = new Qcow2Patch(IMAGE)
    const first = image.findCluster(isCompressed)
    const compressed = [0, 1, 2, 3].map((n) => first + n)
    const hosts = compressed.map((cluster) => Number(image.u64(image.l2EntryAt(cluster)) & 0xffffffffffffn))
    const edits = compressed.map((cluster) => ({ offset: cluster * 4096, bytes: noise(10, cluster) }))
    const after = new Qcow2Patch((await edit(IMAGE, edits)).bytes)
    for (const host of hosts) expect(after.bytes.readUInt16BE(after.refcountAt(Math.floor(host / 4096) * 4096))).toBe(0)
  })

  it('has a new L2 table where there was none', async () => {
    const image = created('cluster_size=4k', 8 << 20)
    const { before, after, entry } = await editCluster(image, 1000)
    expect(before.l2Offset(1)).toBe(0)
    expect(after.l2Offset(1)).toBeGreaterThan(0)
    expect(isData(entry)).toBe(true)
    expect(judgedByQemu(after.bytes)).toEqual({ corruptions: 0, leaks: 0 })
  })

  it('is not what has a leaked refcount of 2: data and table are copied, and the leak stays one', async () => {
    const image = new Qcow2Patch(IMAGE)
    const cluster = image.findCluster(isData)
    const COPIED = 1n << 63n
    for (const at of [image.l2EntryAt(cluster), image.l1Offset]) {
      image.bytes.writeUInt16BE(2, image.refcountAt(hostOf(image.u64(at))))
      image.setU64(at, image.u64(at) & ~COPIED)
    }
    expect(judgedByQemu(image.bytes)).toEqual({ corruptions: 0, leaks: 2 })
    const edits = [{ offset: cluster * 4096, bytes: noise(100, 'copied') }]
    const edited = await edit(image.bytes, edits)
    await assertEdition(image.bytes, edited, withEdits(contentsByQemu(image.bytes), edits), 2)
    const after = new Qcow2Patch(edited.bytes)
    expect(after.l2Offset()).not.toBe(image.l2Offset())
    expect(hostOf(after.u64(after.l2EntryAt(cluster)))).not.toBe(hostOf(image.u64(image.l2EntryAt(cluster))))
  })

  it('is recorded in new refcount blocks, and in a larger refcount table, when the file outgrows the old', async () => {
    const image = created('cluster_size=512,refcount_bits=64', 4 << 20, ['write -P 1 0 300k'])
    const edits = [{ offset: 1 << 20, bytes: noise(2_500_000) }]
    const edited = await edit(image, edits)
    const [before, after] = [new Qcow2Patch(image), new Qcow2Patch(edited.bytes)]
    expect(after.refcountTableOffset).not.toBe(before.refcountTableOffset)
    expect(after.bytes.readUInt32BE(56)).toBeGreaterThan(before.bytes.readUInt32BE(56))
    await assertEdition(image, edited, withEdits(contentsByQemu(image), edits))
  })

  it('has refcount 1 where a refcount behind the end of the file had leaked', async () => {
    const image = new Qcow2Patch(IMAGE)
    const behindEnd = Math.ceil(IMAGE.length / 4096) * 4096
    for (let n = 0; n < 4; n++) image.bytes.writeUInt16BE(5, image.refcountAt(behindEnd + n * 4096))
    const edits = [{ offset: image.findCluster(isCompressed) * 4096, bytes: noise(100, 'behind') }]
    const { bytes } = await edit(image.bytes, edits)
    expect(bytes.readUInt16BE(image.refcountAt(behindEnd))).toBe(1)
    expect(judgedByQemu(bytes).corruptions).toBe(0)
    expect(contentsByQemu(bytes).equals(withEdits(contentsByQemu(IMAGE), edits))).toBe(true)
  })

  it('clears autoclear bits that nobody knows, and only when something is written', async () => {
    const image = new Qcow2Patch(IMAGE)
    image.setU64(88, 1n << 20n)
    expect((await edit(image.bytes, [])).bytes.equals(image.bytes)).toBe(true)
    const { bytes } = await edit(image.bytes, [{ offset: 0, bytes: noise(10) }])
    expect(new Qcow2Patch(bytes).u64(88)).toBe(0n)
  })

  it('may be an image that was not closed, as long as its refcounts are right; it stays marked', async () => {
    const image = new Qcow2Patch(mixed('lazy_refcounts=on', 65_536))
    image.setU64(72, 1)
    const { bytes } = await edit(image.bytes, EDITS)
    const after = new Qcow2Patch(bytes)
    expect(after.u64(72)).toBe(1n)
    // qemu-img check of a file that may not be written repairs nothing.
    expect(contentsByQemu(bytes).equals(withEdits(contentsByQemu(image.bytes), EDITS))).toBe(true)
  })

  it('goes together with what qemu writes afterwards', async () => {
    for (const [, image] of IMAGES) {
      const { bytes } = await edit(image, EDITS)
      const expected = withEdits(contentsByQemu(image), EDITS)
      expected.fill(0x77, 200_000, 900_000)
      const after = changedByQemu(bytes, ['write -P 0x77 200000 700000'])
      expect(judgedByQemu(after)).toEqual({ corruptions: 0, leaks: 0 })
      expect(contentsByQemu(after).equals(expected)).toBe(true)
    }
  })
})

describe('what is read of the file', () => {
  class CountingDevice extends MemoryDevice implements ByteDevice {
    readBytes = 0

    override async read(offset: number, length: number): Promise<Buffer> {
      this.readBytes += length
      return super.read(offset, length)
    }
  }

  it('is nothing where 4 GiB are unallocated', async () => {
    const device = new CountingDevice(created('', 2 ** 32, ['write -P 1 0 64k']))
    const { sectors } = await openQcow2(device)
    const toOpen = device.readBytes
    const piece = Buffer.alloc(1 << 20)
    for (let offset = 64 << 10; offset + piece.length < sectors.size; offset += piece.length) {
      piece[0] = 1
      await sectors.readInto(offset, piece)
      if (piece[0] !== 0) throw new Error(`not zero at ${offset}`)
    }
    expect(device.readBytes).toBe(toOpen)
  })

  it('is each table once, though an edit is checked from scratch', async () => {
    const image = converted(RAW_DISK)
    const device = new CountingDevice(image)
    const { sectors, edited } = await openQcow2(device)
    // Header, first cluster, L1 table, refcount table, one refcount block, one L2 table.
    expect(device.readBytes).toBeLessThan(5 * 65_536)
    const toOpen = device.readBytes
    await sectors.write(0, noise(4096, 'page'))
    await edited()
    expect(device.readBytes - toOpen).toBeLessThan(6 * 65_536)
  })

  it('is a compressed cluster once for all of its pages', async () => {
    const device = new CountingDevice(converted(RAW_DISK, '-c'))
    const { sectors } = await openQcow2(device)
    // The first whole cluster of words.
    const cluster = 19 * 65_536
    await sectors.read(cluster, 512)
    const before = device.readBytes
    for (let offset = cluster; offset < cluster + 65_536; offset += 512) await sectors.read(offset, 512)
    expect(device.readBytes).toBe(before)
  })
})
