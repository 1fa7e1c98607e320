/**
 * One compressed cluster, decoded: raw deflate that gives exactly a cluster.
 *
 * How many bytes it has is not written down, only in which sector it ends; what follows the end of the stream belongs to
 * other clusters and is not looked at.
 */
import { promisify } from 'node:util'
import { inflateRaw } from 'node:zlib'
import type { ByteDevice } from '../../byte-device.js'
import { ImageError } from '../../errors.js'
import type { ClusterMapping } from './entry.js'

const inflate = promisify(inflateRaw)

/** @throws ERR_QCOW2_INVALID when that is not what comes out */
export async function inflateCluster(
  file: ByteDevice,
  { hostOffset, length }: ClusterMapping & { readonly kind: 'compressed' },
  clusterBytes: number,
  guestOffset: number,
): Promise<Buffer> {
  const compressed = await file.read(hostOffset, Math.min(length, file.size - hostOffset))
  const invalid = (found: string, cause?: unknown) =>
    new ImageError(
      'ERR_QCOW2_INVALID',
      `the compressed cluster of guest offset ${guestOffset}, at byte ${hostOffset} of the qcow2 image, ${found}`,
      { hint: 'download the image again and check its size and digest', cause },
    )
  // Bounded: deflate can give a thousand times what it takes.
  const bytes = await inflate(compressed, { maxOutputLength: clusterBytes }).catch((error: unknown) => {
    throw invalid(`does not decode to ${clusterBytes} bytes`, error)
  })
  if (bytes.length !== clusterBytes) throw invalid(`decodes to ${bytes.length} bytes, expected ${clusterBytes}`)
  return bytes
}
