/**
 * Bytes that look random and are the same every time: AES-256 in counter mode under a key made from seed and purpose.
 *
 * Each purpose has a stream of its own, so that a change to one part of an image leaves the others alone.
 */
import { createCipheriv, createHash } from 'node:crypto'

export function seededBytes(seed: number, purpose: string, length: number): Buffer {
  const key = createHash('sha256').update(`oem-bake make-image ${seed} ${purpose}`).digest()
  return createCipheriv('aes-256-ctr', key, Buffer.alloc(16)).update(Buffer.alloc(length))
}

/** A random-looking UUID (RFC 9562 version 4) as text. */
export function seededUuid(seed: number, purpose: string): string {
  const bytes = seededBytes(seed, `uuid ${purpose}`, 16)
  bytes.writeUInt8((bytes.readUInt8(6) & 0x0f) | 0x40, 6)
  bytes.writeUInt8((bytes.readUInt8(8) & 0x3f) | 0x80, 8)
  return bytes.toString('hex').replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-')
}
