/**
 * Small legal disks for tests that run the command line many times: same names and slots as a production image (slots 5
 * and 8 blank), own geometry, tens of megabytes instead of gigabytes. sgdisk writes the table, mke2fs and mkfs.btrfs the
 * filesystems; what is broken in them is broken here, on purpose, with CRCs made to fit where the row wants them to.
 */
import { execFileSync } from 'node:child_process'
import {
  closeSync,
  fstatSync,
  ftruncateSync,
  mkdirSync,
  openSync,
  readFileSync,
  readSync,
  rmSync,
  writeFileSync,
  writeSync,
} from 'node:fs'
import { join } from 'node:path'
import { crc32 } from 'node:zlib'

const SECTOR_BYTES = 512
const MIB = 1 << 20
const ENTRY_BYTES = 128
/** First sector of the first partition: 1 MiB, as every tool aligns. */
const FIRST_SECTOR = 2048

const ENV = {
  ...process.env,
  LC_ALL: 'C',
  PATH: `${process.env.PATH ?? ''}:/usr/sbin:/sbin`,
  E2FSPROGS_FAKE_TIME: '1400000000',
}

export interface SmallDiskOptions {
  /** What the OEM partition holds. @default 'ext4' */
  readonly oem?: 'ext4' | 'btrfs' | 'vfat' | 'nothing'
  /** Filesystem label of the OEM partition. @default 'OEM' */
  readonly label?: string
  /** Files on the OEM partition, by path. */
  readonly oemFiles?: Readonly<Record<string, string | Buffer>>
  /** @default 16, or 32 for btrfs */
  readonly oemMiB?: number
  /** File on USR-A beside os-release: what makes a run take time and space. */
  readonly data?: Buffer
  /** Partition names by slot, instead of those of an image. */
  readonly names?: Readonly<Record<3 | 6 | 9, string>>
  /** @default container-linux 2512.3.0 */
  readonly osRelease?: string
}

const OS_RELEASE = `NAME="Container Linux by CoreOS"
ID=coreos
VERSION=2512.3.0
VERSION_ID=2512.3.0
BUILD_ID=2020-05-22-2220
`
const NAMES = { 3: 'USR-A', 6: 'OEM', 9: 'ROOT' } as const

/** @param path of the new disk; parts are made beside it and removed again */
export function makeSmallDisk(path: string, options: SmallDiskOptions = {}): string {
  const oemKind = options.oem ?? 'ext4'
  const usrMiB = 4 + Math.ceil(((options.data?.length ?? 0) * 1.1) / MIB)
  const oemMiB = options.oemMiB ?? (oemKind === 'btrfs' ? 32 : 16)
  const rows = [
    [3, usrMiB],
    [6, oemMiB],
    [9, 1],
  ] as const
  const names = options.names ?? NAMES
  const starts = new Map<number, number>()
  let next = FIRST_SECTOR
  const args = ['--clear', '--disk-guid=00000000-0000-0000-0000-000000000001']
  for (const [slot, sizeMiB] of rows) {
    starts.set(slot, next)
    const sectors = (sizeMiB * MIB) / SECTOR_BYTES
    args.push(`--new=${slot}:${next}:${next + sectors - 1}`, `--change-name=${slot}:${names[slot]}`)
    args.push(`--partition-guid=${slot}:00000000-0000-0000-0000-0000000001${String(slot).padStart(2, '0')}`)
    next += sectors
  }
  // One more MiB for the backup table.
  const disk = openSync(path, 'wx+')
  try {
    ftruncateSync(disk, next * SECTOR_BYTES + MIB)
    execFileSync('sgdisk', [...args, path], { env: ENV, stdio: 'pipe' })
    const place = (slot: 3 | 6, bytes: Buffer) =>
      writeSync(disk, bytes, 0, bytes.length, (starts.get(slot) ?? 0) * SECTOR_BYTES)
    const usrFiles = {
      '/lib/os-release': options.osRelease ?? OS_RELEASE,
      ...(options.data === undefined ? {} : { '/data': options.data }),
    }
    place(3, makeFilesystem(`${path}.usr`, 'ext2', 'USR-A', usrMiB, usrFiles))
    if (oemKind !== 'nothing')
      place(6, makeFilesystem(`${path}.oem`, oemKind, options.label ?? 'OEM', oemMiB, options.oemFiles ?? {}))
  } finally {
    closeSync(disk)
  }
  return path
}

function makeFilesystem(
  path: string,
  kind: 'ext2' | 'ext4' | 'btrfs' | 'vfat',
  label: string,
  sizeMiB: number,
  files: Readonly<Record<string, string | Buffer>>,
): Buffer {
  const root = `${path}.root`
  mkdirSync(root)
  for (const [name, content] of Object.entries(files)) {
    mkdirSync(join(root, name, '..'), { recursive: true })
    writeFileSync(join(root, name), content)
  }
  const file = openSync(path, 'wx')
  ftruncateSync(file, sizeMiB * MIB)
  closeSync(file)
  const uuid = '00000000-0000-4000-8000-000000000001'
  const [program, ...args] = {
    ext2: ['mke2fs', '-q', '-F', '-t', 'ext2', '-b', '4096', '-L', label, '-U', uuid, '-d', root],
    // As Container Linux made its OEM partition.
    ext4: ['mke2fs', '-q', '-F', '-t', 'ext4', '-b', '4096', '-I', '128', '-i', '4096', '-L', label, '-U', uuid].concat(
      ['-O', '^metadata_csum,^64bit', '-E', `hash_seed=${uuid}`, '-d', root],
    ),
    btrfs: ['mkfs.btrfs', '-q', '--mixed', '-m', 'single', '-d', 'single', '-L', label, '--rootdir', root],
    vfat: ['mkfs.vfat', '-n', label],
  }[kind] as [string, ...string[]]
  try {
    execFileSync(program, [...args, path], { env: ENV, stdio: 'pipe' })
    return readFileSync(path)
  } finally {
    rmSync(root, { recursive: true })
    rmSync(path)
  }
}

/** Which of the two copies of the table. */
export type GptCopy = 'primary' | 'backup'

/** A raw disk open for damage. */
export class DiskPatcher implements Disposable {
  readonly #file: number
  readonly lastLba: number

  constructor(path: string) {
    this.#file = openSync(path, 'r+')
    this.lastLba = fstatSync(this.#file).size / SECTOR_BYTES - 1
  }

  read(offset: number, length: number): Buffer {
    const bytes = Buffer.alloc(length)
    readSync(this.#file, bytes, 0, length, offset)
    return bytes
  }

  write(offset: number, bytes: Buffer): void {
    writeSync(this.#file, bytes, 0, bytes.length, offset)
  }

  flipBit(offset: number): void {
    const byte = this.read(offset, 1)
    this.write(offset, Buffer.from([byte.readUInt8(0) ^ 1]))
  }

  truncate(length: number): void {
    ftruncateSync(this.#file, length)
  }

  headerOffset(copy: GptCopy): number {
    return (copy === 'primary' ? 1 : this.lastLba) * SECTOR_BYTES
  }

  /** Offset of the entry of a slot. */
  entryOffset(copy: GptCopy, slot: number): number {
    const entriesLba = Number(this.read(this.headerOffset(copy), SECTOR_BYTES).readBigUInt64LE(72))
    return entriesLba * SECTOR_BYTES + (slot - 1) * ENTRY_BYTES
  }

  /** Makes the CRCs of a header and its entries fit what is there: UEFI Specification 2.10, table 5.5. */
  sealGpt(copy: GptCopy): void {
    const offset = this.headerOffset(copy)
    const header = this.read(offset, SECTOR_BYTES)
    const entries = this.read(this.entryOffset(copy, 1), header.readUInt32LE(80) * header.readUInt32LE(84))
    header.writeUInt32LE(crc32(entries), 88)
    this.write(offset, header)
    this.sealHeader(copy)
  }

  /** The same for the header alone, whatever it says of its entries. */
  sealHeader(copy: GptCopy): void {
    const offset = this.headerOffset(copy)
    const header = this.read(offset, SECTOR_BYTES)
    header.writeUInt32LE(0, 16)
    header.writeUInt32LE(crc32(header.subarray(0, header.readUInt32LE(12))), 16)
    this.write(offset, header)
  }

  /** Where the partition of a slot lies, in bytes. */
  partitionOffset(slot: number): number {
    return Number(this.read(this.entryOffset('primary', slot) + 32, 8).readBigUInt64LE()) * SECTOR_BYTES
  }

  [Symbol.dispose](): void {
    closeSync(this.#file)
  }
}
