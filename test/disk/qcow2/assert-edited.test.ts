import { describe, expect, it } from 'vitest'
import { MemoryDevice } from '#src/byte-device.js'
import { assertChange } from '#src/disk/qcow2/assert-change.js'
import { assertEdited } from '#src/disk/qcow2/assert-edited.js'
import { openChecked } from '#src/disk/qcow2/check.js'
import { editQcow2 } from '#src/disk/qcow2/edit.js'
import { FIELD } from '#src/disk/qcow2/header.js'
import { Qcow2VirtualDevice } from '#src/disk/qcow2/virtual-device.js'
import { Overlay, PAGE_BYTES } from '#src/overlay.js'
import { rejectsWithCode } from '../../support/errors.js'
import { noise } from '../../support/random.js'
import { created, mixed } from './images.js'
import { hostOf, isCompressed, isData, Qcow2Patch } from './patch.js'

const IMAGE = mixed('cluster_size=4k', 4096)
/** Smaller than a page; what was written first keeps the rest from starting with one, so that clusters share pages. */
const SMALL = created('cluster_size=512', 3 << 20, ['write -P 1 1M 1k', 'write -P 2 0 60k'])
/** The guest cluster of 4 KiB that is edited: the first one, which holds data. */
const EDITED = 0

/** An edit, something going wrong behind its back, and the check. */
async function checked(
  image: Buffer,
  spoil: (edited: Overlay, sectors: Overlay, at: Qcow2Patch) => Promise<void>,
  check: typeof assertEdited,
) {
  const opened = await openChecked(new MemoryDevice(image))
  const sectors = new Overlay(new Qcow2VirtualDevice(opened))
  // The end of a page: of several small clusters, the last.
  await sectors.write(PAGE_BYTES - 400, noise(400))
  const changed = await sectors.changedExtents()
  const edited = await editQcow2(opened, sectors, changed)
  await spoil(edited, sectors, new Qcow2Patch(image))
  await check(opened, edited, sectors, changed)
}

/** Another cluster than those that were edited, by what its entry is. */
const other = (at: Qcow2Patch, wanted: (entry: bigint) => boolean): number => {
  // Sectors are edited by the page.
  const first = Math.ceil(PAGE_BYTES / at.clusterBytes)
  for (let cluster = first; cluster < (3 * 2 ** 20) / at.clusterBytes - 1; cluster++) {
    const table = at.l2Offset(Math.floor((cluster * 8) / at.clusterBytes))
    if (table !== 0 && wanted(at.u64(at.l2EntryAt(cluster)))) return cluster
  }
  throw new Error('no such cluster')
}

const u64 = (value: bigint): Buffer => {
  const bytes = Buffer.alloc(8)
  bytes.writeBigUInt64BE(value)
  return bytes
}

describe.each([
  ['an edited qcow2 image', assertEdited],
  ['a change to a sound qcow2 image', assertChange],
])('the check of %s', (_, check) => {
  it.each<[string, Buffer]>([
    ['4 KiB', IMAGE],
    ['512 bytes', SMALL],
  ])('passes what was edited well, with clusters of %s', async (_, image) => {
    await checked(image, async () => undefined, check)
  })

  it('has clusters of 512 bytes to tell apart within one page', async () => {
    const look = async (edited: Overlay, _: Overlay, at: Qcow2Patch) => {
      const neighbour = hostOf(at.u64(at.l2EntryAt(other(at, isData))))
      const pages = await edited.changedExtents()
      expect(pages.some(({ offset, length }) => neighbour >= offset && neighbour < offset + length)).toBe(true)
    }
    await checked(SMALL, look, check)
  })

  it.each<[string, Buffer, (edited: Overlay, sectors: Overlay, at: Qcow2Patch) => Promise<void>]>([
    [
      'the edited cluster holds something else',
      IMAGE,
      async (edited, _, at) => edited.write(hostOf(at.u64(at.l2EntryAt(EDITED))) + 5, Buffer.from([1, 2, 3])),
    ],
    ['more was meant than was written', IMAGE, async (_, sectors) => sectors.write(1000, Buffer.from([1, 2, 3]))],
    [
      'data of another cluster changed',
      IMAGE,
      async (edited, _, at) => edited.write(hostOf(at.u64(at.l2EntryAt(other(at, isData)))) + 5, Buffer.from([0xee])),
    ],
    [
      'data of another cluster in a page that was edited changed',
      SMALL,
      async (edited, _, at) => edited.write(hostOf(at.u64(at.l2EntryAt(other(at, isData)))) + 5, Buffer.from([0xee])),
    ],
    [
      'compressed data of another cluster changed',
      IMAGE,
      async (edited, _, at) =>
        edited.write(Number(at.u64(at.l2EntryAt(other(at, isCompressed))) & 0xffffffffffffn), Buffer.from([0, 0, 0])),
    ],
    [
      'another cluster became zeros',
      IMAGE,
      async (edited, _, at) => {
        const entry = at.l2EntryAt(other(at, isData))
        await edited.write(entry, u64(at.u64(entry) | 1n))
      },
    ],
    [
      'another cluster lost its entry',
      IMAGE,
      async (edited, _, at) => edited.write(at.l2EntryAt(other(at, isData)), Buffer.alloc(8)),
    ],
    ['an L2 table was lost', IMAGE, async (edited, _, at) => edited.write(at.l1Offset + 8, Buffer.alloc(8))],
    [
      'two clusters changed places',
      IMAGE,
      async (edited, _, at) => {
        const [one, two] = [at.l2EntryAt(other(at, isData)), at.l2EntryAt(other(at, isData) + 1)]
        await edited.write(one, u64(at.u64(two)))
        await edited.write(two, u64(at.u64(one)))
      },
    ],
    [
      'a header field that nobody edits changed',
      IMAGE,
      async (edited) => edited.write(FIELD.version, Buffer.from([0, 0, 0, 2])),
    ],
    [
      'the edited cluster lies behind the end of the file',
      IMAGE,
      async (edited, _, at) =>
        edited.write(at.l2EntryAt(EDITED), u64(BigInt(edited.size + at.clusterBytes) | (1n << 63n))),
    ],
    [
      'the edited cluster shares a host cluster with another one',
      IMAGE,
      async (edited, _, at) => edited.write(at.l2EntryAt(EDITED), u64(at.u64(at.l2EntryAt(other(at, isData))))),
    ],
    [
      'the refcount of an edited cluster is too large',
      IMAGE,
      async (edited, _, at) => edited.write(at.refcountAt(hostOf(at.u64(at.l2EntryAt(EDITED)))), Buffer.from([0, 2])),
    ],
    ['a refcount is too small', IMAGE, async (edited, _, at) => edited.write(at.refcountAt(0), Buffer.alloc(2))],
    ['the disk became larger', IMAGE, async (edited, _, at) => edited.write(24, u64(at.u64(24) + 512n))],
    ['the disk became encrypted', IMAGE, async (edited) => edited.write(32, Buffer.from([0, 0, 0, 1]))],
  ])('fails when %s', async (_, image, spoil) => {
    const error = await rejectsWithCode(checked(image, spoil, check), 'ERR_CHECK_OUTPUT')
    expect(error.hint).toContain('nothing was published')
  })

  it('passes on what is no fault of the image', async () => {
    const failing = new Error('unplugged')
    await expect(
      checked(
        IMAGE,
        async (edited) => {
          edited.read = async () => {
            throw failing
          }
        },
        check,
      ),
    ).rejects.toBe(failing)
  })
})

it('a change to a sound qcow2 image may not move the L2 table of other clusters', async () => {
  const move = async (edited: Overlay, _: Overlay, at: Qcow2Patch) => {
    const moved = edited.size
    edited.grow(moved + at.clusterBytes)
    await edited.write(moved, await edited.read(at.l2Offset(1), at.clusterBytes))
    await edited.write(at.l1Offset + 8, u64(BigInt(moved) | (1n << 63n)))
    await edited.write(at.refcountAt(moved), Buffer.from([0, 1]))
  }
  await rejectsWithCode(checked(IMAGE, move, assertChange), 'ERR_CHECK_OUTPUT')
})
