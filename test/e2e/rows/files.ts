/** Inputs that are no image at all, or one in a wrapping that is not read. */
import { execFileSync } from 'node:child_process'
import { mkdirSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { crc32, gzipSync } from 'node:zlib'
import { compress } from '../../support/bzip2.js'
import { noise, prose } from '../../support/random.js'
import { DiskPatcher } from '../../support/small-disk.js'
import { image, type Place, RACKSPACE, type Row } from './row.js'

/** Lays one file down and bakes it. */
const file = (name: string, bytes: Buffer | string) => (place: Place) => {
  writeFileSync(join(place, name), bytes)
  return { args: [join(place, name), ...RACKSPACE] }
}

/** The small disk in another format, by qemu-img. */
const converted =
  (name: string, format: string, options: readonly string[] = []) =>
  (place: Place) => {
    const path = image(place)
    execFileSync('qemu-img', ['convert', '-f', 'raw', '-O', format, ...options, path, join(place, name)])
    rmSync(path)
    return { args: [join(place, name), ...RACKSPACE] }
  }

const unsupported = (kind: string, name: string, hint: string, make: Row['make'], code: string): Row => ({
  title: `${kind}`,
  make,
  exitCode: 5,
  code,
  says: [kind, 'not supported yet', ...(code === 'ERR_CODEC_UNSUPPORTED' ? [name] : [])],
  hint: [hint],
})

/** A frame of no bytes: magic, frame header descriptor, content size, last raw block of length 0 (RFC 8878, section 3.1). */
const EMPTY_ZSTD = Buffer.from('28b52ffd2000010000', 'hex')
/** A stream without blocks: stream header, index, stream footer (The .xz File Format 1.1.0, section 2.1). */
const EMPTY_XZ = Buffer.from('fd377a585a000004e6d6b446000000001cdf44211fb6f37d010000000004595a', 'hex')

/** A ZIP archive of one stored file (APPNOTE.TXT 6.3.10, sections 4.3.7, 4.3.12 and 4.3.16). */
function zipOf(name: string, content: Buffer): Buffer {
  const common = Buffer.alloc(26)
  common.writeUInt16LE(10, 0)
  common.writeUInt32LE(crc32(content), 10)
  common.writeUInt32LE(content.length, 14)
  common.writeUInt32LE(content.length, 18)
  common.writeUInt16LE(name.length, 22)
  const local = Buffer.concat([Buffer.from('PK\x03\x04', 'latin1'), common, Buffer.from(name), content])
  const central = Buffer.concat([
    Buffer.from('PK\x01\x02\x14\0', 'latin1'),
    common,
    Buffer.alloc(14),
    Buffer.from(name),
  ])
  const end = Buffer.alloc(22)
  end.write('PK\x05\x06', 0, 'latin1')
  end.writeUInt16LE(1, 8)
  end.writeUInt16LE(1, 10)
  end.writeUInt32LE(central.length, 12)
  end.writeUInt32LE(local.length, 16)
  return Buffer.concat([local, central, end])
}

export const FILE_ROWS: readonly Row[] = [
  {
    title: 'random bytes',
    make: file('noise.bin', noise(1 << 20)),
    exitCode: 4,
    code: 'ERR_NOT_AN_IMAGE',
    says: ['not a disk image', 'sector 1', '1048576 bytes'],
    hint: ['.img.bz2'],
  },
  {
    title: 'an HTML page saved under the name of an image',
    make: file('image.img.bz2', '<!DOCTYPE html>\n<html><head><title>404 Not Found</title></head></html>\n'),
    exitCode: 4,
    code: 'ERR_NOT_AN_IMAGE',
    says: ['image.img.bz2', 'text', 'error page'],
    hint: ['head image.img.bz2'],
  },
  {
    title: 'an empty file',
    make: file('image.bin', ''),
    exitCode: 4,
    code: 'ERR_IMAGE_EMPTY',
    says: ['image.bin', '0 bytes'],
    hint: ['download the image again'],
  },
  {
    title: 'a file that is not there',
    make: (place) => ({ args: [join(place, 'nowhere.bin'), ...RACKSPACE] }),
    exitCode: 7,
    code: 'ERR_NOT_FOUND',
    says: ['nowhere.bin', 'no such file'],
    hint: ['check the path'],
  },
  {
    title: 'a directory',
    make: (place) => {
      mkdirSync(join(place, 'images'))
      return { args: [join(place, 'images'), ...RACKSPACE] }
    },
    exitCode: 8,
    code: 'ERR_NOT_A_REGULAR_FILE',
    says: ['images is a directory'],
    hint: ['name the image file inside it'],
  },
  {
    title: 'a named pipe that nobody writes to',
    make: (place) => {
      execFileSync('mkfifo', [join(place, 'pipe')])
      return { args: [join(place, 'pipe'), ...RACKSPACE] }
    },
    exitCode: 8,
    code: 'ERR_NOT_A_REGULAR_FILE',
    says: ['pipe is a pipe'],
    hint: ['save the image to a file first'],
  },
  {
    title: 'a device',
    make: () => ({ args: ['/dev/null', ...RACKSPACE] }),
    exitCode: 8,
    code: 'ERR_NOT_A_REGULAR_FILE',
    says: ['/dev/null is not a regular file'],
    hint: ['save the image to a file first'],
  },
  {
    title: 'text in bzip2',
    make: file('notes.bz2', compress(prose(100_000))),
    exitCode: 4,
    code: 'ERR_NOT_AN_IMAGE',
    says: ['not a disk image', '100000 bytes'],
    hint: ['.img.bz2'],
  },
  {
    title: 'nothing in bzip2',
    make: file('nothing.bz2', compress(Buffer.alloc(0))),
    exitCode: 4,
    code: 'ERR_NOT_AN_IMAGE',
    says: ['not a disk image', '0 bytes'],
    hint: ['.img.bz2'],
  },
  {
    title: 'bzip2 in bzip2',
    make: file('twice.bz2', compress(compress(prose(100_000)))),
    exitCode: 5,
    code: 'ERR_DISK_FORMAT_UNSUPPORTED',
    says: ['the image is bzip2'],
    hint: ['compressed twice', 'bzip2 -dk'],
  },
  unsupported(
    'gzip',
    'image.bin.gz',
    'gzip -dk image.bin.gz',
    file('image.bin.gz', gzipSync(prose(1000))),
    'ERR_CODEC_UNSUPPORTED',
  ),
  unsupported('xz', 'image.bin.xz', 'xz -dk image.bin.xz', file('image.bin.xz', EMPTY_XZ), 'ERR_CODEC_UNSUPPORTED'),
  unsupported(
    'zstd',
    'image.bin.zst',
    'zstd -d image.bin.zst',
    file('image.bin.zst', EMPTY_ZSTD),
    'ERR_CODEC_UNSUPPORTED',
  ),
  unsupported(
    'zip',
    'image.zip',
    'unzip image.zip',
    file('image.zip', zipOf('image.bin', prose(1000))),
    'ERR_CODEC_UNSUPPORTED',
  ),
  unsupported(
    'vmdk',
    'image.vmdk',
    'qemu-img convert -f vmdk -O raw',
    converted('image.vmdk', 'vmdk', ['-o', 'subformat=streamOptimized']),
    'ERR_DISK_FORMAT_UNSUPPORTED',
  ),
  unsupported(
    'vhd (dynamic)',
    'image.vhd',
    'subformat=dynamic',
    converted('image.vhd', 'vpc', ['-o', 'subformat=dynamic,force_size=on']),
    'ERR_DISK_FORMAT_UNSUPPORTED',
  ),
  unsupported(
    'vhd (fixed)',
    'image.vhd',
    'subformat=fixed',
    converted('image.vhd', 'vpc', ['-o', 'subformat=fixed,force_size=on']),
    'ERR_DISK_FORMAT_UNSUPPORTED',
  ),
  unsupported(
    'vhdx',
    'image.vhdx',
    'qemu-img convert -f vhdx -O raw',
    converted('image.vhdx', 'vhdx'),
    'ERR_DISK_FORMAT_UNSUPPORTED',
  ),
  {
    title: 'qcow2 with a backing file',
    make: (place) => {
      image(place)
      execFileSync('qemu-img', ['create', '-q', '-f', 'qcow2', '-b', 'image.bin', '-F', 'raw', 'overlay.qcow2'], {
        cwd: place,
      })
      return { args: [join(place, 'overlay.qcow2'), ...RACKSPACE] }
    },
    exitCode: 5,
    code: 'ERR_QCOW2_UNSUPPORTED',
    says: ['has a backing file'],
    hint: ['qemu-img convert -O qcow2'],
  },
  {
    title: 'qcow2 whose header contradicts the specification',
    make: (place) => {
      const typed = converted('image.qcow2', 'qcow2')(place)
      using patch = new DiskPatcher(join(place, 'image.qcow2'))
      // 20 u32 cluster_bits
      patch.write(20, Buffer.from([0, 0, 0, 40]))
      return typed
    },
    exitCode: 4,
    code: 'ERR_QCOW2_INVALID',
    says: ['cluster_bits is 40', '9 to 21'],
    hint: ['download the image again'],
  },
  {
    title: 'qcow2 that is cut off',
    make: (place) => {
      const typed = converted('image.qcow2', 'qcow2')(place)
      truncateSync(join(place, 'image.qcow2'), 400_000)
      return typed
    },
    exitCode: 4,
    code: 'ERR_QCOW2_INVALID',
    says: ['cut off', 'the file ends at 400000'],
    hint: ['download the image again'],
  },
]
