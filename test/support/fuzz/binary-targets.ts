/** Disks, filesystems and compressed files. */

import { execFileSync } from 'node:child_process'
import {
  closeSync,
  ftruncateSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type ByteDevice, MemoryDevice, piecesOf } from '#src/byte-device.js'
import { type BlockMap, joinSegments } from '#src/codec/bzip2/block-map.js'
import { BlockReader } from '#src/codec/bzip2/block-reader.js'
import { chainBroken } from '#src/codec/bzip2/damage.js'
import { HeadIndex } from '#src/codec/bzip2/head-index.js'
import { formatEntry, parseEntry } from '#src/codec/bzip2/map-cache.js'
import { TailIndex } from '#src/codec/bzip2/tail-index.js'
import { findInFat, readFatVolume } from '#src/disk/fat/find.js'
import { probeFilesystem } from '#src/disk/filesystem/probe.js'
import { readGpt } from '#src/disk/gpt/gpt.js'
import { GPT_SIZE_ANCHOR } from '#src/disk/gpt/size-anchor.js'
import { readMbrKind } from '#src/disk/mbr.js'
import { openQcow2 } from '#src/disk/qcow2/qcow2.js'
import { ExtLook } from '#src/engine/embedded/look.js'
import { assertSizeWithin } from '#src/size-limit.js'
import { sniff } from '#src/source/sniff.js'
import { extent } from '#src/units.js'
import { compress } from '../bzip2.js'
import { chainOf } from '../chains.js'
import { makeFat, makeSmallFat32 } from '../fat.js'
import { diskWith, seal, tableOf } from '../gpt.js'
import { noise, prose } from '../random.js'
import type { FuzzTarget } from './target.js'

/** What a case may decode to. */
const LIMIT_BYTES = 16 << 20

async function readAll(device: ByteDevice): Promise<void> {
  for (const { offset, length } of piecesOf(extent(0, device.size), 1 << 20)) await device.read(offset, length)
}

const PARTITIONS = [
  { slot: 1, name: 'EFI-SYSTEM', first: 64, last: 79 },
  { slot: 6, name: 'OEM', first: 130, last: 149 },
  { slot: 9, name: 'ROOT', first: 200, last: 222 },
] as const

/** Sealed; the backup's entries like the primary's, or the copies would be told apart before anything else. */
function repairGpt(disk: Buffer): Buffer {
  if (disk.length < 128 * 512 || disk.length % 512 !== 0) return disk
  tableOf(disk, 'primary').copy(tableOf(disk, 'backup'))
  try {
    return seal(disk)
  } catch {
    // Sizes that no header has room for.
    return disk
  }
}

const gptSeeds = () => [diskWith(PARTITIONS)]

function qcow2(source: Buffer, ...options: string[]): Buffer {
  return inDirectory((directory) => {
    const raw = join(directory, 'raw')
    const image = join(directory, 'qcow2')
    writeFileSync(raw, source)
    execFileSync('qemu-img', ['convert', '-f', 'raw', '-O', 'qcow2', ...options, raw, image])
    return readFileSync(image)
  })
}

function inDirectory<T>(use: (directory: string) => T): T {
  const directory = mkdtempSync(join(tmpdir(), 'oem-bake-test-fuzz-'))
  try {
    return use(directory)
  } finally {
    rmSync(directory, { recursive: true, force: true })
  }
}

/** ROOT as a machine leaves it. @param args of mke2fs */
function ext(sizeKiB: number, ...args: string[]): Buffer {
  return inDirectory((directory) => {
    const root = join(directory, 'root')
    mkdirSync(join(root, 'etc/ssh'), { recursive: true })
    writeFileSync(join(root, 'etc/machine-id'), `${'0123456789abcdef'.repeat(2)}\n`)
    for (let index = 0; index < 30; index++) writeFileSync(join(root, `etc/ssh/ssh_host_${index}_key`), '')
    const image = join(directory, 'image')
    const file = openSync(image, 'wx')
    ftruncateSync(file, sizeKiB << 10)
    closeSync(file)
    execFileSync('mke2fs', ['-q', '-F', '-L', 'ROOT', ...args, '-d', root, image], {
      env: { ...process.env, PATH: `${process.env.PATH ?? ''}:/usr/sbin:/sbin` },
    })
    return readFileSync(image)
  })
}

async function lookIntoExt(bytes: Buffer): Promise<void> {
  const device = new MemoryDevice(bytes)
  if ((await probeFilesystem(device)).kind !== 'ext') return
  const look = await ExtLook.open(device)
  await look.head(['etc', 'machine-id'], 64)
  await look.names(['etc', 'ssh'])
}

/** The chain, without threads, to its end; then all of its bytes. */
function readBzip2(bytes: Buffer): void {
  const { chain, decoder } = chainOf(bytes)
  const segment = chain.walk('start of file', bytes.length * 8)
  if (segment.stop.kind !== 'end') {
    if (segment.stop.kind === 'block') return
    throw chainBroken('image.bz2', segment.stop, bytes.length)
  }
  readMap(joinSegments([segment], { rawStart: 0 }, 'image.bz2'), new BlockReader(chain, decoder, 'image.bz2'))
}

function readMap(map: BlockMap, reader: BlockReader): void {
  assertSizeWithin(LIMIT_BYTES, map.rawEnd - map.rawStart, 'image.bz2')
  const piece = Buffer.alloc(1 << 20)
  for (const { offset, length } of piecesOf(extent(map.rawStart, map.rawEnd - map.rawStart), piece.length))
    reader.read(map, offset, piece.subarray(0, length))
}

const DECODED = Buffer.concat([noise(30_000), Buffer.alloc(300_000), prose(250_000), Buffer.alloc(200_000)])

function readFromBothEnds(bytes: Buffer): void {
  const { chain, decoder } = chainOf(bytes)
  const reader = new BlockReader(chain, decoder, 'image.bz2')
  const maps = [
    new HeadIndex(chain, 'image.bz2').coverTo(100_000),
    new TailIndex(chain, bytes.length, DECODED.length, 'image.bz2').coverFrom(DECODED.length - 300_000),
  ]
  for (const map of maps) if (map !== undefined && map.rawStart >= 0) readMap(map, reader)
}

const bzip2Seeds = () => [
  compress(DECODED, 1, 'bzip2'),
  compress(DECODED, 9, 'lbzip2'),
  compress(DECODED, 1, 'pbzip2'),
  compress(Buffer.alloc(0), 9, 'bzip2'),
]

const CACHE_KEY = { sha256: '0'.repeat(64), sizeBytes: 1000 }

export const BINARY_TARGETS: readonly FuzzTarget[] = [
  {
    name: 'what a file is',
    seeds: () => [...gptSeeds(), qcow2(Buffer.alloc(4096)), Buffer.from('<!doctype html>'), ...bzip2Seeds()],
    read: async (bytes) => (bytes.length === 0 ? undefined : sniff(new MemoryDevice(bytes))),
  },
  { name: 'GPT', seeds: gptSeeds, repair: repairGpt, read: (bytes) => readGpt(new MemoryDevice(bytes)) },
  {
    name: 'GPT as the anchor of a size',
    seeds: gptSeeds,
    repair: repairGpt,
    read: (bytes) => {
      if (bytes.length < 2048) return
      const size = GPT_SIZE_ANCHOR.declaredSize(bytes.subarray(0, GPT_SIZE_ANCHOR.headBytes))
      const end = bytes.subarray(bytes.length - GPT_SIZE_ANCHOR.endBytes)
      if (size !== undefined) GPT_SIZE_ANCHOR.confirms(end, size)
    },
  },
  {
    name: 'MBR',
    seeds: () => gptSeeds().map((disk) => disk.subarray(0, 512)),
    read: async (bytes) => (bytes.length < 512 ? undefined : readMbrKind(new MemoryDevice(bytes))),
  },
  {
    name: 'qcow2',
    seeds: () => [
      qcow2(DECODED.subarray(0, 500 * 512), '-o', 'compat=1.1,cluster_size=4k'),
      qcow2(DECODED.subarray(0, 500 * 512), '-c', '-o', 'compat=0.10,cluster_size=4k'),
      qcow2(DECODED.subarray(0, 500 * 512), '-o', 'compat=1.1,cluster_size=512,refcount_bits=1'),
      qcow2(DECODED.subarray(0, 500 * 512), '-c', '-o', 'compat=1.1,cluster_size=16k,extended_l2=on'),
    ],
    read: async (bytes) => {
      const { sectors } = await openQcow2(new MemoryDevice(bytes), LIMIT_BYTES)
      await readAll(sectors)
      // An edit goes through allocation and refcounts.
      await sectors.write(sectors.size - 512, Buffer.alloc(512, 7))
    },
  },
  {
    name: 'qcow2, edited',
    seeds: () => [
      qcow2(DECODED.subarray(0, 500 * 512), '-o', 'compat=1.1,cluster_size=4k'),
      qcow2(DECODED.subarray(0, 500 * 512), '-c', '-o', 'compat=0.10,cluster_size=4k'),
    ],
    read: async (bytes) => {
      await using disk = await openQcow2(new MemoryDevice(bytes), LIMIT_BYTES)
      await disk.sectors.write(disk.sectors.size - 512, Buffer.alloc(512, 7))
      await disk.sectors.write(0, Buffer.alloc(512, 7))
      await disk.edited()
    },
  },
  { name: 'bzip2, block by block', seeds: bzip2Seeds, read: readBzip2 },
  { name: 'bzip2, from both ends', seeds: bzip2Seeds, read: readFromBothEnds },
  {
    name: 'superblocks of ext and btrfs',
    seeds: () => [
      ext(1024, '-t', 'ext4').subarray(0, 128 << 10),
      ext(1024, '-t', 'ext2').subarray(0, 128 << 10),
      btrfsHead(),
    ],
    read: (bytes) => probeFilesystem(new MemoryDevice(bytes)),
  },
  {
    name: 'names on ext4',
    seeds: () => [
      ext(512, '-t', 'ext4', '-b', '1024', '-O', '^has_journal'),
      ext(512, '-t', 'ext2', '-b', '1024'),
      ext(512, '-t', 'ext4', '-b', '1024', '-I', '256', '-O', '^has_journal,inline_data'),
    ],
    read: lookIntoExt,
  },
  {
    name: 'names on FAT',
    seeds: () => {
      const steps = [
        { make: '/coreos' },
        ...Array.from({ length: 20 }, (_, index) => ({ touch: `/coreos/a long name that takes pieces ${index}` })),
        { touch: '/coreos/first_boot' },
      ]
      return [
        makeFat(['-F', '12', '-s', '1'], 128 << 10, steps),
        makeFat(['-F', '16', '-s', '1'], 2200 << 10, steps),
        makeSmallFat32(256 << 10),
      ]
    },
    read: async (bytes) => {
      const device = new MemoryDevice(bytes)
      const volume = await readFatVolume(device)
      if (volume !== undefined) await findInFat(device, volume, ['coreos', 'first_boot'])
    },
  },
  {
    name: 'an entry of the cache',
    seeds: () => {
      const { chain } = chainOf(compress(DECODED, 1, 'bzip2'))
      const map = joinSegments([chain.walk('start of file', 2 ** 40)], { rawStart: 0 }, 'image.bz2')
      return [formatEntry(CACHE_KEY, { check: 'full', rawSize: map.rawEnd, maps: [map], notes: { release: 'x' } })]
    },
    // Not repaired: whoever can write a digest of its own into the cache of the user can do as the user does.
    read: (bytes) => parseEntry(bytes, CACHE_KEY),
  },
]

function btrfsHead(): Buffer {
  return inDirectory((directory) => {
    const image = join(directory, 'image')
    const file = openSync(image, 'wx')
    ftruncateSync(file, 128 << 20)
    closeSync(file)
    execFileSync('mkfs.btrfs', ['-q', '--mixed', '-L', 'OEM', image], {
      env: { ...process.env, PATH: `${process.env.PATH ?? ''}:/usr/sbin:/sbin` },
    })
    return Buffer.from(readFileSync(image).subarray(0, 128 << 10))
  })
}
