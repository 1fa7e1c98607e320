/**
 * `verify`: who vouches for a file, with nothing else done with it. Any file; it need not be an image.
 *
 * Every byte is read and hashed, by what signatures and digests ask for and no more.
 */

import { UsageError } from '../errors.js'
import { given } from '../given.js'
import type { RunContext } from '../progress.js'
import type { VerifyRequest } from '../request.js'
import { type Digests, FileHash } from '../source/file-hash.js'
import { openImage } from '../source/source.js'
import type { Verification } from './verification.js'
import { verifyOrigin } from './verify.js'

export interface VerifyReport {
  readonly image: { readonly path: string; readonly sizeBytes: number }
  /** Somebody whose key is there vouches for every byte. */
  readonly verified: boolean
  readonly verification: Verification
  /** Those that were taken: what digest files name, or SHA-256 where nothing is named. Lower-case hex. */
  readonly digests: Pick<Partial<Digests>, 'sha256' | 'sha512'>
}

/** @throws ERR_DIGEST_MISMATCH, ERR_SIGNATURE_BAD and others of exit code 3 when something that is there is bad */
export async function verifyFile(request: VerifyRequest, context: RunContext): Promise<VerifyReport> {
  if (request.verify === 'off') {
    throw new UsageError('ERR_USAGE', 'verify with --verify off would verify nothing', {
      hint: 'leave --verify off out',
    })
  }
  await using opened = await openImage(request.image)
  const { device, expected, handle, origin, path } = await verifyOrigin(opened, request, context)
  const { hashing } = origin
  const isIdle = !hashing.withSha512 && (hashing.signed ?? []).length === 0
  const withSha256 = isIdle || expected.some(({ algorithm }) => algorithm === 'sha256')
  await using hash = new FileHash(hashing, context)
  context.report({ kind: 'phase', phase: 'hash' })
  const { sha256, sha512, signed } = await hash.only(handle.fd, device.size, withSha256, path)
  const digests = given({ sha256, sha512 })
  const verification = await origin.judge(given({ ...digests, signed }))
  await opened.assertUnchanged()
  return {
    image: { path, sizeBytes: device.size },
    verified: verification.status === 'signature',
    verification,
    digests,
  }
}
