/**
 * The qcow2 header: which version it is, and whether it is an image that stands alone.
 *
 * Source: QEMU docs/interop/qcow2.rst, section "Header". Big-endian. An image that names a backing file or an external
 * data file would make any reader open other files of this machine, so both are refused before qemu sees the image.
 * Left out: tables and clusters, which are qemu-img's for now.
 */
import { ImageError, UnsupportedError } from '../../errors.js'

export interface Qcow2Header {
  readonly version: 2 | 3
  readonly clusterBytes: number
  /** Size of the virtual disk. */
  readonly virtualBytes: number
}

export const QCOW2_HEADER_BYTES = 104

const INCOMPATIBLE_DIRTY = 1n << 0n
const INCOMPATIBLE_CORRUPT = 1n << 1n
const INCOMPATIBLE_EXTERNAL_DATA = 1n << 2n
/** qemu-img can read any of these; what we do not know, we refuse. */
const INCOMPATIBLE_KNOWN = INCOMPATIBLE_DIRTY | (1n << 3n) | (1n << 4n)

/**
 * @param bytes the first 104 bytes of the file
 * @throws ERR_QCOW2_INVALID when fields contradict the specification
 * @throws ERR_QCOW2_UNSUPPORTED for backing files, external data files, encryption, snapshots, unknown features
 */
export function parseQcow2Header(bytes: Buffer): Qcow2Header {
  if (bytes.length < 72) throw invalid('the file ends inside the header')
  // 4 u32 version
  const version = bytes.readUInt32BE(4)
  if (version !== 2 && version !== 3)
    throw refused(
      `is qcow2 version ${version}; versions 2 and 3 are read`,
      'qemu-img convert -O qcow2 -o compat=0.10 IN OUT',
    )
  if (version === 3 && bytes.length < QCOW2_HEADER_BYTES) throw invalid('the file ends inside the header')
  // 8 u64 backing_file_offset
  if (bytes.readBigUInt64BE(8) !== 0n)
    throw refused('has a backing file', 'make it stand alone: qemu-img convert -O qcow2 IN OUT')
  // 20 u32 cluster_bits
  const clusterBits = bytes.readUInt32BE(20)
  if (clusterBits < 9 || clusterBits > 21) throw invalid(`cluster_bits is ${clusterBits}, expected 9 to 21`)
  // 24 u64 size
  const virtualBytes = bytes.readBigUInt64BE(24)
  if (virtualBytes === 0n || virtualBytes > BigInt(Number.MAX_SAFE_INTEGER) || virtualBytes % 512n !== 0n) {
    throw invalid(`the virtual size is ${virtualBytes} bytes, expected a whole number of 512-byte sectors`)
  }
  // 32 u32 crypt_method
  if (bytes.readUInt32BE(32) !== 0)
    throw refused('is encrypted', 'decrypt it: qemu-img convert -O qcow2 with the key, then bake that')
  // 60 u32 nb_snapshots
  if (bytes.readUInt32BE(60) !== 0)
    throw refused('holds internal snapshots', 'drop them: qemu-img convert -O qcow2 IN OUT')
  if (version === 3) {
    // 72 u64 incompatible_features
    const incompatible = bytes.readBigUInt64BE(72)
    if ((incompatible & INCOMPATIBLE_EXTERNAL_DATA) !== 0n)
      throw refused('keeps its data in an external file', 'make it stand alone: qemu-img convert -O qcow2 IN OUT')
    if ((incompatible & INCOMPATIBLE_CORRUPT) !== 0n)
      throw invalid('it is marked corrupt', 'qemu-img check -r all IN, or download it again')
    const unknown = incompatible & ~INCOMPATIBLE_KNOWN
    if (unknown !== 0n)
      throw refused(
        `uses unknown incompatible features (0x${unknown.toString(16)})`,
        'qemu-img convert -O qcow2 IN OUT',
      )
  }
  return { version, clusterBytes: 2 ** clusterBits, virtualBytes: Number(virtualBytes) }
}

function invalid(what: string, hint = 'download the image again'): ImageError {
  return new ImageError('ERR_QCOW2_INVALID', `the qcow2 header is not valid: ${what}`, { hint })
}

function refused(what: string, hint: string): UnsupportedError {
  return new UnsupportedError('ERR_QCOW2_UNSUPPORTED', `the qcow2 image ${what}, which is not supported`, { hint })
}
