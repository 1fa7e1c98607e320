/**
 * Every fact of scripts/make-image/facts.ts, proved by programs that are not ours.
 *
 * Nothing here goes through dist/: fixtures must be able to contradict the code that they test.
 */
import { execFile } from 'node:child_process'
import { mkdtemp, open, readFile, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { describe, expect, it } from 'vitest'
import { FACTS, type FactId } from '../../scripts/make-image/facts.js'
import { makeImage } from '../../scripts/make-image/make-image.js'
import { planImage } from '../../scripts/make-image/options.js'
import { rejectsWithCode } from '../support/errors.js'
import { fixtureImage, STANDARD_IMAGES, type StandardImage } from '../support/images.js'
import { temporaryDirectory } from '../support/temp.js'

const temporary = temporaryDirectory()
const execute = promisify(execFile)

async function run(file: string, args: readonly string[]): Promise<string> {
  const { stdout } = await execute(file, args, {
    env: {
      ...process.env,
      PATH: `${process.env.PATH}:/usr/sbin:/sbin`,
      LC_ALL: 'C',
      TZ: 'UTC',
      MTOOLS_SKIP_CHECK: '1',
    },
    maxBuffer: 64 * 1024 * 1024,
  })
  return stdout
}

/** Offsets and lengths as the vendors' disk_layout.json has them; deliberately not taken from layout.ts. */
const SECTOR = 512
const TABLE_A = [
  { number: 1, label: 'EFI-SYSTEM', start: 4096, sectors: 262144 },
  { number: 2, label: 'BIOS-BOOT', start: 266240, sectors: 4096 },
  { number: 3, label: 'USR-A', start: 270336, sectors: 2097152 },
  { number: 4, label: 'USR-B', start: 2367488, sectors: 2097152 },
  { number: 6, label: 'OEM', start: 4464640, sectors: 262144 },
  { number: 7, label: 'OEM-CONFIG', start: 4726784, sectors: 131072 },
  { number: 9, label: 'ROOT', start: 4857856, sectors: 4427776 },
]
const TABLE_B = [
  { number: 1, label: 'EFI-SYSTEM', start: 4096, sectors: 2097152 },
  { number: 2, label: 'BIOS-BOOT', start: 2101248, sectors: 4096 },
  { number: 3, label: 'USR-A', start: 2105344, sectors: 4194304 },
  { number: 4, label: 'USR-B', start: 6299648, sectors: 4194304 },
  { number: 6, label: 'OEM', start: 10493952, sectors: 2097152 },
  { number: 7, label: 'OEM-CONFIG', start: 12591104, sectors: 131072 },
  { number: 9, label: 'ROOT', start: 12722176, sectors: 3653632 },
]

function place(table: typeof TABLE_A, number: number): { readonly offset: number; readonly length: number } {
  const row = table.find((candidate) => candidate.number === number)!
  return { offset: row.start * SECTOR, length: row.sectors * SECTOR }
}

const RAW_IMAGES = ['cl-generic', 'fl-ext4', 'fl-layout-a', 'fl-btrfs-usr', 'fl-layout-b'] as const
function tableOf(name: StandardImage): typeof TABLE_A {
  return name === 'fl-layout-b' ? TABLE_B : TABLE_A
}

interface SgdiskEntry {
  readonly type: string
  readonly guid: string
  readonly first: number
  readonly last: number
  readonly attributes: string
  readonly label: string
}

async function sgdiskEntry(image: string, number: number): Promise<SgdiskEntry> {
  const text = await run('sgdisk', ['-i', String(number), image])
  const field = (pattern: RegExp) => pattern.exec(text)?.[1] ?? `no ${pattern} in: ${text}`
  return {
    type: field(/GUID code: (\S+)/).toLowerCase(),
    guid: field(/unique GUID: (\S+)/).toLowerCase(),
    first: Number(field(/First sector: (\d+)/)),
    last: Number(field(/Last sector: (\d+)/)),
    attributes: field(/Attribute flags: (\S+)/),
    label: field(/Partition name: '(.*)'/),
  }
}

async function bytesAt(path: string, offset: number, length: number): Promise<Buffer> {
  const file = await open(path, 'r')
  try {
    const bytes = Buffer.alloc(length)
    const { bytesRead } = await file.read(bytes, 0, length, offset)
    return bytes.subarray(0, bytesRead)
  } finally {
    await file.close()
  }
}

async function isZero(path: string, offset: number, length: number): Promise<boolean> {
  // Exit code 1: they differ. Anything else is no answer.
  return await run('cmp', ['-s', '-n', String(length), '-i', `${offset}:0`, path, '/dev/zero']).then(
    () => true,
    (error: { readonly code?: unknown }) => {
      if (error.code !== 1) throw error
      return false
    },
  )
}

async function sha256(path: string): Promise<string> {
  return (await run('sha256sum', [path])).slice(0, 64)
}

/** A partition as a sparse file of its own. */
async function extract(image: string, { offset, length }: { offset: number; length: number }): Promise<string> {
  const target = join(await mkdtemp(join(temporary, 'part-')), 'partition.raw')
  await run('dd', [
    ...[`if=${image}`, `of=${target}`, 'bs=1M', `skip=${offset}`, `count=${length}`],
    ...['iflag=skip_bytes,count_bytes', 'conv=sparse', 'status=none'],
  ])
  // dd leaves trailing zeros out.
  await run('truncate', ['-s', String(length), target])
  return target
}

async function blkid(path: string): Promise<string> {
  return await run('blkid', ['-p', '-o', 'export', path])
}

/** A filesystem inside an image, as e2fsprogs name it. */
function extDevice(image: string, table: typeof TABLE_A, number: number): string {
  return `${image}?offset=${place(table, number).offset}`
}

async function dumpe2fs(device: string): Promise<(name: string) => string> {
  const text = await run('dumpe2fs', ['-h', device])
  return (name) => new RegExp(`^${name}:\\s+(.*)$`, 'm').exec(text)?.[1] ?? `no ${name}`
}

interface ListedFile {
  readonly mode: string
  readonly owner: string
  readonly size: number
}

/** All of an ext filesystem but lost+found, by debugfs. */
async function listExt(device: string, directory = ''): Promise<ReadonlyMap<string, ListedFile>> {
  const files = new Map<string, ListedFile>()
  // /inode/mode/uid/gid/name/size/
  for (const line of (await run('debugfs', ['-R', `ls -p /${directory}`, device])).split('\n')) {
    const [, , mode, uid, gid, name, size] = line.split('/')
    if (mode === undefined || name === undefined || ['.', '..', 'lost+found'].includes(name)) continue
    const path = directory === '' ? name : `${directory}/${name}`
    files.set(path, { mode, owner: `${uid}:${gid}`, size: Number(size) })
    if (mode.startsWith('04')) for (const [inner, file] of await listExt(device, path)) files.set(inner, file)
  }
  return files
}

async function catExt(device: string, path: string): Promise<string> {
  return await run('debugfs', ['-R', `cat /${path}`, device])
}

async function catFat(image: string, table: typeof TABLE_A, path: string): Promise<Buffer> {
  const target = join(await mkdtemp(join(temporary, 'fat-')), 'file')
  await run('mcopy', ['-i', `${image}@@${place(table, 1).offset}`, `::/${path}`, target])
  return await readFile(target)
}

/** Restores files of a btrfs without mounting it. */
async function restoreBtrfs(partition: string): Promise<string> {
  const target = await mkdtemp(join(temporary, 'btrfs-'))
  await run('btrfs', ['restore', '-m', '-S', partition, target])
  return target
}

const PROOFS: Readonly<Record<FactId, () => Promise<void>>> = {
  'disk-length': async () => {
    // Sectors by variant, from the published images.
    const expected = [
      ['container-linux', 'base', 9289728],
      ['container-linux', 'vm', 17805312],
      ['container-linux', 'azure', 63737856],
      ['container-linux', 'vagrant', 38707200],
      ['container-linux', 'onmetal', 9289728],
      ['flatcar', 'base', 16515072],
      ['flatcar', 'vm', 25804800],
      ['flatcar', 'azure', 63737856],
      ['flatcar', 'vagrant', 46706688],
    ] as const
    for (const [distro, variant, sectors] of expected) {
      const image = await fixtureImage({ distro, variant, ...(distro === 'flatcar' ? { layout: 'B' } : {}) })
      expect((await stat(image)).size / SECTOR, `${distro} ${variant}`).toBe(sectors)
      expect(await run('sgdisk', ['--verify', image]), `${distro} ${variant}`).toMatch(/No problems found/)
    }
  },
  'disk-length-base-a': async () => {
    expect((await stat(await fixtureImage('cl-generic'))).size).toBe(4756340736)
  },
  'partition-alignment': async () => {
    for (const name of RAW_IMAGES) {
      for (const { number } of tableOf(name)) {
        expect((await sgdiskEntry(await fixtureImage(name), number)).first % 4096, `${name} ${number}`).toBe(0)
      }
    }
  },
  'gpt-geometry': async () => {
    for (const name of RAW_IMAGES) {
      const image = await fixtureImage(name)
      const { size } = await stat(image)
      const text = await run('sgdisk', ['-p', image])
      expect(text).toMatch(/Partition table holds up to 128 entries/)
      expect(text).toMatch(/Main partition table begins at sector 2 and ends at sector 33/)
      expect(text).toContain(`First usable sector is 34, last usable sector is ${size / SECTOR - 34}`)
      const backup = await bytesAt(image, size - SECTOR, SECTOR)
      expect(backup.subarray(0, 8).toString('latin1')).toBe('EFI PART')
      expect(backup.readBigUInt64LE(72)).toBe(BigInt(size / SECTOR - 33))
    }
  },
  'gpt-valid': async () => {
    for (const name of RAW_IMAGES) {
      const image = await fixtureImage(name)
      expect(await run('sgdisk', ['--verify', image]), name).toMatch(/No problems found/)
      expect(await run('sfdisk', ['--verify', image]), name).toMatch(/No errors detected/)
    }
  },
  'disk-guid': async () => {
    for (const name of RAW_IMAGES) {
      const text = await run('sgdisk', ['-p', await fixtureImage(name)])
      expect(text, name).toContain('Disk identifier (GUID): 00000000-0000-0000-0000-000000000001')
    }
  },
  'partition-guids': async () => {
    for (const number of [1, 2, 6, 9]) {
      const guid = async (name: StandardImage) => (await sgdiskEntry(await fixtureImage(name), number)).guid
      expect(await guid('cl-rackspace')).toBe(await guid('cl-generic'))
      expect(await guid('cl-onmetal')).toBe(await guid('cl-generic'))
      expect(await guid('fl-layout-a')).not.toBe(await guid('fl-btrfs-usr'))
    }
  },
  'usr-guids': async () => {
    for (const name of RAW_IMAGES) {
      const image = await fixtureImage(name)
      expect((await sgdiskEntry(image, 3)).guid).toBe('7130c94a-213a-4e5a-8e26-6cce9662f132')
      expect((await sgdiskEntry(image, 4)).guid).toBe('e03dd35c-7c2d-4a47-b3fe-27f15780a57c')
    }
  },
  'usr-attributes': async () => {
    for (const name of RAW_IMAGES) {
      const image = await fixtureImage(name)
      expect((await sgdiskEntry(image, 3)).attributes).toBe('0101000000000000')
      expect((await sgdiskEntry(image, 4)).attributes).toBe('0000000000000000')
    }
  },
  'type-guids': async () => {
    const types = new Map([
      [1, 'c12a7328-f81f-11d2-ba4b-00a0c93ec93b'],
      [2, '21686148-6449-6e6f-744e-656564454649'],
      [3, '5dfbf5f4-2848-4bac-aa5e-0d9a20b745a6'],
      [4, '5dfbf5f4-2848-4bac-aa5e-0d9a20b745a6'],
      [6, '0fc63daf-8483-4772-8e79-3d69d8477de4'],
      [7, 'c95dc21a-df0e-4340-8d7b-26cbfa9a03e0'],
      [9, '3884dd41-8582-4404-b9a8-e9b84f2df50e'],
    ])
    for (const name of RAW_IMAGES) {
      for (const [number, type] of types) {
        expect((await sgdiskEntry(await fixtureImage(name), number)).type, `${name} ${number}`).toBe(type)
      }
    }
  },
  'table-a': async () => {
    for (const name of ['cl-generic', 'fl-ext4', 'fl-layout-a', 'fl-btrfs-usr'] as const)
      await expectTable(name, TABLE_A)
  },
  'table-b': async () => {
    await expectTable('fl-layout-b', TABLE_B)
  },
  'blank-slots': async () => {
    for (const name of RAW_IMAGES) {
      for (const slot of [5, 8]) {
        expect(await isZero(await fixtureImage(name), 2 * SECTOR + (slot - 1) * 128, 128), `${name} ${slot}`).toBe(true)
      }
    }
  },
  esp: async () => {
    for (const name of RAW_IMAGES) {
      const partition = await extract(await fixtureImage(name), place(tableOf(name), 1))
      const text = await blkid(partition)
      expect(text).toContain('LABEL=EFI-SYSTEM')
      expect(text).toContain('VERSION=FAT32')
      await run('fsck.vfat', ['-n', partition])
      await rm(partition)
    }
  },
  'first-boot': async () => {
    expect(await catFat(await fixtureImage('cl-generic'), TABLE_A, 'coreos/first_boot')).toHaveLength(0)
    expect(await catFat(await fixtureImage('fl-layout-a'), TABLE_A, 'flatcar/first_boot')).toHaveLength(0)
    expect(await catFat(await fixtureImage('fl-layout-b'), TABLE_B, 'flatcar/first_boot')).toHaveLength(0)
  },
  'bios-boot': async () => {
    for (const name of ['cl-generic', 'fl-layout-b'] as const) {
      const { offset, length } = place(tableOf(name), 2)
      const image = await fixtureImage(name)
      expect(await isZero(image, offset, length)).toBe(false)
      // blkid exits with 2 when it recognises nothing.
      await expect(blkid(await extract(image, { offset, length }))).rejects.toMatchObject({ code: 2 })
    }
  },
  'usr-a-ext2': async () => {
    for (const name of ['cl-generic', 'fl-ext4', 'fl-layout-a'] as const) {
      const usr = await extractUsr(name)
      expect(await blkid(usr)).toContain('TYPE=ext2')
      await rm(usr)
    }
  },
  'usr-a-btrfs': async () => {
    for (const name of ['fl-btrfs-usr', 'fl-layout-b'] as const) {
      const usr = await extract(await fixtureImage(name), place(tableOf(name), 3))
      expect(await blkid(usr)).toContain('TYPE=btrfs')
      await run('btrfs', ['check', usr])
      await rm(usr)
    }
  },
  'usr-a-files': async () => {
    const usr = await extractUsr('cl-generic')
    const files = [...(await listExt(usr))].filter(
      ([path, { mode }]) => path.startsWith('bin/') && mode.startsWith('100'),
    )
    expect(files.length).toBeGreaterThan(10)
    const dense = files.reduce((sum, [, { size }]) => sum + size, 0)
    expect(dense).toBeGreaterThan(1024 * 1024)
    for (const [path] of files.slice(0, 5)) {
      const copy = join(temporary, 'usr-file')
      await run('debugfs', ['-R', `dump /${path} ${copy}`, usr])
      expect(await sha256(copy), path).toBe(await sha256(`/usr/${path}`))
    }
    await rm(usr)
  },
  'os-release': async () => {
    const container = await extractUsr('cl-generic')
    const text = await catExt(container, 'lib/os-release')
    expect(text).toMatch(/^NAME="Container Linux by CoreOS"$/m)
    expect(text).toMatch(/^ID=coreos$/m)
    expect(text).toMatch(/^VERSION=2512\.3\.0$/m)
    expect(text).toMatch(/^VERSION_ID=2512\.3\.0$/m)
    expect(text).toMatch(/^BUILD_ID=/m)
    expect(await catExt(container, 'share/coreos/release')).toMatch(/^COREOS_RELEASE_VERSION=2512\.3\.0$/m)
    const flatcar = await extractUsr('fl-layout-a')
    expect(await catExt(flatcar, 'lib/os-release')).toMatch(/^ID=flatcar$/m)
    expect(await catExt(flatcar, 'share/flatcar/release')).toMatch(/^FLATCAR_RELEASE_VERSION=3510\.2\.8$/m)
    const newest = await restoreBtrfs(await extract(await fixtureImage('fl-layout-b'), place(TABLE_B, 3)))
    expect(await readFile(join(newest, 'lib/os-release'), 'utf8')).toMatch(/^VERSION=4593\.0\.0$/m)
  },
  verity: async () => {
    for (const name of ['cl-generic', 'fl-btrfs-usr', 'fl-layout-b'] as const) {
      const { usr, dataBlocks, rootHash } = await verityOf(name)
      await verifyTree(usr, dataBlocks, rootHash)
      if (name !== 'cl-generic') continue
      // A tree that accepts anything would prove nothing.
      const file = await open(usr, 'r+')
      await file.write(Buffer.of(0x5a), 0, 1, 4096 * 1000)
      await file.close()
      await expect(verifyTree(usr, dataBlocks, rootHash)).rejects.toThrow()
    }
  },
  'root-hash': async () => {
    const { usr, dataBlocks, rootHash } = await verityOf('fl-layout-a')
    expect(rootHash).toMatch(/^[0-9a-f]{64}$/)
    await verifyTree(usr, dataBlocks, rootHash)
    await expect(verifyTree(usr, dataBlocks, rootHash.replace(/^../, '00'))).rejects.toThrow()
    await rm(usr)
  },
  'ro-compat': async () => {
    for (const name of ['cl-generic', 'fl-layout-a'] as const) {
      const image = await fixtureImage(name)
      const usr = await extract(image, place(TABLE_A, 3))
      expect((await bytesAt(usr, 0x464 + 3, 1)).readUInt8(0)).toBe(0xff)
      await expect(run('e2fsck', ['-fn', usr])).rejects.toThrow()
      await clearRoCompat(usr)
      await run('e2fsck', ['-fn', usr])
      await rm(usr)
    }
  },
  'usr-b-empty': async () => {
    for (const name of RAW_IMAGES) {
      const { offset, length } = place(tableOf(name), 4)
      expect(await isZero(await fixtureImage(name), offset, length), name).toBe(true)
    }
  },
  'oem-config-raw': async () => {
    for (const name of RAW_IMAGES) {
      const { offset, length } = place(tableOf(name), 7)
      expect(await isZero(await fixtureImage(name), offset, length), name).toBe(true)
    }
  },
  root: async () => {
    for (const name of RAW_IMAGES) {
      const device = extDevice(await fixtureImage(name), tableOf(name), 9)
      await run('e2fsck', ['-fn', device])
      const field = await dumpe2fs(device)
      expect(field('Filesystem volume name')).toBe('ROOT')
      expect(field('Filesystem features')).toMatch(/has_journal.*extent/)
      expect(Number(field('Inode count')) - Number(field('Free inodes'))).toBeLessThan(20)
    }
  },
  'variant-onmetal': async () => {
    const image = await fixtureImage('cl-onmetal')
    const entry = await sgdiskEntry(image, 7)
    expect(entry).toMatchObject({ label: 'config-2', type: '0fc63daf-8483-4772-8e79-3d69d8477de4', first: 4726784 })
    const text = await blkid(await extract(image, place(TABLE_A, 7)))
    expect(text).toContain('TYPE=ext2')
    expect(text).toContain('LABEL=config-2')
  },
  'oem-ext4-format': async () => {
    const known =
      'has_journal ext_attr resize_inode dir_index filetype extent flex_bg sparse_super large_file huge_file uninit_bg dir_nlink extra_isize'
    for (const [name, inodeBytes] of [
      ['cl-generic', '128'],
      ['fl-ext4', '256'],
    ] as const) {
      const field = await dumpe2fs(extDevice(await fixtureImage(name), TABLE_A, 6))
      expect(field('Block size')).toBe('4096')
      expect(field('Block count')).toBe('32768')
      expect(field('Inode count')).toBe('32768')
      expect(field('Inode size')).toBe(inodeBytes)
      expect(field('Filesystem features').split(/\s+/).sort()).toEqual(known.split(' ').sort())
    }
  },
  'oem-ext4-space': async () => {
    const field = await dumpe2fs(extDevice(await fixtureImage('cl-generic'), TABLE_A, 6))
    expect(Math.abs(Number(field('Free blocks')) - 27620)).toBeLessThan(30)
    expect(field('Reserved block count')).toBe(String(Math.floor(32768 * 0.05)))
    expect(field('Total journal size')).toBe('16M')
  },
  'oem-ext4-clean': async () => {
    for (const name of ['cl-generic', 'cl-rackspace', 'fl-ext4'] as const) {
      const device = extDevice(await fixtureImage(name), TABLE_A, 6)
      await run('e2fsck', ['-fn', device])
      const field = await dumpe2fs(device)
      expect(field('Filesystem state')).toBe('clean')
      expect(field('Errors behavior')).toBe('Remount read-only')
    }
  },
  'oem-btrfs-format': async () => {
    for (const name of ['fl-layout-a', 'fl-btrfs-usr', 'fl-layout-b'] as const) {
      const { length, offset } = place(tableOf(name), 6)
      const oem = await extract(await fixtureImage(name), { offset, length })
      await run('btrfs', ['check', '--check-data-csum', oem])
      const text = await run('btrfs', ['inspect-internal', 'dump-super', '-a', oem])
      expect(text).toContain('MIXED_GROUPS')
      expect(text).toMatch(new RegExp(`^total_bytes\\s+${length}$`, 'm'))
      expect(text).not.toMatch(/DON'T MATCH/)
      expect(await run('btrfs', ['inspect-internal', 'dump-tree', '-t', 'chunk', oem])).toContain(
        'type DATA|METADATA|single',
      )
      await rm(oem)
    }
  },
  'oem-btrfs-zlib': async () => {
    // What the kernel makes of it was checked once by hand with guestfish: getxattr gives zlib, a new file inherits it,
    // and its extents are compressed.
    for (const name of ['fl-layout-a', 'fl-btrfs-usr', 'fl-layout-b'] as const) {
      const oem = await extract(await fixtureImage(name), place(tableOf(name), 6))
      const tree = await run('btrfs', ['inspect-internal', 'dump-tree', '-t', '5', oem])
      expect(tree).toMatch(/key \(256 INODE_ITEM 0\)[\s\S]*?flags 0x800\(COMPRESS\)/)
      expect(tree).toMatch(/key \(256 XATTR_ITEM \d+\)[\s\S]*?name: btrfs\.compression\s+data zlib/)
      await rm(oem)
    }
  },
  'oem-label': async () => {
    for (const name of RAW_IMAGES) {
      const image = await fixtureImage(name)
      expect((await sgdiskEntry(image, 6)).label).toBe('OEM')
      const oem = await extract(image, place(tableOf(name), 6))
      expect(await blkid(oem), name).toMatch(/^LABEL=OEM$/m)
      await rm(oem)
    }
  },
  'hybrid-mbr': async () => {
    for (const name of ['cl-generic', 'fl-ext4', 'fl-layout-a', 'fl-btrfs-usr'] as const) {
      const image = await fixtureImage(name)
      const mbr = await run('sfdisk', ['--label-nested', 'dos', '-d', image])
      expect(mbr).toMatch(/1 : start= +4096, size= +262144, type=c, bootable/)
      expect(mbr).toMatch(/2 : start= +1, size= +4095, type=ee/)
      expect(mbr).not.toMatch(/[34] : /)
      expect((await sgdiskEntry(image, 1)).attributes).toBe('0000000000000004')
    }
  },
  'protective-mbr': async () => {
    const image = await fixtureImage('fl-layout-b')
    const mbr = await run('sfdisk', ['--label-nested', 'dos', '-d', image])
    expect(mbr).toMatch(/1 : start= +1, size= +16515071, type=ee$/m)
    expect(mbr).not.toMatch(/[234] : /)
    expect((await sgdiskEntry(image, 1)).attributes).toBe('0000000000000000')
  },
  'qcow2-container-linux': async () => {
    const image = await fixtureImage('cl-openstack-qcow2')
    expect(await qcow2(image)).toMatchObject({ compat: '0.10', size: 9116319744, compressed: 0 })
    expect((await bytesAt(image, 0, 8)).toString('hex')).toBe('514649fb00000002')
  },
  'qcow2-flatcar': async () => {
    const facts = await qcow2(await fixtureImage('fl-openstack'))
    expect(facts).toMatchObject({ compat: '0.10', size: 9116319744 })
    expect(facts.compressed).toBeGreaterThan(10)
  },
  lbzip2: async () => {
    const image = await fixtureImage('cl-generic-lbzip2')
    await run('bzip2', ['-t', image])
    expect(await streamStarts(image)).toBe(1)
  },
  pbzip2: async () => {
    const image = await fixtureImage('cl-generic-pbzip2')
    await run('bzip2', ['-t', image])
    expect(await streamStarts(image)).toBeGreaterThan(1000)
  },
  'oem-owners': async () => {
    for (const name of ['cl-rackspace'] as const) {
      for (const [path, file] of await listExt(extDevice(await fixtureImage(name), TABLE_A, 6))) {
        expect(file.owner, path).toBe('0:0')
        const executable = path.startsWith('bin/') || path.includes('/sbin/')
        const expected = file.mode.startsWith('04') ? '040755' : executable ? '100755' : '100644'
        expect(file.mode, path).toBe(expected)
      }
    }
    const flatcar = await extract(await fixtureImage('fl-layout-b'), place(TABLE_B, 6))
    const tree = await run('btrfs', ['inspect-internal', 'dump-tree', '-t', '5', flatcar])
    const inodes = [...tree.matchAll(/mode (\d+) links \d+ uid (\d+) gid (\d+)/g)].map(([, ...fields]) =>
      fields.join(' '),
    )
    expect(new Set(inodes)).toEqual(new Set(['40755 0 0', '100644 0 0']))
  },
  'oem-openstack': async () => {
    const raw = join(temporary, 'openstack.raw')
    await run('qemu-img', ['convert', '-O', 'raw', await fixtureImage('cl-openstack-qcow2'), raw])
    const device = extDevice(raw, TABLE_A, 6)
    expect([...(await listExt(device)).keys()].sort()).toEqual([
      'base',
      'base/README',
      'base/default.ign',
      'grub.cfg',
      'oem-release',
    ])
    expect(await catExt(device, 'grub.cfg')).toMatch(/^set oem_id="openstack"$/m)
    expect(JSON.parse(await catExt(device, 'base/default.ign')).ignition.version).toBe('2.1.0')
    await rm(raw)
  },
  'oem-rackspace': async () => {
    const device = extDevice(await fixtureImage('cl-rackspace'), TABLE_A, 6)
    const paths = [...(await listExt(device)).keys()]
    expect(paths).toEqual(
      expect.arrayContaining([
        'cloud-config.yml',
        'grub.cfg',
        'bin/coreos-setup-environment',
        'bin/nova-agent-watcher',
        'nova-agent/usr/sbin/nova-agent',
      ]),
    )
    expect(paths).not.toContain('oem-release')
    expect(await catExt(device, 'cloud-config.yml')).toMatch(/^#cloud-config\n/)
  },
  'oem-sysext': async () => {
    for (const [name, release] of [
      ['fl-btrfs-usr', '3815.2.0'],
      ['fl-layout-b', '4593.0.0'],
    ] as const) {
      const files = await restoreBtrfs(await extract(await fixtureImage(name), place(tableOf(name), 6)))
      expect((await run('find', [files, '-type', 'f', '-printf', '%P\\n'])).trim().split('\n').sort()).toEqual([
        'grub.cfg',
        'oem-release',
        'sysext/active-oem-openstack',
        `sysext/oem-openstack-${release}.raw`,
      ])
      expect((await stat(join(files, 'sysext/active-oem-openstack'))).size).toBe(0)
      expect(await readFile(join(files, 'grub.cfg'), 'utf8')).toMatch(/^set oem_id="openstack"$/m)
    }
  },
  'oem-release': async () => {
    const files = await restoreBtrfs(await extract(await fixtureImage('fl-layout-b'), place(TABLE_B, 6)))
    const path = join(files, 'oem-release')
    const text = await readFile(path, 'utf8')
    expect(text.split('\n').slice(0, -1)).toHaveLength(5)
    expect(text).toMatch(/^ID=openstack\nVERSION_ID=[a-z0-9._-]+\n/)
    // Readers of the vendors evaluate every line with OEM_ in front and stop at the first that fails.
    const readers = 'set -e; while read -r line; do eval "OEM_$line"; done < "$1"; printf %s "$OEM_ID"'
    expect(await run('bash', ['-c', readers, 'reader', path])).toBe('openstack')
  },
  sparse: async () => {
    for (const name of RAW_IMAGES) {
      expect((await stat(await fixtureImage(name))).blocks * 512, name).toBeLessThan(32 * 1024 * 1024)
    }
  },
  deterministic: async () => {
    for (const options of [STANDARD_IMAGES['cl-rackspace'], { distro: 'flatcar', oem: 'openstack' }] as const) {
      const make = async (name: string, seed: number) =>
        (await makeImage({ ...options, seed, output: join(temporary, name) })).path
      const [first, second, other] = [await make('first', 1), await make('second', 1), await make('other', 2)]
      await run('cmp', [first, second])
      await expect(run('cmp', [first, other])).rejects.toThrow()
      for (const path of [first, second, other]) await rm(path)
    }
  },
}

async function expectTable(name: StandardImage, table: typeof TABLE_A): Promise<void> {
  const image = await fixtureImage(name)
  const listed = (await run('sgdisk', ['-p', image])).split('\n').filter((line) => /^ +\d+ +\d+ /.test(line))
  expect(listed).toHaveLength(table.length)
  for (const { number, label, start, sectors } of table) {
    const entry = await sgdiskEntry(image, number)
    expect(entry, `${name} ${number}`).toMatchObject({ label, first: start, last: start + sectors - 1 })
  }
}

async function clearRoCompat(usr: string): Promise<void> {
  const file = await open(usr, 'r+')
  await file.write(Buffer.of(0), 0, 1, 0x464 + 3)
  await file.close()
}

/** USR-A of an ext2 image with the guard byte cleared, so that e2fsprogs open it. */
async function extractUsr(name: StandardImage): Promise<string> {
  const usr = await extract(await fixtureImage(name), place(TABLE_A, 3))
  await clearRoCompat(usr)
  return usr
}

async function verityOf(name: StandardImage) {
  const image = await fixtureImage(name)
  const table = tableOf(name)
  const usr = await extract(image, place(table, 3))
  const vendor = name.startsWith('cl-') ? 'coreos' : 'flatcar'
  const kernel = await catFat(image, table, `${vendor}/vmlinuz-a`)
  const isBtrfs = (await bytesAt(usr, 65536 + 0x40, 8)).toString('latin1') === '_BHRfS_M'
  // s_blocks_count, or total_bytes of the superblock
  const dataBlocks = isBtrfs
    ? Number((await bytesAt(usr, 65536 + 0x70, 8)).readBigUInt64LE(0)) / 4096
    : (await bytesAt(usr, 1024 + 4, 4)).readUInt32LE(0)
  return { usr, dataBlocks, rootHash: kernel.subarray(64, 128).toString('latin1') }
}

async function verifyTree(usr: string, dataBlocks: number, rootHash: string): Promise<void> {
  await run('veritysetup', [
    ...['verify', '--no-superblock', '--hash=sha256', '--salt=-', '--data-block-size=4096', '--hash-block-size=4096'],
    ...[`--data-blocks=${dataBlocks}`, `--hash-offset=${dataBlocks * 4096}`, usr, usr, rootHash],
  ])
}

async function qcow2(
  image: string,
): Promise<{ readonly compat: string; readonly size: number; readonly compressed: number }> {
  const info = JSON.parse(await run('qemu-img', ['info', '-f', 'qcow2', '--output=json', image]))
  const check = JSON.parse(await run('qemu-img', ['check', '-f', 'qcow2', '--output=json', image]))
  expect(check['check-errors']).toBe(0)
  return {
    compat: info['format-specific'].data.compat,
    size: info['virtual-size'],
    compressed: check['compressed-clusters'] ?? 0,
  }
}

/** How many bzip2 streams of level 9 with at least one block start at a byte. */
async function streamStarts(path: string): Promise<number> {
  const start = Buffer.from('BZh9\x31\x41\x59\x26\x53\x59', 'latin1')
  const bytes = await readFile(path)
  let count = 0
  for (let at = bytes.indexOf(start); at !== -1; at = bytes.indexOf(start, at + 1)) count++
  return count
}

describe('every fact about the sample images has a proof, and', () => {
  for (const [id, sentence] of Object.entries(FACTS)) {
    it(`${id}: ${sentence}`, async () => {
      const proof = Object.entries(PROOFS).find(([name]) => name === id)?.[1]
      expect(proof, `no proof for ${id}`).toBeDefined()
      await proof?.()
    }, 300_000)
  }
})

describe('make-image', () => {
  it('refuses a layout that the release never had', async () => {
    await rejectsWithCode(() => planImage({ distro: 'container-linux', layout: 'B' }), 'ERR_USAGE')
    await rejectsWithCode(() => planImage({ distro: 'flatcar', release: '3510.2.8', layout: 'B' }), 'ERR_USAGE')
    await rejectsWithCode(() => planImage({ distro: 'flatcar', release: '4593.0.0', layout: 'A' }), 'ERR_USAGE')
  })

  it('refuses a release that is not three numbers', async () => {
    for (const release of ['2512', '2512.3', 'current', '2512.3.0-dev', '']) {
      await rejectsWithCode(() => planImage({ distro: 'container-linux', release }), 'ERR_USAGE')
    }
  })

  it('keeps an existing file without force, and leaves nothing beside it', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'oem-bake-make-image-'))
    try {
      const output = join(directory, 'image.bin')
      await run('cp', ['/etc/hostname', output])
      await rejectsWithCode(makeImage({ distro: 'container-linux', output }), 'ERR_OUTPUT_EXISTS')
      expect(await sha256(output)).toBe(await sha256('/etc/hostname'))
      expect((await run('ls', ['-A', directory])).trim()).toBe('image.bin')
    } finally {
      await rm(directory, { recursive: true })
    }
  })

  it('makes a small raw image in less than ten seconds', async () => {
    const started = performance.now()
    const made = await makeImage({ distro: 'container-linux', output: join(temporary, 'quick.bin') })
    expect(performance.now() - started).toBeLessThan(10_000)
    await rm(made.path)
  })
})
