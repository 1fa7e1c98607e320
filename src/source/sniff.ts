/**
 * Tells what a file is from its bytes; the name is never trusted (`.img.bz2` may hold qcow2, `.img` may be bzip2).
 *
 * Used twice: on the file as it lies on disk, to choose a codec, and on decoded bytes, to choose a disk format.
 * Sources: the magic numbers of each format's specification, as file(1) knows them.
 */
import type { ByteDevice } from '../byte-device.js'

/** Everything that people have been seen to offer as an image. */
export type FileKind =
  | 'bzip2'
  | 'gzip'
  | 'xz'
  | 'zstd'
  | 'zip'
  | 'lz4'
  | 'tar'
  | 'qcow2'
  | 'qed'
  | 'vmdk'
  | 'vmdk descriptor'
  | 'vhd (dynamic)'
  | 'vhd (fixed)'
  | 'vhdx'
  | 'vdi'
  | 'iso 9660'
  | 'squashfs'
  | 'cpio'
  | 'disk with a GPT'
  | 'disk with an MBR'
  | 'web page or text'
  | 'unknown'

interface Magic {
  readonly kind: FileKind
  readonly offset: number
  readonly bytes: Buffer
}

const magic = (kind: FileKind, bytes: string, offset = 0): Magic => ({
  kind,
  offset,
  bytes: Buffer.from(bytes, 'latin1'),
})

/** In the order of looking: what can't be mistaken comes first. */
const MAGICS: readonly Magic[] = [
  magic('gzip', '\x1f\x8b'),
  magic('xz', '\xfd7zXZ\0'),
  magic('zstd', '\x28\xb5\x2f\xfd'),
  magic('zip', 'PK\x03\x04'),
  magic('lz4', '\x04\x22\x4d\x18'),
  magic('qcow2', 'QFI\xfb'),
  magic('qed', 'QED\0'),
  magic('vmdk', 'KDMV'),
  magic('vmdk descriptor', '# Disk DescriptorFile'),
  magic('vhd (dynamic)', 'conectix'),
  magic('vhdx', 'vhdxfile'),
  magic('vdi', '\x7f\x10\xda\xbe', 0x40),
  magic('squashfs', 'hsqs'),
  magic('cpio', '070701'),
  magic('tar', 'ustar', 257),
  magic('iso 9660', 'CD001', 0x8001),
]

const BLOCK_MAGIC = Buffer.from([0x31, 0x41, 0x59, 0x26, 0x53, 0x59])
const END_OF_STREAM_MAGIC = Buffer.from([0x17, 0x72, 0x45, 0x38, 0x50, 0x90])
const VHD_FOOTER_BYTES = 512

export async function sniff(device: ByteDevice): Promise<FileKind> {
  const head = await device.read(0, Math.min(device.size, 0x8001 + 5))
  if (isBzip2(head)) return 'bzip2'
  for (const { kind, offset, bytes } of MAGICS) {
    if (head.subarray(offset, offset + bytes.length).equals(bytes)) return kind
  }
  // A fixed VHD is a raw disk with a footer: without this look, qemu and people alike take the footer for data.
  if (device.size >= 2 * VHD_FOOTER_BYTES) {
    const footer = await device.read(device.size - VHD_FOOTER_BYTES, VHD_FOOTER_BYTES)
    if (footer.subarray(0, 8).toString('latin1') === 'conectix') return 'vhd (fixed)'
  }
  if (head.subarray(512, 520).toString('latin1') === 'EFI PART') return 'disk with a GPT'
  if (head.length >= 512 && head.readUInt16LE(510) === 0xaa55) return 'disk with an MBR'
  return looksLikeText(head) ? 'web page or text' : 'unknown'
}

/** `BZh1` to `BZh9` followed by the magic of a block or of the end of the stream. */
function isBzip2(head: Buffer): boolean {
  if (!/^BZh[1-9]$/.test(head.subarray(0, 4).toString('latin1'))) return false
  const next = head.subarray(4, 10)
  // A file cut off inside its first ten bytes is still bzip2: the codec then says that it is truncated.
  return next.length < 6 || next.equals(BLOCK_MAGIC) || next.equals(END_OF_STREAM_MAGIC)
}

function looksLikeText(head: Buffer): boolean {
  const sample = head.subarray(0, 512)
  return sample.every((byte) => byte >= 0x20 || byte === 0x09 || byte === 0x0a || byte === 0x0d)
}
