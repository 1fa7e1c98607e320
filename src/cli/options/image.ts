/** Flags for how an image is opened. */

import type { Options } from 'yargs'
import { UsageError } from '../../errors.js'
import { given } from '../../given.js'
import type { ImageRequest } from '../../request.js'
import { TRUST_OPTIONS, type TrustFlags, trustRequest } from './trust.js'

const IMAGE = 'How the image is opened:'

export const IMAGE_OPTIONS = {
  engine: {
    choices: ['auto', 'embedded', 'libguestfs'] as const,
    requiresArg: true,
    default: 'auto' as const,
    group: IMAGE,
    describe: 'What edits the filesystem',
  },
  release: {
    type: 'string',
    requiresArg: true,
    group: IMAGE,
    describe: 'As container-linux:2512.3.0, if not in the image',
  },
  'max-size': {
    type: 'string',
    requiresArg: true,
    group: IMAGE,
    describe: 'Most that the image may decode to: bytes, or 64GiB',
  },
  cache: { type: 'boolean', default: true, group: IMAGE, describe: 'Remember what is known of an image (--no-cache)' },
  'tmp-dir': { type: 'string', requiresArg: true, group: IMAGE, describe: 'Directory for temporary files' },
  ...TRUST_OPTIONS,
} satisfies Record<string, Options>

export interface ImageFlags extends TrustFlags {
  readonly image?: string | undefined
  readonly engine: 'auto' | 'embedded' | 'libguestfs'
  readonly release?: string | undefined
  readonly tmpDir?: string | undefined
  readonly cache?: boolean | undefined
  readonly maxSize?: string | undefined
}

/** @throws ERR_USAGE without an image, or for a size that is none */
export function imageRequest(flags: ImageFlags): ImageRequest {
  return given({
    image: fileOf(flags.image, 'oem-bake IMAGE --template NAME'),
    engine: flags.engine,
    ...trustRequest(flags),
    release: flags.release,
    tmpDir: flags.tmpDir,
    cache: flags.cache,
    maxSizeBytes: flags.maxSize === undefined ? undefined : parseSize(flags.maxSize),
  })
}

/** The first word after the verb. @param usage how to type it @throws ERR_USAGE without one */
export function fileOf(path: string | undefined, usage: string): string {
  // What yargs makes of a single hyphen.
  if (path === '') {
    throw new UsageError('ERR_USAGE', 'an image is read from a file, not from standard input or an empty name', {
      hint: 'save the image to a file first: it has to be read more than once',
    })
  }
  if (path !== undefined) return path
  throw new UsageError('ERR_USAGE', 'no image was named', { hint: `${usage}; see oem-bake --help` })
}

const SIZE_UNITS: Readonly<Record<string, number>> = { '': 1, KiB: 2 ** 10, MiB: 2 ** 20, GiB: 2 ** 30, TiB: 2 ** 40 }

/** `--max-size`: bytes, or a whole number of a unit. @throws ERR_USAGE */
export function parseSize(text: string): number {
  const [, count, unit] = /^(\d{1,16})(|[KMGT]iB)$/.exec(text) ?? []
  const bytes = Number(count ?? Number.NaN) * (SIZE_UNITS[unit ?? ''] ?? Number.NaN)
  if (Number.isSafeInteger(bytes) && bytes > 0) return bytes
  throw new UsageError('ERR_USAGE', `--max-size ${text}: expected a number of bytes, or of KiB, MiB, GiB or TiB`, {
    hint: '--max-size 64GiB',
  })
}
