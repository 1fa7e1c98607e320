/** Damaged files, and what is found in them. */
import { expect } from 'vitest'
import { compileBlockCodec } from '#src/codec/bzip2/block-codec.js'
import { BlockDecoder } from '#src/codec/bzip2/block-decoder.js'
import { joinSegments } from '#src/codec/bzip2/block-map.js'
import { BlockChain } from '#src/codec/bzip2/chain.js'
import { chainBroken } from '#src/codec/bzip2/damage.js'
import { indexWhole } from '#src/codec/bzip2/full-index.js'
import { OemBakeError } from '#src/errors.js'
import { flipBit } from './bits.js'
import { withFile } from './bzip2-files.js'
import { blocksOf, bunzip2, type LaidOutFile, layOut, phaseBlock } from './bzip2-layout.js'
import { anchorOf, readAtOf } from './chains.js'
import { testContext } from './context.js'
import { withOpenedBzip2 } from './decoders.js'
import { rejectsWithCode } from './errors.js'
import { noise, prose } from './random.js'

export const DAMAGE_CODES = /^ERR_BZIP2_(CORRUPT|TRUNCATED|TRAILING_GARBAGE)$/

/** Two streams with dense blocks, prose and zeros, at several bit phases. */
export const VARIED = layOut([
  {
    level: 1,
    blocks: [
      phaseBlock(1),
      ...blocksOf(noise(110_000), 1, 'bzip2'),
      ...blocksOf(Buffer.concat([prose(20_000), Buffer.alloc(150_000)]), 1, 'lbzip2'),
    ],
  },
  { level: 1, blocks: [phaseBlock(4), ...blocksOf(prose(9000, 2), 1, 'pbzip2')] },
])

let decoder: BlockDecoder | undefined

/** The code of the error that a walk along the whole chain ends in, or `taken`: in this thread, so thousands of times. */
export function verdictOf(bytes: Buffer): string {
  decoder ??= new BlockDecoder(compileBlockCodec())
  const chain = new BlockChain(decoder, readAtOf(bytes), bytes.length)
  const segment = chain.walk('start of file', Number.POSITIVE_INFINITY)
  const { stop } = segment
  try {
    if (stop.kind === 'end') joinSegments([segment], { rawStart: 0 }, 'image')
    else if (stop.kind !== 'block') throw chainBroken('image', stop, bytes.length)
    return 'taken'
  } catch (error) {
    return codeOf(error)
  }
}

/** The same by the full index and its workers. */
export async function indexVerdictOf(bytes: Buffer, directory: string): Promise<string> {
  return await withFile(directory, bytes, (file) => indexWhole(file, testContext()).then(() => 'taken', codeOf))
}

function codeOf(error: unknown): string {
  if (!(error instanceof OemBakeError)) throw error
  expect(error.exitCode, error.message).toBe(4)
  return error.code
}

/** Whether a bit is padding behind a footer: it stands for nothing. */
export function isPadding({ streams }: LaidOutFile, bit: number): boolean {
  return streams.some(({ footerBit }) => bit >= footerBit + 80 && bit < Math.ceil((footerBit + 80) / 8) * 8)
}

/** The same places in every run. */
export function placesIn({ bytes }: LaidOutFile, count: number): number[] {
  return Array.from({ length: count }, (_, nth) => noise(4, `flip ${nth}`).readUInt32BE() % (bytes.length * 8))
}

/** A flipped bit is found out, or is padding, or changes nothing by the word of bzip2. @returns whether it was found out */
export function assertFlipSeen(file: LaidOutFile, bit: number, found: string): boolean {
  if (found !== 'taken') {
    expect(found, `bit ${bit}`).toMatch(DAMAGE_CODES)
    return true
  }
  if (!isPadding(file, bit)) expect(bunzip2(flipBit(file.bytes, bit)).equals(file.decoded), `bit ${bit}`).toBe(true)
  return false
}

/** A flipped bit makes another file than the published one: exit code 3, and the target holds nothing but the copy. */
export async function assertFlipRefusedByDigest(file: LaidOutFile, bit: number, directory: string): Promise<void> {
  const bytes = flipBit(file.bytes, bit)
  const opening = { directory, purpose: 'bake', digest: 'wrong', anchor: anchorOf(file.decoded) } as const
  const error = await rejectsWithCode(
    withOpenedBzip2(bytes, opening, async (decoded) => void (await decoded.settled())),
    // Bits of the level: no bzip2 file for `decodeImage`, which comes first.
    'ERR_DIGEST_MISMATCH',
  )
  expect(error.exitCode).toBe(3)
}
