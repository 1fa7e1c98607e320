/** The digests of bytes, as our hash thread gives them when both are wanted. */
import { createHash } from 'node:crypto'

export function digestsOf(bytes: Uint8Array): { readonly sha256: string; readonly sha512: string } {
  const digest = (algorithm: string) => createHash(algorithm).update(bytes).digest('hex')
  return { sha256: digest('sha256'), sha512: digest('sha512') }
}
