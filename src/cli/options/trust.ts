/** Flags for who vouches for an image. */

import type { Options } from 'yargs'
import { given } from '../../given.js'
import type { TrustRequest } from '../../request.js'

const TRUST = 'Who vouches for the image:'

export const TRUST_OPTIONS = {
  verify: {
    choices: ['auto', 'require', 'off'] as const,
    requiresArg: true,
    default: 'auto' as const,
    group: TRUST,
    describe: 'auto checks what is there, require wants a good signature, off checks nothing',
  },
  signature: {
    type: 'string',
    requiresArg: true,
    group: TRUST,
    describe: 'Its OpenPGP signature, if not IMAGE.sig or IMAGE.asc',
  },
  digests: {
    type: 'string',
    requiresArg: true,
    group: TRUST,
    describe: 'Its digest file, if not IMAGE.DIGESTS or the like',
  },
  key: { type: 'string', array: true, nargs: 1, group: TRUST, describe: 'File with a key that it may be signed by' },
} satisfies Record<string, Options>

export interface TrustFlags {
  readonly verify: 'auto' | 'require' | 'off'
  readonly signature?: string | undefined
  readonly digests?: string | undefined
  readonly key?: readonly string[] | undefined
}

export function trustRequest({ digests, key, signature, verify }: TrustFlags): TrustRequest {
  return given({ verify, signature, digests, keys: key })
}
