/** Images that somebody made to do harm: too large by far when decoded, and structures that lie. */
import { execFileSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { compress } from '../../support/bzip2.js'
import { DiskPatcher } from '../../support/small-disk.js'
import { sha256 } from '../outside.js'
import { image, type Place, RACKSPACE, type Row } from './row.js'

const TOO_LARGE = { exitCode: 4, code: 'ERR_IMAGE_TOO_LARGE' } as const
const DAMAGED = ['download it again'] as const

/** 45 MB of zeros in some 40 bytes, sixteen hundred times: 67 GiB in a file of 80 KB. */
function bomb(place: Place): string {
  const path = join(place, 'image.bin.bz2')
  const stream = compress(Buffer.alloc(45_000_000), 9, 'bzip2')
  writeFileSync(path, Buffer.concat(Array.from({ length: 1600 }, () => stream)))
  return path
}

const MAX = ['--max-size', '8MiB'] as const

const patched =
  (patch: (at: DiskPatcher) => void, ...words: readonly string[]) =>
  (place: Place) => {
    const path = image(place)
    using disk = new DiskPatcher(path)
    patch(disk)
    return { args: [path, ...RACKSPACE, ...words] }
  }

/** Changes an entry of the table in both copies, with CRCs that fit. */
const entry = (slot: number, first: bigint, last: bigint) =>
  patched((at) => {
    const bytes = Buffer.alloc(16)
    bytes.writeBigUInt64LE(first, 0)
    bytes.writeBigUInt64LE(last, 8)
    for (const copy of ['primary', 'backup'] as const) {
      at.write(at.entryOffset(copy, slot) + 32, bytes)
      at.sealGpt(copy)
    }
  })

/** Puts a number into the superblock of the OEM partition. */
const superblock = (offset: number, value: number) =>
  patched(
    (at) => {
      const bytes = Buffer.alloc(4)
      bytes.writeUInt32LE(value)
      at.write(at.partitionOffset(6) + 1024 + offset, bytes)
    },
    '--engine',
    'embedded',
  )

const ENTRY_INVALID = { exitCode: 4, code: 'ERR_GPT_ENTRY_INVALID', hint: DAMAGED } as const
const CORRUPT = { exitCode: 4, code: 'ERR_FILESYSTEM_CORRUPT', hint: ['damaged'] } as const

export const HOSTILE_ROWS: readonly Row[] = [
  {
    title: '80 KB of bzip2 that decode to 67 GiB',
    make: (place) => ({ args: [bomb(place), ...RACKSPACE] }),
    says: ['image.bin.bz2, decoded,', 'at most 64 GiB'],
    hint: ['--max-size'],
    ...TOO_LARGE,
  },
  {
    title: 'the same with a digest that fits, to be compressed anew',
    make: (place) => {
      const path = bomb(place)
      writeFileSync(`${path}.sha256`, `${sha256(path)}  image.bin.bz2\n`)
      return { args: [path, ...RACKSPACE, '--recompress'] }
    },
    says: ['image.bin.bz2, decoded,', 'at most 64 GiB'],
    hint: ['--max-size'],
    ...TOO_LARGE,
  },
  {
    title: 'a bzip2 image that decodes to more than was allowed, read from its end',
    make: (place) => {
      const path = image(place, {}, true)
      writeFileSync(`${path}.sha256`, `${sha256(path)}  image.bin.bz2\n`)
      return { args: [path, ...RACKSPACE, ...MAX] }
    },
    says: ['image.bin.bz2, decoded,', 'at most 8 MiB'],
    hint: ['--max-size 2GiB'],
    ...TOO_LARGE,
  },
  {
    title: 'a raw image that is larger than was allowed',
    make: (place) => ({ args: [image(place), ...RACKSPACE, ...MAX] }),
    says: ['image.bin has', 'at most 8 MiB'],
    hint: ['--max-size'],
    ...TOO_LARGE,
  },
  {
    title: 'a qcow2 image of 200 KB with a disk of 2 TiB',
    make: (place) => {
      const path = join(place, 'image.img')
      execFileSync('qemu-img', ['create', '-q', '-f', 'qcow2', path, '2T'])
      return { args: [path, ...RACKSPACE] }
    },
    says: ['virtual disk', '2 TiB', 'at most 64 GiB'],
    hint: ['--max-size 4096GiB'],
    ...TOO_LARGE,
  },
  {
    title: 'a partition that ends at 2^63',
    make: entry(6, 2048n, 1n << 63n),
    says: ['partition 6', '9223372036854775808'],
    ...ENTRY_INVALID,
  },
  {
    title: 'a partition that ends before it begins',
    make: entry(6, 5000n, 4000n),
    says: ['partition 6', '5000 to 4000'],
    ...ENTRY_INVALID,
  },
  {
    title: 'a partition beyond the end of the disk',
    make: entry(9, 1n << 40n, (1n << 40n) + 7n),
    says: ['partition 9', 'outside the usable sectors'],
    ...ENTRY_INVALID,
  },
  {
    title: 'a GPT with 4 billion entries',
    make: patched((at) => {
      const header = at.read(at.headerOffset('primary'), 512)
      header.writeUInt32LE(0xffffffff, 80)
      at.write(at.headerOffset('primary'), header)
      at.sealHeader('primary')
    }),
    says: ['announces 4294967295 entries'],
    hint: DAMAGED,
    exitCode: 4,
    code: 'ERR_GPT_HEADER_INVALID',
  },
  { title: 'an ext4 superblock with groups of one block', make: superblock(0x20, 1), says: [], ...CORRUPT },
  { title: 'an ext4 superblock with groups of no inodes', make: superblock(0x28, 0), says: [], ...CORRUPT },
  {
    title: 'an ext4 superblock that claims 2^32 - 1 blocks',
    make: superblock(0x04, 0xffffffff),
    says: ['it claims 17592186040320 bytes of a partition'],
    hint: ['--engine libguestfs'],
    exitCode: 5,
    code: 'ERR_ENGINE_CANNOT_SERVE',
  },
]
